"""The plain way: a queryset that the ORM builds and runs at each call."""

from collections.abc import Callable
from typing import Any


class OrmQuery:
    """A function that makes a queryset, or a ``PendingUpdate``, of values."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self.build = build

    def run(self, *values: Any) -> list[Any]:
        return list(self.build(*values))

    def objects(self, *values: Any) -> list[Any]:
        return self.run(*values)

    def first(self, *values: Any) -> Any:
        return next(iter(self.run(*values)), None)

    def execute_update(self, *values: Any) -> int:
        """Run an UPDATE; returns the number of rows that it changed."""
        changed: int = self.build(*values).execute()
        return changed
