"""A ticket with trade-ins never comes to less than nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from mechanic_shop.fastpath.compiled_queries import CompiledQuery

from ..lifecycle import price_limits
from ..lifecycle.snapshot import load_snapshot
from ..models import JobLine, LineKind, ServiceTicket
from ..pricing import engine


def ensure_not_below_nothing(ticket: ServiceTicket, before: Decimal = Decimal(0)) -> None:
    """Raises DomainError ``trade_in_exceeds_total`` where the estimate, or one of its
    taxes, comes to less than nothing.

    Where it did so ``before``, by as much or more, the change goes through: it is a
    step out of there.
    """
    bill = estimate_bill(ticket)
    if bill.shortfall > before:
        raise price_limits.trade_in_exceeds_total(ticket, bill)


@contextmanager
def never_below_nothing(ticket: ServiceTicket) -> Iterator[None]:
    """Around a change that may lower what a ticket comes to. Raises as
    ``ensure_not_below_nothing``.
    """
    if not trade_ins_of.run(ticket.pk):
        yield  # only a trade-in brings it there
        return
    before = estimate_bill(ticket).shortfall
    yield
    ensure_not_below_nothing(ticket, before)


@CompiledQuery
def trade_ins_of(ticket: int) -> Any:
    return (
        JobLine.objects.filter(job__ticket=ticket, kind=LineKind.TRADE_IN)
        .order_by()
        .values_list("pk")
    )


def estimate_bill(ticket: ServiceTicket) -> engine.Bill:
    snapshot = load_snapshot(ticket)
    return snapshot.price(snapshot.offered())
