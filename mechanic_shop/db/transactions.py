"""All or nothing: what every operation is decorated with."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import connection, transaction

Operation = TypeVar("Operation", bound=Callable[..., Any])
undone_as_a_whole: ContextVar[bool] = ContextVar("undone_as_a_whole", default=False)


@contextmanager
def as_a_whole() -> Iterator[None]:
    """For a request in whose transaction nothing goes on after a refusal: what
    operations write is undone with all else.
    """
    before = undone_as_a_whole.set(True)
    try:
        yield
    finally:
        undone_as_a_whole.reset(before)


def atomic(operation: Operation) -> Operation:
    """Of all that the operation writes either all stays or nothing.

    Where a transaction has begun that takes a savepoint, two statements; but not in one
    that is undone ``as_a_whole``.
    """

    @wraps(operation)
    def run(*args: Any, **kwargs: Any) -> Any:
        with transaction.atomic(savepoint=not undone_as_a_whole.get()):
            return operation(*args, **kwargs)

    return cast("Operation", run)


# --- what takes long ------------------------------------------------------------------

MOST_ROUNDS = 5
Found = TypeVar("Found")
Outcome = tuple[Any, Exception | None]
_done: ContextVar[dict[Any, Outcome] | None] = ContextVar("done_outside", default=None)


class OutsideFirst(Exception):
    """Undoes the transaction that found slow work on its way: the work is done, and
    then it runs again.
    """

    def __init__(self, key: Hashable, work: Callable[[], object]) -> None:
        super().__init__("slow work is done outside of a transaction")
        self.key, self.work = key, work


def outside(key: Hashable, work: Callable[[], Found]) -> Found:
    """Run ``work()`` while no transaction is open, and return or raise its result:
    SQLite has one write lock for all.

    Within ``in_rounds`` the transaction is undone and runs again. ``key`` names all
    that the outcome depends on, so where a row changed in between the work is done
    again, on what the row is then. Without ``in_rounds``, in a shell, it is done on the
    spot.
    """
    done = _done.get()
    if done is None or not connection.in_atomic_block:
        return work()
    if key not in done:
        raise OutsideFirst(key, work)
    value, error = done[key]
    if error is not None:
        raise error
    return cast("Found", value)


def in_rounds(run: Callable[[], Found]) -> Found:
    """Run what begins a transaction; what it wants to have done ``outside`` is done
    between its rounds.
    """
    if _done.get() is not None:
        return run()  # whoever began first goes on
    done: dict[Any, Outcome] = {}
    for _ in range(MOST_ROUNDS):
        token = _done.set(done)
        try:
            return run()
        except OutsideFirst as asked:
            missing = asked
        finally:
            _done.reset(token)
        done[missing.key] = outcome_of(missing.work)
    return run()  # the row changes all the time: slow is better than never


def outcome_of(work: Callable[[], object]) -> Outcome:
    try:
        return work(), None
    except Exception as error:  # it is the second round's to tell
        return None, error
