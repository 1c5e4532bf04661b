"""Row locks: one statement on one table, by primary key; the row and its relations are
read after it.

PostgreSQL checks a row that it waited for against the *old* version of what a locked
statement joins (READ COMMITTED), so a join would drop the row, or show it with the
relations of before. Every lock of the shop is taken here. SQLite has no row locks:
there the transaction, which begins IMMEDIATE, holds the whole database.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django.db.models import QuerySet

from mechanic_shop.errors import DomainError
from mechanic_shop.fastpath.compiled_queries import Statement
from mechanic_shop.fastpath.row_queries import row_query

Rows = TypeVar("Rows", bound=QuerySet[Any])
Held = dict[tuple[type[models.Model], int], models.Model]
_held: ContextVar[Held | None] = ContextVar("locked_rows", default=None)


class RowGone(DomainError):
    """The row was deleted since it was read: 404."""

    status = 404

    def __init__(self, row: models.Model) -> None:
        name = f"{type(row)._meta.verbose_name} {row.pk}".capitalize()
        super().__init__("not_found", f"{name} was deleted in this moment: reload the list.")


@contextmanager
def remember_locks() -> Iterator[None]:
    """Within one transaction: a row that was locked and read need not be locked and
    read again.

    Only for a transaction that is rolled back as a whole: a savepoint that is rolled
    back releases its locks.
    """
    before = _held.set({})
    try:
        yield
    finally:
        _held.reset(before)


def locking(rows: Rows, *, no_key: bool = False) -> Rows:
    """The same rows, locked when they are read, in the order of their keys: opposite
    orders would deadlock.

    ``no_key`` lets others insert rows that point to them. Raises TypeError for a
    queryset that reads more than one table.
    """
    rows = rows.order_by("pk")  # a default ordering may join
    query = rows.query
    tables = [alias for alias in query.alias_map if query.alias_refcount[alias]]
    if query.select_related or len(tables) > 1:
        raise TypeError(
            f"A locked read of {rows.model.__name__} joins other tables: lock by key, then read."
        )
    return rows.select_for_update(no_key=no_key)


def lock_key(model: type[models.Model], key: int) -> bool:
    """Lock a row until the transaction ends; False where there is none (on SQLite it is
    not looked for).
    """
    if not connection.features.has_select_for_update:
        return True
    query = row_query(
        (model, "lock"), lambda: locking(model._base_manager.values_list("pk")), Statement
    )
    return bool(query.run(key))


def lock_keys(model: type[models.Model], keys: Iterable[int]) -> None:
    """Lock these rows of one table, in the order of their keys."""
    if connection.features.has_select_for_update:
        list(locking(model._base_manager.filter(pk__in=set(keys)).values_list("pk")))


def mark_locked(row: models.Model) -> None:
    """Say that this object was read under its row's lock."""
    held = _held.get()
    if held is not None:
        held[type(row), row.pk] = row


def is_locked(row: models.Model) -> bool:
    """Was this very object read under its row's lock, in this transaction?"""
    held = _held.get()
    return held is not None and held.get((type(row), row.pk)) is row


def lock(row: models.Model, *relations: str) -> None:
    """Lock the row, and give the object every value that it has under the lock.

    ``relations`` are read along; other relations are read when they are asked for.
    Nothing is done for an object that was read under the lock. Raises DomainError
    ``not_found`` (404) for a row that is gone.
    """
    if is_locked(row):
        return
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A lock ends with its transaction: begin one.")
    if not lock_key(type(row), row.pk):
        raise RowGone(row)
    refresh(row, *relations)


def refresh(row: models.Model, *relations: str) -> None:
    """Read the row again under a lock that is held already: its own, or that of the row
    it belongs to. ``lock`` does nothing for it from then on.

    Raises DomainError ``not_found`` (404) for a row that is gone.
    """
    if is_locked(row):
        return
    reread(row, *relations)
    mark_locked(row)


def reread(row: models.Model, *relations: str) -> None:
    """Give the object every value that its row has now. The row is not locked.

    Raises DomainError ``not_found`` (404) for a row that is gone.
    """
    model = type(row)
    query = row_query((model, "read", relations), lambda: rows_with(model, relations))
    found = query.first(row.pk)
    if found is None:
        raise RowGone(row)
    # All that the object holds: fields, cached relations, prefetched rows, what the
    # audit trail remembers.
    vars(row).clear()
    vars(row).update(vars(found))


def rows_with(model: type[models.Model], relations: tuple[str, ...]) -> QuerySet[Any]:
    rows = model._base_manager.order_by()
    return rows.select_related(*relations) if relations else rows
