"""What was sold day by day: the nets of invoices, less those of credit notes. Exact, and in the shop's days."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, F, Sum
from django.db.models.functions import Cast, Round

from .models import CreditNoteLine, InvoiceLine


def by_day(last: date, days: int) -> list[tuple[date, Decimal]]:
    """[(day, net)] of so many days up to ``last``, also where it is nothing. Two queries."""
    first = last - timedelta(days=days - 1)
    cents: dict[date, int] = defaultdict(int)
    for lines, day, sign in ((InvoiceLine.objects, "invoice__issued_on", 1), (CreditNoteLine.objects, "credit_note__issued_on", -1)):
        for issued_on, amount in cents_by(day, lines.filter(**{f"{day}__range": (first, last)})):
            cents[issued_on] += sign * amount
    return [(day, Decimal(cents[day]).scaleb(-2)) for day in (first + timedelta(days=place) for place in range(days))]


def cents_by(day: str, lines: Any) -> Any:
    """Whole cents: SQLite adds decimals as doubles."""
    return lines.order_by().values_list(day).annotate(cents=Sum(Cast(Round(F("net") * 100), BigIntegerField())))
