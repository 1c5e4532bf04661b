"""Checks of stock: what the counts of parts, the ledger and the tickets say about
each other, added up anew.

Sums are made here and not in SQL: SQLite adds decimals as doubles.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from django.db import connection, transaction

from .models import Part, StockMovement

THOUSANDTH = Decimal("0.001")
Counts = defaultdict[int, Decimal]


_more_checks: list[Callable[[], Iterable[str]]] = []
_holders: list[Callable[[dict[int, Part], Counts], Iterable[str]]] = []


def register(check: Callable[[], Iterable[str]]) -> None:
    """Let ``check_stock`` also ask another app what contradicts itself."""
    _more_checks.append(check)


def register_holder(check: Callable[[dict[int, Part], Counts], Iterable[str]]) -> None:
    """Let another app add up what it holds of each part, in the counts that the check
    is given, and say what is wrong with it.
    """
    _holders.append(check)


def find_discrepancies() -> list[str]:
    """What is wrong, a sentence each; empty when all is right. The same number of
    queries for any shop.
    """
    with one_moment():
        parts = {
            part.pk: part
            for part in Part.objects.order_by("pk").only("sku", "on_hand", "allocated")
        }
        moved: Counts = defaultdict(Decimal)
        held: Counts = defaultdict(Decimal)
        ledger = list(broken_chain(parts, moved))
        lines = [found for check in _holders for found in check(parts, held)]
        others = [found for check in _more_checks for found in check()]
    return [*wrong_counts(parts, moved, held), *ledger, *lines, *others]


@contextmanager
def one_moment() -> Iterator[None]:
    """All queries see the shop as it is now: a sale between two of them must not look
    like a mistake.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def wrong_counts(parts: dict[int, Part], moved: Counts, held: Counts) -> Iterator[str]:
    """Σ movements = on_hand, and Σ allocated of open tickets' lines = allocated."""
    for pk, part in parts.items():
        if exact(part.on_hand) != moved[pk]:
            yield (
                f"{part.sku}: {show(part.on_hand)} on hand, but its movements add up to "
                f"{show(moved[pk])}."
            )
        if exact(part.allocated) != held[pk]:
            yield (
                f"{part.sku}: {show(part.allocated)} allocated, but open tickets hold "
                f"{show(held[pk])}."
            )


def broken_chain(parts: dict[int, Part], moved: Counts) -> Iterator[str]:
    """Each movement leaves what the one before left, plus its own quantity. Adds the
    movements up in ``moved``.
    """
    after: Counts = defaultdict(Decimal)
    rows = StockMovement.objects.order_by("part_id", "pk").values_list(
        "pk", "part_id", "quantity", "on_hand_after"
    )
    for pk, part_id, quantity, stated in rows.iterator():
        moved[part_id] = exact(moved[part_id] + quantity)
        expected = exact(after[part_id] + quantity)
        if exact(stated) != expected:
            yield (
                f"{parts[part_id].sku}: movement {pk} says that {show(stated)} were on hand "
                f"after it; it is {show(expected)}."
            )
        after[part_id] = stated


def exact(quantity: Decimal) -> Decimal:
    return quantity.quantize(THOUSANDTH)


def show(quantity: Decimal) -> str:
    """A quantity as a person writes it: "2", "0.5"."""
    return f"{exact(quantity).normalize():f}"
