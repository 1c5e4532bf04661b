"""Parts on a ticket, and what that means for the stock."""

from decimal import Decimal
from typing import Any

from inventory import operations as stock
from inventory.models import ZERO, Part
from mechanic_shop.api import row_locks
from mechanic_shop.api.statements import Prepared
from mechanic_shop.api.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..models import AUTHORIZED, WORKING, Job, ServiceTicket, TicketPart
from ..models.jobs import ENDED
from .holding import follow, give_back
from .locks import bump, lock_open
from .scope import may_discount, rescope
from .tickets import check_discount

MOST = Decimal("999999999.999")
MOST_MONEY = Decimal("9999999999.99")
UNCHANGED: Any = object()


@atomic
def add_part(
    ticket: ServiceTicket,
    *,
    part: Part,
    quantity: Decimal = Decimal(1),
    backorder: bool = False,
    job: Job | None = None,
    by: Any,
) -> None:
    """Put a part on the ticket, or more of it; into a job, where one is named.

    On an estimate, and in a job that the customer has not approved, it is a quote. On an approved ticket it is allocated at once: DomainError
    ``insufficient_stock`` when too little is available, unless ``backorder`` is true. An approved job that costs more than was
    approved goes back to the customer. DomainError ``part_in_other_job`` for a part that stands elsewhere on the ticket.
    """
    lock_open(ticket)
    row_locks.refresh(part)
    part.check_quantity(quantity)
    if not part.is_active:
        raise DomainError("part_inactive", f"{part.sku} is no longer fitted: take another part.", part=part.pk)
    if job is not None:
        job = own_job(ticket, job)
    line = line_of.first(ticket.pk, part.pk)
    if line is not None:
        job = job_of(line, job)
    held = ticket.status in WORKING and (job is None or job.status in AUTHORIZED)
    given = ZERO
    if held:
        # The part's lock comes before the line is read that it guards, and all parts of the job at once, in their order.
        given = hold(part, quantity, backorder) if job is None else lock_all(part, job)
        line = line and line_of.first(ticket.pk, part.pk)
    total = (quantity + line.quantity) * line.unit_price if line else quantity * part.price
    if total > MOST_MONEY:
        raise InvalidInput("quantity", "too_much", f"A line comes to {MOST_MONEY} at the most.")
    if line is not None and line.quantity + quantity > MOST:
        raise InvalidInput("quantity", "too_much", f"No more than {MOST} of a part fit on a ticket.")
    if line is None:
        line = TicketPart(ticket=ticket, part=part, job=job, quantity=quantity, allocated=given, unit_price=part.price, unit_cost=part.cost)
        line.save(force_insert=True, by=by)
    else:
        line.save_changes(quantity=line.quantity + quantity, allocated=line.allocated + given, by=by)
    # In a job the line must stand before it is known whether the customer has to be asked again.
    if job is not None and rescope(job, grew=True, by=by) and held:
        line.save_changes(allocated=line.allocated + hold(part, quantity, backorder))
    bump(ticket)


def lock_all(part: Part, *jobs: Job | None) -> Decimal:
    """Lock a part and all others of these jobs; nothing is given by it."""
    others = TicketPart.objects.filter(job__in=[job.pk for job in jobs if job]).values_list("part_id", flat=True)
    stock.lock_parts([part.pk, *others])
    return ZERO


def hold(part: Part, quantity: Decimal, backorder: bool) -> Decimal:
    """Allocate a quantity, or with ``backorder`` what there is of it; returns how much that was."""
    if backorder:
        return stock.allocate_up_to(part, quantity)
    stock.allocate(part, quantity)
    return quantity


def job_of(line: TicketPart, job: Job | None) -> Job | None:
    """The job in which more of this line is asked for: its own."""
    if job is not None and job.pk != line.job_id:
        there = f'in the job "{line.job}"' if line.job_id else "on the ticket itself"
        raise DomainError("part_in_other_job", f"This part is {there}: a part is once on a ticket; move it there with edit-part.", job=line.job_id)
    if line.job is not None:
        line.job.refuse_ended()
    return line.job


