"""What a ticket may come to: no more than the customer approved, no less than nothing."""

from decimal import Decimal

from mechanic_shop.errors import DomainError

from ..models import ServiceTicket
from ..pricing.amounts import money, totals
from ..pricing.engine import Bill
from ..pricing.sums import Sums
from .snapshot import TicketSnapshot, load_snapshot


def approval_exceeded(snapshot: TicketSnapshot) -> DomainError:
    total, authorized = (
        snapshot.authorized_bill().total,
        snapshot.ticket.authorized_total or Decimal(0),
    )
    return DomainError(
        "approval_exceeded",
        f"{snapshot.ticket.number} comes to {money(total)}, but the customer approved "
        f"{money(authorized)}: "
        "ask the customer and record the approval (reopen a completed ticket first), or "
        "lower the price.",
        total=money(total),
        authorized=money(authorized),
    )


def trade_in_exceeds_total(ticket: ServiceTicket, bill: Bill) -> DomainError:
    """What a ticket comes to is less than nothing."""
    return below_nothing(
        f"With its trade-ins {ticket.number} comes to",
        bill,
        "take trade-ins off, or give less for them",
    )


def below_nothing(told: str, sums: Bill | Sums, way_out: str) -> DomainError:
    """The refusal of a total, or of a tax in it, that is less than nothing: ``told``
    says whose it is, ``way_out`` what to do.
    """
    detail = (
        f"{told} {money(sums.total)}, with {money(sums.tax)} tax, and neither that nor one of "
        f"its taxes may be less than 0: {way_out}."
    )
    return DomainError("trade_in_exceeds_total", detail, **totals(sums))


def price_above_approval(ticket: ServiceTicket) -> DomainError | None:
    """Would the authorized part cost more than the customer approved, or less than
    nothing?
    """
    if ticket.authorized_total is None:
        return None
    snapshot = load_snapshot(ticket)
    return refused_price(snapshot, snapshot.authorized_bill())


def refused_price(snapshot: TicketSnapshot, bill: Bill) -> DomainError | None:
    """What keeps a bill of the authorized part from being issued."""
    if snapshot.exceeds_authorized(bill):
        return approval_exceeded(snapshot)
    return trade_in_exceeds_total(snapshot.ticket, bill) if bill.shortfall else None
