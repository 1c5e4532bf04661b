"""The amounts that the customer authorized: of each job and part, and of the ticket."""

from decimal import Decimal
from typing import Any

from inventory.models import ZERO
from mechanic_shop.accounts.models import User

from ..lifecycle.snapshot import Approvable, TicketSnapshot, key_of, load_snapshot
from ..models import Job, JobLine, ServiceTicket, TicketPart
from ..pricing import arithmetic, shop_rules


def fill_in_approved_amounts(snapshot: TicketSnapshot, *, by: User | None) -> None:
    """What was approved before amounts were kept counts with what it costs now."""
    costs = snapshot.amounts_of(snapshot.price(snapshot.offered()))
    for unit in snapshot.authorized():
        unit.save_changes(approved_amount=costs[key_of(unit)], by=by)
    snapshot.ticket.authorized_supplies = snapshot.authorized_bill().supplies_total
    set_authorized(snapshot)


def authorized_cost(ticket: ServiceTicket) -> Decimal | None:
    """What the authorized part costs; none where no amount was named."""
    return (
        None if ticket.authorized_total is None else load_snapshot(ticket).authorized_bill().total
    )


def total_of(job: Job) -> Decimal:
    """What the job's lines come to, as they stand in the database, before the ticket's
    discount and tax.
    """
    totals = [
        rows.objects.filter(job=job).values_list("line_total", flat=True)
        for rows in (JobLine, TicketPart)
    ]
    return shop_rules.rounding().round(arithmetic.add(amount for some in totals for amount in some))


def lowers_price(unit: Approvable) -> bool:
    """Was the rest approved at a price from which this is taken off? Without it the
    customer is asked about the rest.
    """
    return (unit.approved_amount or ZERO) < 0


def lower_approved(
    snapshot: TicketSnapshot, source: Approvable, target: Approvable | None, *, by: User | None
) -> None:
    """Lower the amount of a job or part that something was taken out of to what it
    costs now.

    The difference goes to the ``target``, a part on the ticket itself.
    """
    costs = snapshot.amounts_of(snapshot.price(snapshot.offered()))
    authorized = {key_of(unit): unit for unit in snapshot.authorized()}
    unit, moved = authorized.get(key_of(source)), target and authorized.get(key_of(target))
    if unit is not None and unit.approved_amount is not None:
        before, after = unit.approved_amount, min(unit.approved_amount, costs[key_of(unit)])
        changes: dict[str, Any] = {"approved_amount": after} if after < before else {}
        if isinstance(unit, Job) and (total := total_of(unit)) < (unit.authorized_total or ZERO):
            changes["authorized_total"] = total
        unit.save_changes(**changes, by=by)
        if moved is not None:
            amount = min(costs[key_of(moved)], (moved.approved_amount or ZERO) + before - after)
            moved.save_changes(approved_amount=amount, by=by)
    set_authorized(snapshot)


def set_authorized(snapshot: TicketSnapshot) -> None:
    """Add up what is authorized; of the shop supplies, as far as they are still
    charged.

    What the authorized units come to may differ by the rounding of their tax together:
    never by more than the smallest unit of the currency for each of them.
    """
    ticket, authorized, bill = snapshot.ticket, snapshot.authorized(), snapshot.authorized_bill()
    supplies = min(ticket.authorized_supplies, bill.supplies_total)
    amount = arithmetic.add(unit.approved_amount or ZERO for unit in authorized) + supplies
    if amount < bill.total <= amount + snapshot.rounding_of(authorized):
        amount = bill.total
    ticket.authorized_total, ticket.authorized_supplies = amount, supplies
    rows = ServiceTicket.objects.filter(pk=ticket.pk)
    rows.update_unaudited(authorized_total=amount, authorized_supplies=supplies)
