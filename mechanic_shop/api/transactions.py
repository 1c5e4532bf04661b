"""All or nothing: what every operation is decorated with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import transaction

Operation = TypeVar("Operation", bound=Callable[..., Any])
undone_as_a_whole: ContextVar[bool] = ContextVar("undone_as_a_whole", default=False)


@contextmanager
def as_a_whole() -> Iterator[None]:
    """For a request in whose transaction nothing goes on after a refusal: what operations write is undone with all else."""
    before = undone_as_a_whole.set(True)
    try:
        yield
    finally:
        undone_as_a_whole.reset(before)


def atomic(operation: Operation) -> Operation:
    """Of all that the operation writes either all stays or nothing.

    Where a transaction has begun that takes a savepoint, two statements; but not in one that is undone ``as_a_whole``.
    """

    @wraps(operation)
    def run(*args: Any, **kwargs: Any) -> Any:
        with transaction.atomic(savepoint=not undone_as_a_whole.get()):
            return operation(*args, **kwargs)

    return cast("Operation", run)
