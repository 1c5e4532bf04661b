"""What happens to mechanics beyond one row."""

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError
from mechanic_shop.http import caching

from .assignments import assignments
from .models import Mechanic


@atomic
def delete(mechanic: Mechanic, *, by: User | None) -> None:
    """Erase a mechanic who was never on a ticket. Raises DomainError
    ``mechanic_in_use`` for one with a history.
    """
    row_locks.lock(mechanic)
    if assignments.manager.filter(mechanic=mechanic).exists():
        raise DomainError(
            "mechanic_in_use",
            (
                f"{mechanic.name} has worked on tickets, so the record stays: set is_active "
                f"to false instead."
            ),
        )
    mechanic.delete(by=by)
    caching.changed("mechanics")
