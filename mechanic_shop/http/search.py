"""Searches for a piece of text, whose cost grows with what they find, not with the
tables: docs/scaling.md says how.
"""

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import TypeVar

from django.db.models import Q, QuerySet

Rows = TypeVar("Rows", bound=QuerySet)
# keys that are looked up one by one; where more match, a walk along the list has soon
# filled a page
FEW = 1000
SHORTEST = 3  # letters of a word that PostgreSQL's index of trigrams can find


def every_word(term: str, *columns: str, also: Callable[[str], Q] | None = None) -> Q:
    """A condition: each word of the term is in one of these columns, or meets ``also``."""
    condition = Q()
    for word in dict.fromkeys(term.split()):
        places = [Q(**{f"{column}__icontains": word}) for column in columns]
        condition &= reduce(or_, places if also is None else [*places, also(word)])
    return condition


def keys(rows: QuerySet, column: str = "pk") -> object:
    """The values of a column of these rows, or, for more than a few, the query for
    them.

    With the values the database goes from index to index. With the query, or with a
    condition on other tables, it may walk the list that is to be shown and try each
    row, which is quick where many match, and passes every row where none does.
    """
    values = rows.order_by().values_list(column, flat=True)
    values_or_query = list(values[: FEW + 1])
    return values_or_query if len(values_or_query) <= FEW else values


def matching(rows: Rows, condition: Q) -> Rows:
    """The rows that meet the condition, by their keys where they are few."""
    values_or_query = keys(rows.model._default_manager.filter(condition))
    return (
        rows.filter(pk__in=values_or_query)
        if isinstance(values_or_query, list)
        else rows.filter(condition)
    )
