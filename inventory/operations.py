"""What moves stock. Every count changes through ``Part.objects.adjust_counts``; every
change of what is on hand has its ledger entry.

Lock order: a ticket before its parts, parts by id. Whoever changes a ticket line's
``allocated`` or ``issued`` holds the lock of the part's row, which ``adjust_counts``
and ``lock_parts`` take.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.http import caching

from . import demand
from .models import ZERO, Part, Reason, StockMovement
from .taxes import TaxCode, TaxPart, TaxRate

MOST_ON_HAND = Decimal("999999999.999")


def lock_parts(ids: Iterable[int]) -> dict[int, Part]:
    """These parts, locked in the order of their ids until the transaction ends."""
    rows = Part.objects.filter(pk__in=set(ids))
    return {part.pk: part for part in row_locks.locking(rows)}


def show(quantity: Decimal) -> str:
    """A quantity as a person writes it: "2", "0.5"."""
    return f"{quantity.normalize():f}"


@atomic
def receive(
    part: Part,
    *,
    quantity: Decimal,
    unit_cost: Decimal | None = None,
    note: str = "",
    reference: str = "",
    by: Any,
) -> StockMovement:
    """Put a delivery on the shelf; waiting tickets get theirs first. The part's cost
    becomes ``unit_cost``, when given.
    """
    row_locks.lock(part)
    part.check_quantity(quantity)
    _shift_on_hand(part, quantity)
    if unit_cost is not None:
        part.save_changes(cost=unit_cost, by=by)
    movement = _record(
        part, quantity, Reason.RECEIPT, unit_cost=unit_cost, note=note, reference=reference, by=by
    )
    fill_backorders(part)
    return movement


@atomic
def adjust(part: Part, *, quantity: Decimal, reason: str, note: str, by: Any) -> StockMovement:
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
    _shift_on_hand(part, quantity)
    movement = _record(part, quantity, Reason(reason), note=note, by=by)
    fill_backorders(part)
    return movement


@atomic
def count(part: Part, *, counted: Decimal, note: str = "", by: Any) -> StockMovement:
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
    _shift_on_hand(part, difference)
    movement = _record(part, difference, Reason.STOCKTAKE, note=note, by=by)
    fill_backorders(part)
    return movement


@atomic
def delete(part: Part, *, by: Any) -> None:
    """Erase a part that was never used. Raises DomainError ``part_in_use`` for one with
    a history.
    """
    row_locks.lock(part)
    if part.movements.exists() or demand.lines_of(part).exists():
        raise DomainError(
            "part_in_use", f"{part.sku} has a history, so it stays: set is_active to false instead."
        )
    part.delete(by=by)
    _stock_changed()


# --- tax ------------------------------------------------------------------------------


@atomic
def add_tax_code(
    *,
    name: str,
    number: str = "",
    rate: Decimal | None = None,
    parts: Sequence[dict[str, Any]] = (),
    valid_from: date | None = None,
    is_default: bool = False,
    by: Any,
) -> TaxCode:
    """Add a tax code with its first rate, or the parts that it consists of, valid from
    today unless another day is named.
    """
    code = TaxCode.objects.create(name=name, number=number, is_default=is_default, by=by)
    set_rate(code, rate=rate, parts=parts, valid_from=valid_from, by=by)
    return code


@atomic
def set_rate(
    code: TaxCode,
    *,
    rate: Decimal | None = None,
    parts: Sequence[dict[str, Any]] = (),
    valid_from: date | None = None,
    by: Any,
) -> None:
    """Set what the code takes from a day on: ``rate`` percent, or ``parts`` of {name,
    rate, number, on_top}.

    What was invoiced before stays as it was. Raises InvalidInput ``tax_too_high`` above
    100 percent.
    """
    row_locks.lock(code)
    day = valid_from or timezone.localdate()
    rate = combined_rate(parts) if parts else rate
    if rate is None or rate > 100:
        raise InvalidInput("parts", "tax_too_high", "Taxes come to 100 percent at the most.")
    known = TaxRate.objects.filter(code=code, valid_from=day).first()
    if known:
        known.save_changes(rate=rate, by=by)
        known.parts.all().delete(by=by)
    else:
        known = TaxRate.objects.create(code=code, rate=rate, valid_from=day, by=by)
    for position, part in enumerate(parts, 1):
        TaxPart.objects.create(tax_rate=known, position=position, **part, by=by)
    code.save_changes(by=by, updated_at=timezone.now())


def combined_rate(parts: Sequence[dict[str, Any]]) -> Decimal:
    """What the parts take of a net amount together, in percent with 3 decimals."""
    total = ZERO
    for part in parts:
        total += part["rate"] * (100 + (total if part.get("on_top") else ZERO)) / 100
    return total.quantize(Decimal("0.001"), ROUND_HALF_UP)


# --- what tickets hold ----------------------------------------------------------------


def allocate(part: Part, quantity: Decimal) -> None:
    """Promise ``quantity`` to a ticket. Raises DomainError ``insufficient_stock``, and
    changes nothing, when less is available.
    """
    if not Part.objects.adjust_counts(part.pk, allocated=quantity):
        raise _insufficient(part, quantity)
    _stock_changed()


def ensure_available(part: Part, quantity: Decimal) -> None:
    """Raises DomainError ``insufficient_stock``. The part must have been read under its
    row's lock.
    """
    if part.available < quantity:
        raise _insufficient(part, quantity)


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
        _must_shift(part, allocated=-quantity)


def issue(
    part: Part, quantity: Decimal, *, reference: str, unit_cost: Decimal | None = None, by: Any
) -> None:
    """Take what was promised off the shelf."""
    if quantity:
        _must_shift(part, on_hand=-quantity, allocated=-quantity)
        _record(part, -quantity, Reason.ISSUE, unit_cost=unit_cost, reference=reference, by=by)


def return_to_stock(
    part: Part, quantity: Decimal, *, reference: str, unit_cost: Decimal | None = None, by: Any
) -> None:
    """Put what was issued back on the shelf; the caller then fills backorders."""
    if quantity:
        _must_shift(part, on_hand=quantity)
        _record(
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
        # What fails then must not be told of a write that is done.
        transaction.on_commit(
            lambda: demand.all_lines().mark_filled(sorted(set(filled))), robust=True
        )


def _shift_on_hand(part: Part, quantity: Decimal) -> None:
    if quantity == 0:
        return
    if (
        quantity > 0
        and not Part.objects.filter(pk=part.pk, on_hand__lte=MOST_ON_HAND - quantity).exists()
    ):
        raise InvalidInput("quantity", "too_much", f"No more than {MOST_ON_HAND} fit on the shelf.")
    if not Part.objects.adjust_counts(part.pk, on_hand=quantity):
        raise _insufficient(part, -quantity)


def _must_shift(part: Part, **counts: Decimal) -> None:
    if not Part.objects.adjust_counts(part.pk, **counts):
        sku = Part.objects.get(pk=part.pk).sku
        raise DomainError(
            "books_do_not_balance",
            f"The counts of {sku} contradict the tickets: run check_stock, then count the part.",
        )
    _stock_changed()


def _record(part: Part, quantity: Decimal, reason: Reason, **details: Any) -> StockMovement:
    _stock_changed()
    on_hand = Part.objects.values_list("on_hand", flat=True).get(pk=part.pk)
    return StockMovement.objects.create(
        part=part, quantity=quantity, reason=reason, on_hand_after=on_hand, **details
    )


def _insufficient(part: Part, asked: Decimal) -> DomainError:
    now = Part.objects.get(pk=part.pk)
    return DomainError(
        "insufficient_stock",
        (
            f"Only {show(now.available)} of {now.sku} available, {show(asked)} asked: take "
            f"fewer, receive more, or backorder."
        ),
        available=str(now.available),
        part=part.pk,
    )


def _stock_changed() -> None:
    caching.changed("parts")
