"""What was sold: the lines of invoices less those of credit notes, each on the day on
which its paper was issued.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count

from inventory.models import ZERO

from ..models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteLineTax,
    Invoice,
    InvoiceLine,
    InvoiceLineTax,
    LineKind,
)
from ..pricing import arithmetic, shop_rules
from ..pricing.rules import Rules
from .exact_sums import exact, thousandths

DAY = "issued_on"
KINDS = (LineKind.LABOR, "part", LineKind.SUBLET, LineKind.FEE, "supplies", LineKind.TRADE_IN)
BY = ("day", "week", "month", "mechanic")


@dataclass
class Sold:
    """What some lines come to together."""

    nets: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(list))  # by kind
    taxes: list[Decimal] = field(default_factory=list)
    hours: list[Decimal] = field(default_factory=list)
    invoices: int = 0
    credit_notes: int = 0

    def take(self, kind: str, net: Decimal, tax: Decimal, amount: Decimal) -> None:
        self.nets[kind].append(net)
        self.taxes.append(tax)
        if kind == LineKind.LABOR:
            self.hours.append(amount)

    def facts(self) -> dict[str, Any]:
        nets = {str(kind): arithmetic.add(self.nets[kind]) for kind in KINDS}
        net, tax, hours = (
            arithmetic.add(nets.values()),
            arithmetic.add(self.taxes),
            arithmetic.add(self.hours),
        )
        return {
            "net": net,
            "tax": tax,
            "total": arithmetic.add((net, tax)),
            "net_of": nets,
            "invoices": self.invoices,
            "credit_notes": self.credit_notes,
            "hours": hours,
            "labor_rate": shop_rules.rounding().round(nets[LineKind.LABOR] / hours)
            if hours > 0
            else None,
        }


def lines(
    start: date, end: date, *facts: str, **only: Any
) -> Iterator[tuple[tuple[Any, ...], Decimal, Decimal, Decimal]]:
    """(facts, net, tax, quantity) of all lines that share these facts of their invoice
    line; of credit notes with a minus.

    ``DAY`` is the day of the paper itself: what is credited counts on the day on which
    it was.
    """
    for sign, rows, paper, line in (
        (1, InvoiceLine, "invoice", ""),
        (-1, CreditNoteLine, "credit_note", "line__"),
    ):
        columns = [f"{paper}__{DAY}" if fact == DAY else line + fact for fact in facts]
        conditions = {f"{paper}__{DAY}__range": (start, end)} | {
            line + name: value for name, value in only.items()
        }
        sums = {
            "of_net": thousandths("net"),
            "of_tax": thousandths("tax"),
            "of_quantity": thousandths("quantity"),
        }
        for *found, net, tax, amount in (
            rows.objects.filter(**conditions).order_by().values_list(*columns).annotate(**sums)
        ):
            yield tuple(found), sign * exact(net), sign * exact(tax), sign * exact(amount)


# --- sales ----------------------------------------------------------------------------


def sales(start: date, end: date, by: str) -> dict[str, Any]:
    """Net, tax, hours and papers by day, week or month, or the labor by mechanic. What
    sold nothing has no row.
    """
    rows, totals = (
        sales_of_mechanics(start, end)
        if by == "mechanic"
        else sales_over_time(start, end, PERIODS[by])
    )
    return {
        "from": start,
        "to": end,
        "by": by,
        "currency": settings.SHOP_CURRENCY,
        "rows": rows,
        "totals": totals.facts(),
    }


def sales_over_time(
    start: date, end: date, period: Callable[[date], tuple[str, date]]
) -> tuple[list[dict[str, Any]], Sold]:
    rows: dict[tuple[str, date], Sold] = defaultdict(Sold)
    totals = Sold()
    for (day, kind), *amounts in lines(start, end, DAY, "kind"):
        for sold in (rows[period(day)], totals):
            sold.take(kind, *amounts)
    for papers, name in ((Invoice, "invoices"), (CreditNote, "credit_notes")):
        counted = (
            papers.objects.filter(issued_on__range=(start, end))
            .order_by()
            .values_list(DAY)
            .annotate(papers=Count("pk"))
        )
        for day, number in counted:
            for sold in (rows[period(day)], totals):
                setattr(sold, name, getattr(sold, name) + number)
    found = sorted(rows.items(), key=lambda row: row[0][1])
    return [
        {"period": label, "starts_on": first, "mechanic": None, **sold.facts()}
        for (label, first), sold in found
    ], totals


def day_of(day: date) -> tuple[str, date]:
    return day.isoformat(), day


def week_of(day: date) -> tuple[str, date]:
    """As ISO 8601 counts: from Monday, and week 1 is that of 4 January."""
    year, week, weekday = day.isocalendar()
    return f"{year}-W{week:02}", day - timedelta(days=weekday - 1)


def month_of(day: date) -> tuple[str, date]:
    return f"{day:%Y-%m}", day.replace(day=1)


PERIODS = {"day": day_of, "week": week_of, "month": month_of}


def sales_of_mechanics(start: date, end: date) -> tuple[list[dict[str, Any]], Sold]:
    """Labor only: nothing else has a mechanic. An invoice counts for each mechanic on
    it, and once in the totals.
    """
    rows: dict[int | None, Sold] = defaultdict(Sold)
    names: dict[int | None, str] = {}
    totals = Sold()
    for (mechanic, name), *amounts in lines(
        start, end, "mechanic", "mechanic__name", kind=LineKind.LABOR
    ):
        names[mechanic] = name
        for sold in (rows[mechanic], totals):
            sold.take(LineKind.LABOR, *amounts)
    for of, paper, line, name in (
        (InvoiceLine, "invoice", "", "invoices"),
        (CreditNoteLine, "credit_note", "line__", "credit_notes"),
    ):
        labor = of.objects.filter(
            **{f"{paper}__{DAY}__range": (start, end), f"{line}kind": LineKind.LABOR}
        ).order_by()
        for mechanic, number in labor.values_list(f"{line}mechanic").annotate(
            papers=Count(paper, distinct=True)
        ):
            setattr(rows[mechanic], name, number)
        setattr(totals, name, labor.aggregate(papers=Count(paper, distinct=True))["papers"])
    found = sorted(rows, key=lambda mechanic: (mechanic is None, names[mechanic] or "", mechanic))
    return [
        {
            "period": None,
            "starts_on": None,
            "mechanic": None if mechanic is None else {"id": mechanic, "name": names[mechanic]},
            **rows[mechanic].facts(),
        }
        for mechanic in found
    ], totals


# --- tax ------------------------------------------------------------------------------


TAX_FACTS = ("name", "rate", "number")


def taxes(start: date, end: date) -> dict[str, Any]:
    """What each tax was due on and came to; what is not taxed has a row without a name.

    A line that bears two taxes is in two rows, so the base of the totals is what was
    sold, not the sum of the rows.
    """
    sums: dict[tuple[str, Decimal, str], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for *tax, base, amount in (*taxed(start, end), *untaxed(start, end)):
        sums[tuple(tax)].append((base, amount))
    rows = [
        {
            **dict(zip(TAX_FACTS, tax, strict=True)),
            "base": arithmetic.add(base for base, _ in found),
            "tax": arithmetic.add(amount for _, amount in found),
        }
        for tax, found in sorted(sums.items())
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


# --- what parts bring -----------------------------------------------------------------


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
