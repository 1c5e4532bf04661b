"""The estimate as a document: plain JSON, as docs/money.md shows it."""

from typing import Any

from django.utils import timezone

from ..lifecycle import snapshot
from ..models import ServiceTicket
from .documents.text import with_unprintable


def estimate(ticket: ServiceTicket, sheet: snapshot.TicketSnapshot | None = None) -> dict[str, Any]:
    """What the ticket would cost: jobs that the customer has approved or has still to
    decide on. ``authorized`` are those approved.
    """
    sheet = sheet or snapshot.load_snapshot(ticket)
    offered, approved = sheet.offered(), sheet.authorized_bill()
    bill = sheet.price(offered)
    document = {
        "kind": "estimate",
        "number": ticket.number,
        "issued_on": timezone.localdate().isoformat(),
        "version": sheet.version_of(bill),
    }
    document |= snapshot.header(ticket) | snapshot.body(sheet, offered, bill, others=True)
    amount = ticket.authorized_total
    document |= {
        "authorized": snapshot.totals(approved),
        "authorized_total": None if amount is None else snapshot.money(amount),
        "reapproval_needed": sheet.exceeds_authorized(approved),
    }
    return with_unprintable(document)
