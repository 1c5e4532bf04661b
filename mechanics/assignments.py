"""Where mechanics work. The app that assigns them registers here: this one does not
know it.
"""

from typing import Any

from django.db.models import Manager

_registered: list[Any] = []


def register(assignments: Manager[Any]) -> None:
    """Name the assignments of mechanics. Their querysets have ``counted()``: those that
    count for popularity.
    """
    _registered[:] = [assignments]


def all_assignments() -> Any:
    return _registered[0]
