"""The tax of what was sold, by name, rate and registration number."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings

from ..models import CreditNoteLineTax, InvoiceLineTax
from ..pricing import arithmetic
from .exact_sums import exact, thousandths
from .sold_lines import DAY, lines

TAX_FACTS = ("name", "rate", "number")


def taxes(start: date, end: date) -> dict[str, Any]:
    """What each tax was due on and came to; what is not taxed has a row without a name.

    A line that bears two taxes is in two rows, so the base of the totals is what was
    sold, not the sum of the rows.
    """
    sums: dict[tuple[str, Decimal, str], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for *tax, base, amount in (*taxed(start, end), *untaxed(start, end)):
        sums[tuple(tax)].append((base, amount))
    rows: list[dict[str, Any]] = [
        {
            **dict(zip(TAX_FACTS, tax, strict=True)),
            "base": arithmetic.add(base for base, _ in amounts),
            "tax": arithmetic.add(amount for _, amount in amounts),
        }
        for tax, amounts in sorted(sums.items())
    ]
    totals = {
        "base": arithmetic.add(net for _, net, _, _ in lines(start, end)),
        "tax": arithmetic.add(row["tax"] for row in rows),
    }
    return {
        "from": start,
        "to": end,
        "currency": settings.SHOP_CURRENCY,
        "rows": rows,
        "totals": totals,
    }


def taxed(start: date, end: date) -> Iterator[tuple[Any, ...]]:
    """(name, rate, number, base, amount) of what was invoiced, and with a minus of what
    was credited.
    """
    for sign, model, document, tax in (
        (1, InvoiceLineTax, "line__invoice", ""),
        (-1, CreditNoteLineTax, "line__credit_note", "tax__"),
    ):
        rows = model.objects.filter(**{f"{document}__{DAY}__range": (start, end)}).order_by()
        columns = rows.values_list(*(tax + fact for fact in TAX_FACTS))
        for *facts, base, amount in columns.annotate(
            of_base=thousandths("base"), of_amount=thousandths("amount")
        ):
            yield *facts, sign * exact(base), sign * exact(amount)


def untaxed(start: date, end: date) -> Iterator[tuple[Any, ...]]:
    for (rate,), net, tax, _ in lines(start, end, "tax_rate", tax_name=""):
        yield "", rate, "", net, tax
