"""What every write on a ticket begins and ends with: its lock, and the word that it changed."""

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from mechanic_shop.api import caching
from mechanic_shop.api.statements import Prepared
from mechanic_shop.errors import DomainError

from ..models import OPEN, ServiceTicket, Status


def lock(ticket: ServiceTicket) -> None:
    """Lock the ticket's row, and see its status and version as they are now; nothing to do when it was read under this transaction's lock."""
    if getattr(ticket, "is_locked", False):
        return
    found = ServiceTicket.objects.select_for_update().values_list("status", "version").filter(pk=ticket.pk).first()
    if found is None:
        raise gone(ticket)
    ticket.status, ticket.version = found


def lock_as_read(ticket: ServiceTicket) -> None:
    """Lock a ticket whose status was judged before. Raises DomainError ``status_changed`` where it is another by now."""
    read = ticket.status
    lock(ticket)
    if ticket.status != read:
        raise moved(ticket)


def moved(ticket: ServiceTicket) -> DomainError:
    return DomainError("status_changed", f"Somebody else moved {ticket.number} in this moment: read it again.")


def gone(ticket: ServiceTicket) -> DomainError:
    error = DomainError("not_found", f"{ticket.number} was deleted in this moment.")
    error.status = 404
    return error


def lock_open(ticket: ServiceTicket) -> None:
    """Lock a ticket on which parts, jobs and mechanics may change. Raises DomainError ``ticket_locked`` for any other."""
    lock(ticket)
    if ticket.status not in OPEN:
        raise locked(ticket)


def locked(ticket: ServiceTicket) -> DomainError:
    way_out = {
        Status.COMPLETED: "reopen it first",
        Status.INVOICED: "issue a credit note first",
        Status.CLOSED: "issue a credit note, or open a new ticket",
    }.get(Status(ticket.status), "open a new ticket")
    return DomainError("ticket_locked", f"{ticket.number} is {ticket.status}, so nothing on it changes: {way_out}.", ticket_status=ticket.status)


def bump(ticket: ServiceTicket) -> None:
    bumped.change(ticket.pk, timezone.now())


@Prepared
def bumped(ticket: int, now: datetime) -> Any:
    return ServiceTicket.objects.filter(pk=ticket).changing(version=F("version") + 1, updated_at=now)


def links_changed() -> None:
    """Who works on what, which popularity counts."""
    caching.changed("mechanics")
