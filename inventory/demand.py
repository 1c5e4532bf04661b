"""What parts are wanted for. The app of the lines that want them registers here: this
one does not know it.
"""

from typing import Any

from django.db.models import Manager

_registered: list[Any] = []


def register(lines: Manager[Any]) -> None:
    """Name the lines that parts are wanted for.

    Their querysets have ``holding()``, the lines that stock is allocated to,
    ``backordered()``, those that wait for it, and ``mark_filled(owners)``, which tells
    the owners of lines that stock came.
    """
    _registered[:] = [lines]


def all_lines() -> Any:
    return _registered[0]


def lines_of(part: Any) -> Any:
    """The lines that want this part."""
    return all_lines().filter(part=part)
