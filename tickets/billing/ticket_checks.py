"""Tickets and the invoices that stand on them: statuses that contradict each other."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.db.migrations.recorder import MigrationRecorder
from django.db.models import OuterRef, Subquery

from ..models import (
    AUTHORIZED,
    JobLine,
    ServiceTicket,
    Status,
    StatusChange,
    TicketPart,
    ticket_number,
)
from ..pricing import arithmetic
from ..pricing.amounts import money
from .account_checks import InvoiceFacts

SETTLED = (Status.INVOICED, Status.CLOSED)


def wrong_tickets(invoices: dict[int, InvoiceFacts]) -> Iterator[str]:
    """What is invoiced or closed has one invoice that stands, nothing else has one, and
    what is closed owes nothing.
    """
    standing: defaultdict[int, list[InvoiceFacts]] = defaultdict(list)
    for invoice in invoices.values():
        if invoice.stands:
            standing[invoice.ticket].append(invoice)
    invoiced = {invoice.ticket for invoice in invoices.values()}
    moved = (
        StatusChange.objects.filter(ticket=OuterRef("pk"), to_status__in=SETTLED)
        .order_by("pk")
        .values("at")[:1]
    )
    since, billable = invoices_since(), set(with_work())
    rows = ServiceTicket.objects.order_by("pk").values_list("pk", "status", Subquery(moved))
    for key, status, at in rows.iterator():
        is_older = key not in invoiced and at is not None and since is not None and at < since
        if status not in SETTLED or not is_older:
            yield from wrong_ticket(key, status, standing[key], key in billable)


def wrong_ticket(
    key: int, status: str, standing: list[InvoiceFacts], billable: bool
) -> Iterator[str]:
    names = ", ".join(invoice.number for invoice in standing)
    if status not in SETTLED:
        if standing:
            yield f"{ticket_number(key)} is {status}, but {names} stands."
        return
    if not standing and status == Status.CLOSED and not billable:
        return  # nothing was to be invoiced
    if len(standing) != 1:
        yield (
            f"{ticket_number(key)} is {status}, but has "
            f"{f'{names} at once' if standing else 'no invoice that stands'}."
        )
    owed = arithmetic.add(invoice.balance for invoice in standing)
    if status == Status.CLOSED and owed > 0:
        yield f"{ticket_number(key)} is closed, but {money(owed)} of {names} are not paid."


def with_work() -> Iterator[int]:
    """Tickets with something that the customer approved."""
    yield from (
        JobLine.objects.filter(job__status__in=AUTHORIZED)
        .values_list("job__ticket", flat=True)
        .distinct()
    )
    yield from TicketPart.objects.authorized().values_list("ticket", flat=True).distinct()


def invoices_since() -> datetime | None:
    """When this database learned of invoices: what was closed before has none, and
    needs none.
    """
    rows = MigrationRecorder.Migration.objects.filter(app="tickets", name="0002_jobs_and_money")
    return rows.values_list("applied", flat=True).first()
