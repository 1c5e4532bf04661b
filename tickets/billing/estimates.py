"""The estimate as a document: plain JSON, as docs/money.md shows it."""

from typing import Any

from django.utils import timezone

from ..lifecycle.snapshot import TicketSnapshot, load_snapshot
from ..models import ServiceTicket
from ..pricing import amounts
from . import document_body
from .documents.text import with_unprintable


def estimate(ticket: ServiceTicket, snapshot: TicketSnapshot | None = None) -> dict[str, Any]:
    """What the ticket would cost: jobs that the customer has approved or has still to
    decide on. ``authorized`` are those approved.
    """
    snapshot = snapshot or load_snapshot(ticket)
    offered, approved = snapshot.offered(), snapshot.authorized_bill()
    bill = snapshot.price(offered)
    document = {
        "kind": "estimate",
        "number": ticket.number,
        "issued_on": timezone.localdate().isoformat(),
        "version": snapshot.version_of(bill),
    }
    document |= document_body.header(ticket) | document_body.body(
        snapshot, offered, bill, others=True
    )
    amount = ticket.authorized_total
    document |= {
        "authorized": amounts.totals(approved),
        "authorized_total": None if amount is None else amounts.money(amount),
        "reapproval_needed": snapshot.exceeds_authorized(approved),
    }
    return with_unprintable(document)
