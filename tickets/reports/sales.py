"""What was sold: the lines of invoices less those of credit notes, each on the day on
which their document was issued.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count

from ..models import CreditNote, CreditNoteLine, Invoice, InvoiceLine, LineKind
from ..pricing import arithmetic, shop_rules
from .sold_lines import DAY, lines

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


# --- sales ----------------------------------------------------------------------------


def sales(start: date, end: date, by: str) -> dict[str, Any]:
    """Net, tax, hours and documents by day, week or month, or the labor by mechanic. What
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
    for model, name in ((Invoice, "invoices"), (CreditNote, "credit_notes")):
        counted = (
            model.objects.filter(issued_on__range=(start, end))
            .order_by()
            .values_list(DAY)
            .annotate(documents=Count("pk"))
        )
        for day, number in counted:
            for sold in (rows[period(day)], totals):
                setattr(sold, name, getattr(sold, name) + number)
    periods = sorted(rows.items(), key=lambda row: row[0][1])
    return [
        {"period": label, "starts_on": first, "mechanic": None, **sold.facts()}
        for (label, first), sold in periods
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
    count_documents(start, end, rows, totals)
    order = sorted(rows, key=lambda mechanic: (mechanic is None, names[mechanic] or "", mechanic))
    return [
        {
            "period": None,
            "starts_on": None,
            "mechanic": None if mechanic is None else {"id": mechanic, "name": names[mechanic]},
            **rows[mechanic].facts(),
        }
        for mechanic in order
    ], totals


def count_documents(start: date, end: date, rows: dict[int | None, Sold], totals: Sold) -> None:
    """Count the invoices and credit notes with labor, for each mechanic and in all."""
    for model, document, line, name in (
        (InvoiceLine, "invoice", "", "invoices"),
        (CreditNoteLine, "credit_note", "line__", "credit_notes"),
    ):
        labor = model.objects.filter(
            **{f"{document}__{DAY}__range": (start, end), f"{line}kind": LineKind.LABOR}
        ).order_by()
        for mechanic, number in labor.values_list(f"{line}mechanic").annotate(
            documents=Count(document, distinct=True)
        ):
            setattr(rows[mechanic], name, number)
        counted = labor.aggregate(documents=Count(document, distinct=True))
        setattr(totals, name, counted["documents"])
