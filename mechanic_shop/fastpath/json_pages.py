"""Pages of lists whose JSON the database builds, compiled to be asked for again."""

import time
from collections.abc import Callable
from typing import Any

import orjson
from rest_framework import serializers

from .compiled_queries import PK_PLACEHOLDER, Statement
from .json_queries import json_rows

LONG = 10_000  # rows of a list whose exact length is worth a second's delay


class Page:
    """One page of a list, ready to be asked for again: how many rows there are, and the
    JSON of its own.
    """

    def __init__(
        self,
        rows: Any,
        serializer: serializers.BaseSerializer,
        number: int,
        size: int,
        *,
        exact: bool,
    ) -> None:
        self.number, self.size, self.exact = number, size, exact
        self.counting = Statement(
            rows.order_by().values_list("pk"), "SELECT count(*) FROM ({}) counted", ()
        )
        self.counted, self.total = 0.0, 0
        shown = self.rows_shown(rows, slice((number - 1) * size, number * size))
        self.rows = Statement(json_rows(shown, serializer), markers=())

    def rows_shown(self, rows: Any, part: slice) -> Any:
        """The rows of this page. Keys first: PostgreSQL would otherwise build the JSON of
        every row that a deep page skips.
        """
        if rows.query.annotations:
            return rows[part]
        keys = rows.values("pk")[part]
        return rows.model._default_manager.filter(pk__in=keys).order_by(*rows.query.order_by)

    @property
    def weight(self) -> int:
        return 300 + self.counting.weight + self.rows.weight

    def count(self, user: int | None) -> int:
        """How many rows the list has. Of a long list it may be a second old, unless it
        must be ``exact``: counting takes longer than reading.

        What depends on who asks is counted each time: others ask the same page.
        """
        now = time.monotonic()
        if (
            self.exact
            or self.counting.depends_on_user
            or self.total < LONG
            or now > self.counted + 1
        ):
            total = self.counting.run(user)[0][0] if self.counting.text else 0
            self.total, self.counted = total, now
            return total
        return self.total

    def json(self, user: int | None, link: Callable[[int], str]) -> bytes | None:
        """{count, next, previous, results}; None where there is no such page.

        ``user`` is the key of the user who asks, ``link`` gives the address of a page
        by its number.
        """
        total = self.count(user)
        last = max(1, -(-total // self.size))
        if self.number > last:
            return None
        following = link(self.number + 1) if self.number < last else None
        previous = link(self.number - 1) if self.number > 1 else None
        return page_of(total, following, previous, [row for (row,) in self.rows.run(user)])


class CursorPage:
    """A list from a key on, in the order of the keys: each step costs the same, however
    far one has come.
    """

    def __init__(self, rows: Any, serializer: serializers.BaseSerializer, size: int) -> None:
        self.size = size
        shown = rows.filter(pk__gt=PK_PLACEHOLDER).order_by("pk")[: size + 1]
        self.rows = Statement(json_rows(shown, serializer, "pk"))

    @property
    def weight(self) -> int:
        return 300 + self.rows.weight

    def json(self, user: int | None, after: int, link: Callable[[int], str]) -> bytes:
        """{count: null, next, previous: null, results}; ``link`` gives the address of
        what follows a key.
        """
        found = self.rows.run(after, user)
        shown, more = found[: self.size], len(found) > self.size
        return page_of(None, link(shown[-1][0]) if more else None, None, [row for _, row in shown])


def page_of(
    total: int | None, following: str | None, previous: str | None, rows: list[str]
) -> bytes:
    head = orjson.dumps({"count": total, "next": following, "previous": previous})
    return head[:-1] + b',"results":[' + ",".join(rows).encode() + b"]}"
