"""What the customer decided, and the links by which they may."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from mechanic_shop.currency import sum_field
from mechanic_shop.db.models import AppendOnlyModel, ShopModel

from .ticket import ServiceTicket, ticket_number


class Channel(models.TextChoices):
    """How the customer said it."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    EMAIL = "email"
    PORTAL = "portal"


class ShareLink(ShopModel):
    """A way to one ticket for whoever has the link: no account, one ticket, for some
    days. Only the hash of its token is kept.
    """

    ticket = models.ForeignKey(ServiceTicket, models.CASCADE, related_name="shares")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    unaudited: ClassVar[frozenset[str]] = frozenset({"ticket", "token_hash", "created_by"})

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.ticket_id, None

    def audit_label(self) -> str:
        return ticket_number(self.ticket_id)


class Authorization(AppendOnlyModel):
    """What a customer decided, when and how they said it, and what each job was to cost
    then; append-only.

    ``decisions`` is a list of {job, title, decision, lines: [{description, quantity,
    unit_price, amount}], net, tax, total}.
    """

    is_guarded = True

    ticket = models.ForeignKey(
        ServiceTicket, models.PROTECT, related_name="authorizations", db_index=False
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="who wrote it down",
    )
    share = models.ForeignKey(
        ShareLink, models.PROTECT, null=True, related_name="+", help_text="the link that it came by"
    )
    at = models.DateTimeField(default=timezone.now)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    note = models.CharField(max_length=500, blank=True)
    decisions = models.JSONField()
    approved_total = sum_field(help_text="of all that was approved at once, with tax")

    class Meta:
        ordering = ("pk",)
        indexes = [models.Index(fields=["ticket", "id"], name="authorizations_of_a_ticket")]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}, {self.at:%Y-%m-%d}"
