"""Who works on a ticket."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from mechanic_shop.db.audit import Kind
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanics.models import Mechanic

from .statuses import Status
from .ticket import ServiceTicket, ticket_number


class TicketMechanicQuerySet(ShopQuerySet):
    def counted(self) -> Self:
        """Those that count for popularity: on tickets that are not cancelled."""
        return self.exclude(ticket__status=Status.CANCELLED)


class TicketMechanic(ShopModel):
    """A mechanic on a ticket, once."""

    class Role(models.TextChoices):
        LEAD = "lead"
        ASSISTANT = "assistant"

    ticket = models.ForeignKey(
        ServiceTicket, models.CASCADE, related_name="assignments", db_index=False
    )
    mechanic = models.ForeignKey(
        Mechanic, models.PROTECT, related_name="assignments", db_index=False
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.ASSISTANT)
    assigned_at = models.DateTimeField(default=timezone.now, editable=False)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    unaudited: ClassVar[frozenset[str]] = frozenset(
        {"ticket", "mechanic", "assigned_at", "assigned_by"}
    )
    entry_kind = Kind.MECHANIC

    objects: ClassVar = TicketMechanicQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "mechanic"], name="a_mechanic_is_once_on_a_ticket"
            )
        ]
        indexes = [
            models.Index(
                fields=["mechanic", "assigned_at", "ticket"], name="assignments_of_a_mechanic"
            )
        ]

    def __str__(self) -> str:
        return f"{self.mechanic} ({self.role})"

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.ticket_id, self.mechanic_id

    def audit_label(self) -> str:
        return ticket_number(self.ticket_id)
