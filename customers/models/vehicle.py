"""The vehicles that customers own."""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from mechanic_shop.accounts.models import User
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.http.search import SHORTEST, every_word, keys, matching
from mechanic_shop.inputs import clean_plate, clean_vin

from ..vin import vin_valid
from .customer import Customer


class VehicleQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for staff who may see vehicles, else those of the user."""
        if user.has_perm("customers.view_vehicle"):
            return self
        return self.filter(customer__user=user) if user.is_authenticated else self.none()

    def search_plates(self, term: str) -> Self:
        """Vehicles by a piece of plate or VIN, however it is typed."""
        return self.filter(identified_by(term)) if clean_plate(term) else self.none()

    def search(self, term: str) -> Self:
        """Finds vehicles by plate and VIN however they are typed, make, model, color
        and the customer's name.
        """
        # PostgreSQL's index vehicles_by_text holds these columns: a migration of its own
        # adds another (customers/migrations/0003_search_indexes.py).
        words = every_word(term, "make", "model", "color", also=owned_by)
        return matching(self, words | identified_by(term) if clean_plate(term) else words)


def identified_by(term: str) -> Q:
    """A condition on a vehicle: a piece of its plate or VIN, however it is typed."""
    piece = clean_plate(term)
    return Q(plate__contains=piece) | Q(vin__contains=piece)


def owned_by(word: str) -> Q:
    """A condition on a vehicle: a word in its customer's name."""
    if (
        len(word) < SHORTEST
        # each such word would pass all names: like this, one pass over the vehicles and
        # their customers is for all of them
    ):
        return Q(customer__name__icontains=word)
    return Q(customer__in=keys(Customer.objects.filter(name__icontains=word)))


class Vehicle(ShopModel):
    """A vehicle of a customer. Plate and VIN are stored as ``inputs.clean_plate`` and
    ``clean_vin`` write them.
    """

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="vehicles")
    plate = models.CharField(max_length=17, blank=True)
    vin = models.CharField("VIN", max_length=17, blank=True)
    make = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=60, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    engine = models.CharField(max_length=60, blank=True)
    color = models.CharField(max_length=40, blank=True)
    odometer = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="the last plausible reading, in the shop's unit of distance",
    )
    odometer_at = models.DateTimeField(
        null=True, editable=False, help_text="when it was read; null: not known"
    )
    # Derived from the columns above and stored, so that lists and statements read them
    # as columns.
    name = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text="what a person calls it: year, make, model and plate",
    )
    vin_valid = models.BooleanField(
        default=False, editable=False, help_text="the VIN follows ISO 3779"
    )

    unaudited = frozenset({"name", "vin_valid", "odometer_at"})
    redactable = frozenset({"plate", "vin"})

    objects: ClassVar = VehicleQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["vin"],
                condition=~Q(vin=""),
                name="one_vehicle_per_vin",
                violation_error_code="vin_taken",
                violation_error_message=(
                    "A vehicle with this VIN is known already; if it changed hands, ask the "
                    "shop to move it."
                ),
            ),
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__range=(1886, 2100)),
                name="a_vehicle_is_built_after_1885",
                violation_error_message="Use a year from 1886 to 2100.",
            ),
        ]
        indexes = [
            models.Index(fields=["plate", "id"], name="vehicles_by_plate"),
            models.Index(fields=["vin"], name="vehicles_by_vin"),
            models.Index(fields=["make", "id"], name="vehicles_by_make"),
            models.Index(fields=["year", "id"], name="vehicles_by_year"),
            models.Index(fields=["created_at", "id"], name="vehicles_by_age"),
            models.Index(fields=["updated_at", "id"], name="vehicles_by_change"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.plate, self.vin = clean_plate(self.plate), clean_vin(self.vin)
        self.name, self.vin_valid = self.spoken_name(), vin_valid(self.vin)
        fields = kwargs.get("update_fields")
        if fields is not None:
            fields = kwargs["update_fields"] = {*fields, "name", "vin_valid"}
        reading = self.stored_values.get("odometer")
        if (fields is None or "odometer" in fields) and self.odometer != reading:
            self.odometer_at = None if self.odometer is None else timezone.now()
            if fields is not None:
                fields.add("odometer_at")
        # The same customer needs no lock: it would come after the vehicle's, and
        # erasing locks in the other order.
        moves = (fields is None or "customer" in fields) and self.stored_values.get(
            "customer_id"
        ) != self.customer_id
        with transaction.atomic(savepoint=False):
            if moves:
                Customer.objects.refuse_erased(self.customer_id)
            super().save(*args, **kwargs)
            # An erasure of the owner locks this row, too. After the write it is decided
            # which of the two came first.
            if not moves:
                Customer.objects.refuse_erased(self.customer_id, lock=False)

    def spoken_name(self) -> str:
        """ "2003 Honda Accord (AB12CD)", or as much of it as is known."""
        words = " ".join(str(word) for word in (self.year, self.make, self.model) if word)
        return (
            f"{words} ({self.plate})"
            if words and self.plate
            else words or self.plate or self.vin or "unnamed vehicle"
        )

    @property
    def owner_id(self) -> int | None:
        return self.customer.user_id
