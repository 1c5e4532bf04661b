"""What every write on a ticket begins and ends with: its lock, and the word that it
changed.
"""

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from mechanic_shop.db import row_locks
from mechanic_shop.errors import DomainError
from mechanic_shop.fastpath.compiled_queries import CompiledQuery
from mechanic_shop.http import caching

from ..models import EDITABLE_STATUSES, Job, ServiceTicket, Status
from . import workflow


def lock(ticket: ServiceTicket) -> None:
    """Lock the ticket's row, and read all of it, with its customer and vehicle, under
    the lock.
    """
    row_locks.lock(ticket, "customer", "vehicle")


def lock_job(job: Job) -> None:
    """Lock the job's ticket, on which jobs may change, and read the job under the lock.

    Raises DomainError ``ticket_locked``, or ``not_found`` for a job that was deleted.
    """
    ticket = job.ticket
    lock_open(ticket)
    row_locks.refresh(job)
    job.ticket = ticket


def lock_as_read(ticket: ServiceTicket) -> None:
    """Lock a ticket whose status was judged before. Raises DomainError
    ``status_changed`` where it is another by now.
    """
    read = ticket.status
    lock(ticket)
    if ticket.status != read:
        raise status_changed_error(ticket)


def status_changed_error(ticket: ServiceTicket) -> DomainError:
    return DomainError(
        "status_changed", f"Somebody else moved {ticket.number} in this moment: read it again."
    )


def lock_open(ticket: ServiceTicket) -> None:
    """Lock a ticket on which parts, jobs and mechanics may change. Raises DomainError
    ``ticket_locked`` for any other.
    """
    lock(ticket)
    if ticket.status not in EDITABLE_STATUSES:
        raise ticket_locked_error(ticket)


def ticket_locked_error(ticket: ServiceTicket) -> DomainError:
    return DomainError(
        "ticket_locked",
        f"{ticket.number} is {ticket.status}, so nothing on it changes: {way_out(ticket)}.",
        ticket_status=ticket.status,
    )


def way_out(ticket: ServiceTicket) -> str:
    """What can be done about a ticket that is locked."""
    if ticket.status == Status.COMPLETED:
        return "reopen it first"
    if ticket.status == Status.CANCELLED:
        return "open a new ticket"
    if workflow.has_no_invoice(ticket):  # there is nothing to credit
        return f"{workflow.WAY_BACK} first, or open a new ticket"
    return (
        "issue a credit note first"
        if ticket.status == Status.INVOICED
        else "issue a credit note, or open a new ticket"
    )


def increment_version(ticket: ServiceTicket) -> None:
    version_increment.execute_update(ticket.pk, timezone.now())


@CompiledQuery
def version_increment(ticket: int, now: datetime) -> Any:
    return ServiceTicket.objects.filter(pk=ticket).changing(
        version=F("version") + 1, updated_at=now
    )


def links_changed() -> None:
    """Who works on what, which popularity counts."""
    caching.changed("mechanics")
