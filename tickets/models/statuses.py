"""The statuses of tickets, jobs and invoices, and why a ticket waits."""

from django.db import models


class Status(models.TextChoices):
    ESTIMATE = "estimate"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INVOICED = "invoiced"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class HoldReason(models.TextChoices):
    PARTS = "parts"
    CUSTOMER = "customer"
    SUBLET = "sublet"
    OTHER = "other"


# parts and mechanics may change
EDITABLE_STATUSES = (
    Status.ESTIMATE,
    Status.APPROVED,
    Status.IN_PROGRESS,
)

STOCK_HOLDING_STATUSES = (Status.APPROVED, Status.IN_PROGRESS)  # parts are held in stock

CLOSED_STATUSES = (Status.INVOICED, Status.CLOSED, Status.CANCELLED)  # nothing changes any more


class JobStatus(models.TextChoices):
    """What the customer said to a job, and what became of it."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DONE = "done"
    DECLINED = "declined"
    DEFERRED = "deferred"
    CANCELLED = "cancelled"


AUTHORIZED = (JobStatus.APPROVED, JobStatus.DONE)  # the customer said yes, so its parts are held

ENDED = (JobStatus.DECLINED, JobStatus.DEFERRED, JobStatus.CANCELLED)


class InvoiceState(models.TextChoices):
    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"
    CREDITED = "credited"
