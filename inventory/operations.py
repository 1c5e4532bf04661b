"""What moves stock. Every count changes through ``Part.objects.adjust_counts``; every
change of what is on hand has its ledger entry.

Lock order: a ticket before its parts, parts by id. Whoever changes a ticket line's
``allocated`` or ``issued`` holds the lock of the part's row, which ``adjust_counts``
and ``lock_parts`` take.
"""

from decimal import Decimal

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from . import demand
from .allocations import fill_backorders
from .models import Part, StockMovement
from .quantities import Reason, show
from .stock_counts import change_on_hand, lock_parts, record_movement, stock_changed


@atomic
def receive(
    part: Part,
    *,
    quantity: Decimal,
    unit_cost: Decimal | None = None,
    note: str = "",
    reference: str = "",
    by: User | None,
) -> StockMovement:
    """Put a delivery on the shelf; waiting tickets get theirs first. The part's cost
    becomes ``unit_cost``, when given.
    """
    row_locks.lock(part)
    part.check_quantity(quantity)
    change_on_hand(part, quantity)
    if unit_cost is not None:
        part.save_changes(cost=unit_cost, by=by)
    movement = record_movement(
        part, quantity, Reason.RECEIPT, unit_cost=unit_cost, note=note, reference=reference, by=by
    )
    fill_backorders(part)
    return movement


@atomic
def adjust(
    part: Part, *, quantity: Decimal, reason: str, note: str, by: User | None
) -> StockMovement:
    """Correct the shelf by a signed quantity, or scrap some (then it is taken off, so
    it must be negative).

    Raises DomainError ``insufficient_stock`` where that would take what tickets hold.
    """
    row_locks.lock(part)
    part.check_quantity(quantity)
    if quantity == 0:
        raise InvalidInput("quantity", "zero", "Adjust by something other than 0.")
    if reason == Reason.SCRAP and quantity > 0:
        raise InvalidInput(
            "quantity",
            "scrap_is_negative",
            "Scrap takes parts off the shelf: use a negative quantity.",
        )
    change_on_hand(part, quantity)
    movement = record_movement(part, quantity, Reason(reason), note=note, by=by)
    fill_backorders(part)
    return movement


@atomic
def count(part: Part, *, counted: Decimal, note: str = "", by: User | None) -> StockMovement:
    """Set what is on hand to what a stock-take found.

    Raises DomainError ``count_below_allocated``, naming the tickets that hold the part,
    where more than that is promised.
    """
    row_locks.lock(part)
    part.check_quantity(counted, "counted")
    shelf = lock_parts([part.pk])[part.pk]
    if counted < shelf.allocated:
        holders = list(
            dict.fromkeys(line.ticket.number for line in demand.lines_of(part).holding())
        )
        raise DomainError(
            "count_below_allocated",
            (
                f"{show(shelf.allocated)} are allocated to {', '.join(holders)}: remove the "
                f"part from a ticket first, then count again."
            ),
            allocated=str(shelf.allocated),
            tickets=holders,
        )
    difference = counted - shelf.on_hand
    change_on_hand(part, difference)
    movement = record_movement(part, difference, Reason.STOCKTAKE, note=note, by=by)
    fill_backorders(part)
    return movement


@atomic
def delete(part: Part, *, by: User | None) -> None:
    """Erase a part that was never used. Raises DomainError ``part_in_use`` for one with
    a history.
    """
    row_locks.lock(part)
    if part.movements.exists() or demand.lines_of(part).exists():
        raise DomainError(
            "part_in_use", f"{part.sku} has a history, so it stays: set is_active to false instead."
        )
    part.delete(by=by)
    stock_changed()
