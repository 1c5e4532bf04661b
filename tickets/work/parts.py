"""Parts on a ticket, and what that means for the allocations."""

from decimal import Decimal

from inventory import allocations, quantities
from inventory.models import ZERO, Part
from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from ..lifecycle.allocation import release_and_return
from ..lifecycle.locking import increment_version, lock_open
from ..models import AUTHORIZED, STOCK_HOLDING_STATUSES, Job, JobStatus, ServiceTicket, TicketPart
from .authorized_amounts import authorized_cost
from .part_lines import NOT_NAMED, check_size, line_in, line_on, own_job
from .reapproval import (
    approve_if_covered,
    before_repricing,
    require_job_reapproval_if_exceeded,
    require_reapproval_if_exceeded,
)
from .trade_ins import never_below_nothing


@atomic
def add_part(
    ticket: ServiceTicket,
    *,
    part: Part,
    quantity: Decimal = Decimal(1),
    backorder: bool = False,
    job: Job | None = None,
    by: User | None,
) -> None:
    """Put a part into a job, or on the ticket itself, or more of it where it stands
    there already.

    On an estimate, and where the customer has not approved it, it is a quote. What is
    approved is allocated at once: DomainError ``insufficient_stock`` when too little is
    available, unless ``backorder`` is true. An approved job that costs more than was
    approved goes back to the customer; so does a part outside jobs that the tolerance
    does not cover. More of a part that the customer has to decide on, or said no to,
    waits for the customer with the rest of it.
    """
    lock_open(ticket)
    if job is not None:
        job = own_job(ticket, job)
    is_held = stock_is_held(ticket, job)
    read_part(ticket, part, locked=is_held)
    ensure_may_be_fitted(part, quantity)
    line = line_in(ticket, part, job)
    undecided = line is not None and not line.is_authorized
    line = line or new_line(ticket, part, job)
    if is_held:
        add_to_held(ticket, line, quantity, backorder=backorder, undecided=undecided, by=by)
    else:
        write_quantity(line, quantity, by=by)
    increment_version(ticket)


def stock_is_held(ticket: ServiceTicket, job: Job | None) -> bool:
    """Does stock have to be there for what is added to the job, or to the ticket itself?"""
    return ticket.status in STOCK_HOLDING_STATUSES and (job is None or job.status in AUTHORIZED)


def read_part(ticket: ServiceTicket, part: Part, *, locked: bool) -> None:
    """Read the part as it is now, under its lock where stock of it will move."""
    if locked:
        before_repricing(ticket, part.pk)
        row_locks.refresh(part)
    else:
        row_locks.reread(part)


def ensure_may_be_fitted(part: Part, quantity: Decimal) -> None:
    part.check_quantity(quantity)
    if not part.is_active:
        raise DomainError(
            "part_inactive", f"{part.sku} is no longer fitted: take another part.", part=part.pk
        )


def new_line(ticket: ServiceTicket, part: Part, job: Job | None) -> TicketPart:
    return TicketPart(
        ticket=ticket,
        part=part,
        job=job,
        quantity=ZERO,
        allocated=ZERO,
        unit_price=part.price,
        unit_cost=part.cost,
    )


def add_to_held(
    ticket: ServiceTicket,
    line: TicketPart,
    quantity: Decimal,
    *,
    backorder: bool,
    undecided: bool,
    by: User | None,
) -> None:
    """Add a quantity to a line for which stock is held, and allocate it where the
    customer's approval covers it. ``undecided`` says that
    the customer has not approved the line yet.
    """
    part = line.part
    if line.job_id is None and ticket.authorized_total is None and not undecided:
        # The customer approved without an amount, so no amount can be exceeded.
        write_quantity(line, quantity, hold(part, quantity, backorder), approved=True, by=by)
        return
    if line.job_id is None and not backorder:
        allocations.ensure_available(
            part, quantity
        )  # whether or not the customer has to be asked first
    write_quantity(line, quantity, by=by)
    # The line must stand before it is known whether the customer has to be asked again.
    if not undecided and approve_growth(ticket, line, by=by):
        line.save_changes(allocated=line.allocated + hold(part, quantity, backorder))


