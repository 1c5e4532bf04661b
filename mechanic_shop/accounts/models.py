"""The user: whoever logs in, be it a customer, a mechanic or the shop's staff."""

from typing import Any, ClassVar

from django.contrib.auth.models import (
    AbstractBaseUser,
    AnonymousUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.db import models
from django.db.models import Model
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from mechanic_shop.db.audited_models import AuditedModel, AuditedQuerySet
from mechanic_shop.fastpath.compiled_queries import USER_PLACEHOLDER

from .emails import MAX_EMAIL, normalize_email, validate_plain_email
from .renewal import PeopleQuerySet

EMAIL_TAKEN = "This e-mail is known here already: log in with it, or reset its password."


permission_sets: dict[frozenset[str], frozenset[str]] = {}


def one_and_the_same(permissions: frozenset[str]) -> frozenset[str]:
    """The same object for equal sets: as a part of keys it is compared often, and with
    itself at once.
    """
    if len(permission_sets) > 1000:  # there are as many as combinations of roles
        permission_sets.clear()
    return permission_sets.setdefault(permissions, permissions)


class AnonymousVisitor(AnonymousUser):
    """A visitor without permissions: Django would ask every backend each time."""

    def get_all_permissions(self, obj: Any = None) -> Any:
        return frozenset()

    def has_perm(self, perm: str, obj: Model | None = None) -> bool:
        return False


class UserManager(BaseUserManager.from_queryset(PeopleQuerySet)):  # type: ignore[misc]
    """Users are found by their e-mail, however it is spelt."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalize_email(username or ""))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user; without a password one who cannot log in before a reset."""
        if not email:
            raise ValueError("A user needs an e-mail.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    create_user.alters_data = True  # type: ignore[attr-defined]

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(
            email, password, **fields | {"is_staff": True, "is_superuser": True}
        )

    create_superuser.alters_data = True  # type: ignore[attr-defined]


class User(AuditedModel, AbstractBaseUser, PermissionsMixin):
    """Somebody who may log in.

    ``user.customer`` and ``user.mechanic`` say who that is in the shop; either may be
    missing.
    """

    email = models.EmailField(
        "e-mail",
        max_length=MAX_EMAIL,
        # beside the constraint below: the log-in looks for equality, and Django asks it
        # of a log-in name
        unique=True,
        validators=[validate_plain_email],
        error_messages={"unique": EMAIL_TAKEN},
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May open the admin.")
    is_active = models.BooleanField(
        "active", default=True, help_text="May log in. Take it away instead of deleting the user."
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="Raising it ends every session and token."
    )

    unaudited = frozenset({"session_epoch", "last_login", "date_joined"})
    masked = frozenset({"password"})
    redactable = frozenset({"email"})
    granted: frozenset[str] | None = None
    """What ``get_all_permissions`` found."""

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_user_per_email",
                violation_error_code="email_taken",
                violation_error_message=EMAIL_TAKEN,
            )
        ]

    @classmethod
    def normalize_username(cls, username: str) -> str:
        return normalize_email(username)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = normalize_email(self.email)
        super().save(*args, **kwargs)

    # --- what this user may do ---
    # Django would ask each of its backends each time, and a write asks a dozen times.

    def get_all_permissions(self, obj: Any = None) -> Any:
        if obj is not None or not self.is_active:
            return frozenset(super().get_all_permissions(obj))
        if self.granted is None:
            self.granted = one_and_the_same(frozenset(super().get_all_permissions()))
        return self.granted

    def stand_in(self) -> "User":
        """Somebody with the same rights and nothing else of this user, in whose name a
        statement is made for all who have them.
        """
        somebody = User(
            pk=USER_PLACEHOLDER, is_active=self.is_active, is_superuser=self.is_superuser
        )
        somebody.granted = self.get_all_permissions()
        return somebody

    def has_perm(self, perm: str, obj: Model | None = None) -> bool:
        if obj is not None or self.is_superuser:
            return super().has_perm(perm, obj)
        return perm in self.get_all_permissions()

    # --- who this is ---

    @property
    def is_shop_staff(self) -> bool:
        """True for users who may open the admin or have any permission; customers have
        no permission.
        """
        return self.is_staff or bool(self.get_all_permissions())

    @property
    def is_erased(self) -> bool:
        """True for the log-in of an erased customer."""
        customer = getattr(self, "customer", None)
        return customer is not None and customer.erased_at is not None

    @property
    def roles(self) -> list[str]:
        return sorted(self.groups.values_list("name", flat=True))

    @property
    def display_name(self) -> str:
        """A name that others may read; never the e-mail."""
        person = getattr(self, "mechanic", None) or getattr(self, "customer", None)
        return person.name if person else "Shop staff"

    # --- what ends when the password or the epoch changes ---

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django's covers the password alone; the fallbacks of a rotated SECRET_KEY come
        # here too.
        return salted_hmac(
            "mechanic_shop.accounts.session",
            f"{self.password}:{self.session_epoch}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    @property
    def revision(self) -> str:
        """The ``rev`` of tokens: it changes with the password and the session epoch."""
        return self.get_session_auth_hash()[:16]

    def has_revision(self, claim: object) -> bool:
        hashes = [self.get_session_auth_hash(), *self.get_session_auth_fallback_hash()]
        return isinstance(claim, str) and any(
            constant_time_compare(known[:16], claim) for known in hashes
        )

    def same_revision(self) -> AuditedQuerySet:
        """This row, if its e-mail, password and sessions are unchanged: the WHERE
        clause of a compare-and-set.
        """
        return User.objects.filter(
            pk=self.pk, email=self.email, password=self.password, session_epoch=self.session_epoch
        )