def own_job(ticket: ServiceTicket, job: Job) -> Job:
    """The job as it is now. Raises InvalidInput ``job_of_another_ticket``; DomainError ``job_ended`` for one that takes nothing more."""
    found = Job.objects.filter(pk=job.pk, ticket=ticket).first()
    if found is None:
        raise InvalidInput("job", "job_of_another_ticket", f"Job {job.pk} is not on {ticket.number}.")
    found.refuse_ended()
    return found


@atomic
def edit_part(
    ticket: ServiceTicket,
    *,
    part: Part,
    job: Job | None = UNCHANGED,
    unit_price: Decimal | None = None,
    discount_percent: Decimal | None = None,
    discount_amount: Decimal | None = None,
    by: Any,
) -> None:
    """Change a part's price or discount on this ticket, or move it to another job (None: to the ticket itself); the stock follows.

    Raises DomainError ``part_not_on_ticket``, NotAllowed for a price or discount of somebody who may not give one.
    """
    lock_open(ticket)
    lock_all(part, line_on(ticket, part).job, None if job is UNCHANGED else job)
    line = line_on(ticket, part)
    prices: dict[str, Any] = {"unit_price": unit_price, "discount_percent": discount_percent, "discount_amount": discount_amount}
    changes: dict[str, Any] = {name: value for name, value in prices.items() if value is not None and getattr(line, name) != value}
    if changes:
        may_discount(by)
    # One kind of discount takes the other's place.
    if "discount_percent" in changes and discount_amount is None:
        changes["discount_amount"] = ZERO
    if "discount_amount" in changes and discount_percent is None:
        changes["discount_percent"] = ZERO
    check_discount(changes.get("discount_percent", line.discount_percent), changes.get("discount_amount", line.discount_amount))
    if line.quantity * changes.get("unit_price", line.unit_price) > MOST_MONEY:
        raise InvalidInput("unit_price", "too_much", f"A line comes to {MOST_MONEY} at the most.")
    left = line.job
    moves = job is not UNCHANGED and (job.pk if job else None) != line.job_id
    if moves and left is not None and left.status in ENDED:
        may_discount(by)  # what the customer said no to is charged again
    if moves:
        changes["job"] = own_job(ticket, job) if job else None
    elif left is not None and changes:
        left.refuse_ended()
    line.save_changes(**changes, by=by)
    for touched in filter(None, {left, line.job}):
        rescope(touched, grew=moves and touched == line.job, by=by)
    if ticket.status in WORKING:
        follow(ticket, [line.pk], by=by)
    bump(ticket)


@atomic
def remove_part(ticket: ServiceTicket, *, part: Part, quantity: Decimal | None = None, by: Any) -> None:
    """Take a part off the ticket, all of it or some: first what is still to come, then what is held, last what was fitted.

    Raises DomainError ``part_not_on_ticket`` or ``more_than_on_ticket``.
    """
    lock_open(ticket)
    if ticket.status in WORKING:
        stock.lock_parts([part.pk])
    row_locks.refresh(part)
    line = line_on(ticket, part)
    quantity = line.quantity if quantity is None else part.check_quantity(quantity)
    if quantity > line.quantity:
        detail = f"Only {stock.show(line.quantity)} of {part.sku} on {ticket.number}."
        raise DomainError("more_than_on_ticket", detail, part=part.pk, quantity=str(line.quantity))
    rest = quantity - min(quantity, line.backordered) if ticket.status in WORKING else ZERO
    released = min(rest, line.allocated)
    returned = rest - released
    give_back(line, part, released, returned, by=by)
    if quantity == line.quantity:
        line.delete(by=by)
    else:
        line.save_changes(quantity=line.quantity - quantity, allocated=line.allocated - released, issued=line.issued - returned, by=by)
    if rest:
        stock.fill_backorders(part)
    bump(ticket)


def line_on(ticket: ServiceTicket, part: Part) -> TicketPart:
    """Raises DomainError ``part_not_on_ticket``."""
    line = line_of.first(ticket.pk, part.pk)
    if line is None:
        raise DomainError("part_not_on_ticket", f"{part.sku} is not on {ticket.number}.", part=part.pk)
    return line


@Prepared
def line_of(ticket: int, part: int) -> Any:
    return TicketPart.objects.filter(ticket=ticket, part=part)
