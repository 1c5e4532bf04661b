"""The counts of a part: each change goes through ``Part.objects.adjust_counts``, and each
change of what is on hand has its ledger entry.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from mechanic_shop.db import row_locks
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.http import caching

from .models import Part, StockMovement
from .quantities import Reason, show

MOST_ON_HAND = Decimal("999999999.999")


def lock_parts(ids: Iterable[int]) -> dict[int, Part]:
    """These parts, locked in the order of their ids until the transaction ends."""
    rows = Part.objects.filter(pk__in=set(ids))
    return {part.pk: part for part in row_locks.locking(rows)}


def change_on_hand(part: Part, quantity: Decimal) -> None:
    if quantity == 0:
        return
    if (
        quantity > 0
        and not Part.objects.filter(pk=part.pk, on_hand__lte=MOST_ON_HAND - quantity).exists()
    ):
        raise InvalidInput("quantity", "too_much", f"No more than {MOST_ON_HAND} fit on the shelf.")
    if not Part.objects.adjust_counts(part.pk, on_hand=quantity):
        raise insufficient_stock(part, -quantity)


def change_held(part: Part, **counts: Decimal) -> None:
    if not Part.objects.adjust_counts(part.pk, **counts):
        sku = Part.objects.get(pk=part.pk).sku
        raise DomainError(
            "books_do_not_balance",
            f"The counts of {sku} contradict the tickets: run check_stock, then count the part.",
        )
    stock_changed()


def record_movement(part: Part, quantity: Decimal, reason: Reason, **details: Any) -> StockMovement:
    stock_changed()
    on_hand = Part.objects.values_list("on_hand", flat=True).get(pk=part.pk)
    return StockMovement.objects.create(
        part=part, quantity=quantity, reason=reason, on_hand_after=on_hand, **details
    )


def insufficient_stock(part: Part, asked: Decimal) -> DomainError:
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


def stock_changed() -> None:
    caching.changed("parts")
