"""The ORM's statements, built once and handed to the driver.

Of what the shop runs again and again Django takes longer to build the SQL than the
database takes to run it, and its cursor rewrites every placeholder each time. Here a
queryset is compiled at its first use, with a marker in the place of each value that
differs from call to call; from then on the driver gets the text and the values. What
tests count, and what wraps Django's cursor, still sees each.
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import count
from threading import Lock
from typing import Any, get_type_hints

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery

# Stands for a key while a statement is compiled; no row has it. It fits into the 32
# bits of the keys of Django's own tables: of a larger one Django sees that there can be
# no row.
PK_PLACEHOLDER = -(2**30) - 77
# Stands for the key of the user who asks, in statements that all users with the same
# rights share. Drawn at random: a number that clients knew they could send as the value
# of a filter.
USER_PLACEHOLDER = -(2**41) - secrets.randbelow(2**40)
MARKERS: dict[type, Callable[[int], Any]] = {
    int: lambda place: PK_PLACEHOLDER - place,
    Decimal: lambda place: Decimal(f"-7070707.{place + 1:03d}"),
    datetime: lambda place: datetime(1907, 7, 7, 7, 7, 7, place + 1, UTC),
    str: lambda place: f"\x07{place}\x07",
}


def forms(kind: type) -> list[Callable[[Any], Any]]:
    """How the ORM may hand a value of this kind to the driver: as it is, or as the
    database's column wants it.
    """
    if kind is datetime:
        return [connection.ops.adapt_datetimefield_value]
    return [lambda value: value, "{:f}".format] if kind is Decimal else [lambda value: value]


class CompiledSQL:
    """SQL for the driver; ``%s`` is where a value goes."""

    def __init__(self, sql: str) -> None:
        self.sql, numbers = sql, count(1)
        place = (lambda: "?") if connection.vendor == "sqlite" else (lambda: f"${next(numbers)}")
        self.native = re.sub("%%|%s", lambda found: "%" if found[0] == "%%" else place(), sql)

    @property
    def weight(self) -> int:
        return 300 + 3 * len(self.sql)

    def execute(self, params: Any) -> tuple[list[Any], int]:
        """The rows that came back, and how many were changed."""
        # the thread's own, of which ``connection`` would look each attribute up anew
        database = connections[DEFAULT_DB_ALIAS]
        if database.queries_logged or database.execute_wrappers:
            with database.cursor() as cursor:
                cursor.execute(self.sql, params)
                return cursor.fetchall() if cursor.description else [], cursor.rowcount
        database.close_if_health_check_failed()
        database.ensure_connection()
        database.validate_no_broken_transaction()
        with database.wrap_database_errors:  # also around fetching: SQLite finds its rows only then
            if database.vendor == "sqlite":
                found = database.connection.execute(self.native, params)
            else:
                found = raw_cursor(database.connection).execute(self.native, params)
            return found.fetchall() if found.description else [], found.rowcount


def raw_cursor(of: Any) -> Any:
    from psycopg import RawCursor  # not needed where the database is SQLite

    return RawCursor(of)


class Statement:
    """The SQL of a queryset or a query, compiled once; each call gives new values for
    the ``markers`` in it.

    One value more is the key of the user who asks: it goes wherever USER was compiled.
    """

    def __init__(
        self, source: Any, wrap: str = "{}", markers: tuple[Any, ...] = (PK_PLACEHOLDER,)
    ) -> None:
        compiler = self.compiler_of(getattr(source, "query", source))
        try:
            sql, self.params = compiler.as_sql()
            self.text: CompiledSQL | None = CompiledSQL(wrap.format(sql))
        except EmptyResultSet:  # Django sees that there can be no rows
            self.text, self.params = None, ()
        wanted = {
            form(marker): (number, form)
            for number, marker in enumerate((*markers, USER_PLACEHOLDER))
            for form in forms(type(marker))
        }
        self.places = [
            (at, *wanted[value])
            for at, value in enumerate(self.params)
            if isinstance(value, Hashable) and value in wanted
        ]
        self.depends_on_user = any(number == len(markers) for _, number, _ in self.places)

    def compiler_of(self, query: Any) -> Any:
        return query.get_compiler(connection=connection)

    @property
    def weight(self) -> int:
        """The bytes that it holds, about."""
        return 1000 + 3 * len(self.text.sql if self.text else "") + 60 * len(self.params)

    def execute(self, values: tuple[Any, ...]) -> tuple[list[Any], int]:
        if self.text is None:
            return [], 0
        params = list(self.params)
        for at, number, form in self.places:
            params[at] = form(values[number])
        return self.text.execute(params)

    def run(self, *values: Any) -> list[Any]:
        """The rows, as the driver gives them."""
        return self.execute(values)[0]

    def execute_update(self, *values: Any) -> int:
        """Run an UPDATE; returns the number of rows that it changed."""
        return self.execute(values)[1]


class ObjectStatement(Statement):
    """A statement whose rows become objects. It keeps Django's compiler, which takes
    ten times as much memory.
    """

    compiler: Any

    def compiler_of(self, query: Any) -> Any:
        self.compiler = super().compiler_of(query)
        return self.compiler

    @property
    def weight(self) -> int:
        return super().weight + 20 * len(self.text.sql if self.text else "")

    def objects(self, *values: Any) -> list[Any]:
        """The rows as objects of the model, with those that the queryset selects beside
        them.
        """
        return [
            self.object(row)
            for row in self.compiler.apply_converters(self.run(*values), self.converters)
        ]

    def first(self, *values: Any) -> Any:
        return next(iter(self.objects(*values)), None)

    @cached_property
    def converters(self) -> Any:
        return self.compiler.get_converters(
            [expression for expression, _, _ in self.compiler.select]
        )

    @cached_property
    def columns(self) -> tuple[Any, slice, list[str], Any]:
        """What Django's ModelIterable finds out each time: the model, which columns are
        its own, their names, and who fills its relations.
        """
        info, select = self.compiler.klass_info, self.compiler.select
        own = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        names = [expression.target.attname for expression, _, _ in select[own]]
        populators: Any = get_related_populators  # the stubs are of another Django
        return info["model"], own, names, populators(info, select, connection.alias)

    def object(self, row: Any) -> Any:
        model, own, names, related = self.columns
        found = model.from_db(connection.alias, names, row[own])
        for populator in related:
            populator.populate(row, found)
        return found


class CompiledQuery:
    """A function that makes a queryset of values, as a statement; it is called once.
    Its parameters are annotated: int, Decimal, datetime or str.

    @Prepared
    def line_of(ticket: int, part: int) -> Any:
        return TicketPart.objects.filter(ticket=ticket, part=part)

    line_of.first(7, 8)
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        self.build, self.__doc__ = build, build.__doc__

    @cached_property
    def statement(self) -> ObjectStatement:
        kinds = [kind for name, kind in get_type_hints(self.build).items() if name != "return"]
        markers = tuple(MARKERS[kind](place) for place, kind in enumerate(kinds))
        made = ObjectStatement(self.build(*markers), markers=markers)
        if made.text and {number for _, number, _ in made.places} != set(range(len(markers))):
            raise TypeError(
                f"A value of {self.build.__name__} is not in its statement as it was "
                f"given: it would stay what it was first."
            )
        return made

    def run(self, *values: Any) -> list[Any]:
        return self.statement.run(*values)

    def first(self, *values: Any) -> Any:
        return self.statement.first(*values)

    def objects(self, *values: Any) -> list[Any]:
        return self.statement.objects(*values)

    def execute_update(self, *values: Any) -> int:
        return self.statement.execute_update(*values)


