"""What a ticket tells its vehicle about the odometer."""

from typing import Any

from customers.vehicle_operations import take_reading
from mechanic_shop.accounts.models import User
from mechanic_shop.db import audit

from ..models import ServiceTicket

READINGS = ("odometer_out", "odometer_in")  # the later one first


def tells_reading(changes: dict[str, Any]) -> bool:
    """May these changes of a ticket tell the vehicle something? Then it is locked
    before the ticket is written.

    A row that points to a vehicle shares the lock of its key until it is committed: two
    that did could both wait for the whole lock.
    """
    return "vehicle" in changes or any(changes.get(name) is not None for name in READINGS)


def pass_on_reading(
    ticket: ServiceTicket, changes: dict[str, Any], *, confirm_odometer: bool, by: User | None
) -> None:
    """Tell the vehicle, which is locked, the ticket's last reading where it is new; a
    lower one is told in the ticket's history, too.

    Raises DomainError ``odometer_lower`` for a lower one that is not confirmed.
    """
    name = next((name for name in READINGS if getattr(ticket, name) is not None), None)
    if name is None or ticket.vehicle is None or not {name, "vehicle"} & changes.keys():
        return
    before, reading = ticket.vehicle.odometer, getattr(ticket, name)
    if take_reading(ticket.vehicle, reading, confirm_odometer=confirm_odometer, by=by):
        audit.record_event(ticket, vehicle_odometer=[before, reading], by=by)
