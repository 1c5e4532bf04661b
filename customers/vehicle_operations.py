"""Operations on vehicles: each locks the vehicle first."""

from datetime import UTC
from typing import Any

from django.utils import timezone

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from . import history
from .models import Vehicle


@atomic
def update_vehicle(
    vehicle: Vehicle, *, confirm_odometer: bool = False, by: User | None, **changes: Any
) -> Vehicle:
    """Change what was sent. Raises DomainError ``odometer_lower`` as ``take_reading``
    does.
    """
    row_locks.lock(vehicle)
    if "odometer" in changes:
        _check_reading(vehicle, changes["odometer"], confirm_odometer)
        changes |= _date_of_reading(vehicle, changes["odometer"])
    return vehicle.save_changes(**changes, by=by)


def take_reading(
    vehicle: Vehicle, reading: int, *, confirm_odometer: bool, by: User | None
) -> bool:
    """Let the vehicle, which is locked, know what its odometer was read as; True for
    less than it knew.

    Raises DomainError ``odometer_lower`` for less, unless that is confirmed: a digit is
    sooner mistyped than a distance taken back.
    """
    _check_reading(vehicle, reading, confirm_odometer)
    known = vehicle.odometer
    news: dict[str, Any] = (
        _date_of_reading(vehicle, reading) if reading == known else {"odometer": reading}
    )
    vehicle.save_changes(**news, by=by)
    return known is not None and reading < known


def _date_of_reading(vehicle: Vehicle, reading: int | None) -> dict[str, Any]:
    """A reading that is known without its date gets one when it is read again."""
    again = reading is not None and reading == vehicle.odometer and vehicle.odometer_at is None
    return {"odometer_at": timezone.now()} if again else {}


def _check_reading(vehicle: Vehicle, reading: int | None, confirmed: bool) -> None:
    known, at = vehicle.odometer, vehicle.odometer_at
    if confirmed or known is None or (reading is not None and reading >= known):
        return
    read = f" on {timezone.localtime(at):%Y-%m-%d}" if at else ""
    less = "no reading" if reading is None else str(reading)
    raise DomainError(
        "odometer_lower",
        (
            f"The odometer of {vehicle} was read as {known}{read}, and {less} is less: look "
            f"again, or confirm it."
        ),
        odometer=known,
        odometer_at=at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None,
    )


@atomic
def delete_vehicle(vehicle: Vehicle, *, by: User | None) -> None:
    """Erase a vehicle that was never repaired here. Raises DomainError
    ``vehicle_in_use`` for another.
    """
    row_locks.lock(vehicle)
    if history.is_kept(vehicle):
        raise DomainError(
            "vehicle_in_use",
            f"{vehicle} has tickets, so its record stays: change its customer if it was sold.",
        )
    vehicle.delete(by=by)