class QueryCache:
    """What was used last, by all that it depends on: a shape, the rights of users, a
    query string.

    It holds about ``size`` bytes.
    """

    def __init__(self, size: int) -> None:
        self.size, self.held = size, 0
        self.kept, self.lock = OrderedDict[tuple[Any, ...], Any](), Lock()

    def get(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        found = self.kept.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        else:
            with suppress(KeyError):  # another thread has made room in between
                self.kept.move_to_end(key)
        return found

    def put(self, key: tuple[Any, ...], made: Any) -> None:
        """Keep it, and drop what was not used for longest where there is no room."""
        with self.lock:
            if key in self.kept:  # two threads made it at once
                return
            self.kept[key] = made
            self.held += weight_of(key, made)
            while self.held > self.size and self.kept:
                self.held -= weight_of(*self.kept.popitem(last=False))

    def clear(self) -> None:
        with self.lock:
            self.kept.clear()
            self.held = 0


def weight_of(key: tuple[Any, ...], made: Any) -> int:
    """The bytes of an entry, about. Of the key only texts count, such as a query
    string: all else in it is shared.
    """
    text = sum(len(part) for part in key if isinstance(part, str))
    return 300 + text + made.weight


MEGABYTE = 1024 * 1024
# 64 MB for each process; tests/test_kept_statements.py weighs what they hold.
query_cache = QueryCache(32 * MEGABYTE)  # of single rows: some for each set of rights
# of lists, one for each query string: anybody can ask for new ones
page_query_cache = QueryCache(32 * MEGABYTE)


# --- one row, inserted ----------------------------------------------------------------


class CompiledInsert:
    """The INSERT of a row of a model whose primary key the database gives; it returns
    nothing.
    """

    def __init__(self, model: type[Model]) -> None:
        self.fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        query = InsertQuery(model)
        query.insert_values(self.fields, [model()])
        ((sql, _),) = query.get_compiler(connection=connection).as_sql()
        self.text = CompiledSQL(sql)

    def execute(self, values: Mapping[str, Any]) -> None:
        """Insert a row with these ``values``, by the attribute of each column."""
        database = connections[DEFAULT_DB_ALIAS]
        self.text.execute(
            [field.get_db_prep_save(values[field.attname], database) for field in self.fields]
        )
