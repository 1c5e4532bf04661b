"""The ORM's statements, built once and handed to the driver.

Of what the shop runs again and again Django takes longer to build the SQL than the
database takes to run it. Here a queryset is compiled at its first use, with a marker in
the place of each value that differs from call to call; from then on the driver gets the
text and the values.
"""

import secrets
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, get_type_hints

from django import VERSION
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model
from django.db.models.sql import InsertQuery
from django.utils.module_loading import import_string

from .compiled_sql import CompiledSQL
from .orm_query import OrmQuery
from .switch import is_on

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


class Statement:
    """The SQL of a queryset or a query, compiled once; each call gives new values for
    the ``markers`` in it.

    One value more is the key of the user who asks: it goes wherever the SQL has USER_PLACEHOLDER.
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
        return info["model"], own, names, related_populators(info, select)

    def object(self, row: Any) -> Any:
        model, own, names, related = self.columns
        found = model.from_db(connection.alias, names, row[own])
        for populator in related:
            populator.populate(row, found)
        return found


def related_populators(info: Any, select: Any) -> Any:
    """What fills the relations that a queryset selects along."""
    from django.db.models import query  # here, since FAST_PATH=off does without it

    # from Django 6.1 on, how related rows are read that were not selected
    mode = (import_string("django.db.models.FETCH_ONE"),) if VERSION >= (6, 1) else ()
    populators: Any = query.get_related_populators
    return populators(info, select, connection.alias, *mode)


class CompiledQuery:
    """A function that makes a queryset of values, compiled at its first call. Its
    parameters are annotated: int, Decimal, datetime or str.

    @CompiledQuery
    def line_of(ticket: int, part: int) -> Any:
        return TicketPart.objects.filter(ticket=ticket, part=part)

    line_of.first(7, 8)

    With the fast path off the ORM runs the queryset at each call.
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        self.build, self.__doc__ = build, build.__doc__
        self.plain = OrmQuery(build)

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

    @property
    def query(self) -> ObjectStatement | OrmQuery:
        return self.statement if is_on() else self.plain

    def run(self, *values: Any) -> list[Any]:
        return self.query.run(*values)

    def first(self, *values: Any) -> Any:
        return self.query.first(*values)

    def objects(self, *values: Any) -> list[Any]:
        return self.query.objects(*values)

    def execute_update(self, *values: Any) -> int:
        return self.query.execute_update(*values)


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
