"""What tickets hold of the stock: allocate, release, issue and return parts; fill backorders."""

from decimal import Decimal

from django.db import transaction

from mechanic_shop.accounts.models import User

from . import demand
from .models import ZERO, Part
from .quantities import Reason
from .stock_counts import (
    change_held,
    insufficient_stock,
    lock_parts,
    record_movement,
    stock_changed,
)


def allocate(part: Part, quantity: Decimal) -> None:
    """Promise ``quantity`` to a ticket. Raises DomainError ``insufficient_stock``, and
    changes nothing, when less is available.
    """
    if not Part.objects.adjust_counts(part.pk, allocated=quantity):
        raise insufficient_stock(part, quantity)
    stock_changed()


def ensure_available(part: Part, quantity: Decimal) -> None:
    """Raises DomainError ``insufficient_stock``. The part must have been read under its
    row's lock.
    """
    if part.available < quantity:
        raise insufficient_stock(part, quantity)


def allocate_up_to(part: Part, quantity: Decimal) -> Decimal:
    """Promise as much of ``quantity`` as there is; returns how much that was."""
    shelf = lock_parts([part.pk])[part.pk]
    given = min(quantity, shelf.available)
    if given > 0:
        allocate(part, given)
    return max(ZERO, given)


def release(part: Part, quantity: Decimal) -> None:
    """Take back a promise; the caller then fills backorders."""
    if quantity:
        change_held(part, allocated=-quantity)


def issue(
    part: Part,
    quantity: Decimal,
    *,
    reference: str,
    unit_cost: Decimal | None = None,
    by: User | None,
) -> None:
    """Take what was promised off the shelf."""
    if quantity:
        change_held(part, on_hand=-quantity, allocated=-quantity)
        record_movement(
            part, -quantity, Reason.ISSUE, unit_cost=unit_cost, reference=reference, by=by
        )


def return_to_stock(
    part: Part,
    quantity: Decimal,
    *,
    reference: str,
    unit_cost: Decimal | None = None,
    by: User | None,
) -> None:
    """Put what was issued back on the shelf; the caller then fills backorders."""
    if quantity:
        change_held(part, on_hand=quantity)
        record_movement(
            part, quantity, Reason.RETURN_TO_STOCK, unit_cost=unit_cost, reference=reference, by=by
        )


def fill_backorders(part: Part) -> None:
    """Give what is available to the lines that wait for it, oldest ticket first. The
    part's row must be locked.

    The tickets are told after the commit: to touch their rows here would take the locks
    in the wrong order.
    """
    waiting = list(demand.lines_of(part).backordered())
    available = Part.objects.get(pk=part.pk).available if waiting else ZERO
    filled = []
    for line in waiting:
        given = min(available, line.backordered)
        if given <= 0:
            break
        allocate(part, given)
        line.save_changes(allocated=line.allocated + given)
        available -= given
        filled.append(line.ticket_id)
    if filled:
        # The write is committed by then: a failure here must not report it as failed.
        transaction.on_commit(
            lambda: demand.lines.manager.mark_filled(sorted(set(filled))), robust=True
        )
