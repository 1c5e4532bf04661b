"""Sums of lines, for the database's JSON, and amounts that trade-ins may make negative."""

from typing import Any

from django.db.models import QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from inventory.models import ZERO
from mechanic_shop.currency import sum_field
from mechanic_shop.http.number_fields import MoneyField


class SignedMoneyField(MoneyField):
    """An amount that is less than 0 where a trade-in is more than the rest."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 25, "min_value": None, "read_only": True} | kwargs)


def sum_of(rows: QuerySet[Any], column: str) -> Coalesce:
    """The sum of a column over the rows that point to this one."""
    summed = rows.order_by().values(column).annotate(total=Sum("line_total")).values("total")
    return Coalesce(Subquery(summed), ZERO, output_field=sum_field())
