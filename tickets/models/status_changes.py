"""The statuses that a ticket had."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from mechanic_shop.db.models import AppendOnlyModel

from .statuses import Status
from .ticket import ServiceTicket


class StatusChange(AppendOnlyModel):
    """One move of a ticket; append-only."""

    ticket = models.ForeignKey(
        ServiceTicket, models.CASCADE, related_name="history", db_index=False
    )
    from_status = models.CharField("from", max_length=20, blank=True)
    to_status = models.CharField("to", max_length=20, choices=Status.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("pk",)
        indexes = [models.Index(fields=["ticket", "id"], name="history_of_a_ticket")]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"
