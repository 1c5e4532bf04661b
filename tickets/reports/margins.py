"""Parts sold, at what cost."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings

from inventory.models import ZERO

from ..pricing import arithmetic, shop_rules
from ..pricing.rules import Rules
from .sold_lines import lines


def margins(start: date, end: date) -> dict[str, Any]:
    """Parts sold, at what cost. What is credited takes its quantity and its cost back,
    whether or not it went back on the shelf.
    """
    sums: dict[tuple[int, str, str], list[tuple[Decimal, Decimal, Decimal]]] = defaultdict(list)
    for (part, sku, name, cost), net, _, amount in lines(
        start, end, "part", "part__sku", "part__name", "unit_cost", kind="part"
    ):
        sums[part, sku, name].append((amount, net, amount * cost))
    rows = [
        {"part": {"id": part, "sku": sku, "name": name}, **margin(sums[part, sku, name])}
        for part, sku, name in sorted(sums, key=lambda key: key[1:])
    ]
    totals = margin([(ZERO, row["net"], row["cost"]) for row in rows])
    del totals["quantity"]  # of litres and pieces together
    return {
        "from": start,
        "to": end,
        "currency": settings.SHOP_CURRENCY,
        "rows": rows,
        "totals": totals,
    }


def margin(sold: list[tuple[Decimal, Decimal, Decimal]]) -> dict[str, Any]:
    """Of (quantity, net, cost); the cost of a part is rounded once, and percent are of
    the net.
    """
    rules = shop_rules.rounding()
    amount, net, cost = (
        (arithmetic.add(column) for column in zip(*sold, strict=True))
        if sold
        else (ZERO, ZERO, ZERO)
    )
    cost = rules.round(cost)
    left = arithmetic.add((net, -cost))
    percent = Rules(places=1).round(left * 100 / net) if net else None
    return {"quantity": amount, "net": net, "cost": cost, "margin": left, "margin_percent": percent}
