"""What was sold day by day: the nets of invoices, less those of credit notes. Exact,
and in the shop's days.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from .sold_lines import DAY, lines


def by_day(last: date, days: int) -> list[tuple[date, Decimal]]:
    """[(day, net)] of so many days up to ``last``, also where it is nothing. Two
    queries.
    """
    first = last - timedelta(days=days - 1)
    nets: dict[date, Decimal] = defaultdict(Decimal)
    for (day,), net, _, _ in lines(first, last, DAY):
        nets[day] += net
    return [(day, nets[day]) for day in (first + timedelta(days=index) for index in range(days))]