def write_quantity(
    line: TicketPart,
    more: Decimal,
    allocated: Decimal = ZERO,
    *,
    approved: bool = False,
    by: User | None,
) -> None:
    """Write a new line, or more on one; what was not approved waits for the customer."""
    if line.pk is None:
        line.quantity, line.allocated = more, allocated
        line.status = JobStatus.APPROVED if approved else JobStatus.PROPOSED
        check_size(line)
        line.save(force_insert=True, by=by)
        return
    check_size(line, quantity=line.quantity + more)
    asks = {"status": JobStatus.PROPOSED} if line.job_id is None and not line.is_authorized else {}
    line.save_changes(
        quantity=line.quantity + more, allocated=line.allocated + allocated, **asks, by=by
    )


def approve_growth(ticket: ServiceTicket, line: TicketPart, *, by: User | None) -> bool:
    """Approve a line that grew, where the customer's approval covers it; else put it
    back to the customer. Returns which.
    """
    if line.job is None:
        return approve_if_covered(ticket, line, by=by)
    line.job.ticket = ticket  # one row, one object: what is authorized changes on it
    if not require_job_reapproval_if_exceeded(line.job, grew=True, by=by):
        return False
    require_reapproval_if_exceeded(ticket, changed=[line.job], by=by)
    line.job.refresh_from_db(fields=["status"])
    return line.job.status in AUTHORIZED


def hold(part: Part, quantity: Decimal, backorder: bool) -> Decimal:
    """Allocate a quantity, or with ``backorder`` what there is of it; returns how much
    that was.
    """
    if backorder:
        return allocations.allocate_up_to(part, quantity)
    allocations.allocate(part, quantity)
    return quantity


@atomic
def remove_part(
    ticket: ServiceTicket,
    *,
    part: Part,
    job: Job | None = NOT_NAMED,
    quantity: Decimal | None = None,
    by: User | None,
) -> None:
    """Take a part off the ticket, all of it or some: first what is still to come, then
    what is held, last what was fitted.

    ``job`` says from which job (None: on the ticket itself) where the part is in
    several.

    Raises DomainError ``part_not_on_ticket``, ``part_in_several_jobs``,
    ``more_than_on_ticket`` or ``trade_in_exceeds_total``.
    """
    lock_open(ticket)
    before_repricing(ticket, part.pk)
    row_locks.refresh(part)
    line, cost = line_on(ticket, part, job), authorized_cost(ticket)
    quantity = line.quantity if quantity is None else part.check_quantity(quantity)
    if quantity > line.quantity:
        detail = f"Only {quantities.show(line.quantity)} of {part.sku} on {ticket.number}."
        raise DomainError("more_than_on_ticket", detail, part=part.pk, quantity=str(line.quantity))
    with never_below_nothing(ticket):
        take_off(ticket, line, part, quantity, by=by)
        # The rest of an amount off may weigh on less.
        require_reapproval_if_exceeded(ticket, source=line.job or line, cost_before=cost, by=by)
    increment_version(ticket)


def take_off(
    ticket: ServiceTicket, line: TicketPart, part: Part, quantity: Decimal, *, by: User | None
) -> None:
    """Take a quantity off a line, and give what was held or fitted of it back."""
    holds = ticket.status in STOCK_HOLDING_STATUSES
    rest = quantity - min(quantity, line.backordered) if holds else ZERO
    released = min(rest, line.allocated)
    returned = rest - released
    release_and_return(line, part, released, returned, by=by)
    if quantity == line.quantity:
        line.delete(by=by)
    else:
        line.save_changes(
            quantity=line.quantity - quantity,
            allocated=line.allocated - released,
            issued=line.issued - returned,
            by=by,
        )
    if rest:
        allocations.fill_backorders(part)
