"""What parts are wanted for."""

from typing import TYPE_CHECKING, Any

from mechanic_shop.registry import RegisteredManager

if TYPE_CHECKING:
    from .models import Part

# The lines that parts are wanted for. Their querysets have ``holding()``, the lines that
# stock is allocated to, ``backordered()``, those that wait for it, and
# ``mark_filled(owners)``, which tells the owners of lines that stock came.
lines = RegisteredManager()


def lines_of(part: "Part") -> Any:
    """The lines that want this part."""
    return lines.manager.filter(part=part)
