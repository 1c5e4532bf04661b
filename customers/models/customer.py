"""Customers, and whether they were erased."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from mechanic_shop.accounts.emails import normalize_email
from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.renewal import PeopleQuerySet
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.db.row_locks import locking
from mechanic_shop.db.unique_text import has_a_name
from mechanic_shop.errors import DomainError
from mechanic_shop.fastpath.compiled_queries import CompiledQuery
from mechanic_shop.http.search import every_word, keys, matching

from ..phones import MOST, phone_key, phone_terms


# django-stubs makes a manager class of each queryset, and takes none for another's.
class CustomerQuerySet(PeopleQuerySet, ShopQuerySet):  # type: ignore[override]
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for staff who may see customers, else the user's own record."""
        if user.has_perm("customers.view_customer"):
            return self
        return self.filter(user=user) if user.is_authenticated else self.none()

    def search(self, term: str) -> Self:
        """Finds customers by name, e-mail, address, phone digits, plate and VIN."""
        from .vehicle import Vehicle  # which imports this module for its foreign key

        owners = keys(Vehicle.objects.search_plates(term), "customer")
        return matching(self, matches_customer(term) | Q(pk__in=owners))

    def refuse_erased(self, pk: int, *, lock: bool = True) -> None:
        """Raise DomainError ``customer_erased`` for an erased customer. With ``lock``, the
        customer cannot be erased until this transaction ends.
        """
        if any(erased_at for (erased_at,) in (erasure_locked if lock else erasure).run(pk)):
            raise erased(pk)


@CompiledQuery
def erasure(customer: int) -> Any:
    return Customer.objects.filter(pk=customer).values_list("erased_at")


@CompiledQuery
def erasure_locked(customer: int) -> Any:
    return locking(Customer.objects.filter(pk=customer), no_key=True).values_list("erased_at")


def erased(pk: int) -> DomainError:
    return DomainError(
        "customer_erased",
        f"Customer {pk} was erased, so nothing is written about them any more: add a new customer.",
        customer=pk,
    )


def matches_customer(term: str) -> Q:
    """A condition on a customer: every word in name, e-mail or address, or a phone
    number however it is written.
    """
    words = every_word(term, "name", "email", "address")
    for piece in phone_terms(term):
        words |= Q(phone_digits__contains=piece)
    return words


class Customer(ShopModel):
    """Somebody who brings cars; with a log-in, or without one (a walk-in)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="customer"
    )
    name = models.CharField(max_length=120)
    # NULL where it is unknown: an e-mail is unique, and several customers have none.
    email = models.EmailField(null=True, blank=True)  # noqa: DJ001
    phone = models.CharField(max_length=40, blank=True, help_text="as people write it")
    phone_digits = models.CharField(max_length=MOST, blank=True, editable=False, db_index=True)
    address = models.CharField(max_length=300, blank=True)
    notes = models.TextField(max_length=5000, blank=True, help_text="for staff only")
    tax_exempt = models.BooleanField(
        default=False,
        db_default=False,
        help_text="pays no tax, by a certificate that the shop has seen",
    )
    tax_certificate = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="its number"
    )
    erased_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="since when nothing says any more who it was",
    )

    unaudited = frozenset({"phone_digits"})
    redactable = frozenset({"name", "email", "phone", "address", "notes", "tax_certificate"})

    objects: ClassVar = CustomerQuerySet.as_manager()  # type: ignore[assignment]  # see above

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_customer_per_email",
                violation_error_code="email_taken",
                violation_error_message=(
                    "The shop knows this e-mail already: log in, or reset the password."
                ),
            ),
            has_a_name("a_customer_has_a_name", "customer"),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True)
                | Q(email__isnull=True, phone="", phone_digits="", address="", notes=""),
                name="an_erased_customer_stays_empty",
                violation_error_message="This customer was erased: add a new one.",
            ),
        ]
        permissions = [("erase_customer", "Can erase who a customer was")]
        indexes = [
            models.Index(fields=["name", "id"], name="customers_by_name"),
            models.Index(fields=["created_at", "id"], name="customers_by_age"),
            models.Index(fields=["updated_at", "id"], name="customers_by_change"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = normalize_email(self.email) if self.email else None
        self.phone_digits = phone_key(self.phone)
        fields = kwargs.get("update_fields")
        if fields is not None and "phone" in fields:
            kwargs["update_fields"] = [*fields, "phone_digits"]
        super().save(*args, **kwargs)

    @property
    def owner_id(self) -> int | None:
        """The user whose record this is."""
        return self.user_id

    @property
    def has_login(self) -> bool:
        return self.user_id is not None and self.erased_at is None
