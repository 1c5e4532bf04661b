"""What was sold day by day: the nets of invoices, less those of credit notes. Exact,
and in the shop's days.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from ..models import CreditNoteLine, InvoiceLine
from .exact_sums import exact, thousandths


def by_day(last: date, days: int) -> list[tuple[date, Decimal]]:
    """[(day, net)] of so many days up to ``last``, also where it is nothing. Two
    queries.
    """
    first = last - timedelta(days=days - 1)
    nets: dict[date, int] = defaultdict(int)
    for lines, day, sign in (
        (InvoiceLine.objects, "invoice__issued_on", 1),
        (CreditNoteLine.objects, "credit_note__issued_on", -1),
    ):
        rows = (
            lines.filter(**{f"{day}__range": (first, last)})
            .order_by()
            .values_list(day)
            .annotate(sum=thousandths("net"))
        )
        for issued_on, amount in rows:
            nets[issued_on] += sign * amount
    return [
        (day, exact(nets[day])) for day in (first + timedelta(days=place) for place in range(days))
    ]
