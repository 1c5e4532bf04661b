"""Do the books balance? What ``check_stock`` proves, in a constant number of queries."""

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Round

from .models import ZERO, Part, StockMovement

QUANTITY = DecimalField(max_digits=24, decimal_places=3)


def findings() -> list[str]:
    """What is wrong, a sentence each; empty when every count can be explained.

    Σ movements = on_hand; each movement leaves what the ones before it add up to; Σ open lines' allocated
    = allocated; no line holds more than it asks for, and none holds anything outside approved and in_progress.
    """
    return [*ledger_findings(), *chain_findings(), *allocation_findings(), *line_findings()]


def total(rows: QuerySet, column: str) -> Coalesce:
    """Per part, the sum of a column over related rows, to three decimals."""
    summed = rows.filter(part=OuterRef("pk")).order_by().values("part").annotate(total=Sum(column)).values("total")
    return Coalesce(Round(Subquery(summed, output_field=QUANTITY), precision=3), ZERO, output_field=QUANTITY)


def lines() -> QuerySet:
    """Ticket lines, by the reverse name: tickets build on parts, not the other way round."""
    return Part._meta.get_field("ticket_lines").related_model._default_manager.all()


def ledger_findings() -> Iterator[str]:
    for part in Part.objects.annotate(moved=total(StockMovement.objects.all(), "quantity")).exclude(moved=F("on_hand")):
        yield f"{part.sku}: {part.on_hand} on hand, but its movements add up to {part.moved}"


def chain_findings() -> Iterator[str]:
    """Walks the ledger once, oldest first."""
    running: dict[int, Decimal] = {}
    rows = StockMovement.objects.order_by("pk").values_list("pk", "part_id", "part__sku", "quantity", "on_hand_after")
    for pk, part, sku, quantity, after in rows.iterator():
        running[part] = running.get(part, ZERO) + quantity
        if running[part] != after:
            yield f"{sku}: movement {pk} says {after} on hand after it, the ledger says {running[part]}"
            running[part] = after


def allocation_findings() -> Iterator[str]:
    for part in Part.objects.annotate(held=total(lines(), "allocated")).exclude(held=F("allocated")):
        yield f"{part.sku}: {part.allocated} allocated, but the tickets hold {part.held}"


def line_findings() -> Iterator[str]:
    over = lines().filter(quantity__lt=Round(F("allocated") + F("issued"), precision=3))
    idle = lines().filter(allocated__gt=0).exclude(ticket__status__in=("approved", "in_progress"))
    for line in over.select_related("part", "ticket"):
        yield f"{line.ticket}: {line.allocated} allocated and {line.issued} issued of {line.quantity} {line.part.sku}"
    for line in idle.select_related("part", "ticket"):
        yield f"{line.ticket} is {line.ticket.status}, but holds {line.allocated} of {line.part.sku}"
