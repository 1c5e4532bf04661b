"""A ticket's step from one status to the next, with its stamps, its stock and its
history. Who may ask for it is not asked here.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from inventory import allocations
from inventory.models import Part
from mechanic_shop.accounts.models import User
from mechanic_shop.db import audit

from ..models import ServiceTicket, Status, StatusChange, TicketPart
from .allocation import allocate_line, apply_to_lines, issue_line, return_line
from .locking import links_changed, status_changed_error

EFFECTS: dict[tuple[Status, Status], Callable[[TicketPart, Part, User | None], None]] = {
    (Status.ESTIMATE, Status.APPROVED): allocate_line,
    (Status.APPROVED, Status.COMPLETED): issue_line,
    (Status.IN_PROGRESS, Status.COMPLETED): issue_line,
    (
        Status.COMPLETED,
        Status.IN_PROGRESS,
    ): allocate_line,  # what a credit note put back on the shelf; what is fitted stays so
    (Status.APPROVED, Status.CANCELLED): return_line,
    (Status.IN_PROGRESS, Status.CANCELLED): return_line,
}


def apply_transition(
    ticket: ServiceTicket,
    to: str,
    *,
    reason: str = "",
    by: User | None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Move the ticket, and write that it was moved; ``check`` may still refuse once its
    parts are locked.

    Raises DomainError ``status_changed`` when somebody else was faster.
    """
    start, now = ticket.status, timezone.now()
    before = write_status(ticket, to, now)
    if effect := EFFECTS.get((Status(start), Status(to))):
        parts = apply_to_lines(TicketPart.objects.filter(ticket=ticket), effect, by=by, check=check)
        if to == Status.CANCELLED:
            for part in parts.values():
                allocations.fill_backorders(part)
    else:
        check()
    StatusChange.objects.create(
        ticket=ticket, from_status=start, to_status=to, by=by, at=now, reason=reason
    )
    audit.record_update(ticket, before, kind=audit.Kind.STATUS, by=by)
    if to == Status.CANCELLED:
        links_changed()


def write_status(ticket: ServiceTicket, to: str, now: datetime) -> dict[str, Any]:
    """Write the status and its stamps, where the ticket still has the status that was
    read; returns what they were before.
    """
    changes = {"status": to, **stamps(to, now)}
    before = {name: getattr(ticket, name) for name in changes}
    # Compare and set: of two racing requests one finds the status that it read. It
    # locks the ticket, too.
    if not ServiceTicket.objects.filter(pk=ticket.pk, status=ticket.status).update_unaudited(
        **changes, version=F("version") + 1, updated_at=now
    ):
        raise status_changed_error(ticket)
    for name, value in changes.items():
        setattr(ticket, name, value)
    return before


def stamps(to: str, now: datetime) -> dict[str, Any]:
    """What a move writes beside the status. Work that is done, or given up, waits for
    nothing.
    """
    rest = {"on_hold": False, "hold_reason": ""}
    stamped: dict[str, dict[str, Any]] = {
        Status.COMPLETED: {"completed_at": now, "closed_at": None, **rest},
        Status.IN_PROGRESS: {"completed_at": None},
        Status.INVOICED: {"closed_at": None},
        Status.CLOSED: {"closed_at": now},
        Status.CANCELLED: {"closed_at": now, **rest},
    }
    return stamped.get(to, {})
