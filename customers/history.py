"""What keeps a customer or a vehicle. The apps that know it register here: this one
does not.
"""

from collections.abc import Callable
from typing import Any

from .models import Customer, Vehicle

_keepers: list[Callable[[Customer | Vehicle], bool]] = []
_erasure_checks: list[Callable[[Customer], None]] = []


def register(
    *, keeps: Callable[[Customer | Vehicle], bool], check_erasure: Callable[[Customer], None]
) -> None:
    """Let another app say whether it keeps a row from being deleted, and refuse by
    DomainError to erase a customer.
    """
    _keepers.append(keeps)
    _erasure_checks.append(check_erasure)


def is_kept(row: Any) -> bool:
    """Has another app a history of this customer or vehicle?"""
    return any(keeps(row) for keeps in _keepers)


def check_erasure(customer: Customer) -> None:
    """Raises DomainError where something is open with the customer."""
    for check in _erasure_checks:
        check(customer)
