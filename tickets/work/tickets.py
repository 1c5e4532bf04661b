"""Tickets themselves: opened, changed, erased, discounted."""

from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils import timezone

from customers.models import Customer, Vehicle
from inventory.models import ZERO
from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.fastpath.compiled_queries import CompiledQuery

from ..lifecycle.locking import increment_version, links_changed, lock, ticket_locked_error
from ..models import CLOSED_STATUSES, EDITABLE_STATUSES, ServiceTicket, Status, StatusChange
from .authorized_amounts import authorized_cost
from .odometer import pass_on_reading, tells_reading
from .price_checks import check_discount
from .reapproval import before_repricing, require_reapproval_if_exceeded
from .trade_ins import never_below_nothing


@atomic
def open_ticket(
    *,
    customer: Customer | None = None,
    vehicle: Vehicle | None = None,
    confirm_odometer: bool = False,
    by: User | None,
    **details: Any,
) -> ServiceTicket:
    """Write down what a customer asks for, as an estimate. Where no customer is named,
    it is the vehicle's owner.

    Raises InvalidInput ``vehicle_of_another_customer``, or ``required`` where neither
    is named; DomainError ``customer_erased`` or ``odometer_lower``.
    """
    owner = customer.pk if customer else _owner_of(vehicle)
    Customer.objects.refuse_erased(owner)
    if customer is not None:
        _check_vehicle(vehicle, customer)
    if vehicle is not None and tells_reading(details):
        row_locks.lock(vehicle)
        if customer is not None:
            _check_vehicle(vehicle, customer)  # it may have been sold while this waited
    ticket = ServiceTicket.objects.create(customer_id=owner, vehicle=vehicle, **details, by=by)
    StatusChange.objects.create(ticket=ticket, to_status=ticket.status, by=by)
    pass_on_reading(ticket, details, confirm_odometer=confirm_odometer, by=by)
    return ticket


@atomic
def update(
    ticket: ServiceTicket, *, confirm_odometer: bool = False, by: User | None, **sent: Any
) -> ServiceTicket:
    """Change what was sent and differs.

    Raises DomainError ``ticket_locked`` once the ticket is invoiced, closed or
    cancelled, ``customer_erased`` or ``odometer_lower``; InvalidInput
    ``vehicle_of_another_customer``.
    """
    lock(ticket)
    changes = {name: value for name, value in sent.items() if getattr(ticket, name) != value}
    if not changes:
        return ticket
    if ticket.status in CLOSED_STATUSES:
        raise ticket_locked_error(ticket)
    if "customer" in changes:
        check_may_change_customer(ticket, changes["customer"])
    vehicle = changes.get("vehicle", ticket.vehicle)
    customer = changes.get("customer", ticket.customer)
    moves = not changes.keys().isdisjoint({"customer", "vehicle"})
    if moves:  # a vehicle that was sold since stays on its old tickets
        _check_vehicle(vehicle, customer)
    if vehicle is not None and tells_reading(changes):
        row_locks.lock(vehicle)
        if moves:
            _check_vehicle(vehicle, customer)  # it may have been sold while this waited
    if "customer" in changes:  # whoever got a link to it got it for somebody else
        revoke_links(ticket, by=by)
    ticket.save_changes(**changes, version=F("version") + 1, by=by)
    pass_on_reading(ticket, changes, confirm_odometer=confirm_odometer, by=by)
    return ticket


def check_may_change_customer(ticket: ServiceTicket, customer: Customer) -> None:
    """Raises DomainError: a ticket keeps its customer once they approved or paid."""
    if ticket.status != Status.ESTIMATE:
        raise DomainError(
            "ticket_locked",
            (
                f"{ticket.number} is {ticket.status}: its customer changes only while it is "
                f"an estimate."
            ),
            ticket_status=ticket.status,
        )
    if ticket.payments.exists():
        raise DomainError(
            "ticket_has_payments",
            f"{ticket.number} has deposits of its customer: open another ticket.",
        )
    if ticket.authorizations.exists():
        raise DomainError(
            "ticket_in_use",
            f"{ticket.number} has approvals of its customer: open another ticket.",
            ticket_status=ticket.status,
        )
    Customer.objects.refuse_erased(customer.pk)


def revoke_links(ticket: ServiceTicket, *, by: User | None) -> None:
    for link in ticket.shares.filter(revoked_at=None):
        link.save_changes(revoked_at=timezone.now(), by=by)


@atomic
def delete(ticket: ServiceTicket, *, by: User | None) -> None:
    """Erase a ticket that never left estimate, with its quotes. Raises DomainError
    ``ticket_in_use`` for any other.
    """
    lock(ticket)
    if ticket.status != Status.ESTIMATE:
        way_out = (
            "cancel it instead" if ticket.status in EDITABLE_STATUSES else "there is nothing to do"
        )
        raise DomainError(
            "ticket_in_use",
            f"{ticket.number} is {ticket.status}, so its record stays: {way_out}.",
            ticket_status=ticket.status,
        )
    if ticket.authorizations.exists() or ticket.payments.exists():
        raise DomainError(
            "ticket_in_use",
            (f"{ticket.number} has approvals or payments, so its record stays: cancel it instead."),
        )
    ticket.delete(by=by)
    links_changed()


@atomic
def give_discount(
    ticket: ServiceTicket,
    *,
    discount_percent: Decimal = ZERO,
    discount_amount: Decimal = ZERO,
    by: User | None,
) -> None:
    """Take so many percent, or an amount, off the whole ticket; nothing takes the
    discount back. Raises DomainError ``ticket_locked``.
    """
    lock(ticket)
    if ticket.status in CLOSED_STATUSES:
        raise ticket_locked_error(ticket)
    check_discount(discount_percent, discount_amount)
    before_repricing(ticket)
    cost = authorized_cost(ticket)
    with never_below_nothing(ticket):
        ticket.save_changes(
            discount_percent=discount_percent, discount_amount=discount_amount, by=by
        )
        require_reapproval_if_exceeded(ticket, cost_before=cost, by=by)
    increment_version(ticket)


@CompiledQuery
def owned(vehicle: int, customer: int) -> Any:
    return Vehicle.objects.filter(pk=vehicle, customer=customer).order_by().values_list("pk")


def _check_vehicle(vehicle: Vehicle | None, customer: Customer) -> None:
    """Raises InvalidInput. Whose the vehicle is, is asked under the ticket's lock.

    It is asked before the vehicle is locked, too: whoever sells it locks it and then
    its buyer, and a ticket of the buyer holds that lock.
    """
    if vehicle is not None and not owned.run(vehicle.pk, customer.pk):
        raise InvalidInput(
            "vehicle", "vehicle_of_another_customer", "This vehicle belongs to another customer."
        )


def _owner_of(vehicle: Vehicle | None) -> int:
    """The customer whose vehicle it is now: it may have changed hands since it was
    read. The customer is locked before the vehicle.
    """
    if vehicle is None:
        raise InvalidInput("customer", "required", "Say whose ticket it is.")
    for (owner,) in owner_now.run(vehicle.pk):
        return int(owner)
    raise row_locks.RowGone(vehicle)


@CompiledQuery
def owner_now(vehicle: int) -> Any:
    return Vehicle.objects.filter(pk=vehicle).order_by().values_list("customer_id")
