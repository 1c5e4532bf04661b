"""What happens to tickets. Every operation is atomic, locks the ticket before any part, and records who did it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from customers.models import Customer, Vehicle
from inventory import operations as stock
from inventory.models import ZERO, Part
from mechanic_shop.api import audit, caching
from mechanic_shop.api.statements import Prepared
from mechanic_shop.errors import DomainError, InvalidInput
from mechanics.models import Mechanic

from . import workflow
from .models import OPEN, SEALED, WORKING, ServiceTicket, Status, StatusChange, TicketMechanic, TicketPart

MOST = Decimal("999999999.999")
MOST_MONEY = Decimal("9999999999.99")


@transaction.atomic
def open_ticket(*, by: Any, **details: Any) -> ServiceTicket:
    """Write down what a customer asks for, as an estimate.

    Raises InvalidInput ``vehicle_of_another_customer``, DomainError ``customer_erased``.
    """
    Customer.objects.refuse_erased(details["customer"].pk)
    _check_vehicle(details.get("vehicle"), details["customer"])
    ticket = ServiceTicket.objects.create(**details, by=by)
    StatusChange.objects.create(ticket=ticket, to_status=ticket.status, by=by)
    return ticket


@transaction.atomic
def update(ticket: ServiceTicket, *, by: Any, **sent: Any) -> ServiceTicket:
    """Change what was sent and differs.

    Raises DomainError ``ticket_locked`` once the ticket is invoiced, closed or cancelled, or ``customer_erased``;
    InvalidInput ``vehicle_of_another_customer``.
    """
    changes = {name: value for name, value in sent.items() if getattr(ticket, name) != value}
    if not changes:
        return ticket
    _lock(ticket)
    if ticket.status in SEALED:
        raise _locked(ticket)
    if "customer" in changes and ticket.status != Status.ESTIMATE:
        raise DomainError(
            "ticket_locked", f"{ticket.number} is {ticket.status}: its customer changes only while it is an estimate.", ticket_status=ticket.status
        )
    if "customer" in changes:
        Customer.objects.refuse_erased(changes["customer"].pk)
    if {"customer", "vehicle"} & set(changes):  # a vehicle that was sold since stays on its old tickets
        _check_vehicle(changes.get("vehicle", ticket.vehicle), changes.get("customer", ticket.customer))
    return ticket.save_changes(**changes, version=F("version") + 1, by=by)


@transaction.atomic
def delete(ticket: ServiceTicket, *, by: Any) -> None:
    """Erase a ticket that never left estimate, with its quotes. Raises DomainError ``ticket_in_use`` for any other."""
    _lock(ticket)
    if ticket.status != Status.ESTIMATE:
        way_out = "cancel it instead" if ticket.status in OPEN else "there is nothing to do"
        raise DomainError("ticket_in_use", f"{ticket.number} is {ticket.status}, so its record stays: {way_out}.", ticket_status=ticket.status)
    ticket.delete(by=by)
    _links_changed()


def _check_vehicle(vehicle: Vehicle | None, customer: Customer) -> None:
    if vehicle is not None and vehicle.customer_id != customer.pk:
        raise InvalidInput("vehicle", "vehicle_of_another_customer", "This vehicle belongs to another customer.")


# --- mechanics -----------------------------------------------------------------------------------


def assign_mechanic(ticket: ServiceTicket, *, mechanic: Mechanic, role: str = TicketMechanic.Role.ASSISTANT, by: Any) -> None:
    """Put a mechanic on the ticket; nothing changes when he or she is on it already."""
    edit_mechanics(ticket, add=[mechanic], role=role, by=by)


def remove_mechanic(ticket: ServiceTicket, *, mechanic: Mechanic, by: Any) -> None:
    """Take a mechanic off the ticket. Raises DomainError ``mechanic_not_on_ticket``."""
    edit_mechanics(ticket, remove=[mechanic], by=by)


@transaction.atomic
def edit_mechanics(
    ticket: ServiceTicket, *, add: Sequence[Mechanic] = (), remove: Sequence[Mechanic] = (), role: str = TicketMechanic.Role.ASSISTANT, by: Any
) -> None:
    """Put mechanics on the ticket and take others off, all or nothing.

    Raises DomainError ``ticket_locked``, ``mechanic_inactive`` or ``mechanic_not_on_ticket``; InvalidInput for one who is in both lists.
    """
    _lock_open(ticket)
    if both := {mechanic.pk for mechanic in add} & {mechanic.pk for mechanic in remove}:
        raise InvalidInput("remove", "added_and_removed", f"Mechanic {min(both)} is in both lists.")
    on_ticket = {mechanic for (mechanic,) in mechanics_of.run(ticket.pk)}
    for mechanic in remove:
        if mechanic.pk not in on_ticket:
            raise DomainError("mechanic_not_on_ticket", f"{mechanic.name} is not on {ticket.number}.", mechanic=mechanic.pk)
    new = {mechanic.pk: mechanic for mechanic in add if mechanic.pk not in on_ticket}
    for mechanic in new.values():
        if not mechanic.is_active:
            raise DomainError("mechanic_inactive", f"{mechanic.name} no longer works here: assign somebody else.", mechanic=mechanic.pk)
    for mechanic in new.values():
        TicketMechanic.objects.create(ticket=ticket, mechanic=mechanic, role=role, assigned_by=by, by=by)
    if remove:
        TicketMechanic.objects.filter(ticket=ticket, mechanic__in=remove).delete(by=by)
    if new or remove:
        _bump(ticket)
        _links_changed()


# --- parts ---------------------------------------------------------------------------------------


@transaction.atomic
def add_part(ticket: ServiceTicket, *, part: Part, quantity: Decimal = Decimal(1), backorder: bool = False, by: Any) -> None:
    """Put a part on the ticket, or more of it.

    On an estimate it is a quote. On an approved ticket it is allocated at once: DomainError
    ``insufficient_stock`` when too little is available, unless ``backorder`` is true.
    """
    _lock_open(ticket)
    part.check_quantity(quantity)
    if not part.is_active:
        raise DomainError("part_inactive", f"{part.sku} is no longer fitted: take another part.", part=part.pk)
    given = ZERO
    if ticket.status in WORKING:
        if backorder:
            given = stock.allocate_up_to(part, quantity)
        else:
            stock.allocate(part, quantity)
            given = quantity
    line = line_of.first(ticket.pk, part.pk)
    total = (quantity + line.quantity) * line.unit_price if line else quantity * part.price
    if total > MOST_MONEY:
        raise InvalidInput("quantity", "too_much", f"A line comes to {MOST_MONEY} at the most.")
    if line is None:
        TicketPart.objects.create(ticket=ticket, part=part, quantity=quantity, allocated=given, unit_price=part.price, unit_cost=part.cost, by=by)
    elif line.quantity + quantity > MOST:
        raise InvalidInput("quantity", "too_much", f"No more than {MOST} of a part fit on a ticket.")
    else:
        line.save_changes(quantity=line.quantity + quantity, allocated=line.allocated + given, by=by)
    _bump(ticket)


@transaction.atomic
def remove_part(ticket: ServiceTicket, *, part: Part, quantity: Decimal | None = None, by: Any) -> None:
    """Take a part off the ticket, all of it or some: first what is still to come, then what is held, last what was fitted.

    Raises DomainError ``part_not_on_ticket`` or ``more_than_on_ticket``.
    """
    _lock_open(ticket)
    if ticket.status in WORKING:
        stock.lock_parts([part.pk])
    line = line_of.first(ticket.pk, part.pk)
    if line is None:
        raise DomainError("part_not_on_ticket", f"{part.sku} is not on {ticket.number}.", part=part.pk)
    quantity = line.quantity if quantity is None else part.check_quantity(quantity)
    if quantity > line.quantity:
        detail = f"Only {stock.show(line.quantity)} of {part.sku} on {ticket.number}."
        raise DomainError("more_than_on_ticket", detail, part=part.pk, quantity=str(line.quantity))
    rest = quantity - min(quantity, line.backordered) if ticket.status in WORKING else ZERO
    released = min(rest, line.allocated)
    returned = rest - released
    _give_back(line, part, released, returned, by=by)
    if quantity == line.quantity:
        line.delete(by=by)
    else:
        line.save_changes(quantity=line.quantity - quantity, allocated=line.allocated - released, issued=line.issued - returned, by=by)
    if rest:
        stock.fill_backorders(part)
    _bump(ticket)


# --- status --------------------------------------------------------------------------------------


@transaction.atomic
def move(ticket: ServiceTicket, *, to: str, reason: str = "", by: Any) -> None:
    """Move the ticket along the workflow, with what that means for the stock.

    Raises DomainError ``transition_not_allowed``, ``status_changed`` or what blocks the move; NotAllowed when it is not this user's.
    """
    step = workflow.check(ticket, to, by)
    start, now = ticket.status, timezone.now()
    changes = {"status": to, **_stamps(to, now)}
    before = {name: getattr(ticket, name) for name in changes}
    # Compare and set: of two racing requests one finds the status that it read. It locks the ticket, too.
    if not ServiceTicket.objects.filter(pk=ticket.pk, status=start).update_untold(**changes, version=F("version") + 1, updated_at=now):
        raise DomainError("status_changed", f"Somebody else moved {ticket.number} in this moment: read it again.")
    for name, value in changes.items():
        setattr(ticket, name, value)
    if effect := EFFECTS.get((Status(start), Status(to))):
        parts = stock.lock_parts(TicketPart.objects.filter(ticket=ticket).values_list("part_id", flat=True))
        vars(ticket).pop("_prefetched_objects_cache", None)  # the lines may have been filled until the locks were ours
        if blocks := step.blocked_by(ticket):
            raise blocks[0]
        for line in ticket.lines.order_by("part_id"):
            effect(line, parts[line.part_id], by)
        if to == Status.CANCELLED:
            for part in parts.values():
                stock.fill_backorders(part)
    StatusChange.objects.create(ticket=ticket, from_status=start, to_status=to, by=by, at=now, reason=reason)
    audit.tell(ticket, before, kind=audit.Kind.STATUS, by=by)
    if to == Status.CANCELLED:
        _links_changed()


def _stamps(to: str, now: Any) -> dict[str, Any]:
    """What a move writes beside the status. Work that is done, or given up, waits for nothing."""
    rest = {"on_hold": False, "hold_reason": ""}
    return {
        Status.COMPLETED: {"completed_at": now, **rest},
        Status.IN_PROGRESS: {"completed_at": None},
        Status.CLOSED: {"closed_at": now},
        Status.CANCELLED: {"closed_at": now, **rest},
    }.get(Status(to), {})


def _hold_stock(line: TicketPart, part: Part, by: Any) -> None:
    line.save_changes(allocated=line.allocated + stock.allocate_up_to(part, line.backordered))


def _issue(line: TicketPart, part: Part, by: Any) -> None:
    if line.allocated:
        stock.issue(part, line.allocated, reference=line.ticket.number, unit_cost=line.unit_cost, by=by)
        line.save_changes(issued=line.issued + line.allocated, allocated=ZERO)


def _take_back(line: TicketPart, part: Part, by: Any) -> None:
    _give_back(line, part, line.allocated, line.issued, by=by)
    line.save_changes(allocated=ZERO, issued=ZERO)


EFFECTS = {
    (Status.ESTIMATE, Status.APPROVED): _hold_stock,
    (Status.APPROVED, Status.COMPLETED): _issue,
    (Status.IN_PROGRESS, Status.COMPLETED): _issue,
    (Status.APPROVED, Status.CANCELLED): _take_back,
    (Status.IN_PROGRESS, Status.CANCELLED): _take_back,
}


def _give_back(line: TicketPart, part: Part, released: Decimal, returned: Decimal, *, by: Any) -> None:
    stock.release(part, released)
    stock.return_to_stock(part, returned, reference=line.ticket.number, unit_cost=line.unit_cost, by=by)


# --- statements that every write runs ---------------------------------------------------------------


@Prepared
def bumped(ticket: int, now: datetime) -> Any:
    return ServiceTicket.objects.filter(pk=ticket).changing(version=F("version") + 1, updated_at=now)


@Prepared
def line_of(ticket: int, part: int) -> Any:
    return TicketPart.objects.filter(ticket=ticket, part=part)


@Prepared
def mechanics_of(ticket: int) -> Any:
    return TicketMechanic.objects.filter(ticket=ticket).values_list("mechanic_id")


# --- locks ---------------------------------------------------------------------------------------


def _lock(ticket: ServiceTicket) -> None:
    """Lock the ticket's row, and see its status as it is now; nothing to do when it was read under this transaction's lock."""
    if getattr(ticket, "is_locked", False):
        return
    ticket.status = ServiceTicket.objects.select_for_update().values_list("status", flat=True).get(pk=ticket.pk)


def _lock_open(ticket: ServiceTicket) -> None:
    _lock(ticket)
    if ticket.status not in OPEN:
        raise _locked(ticket)


def _locked(ticket: ServiceTicket) -> DomainError:
    way_out = "reopen it first" if ticket.status == Status.COMPLETED else "open a new ticket"
    return DomainError("ticket_locked", f"{ticket.number} is {ticket.status}, so nothing on it changes: {way_out}.", ticket_status=ticket.status)


def _bump(ticket: ServiceTicket) -> None:
    bumped.change(ticket.pk, timezone.now())


def _links_changed() -> None:
    caching.changed("mechanics")
