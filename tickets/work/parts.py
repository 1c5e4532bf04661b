"""Parts on a ticket, and what that means for the stock."""

from decimal import Decimal
from typing import Any

from inventory import operations as stock
from inventory.models import ZERO, Part
from mechanic_shop.currency import rounded
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.fastpath.compiled_queries import CompiledQuery

from ..lifecycle import snapshot
from ..lifecycle.allocation import release_and_return, sync_allocations
from ..lifecycle.locking import increment_version, lock_open
from ..models import AUTHORIZED, STOCK_HOLDING_STATUSES, Job, JobStatus, ServiceTicket, TicketPart
from ..models.statuses import ENDED
from .reapproval import (
    authorized_cost,
    before_repricing,
    check_may_change_price,
    covered,
    never_below_nothing,
    put_back,
    require_job_reapproval_if_exceeded,
    require_reapproval_if_exceeded,
)
from .tickets import check_discount

MOST = Decimal("999999999.999")
TOO_MUCH = Decimal(10**10)
NOT_NAMED: Any = object()  # of a job: None is the place on the ticket itself


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
    held = ticket.status in STOCK_HOLDING_STATUSES and (job is None or job.status in AUTHORIZED)
    if held:
        before_repricing(ticket, part.pk)
    # none was named, so none is exceeded
    no_amount = held and job is None and ticket.authorized_total is None
    row_locks.refresh(part)
    part.check_quantity(quantity)
    if not part.is_active:
        raise DomainError(
            "part_inactive", f"{part.sku} is no longer fitted: take another part.", part=part.pk
        )
    line = line_in(ticket, part, job)
    is_open = line is not None and not line.is_authorized
    given = hold(part, quantity, backorder) if no_amount and not is_open else ZERO
    if held and job is None and not given and not backorder:
        stock.ensure_available(part, quantity)  # whether or not the customer has to be asked first
    if line is None:
        line = TicketPart(
            ticket=ticket,
            part=part,
            job=job,
            quantity=quantity,
            allocated=given,
            unit_price=part.price,
            unit_cost=part.cost,
        )
        line.status = JobStatus.APPROVED if no_amount else JobStatus.PROPOSED
        check_size(line)
        line.save(force_insert=True, by=by)
    else:
        check_size(line, quantity=line.quantity + quantity)
        asks = {"status": JobStatus.PROPOSED} if is_open and job is None else {}
        line.save_changes(
            quantity=line.quantity + quantity, allocated=line.allocated + given, **asks, by=by
        )
    # The line must stand before it is known whether the customer has to be asked again.
    if held and not no_amount and not is_open and approve_growth(ticket, line, by=by):
        line.save_changes(allocated=line.allocated + hold(part, quantity, backorder))
    increment_version(ticket)


def approve_growth(ticket: ServiceTicket, line: TicketPart, *, by: Any) -> bool:
    """Approve a line that grew, where the customer's approval covers it; else put it
    back to the customer. Returns which.
    """
    if line.job is None:
        return covered(ticket, line, by=by)
    line.job.ticket = ticket  # one row, one object: what is authorized changes on it
    if not require_job_reapproval_if_exceeded(line.job, grew=True, by=by):
        return False
    require_reapproval_if_exceeded(ticket, changed=[line.job], by=by)
    line.job.refresh_from_db(fields=["status"])
    return line.job.status in AUTHORIZED


def check_size(
    line: TicketPart,
    field: str = "quantity",
    *,
    quantity: Decimal | None = None,
    unit_price: Decimal | None = None,
) -> None:
    """Raises InvalidInput ``too_much`` for what no line may hold."""
    quantity = line.quantity if quantity is None else quantity
    if rounded(quantity * (line.unit_price if unit_price is None else unit_price)) >= TOO_MUCH:
        raise InvalidInput(field, "too_much", f"A line comes to less than {TOO_MUCH}.")
    if quantity > MOST:
        raise InvalidInput(field, "too_much", f"No more than {MOST} of a part fit on a ticket.")


def hold(part: Part, quantity: Decimal, backorder: bool) -> Decimal:
    """Allocate a quantity, or with ``backorder`` what there is of it; returns how much
    that was.
    """
    if backorder:
        return stock.allocate_up_to(part, quantity)
    stock.allocate(part, quantity)
    return quantity


def own_job(ticket: ServiceTicket, job: Job) -> Job:
    """The job as it is now. Raises InvalidInput ``job_of_another_ticket``; DomainError
    ``job_ended`` for one that takes nothing more.
    """
    found = Job.objects.filter(pk=job.pk, ticket=ticket).first()
    if found is None:
        raise InvalidInput(
            "job", "job_of_another_ticket", f"Job {job.pk} is not on {ticket.number}."
        )
    found.refuse_ended()
    return found


@atomic
def edit_part(
    ticket: ServiceTicket,
    *,
    part: Part,
    from_job: Job | None = NOT_NAMED,
    job: Job | None = NOT_NAMED,
    unit_price: Decimal | None = None,
    discount_percent: Decimal | None = None,
    discount_amount: Decimal | None = None,
    by: Any,
) -> None:
    """Change a part's price or discount on this ticket, or move it to another job
    (None: on the ticket itself); the stock follows.

    ``from_job`` says which line is meant where the part is in several jobs. Where the
    part stands in the job that it moves to, the quantities are added up.

    Raises DomainError ``part_not_on_ticket``, ``part_in_several_jobs``,
    ``part_at_other_price`` or ``trade_in_exceeds_total``, NotAllowed for a price or
    discount of somebody who may not give one.
    """
    lock_open(ticket)
    before_repricing(ticket, part.pk)
    line = line_on(ticket, part, from_job)
    changes = price_changes(
        line,
        {
            "unit_price": unit_price,
            "discount_percent": discount_percent,
            "discount_amount": discount_amount,
        },
        by=by,
    )
    former, source = line.job, line.job or line
    moves = job is not NOT_NAMED and (job.pk if job else None) != line.job_id
    if moves and former is not None and former.status in ENDED:
        check_may_change_price(by)  # what the customer said no to is charged again
    if former is not None and changes and not moves:
        former.refuse_ended()
    with never_below_nothing(ticket):
        if moves:
            line = move_line(ticket, line, own_job(ticket, job) if job else None, changes, by=by)
        else:
            line.save_changes(**changes, by=by)
        for touched in filter(None, {former, line.job}):
            touched.ticket = ticket
            require_job_reapproval_if_exceeded(touched, grew=moves and touched == line.job, by=by)
        require_reapproval_if_exceeded(
            ticket, changed=[line.job or line], source=source if moves else None, target=line, by=by
        )
    if ticket.status in STOCK_HOLDING_STATUSES:
        sync_allocations(ticket, [line.pk], by=by)
    increment_version(ticket)


def price_changes(line: TicketPart, sent: dict[str, Decimal | None], *, by: Any) -> dict[str, Any]:
    """What of the price that was sent differs from the line's. Raises NotAllowed for
    those who may not change it.
    """
    changes: dict[str, Any] = {
        name: value
        for name, value in sent.items()
        if value is not None and getattr(line, name) != value
    }
    if changes:
        check_may_change_price(by)
    # One kind of discount takes the other's place.
    if "discount_percent" in changes and sent["discount_amount"] is None:
        changes["discount_amount"] = ZERO
    if "discount_amount" in changes and sent["discount_percent"] is None:
        changes["discount_percent"] = ZERO
    check_discount(
        changes.get("discount_percent", line.discount_percent),
        changes.get("discount_amount", line.discount_amount),
    )
    check_size(line, "unit_price", unit_price=changes.get("unit_price"))
    return changes


def move_line(
    ticket: ServiceTicket, line: TicketPart, job: Job | None, changes: dict[str, Any], *, by: Any
) -> TicketPart:
    """Move a line to another job (None: to the ticket itself), into the line of the
    part there if it has one; returns the line there.

    On the ticket itself it is approved where all of it was. A job with something that
    was not approved goes back to the customer.
    """
    there = line_in(ticket, line.part, job)
    was_approved = line.is_authorized and (there is None or there.is_authorized)
    if there is None:
        # from now on its job's amount counts
        alone = {} if job is None else {"approved_amount": None}
        line.save_changes(**changes, **alone, job=job, by=by)
    else:
        line.save_changes(**changes, by=by)
        line = merge(line, there, by=by)
    if job is None:
        line.save_changes(status=JobStatus.APPROVED if was_approved else JobStatus.PROPOSED, by=by)
    elif not was_approved and job.status in AUTHORIZED:
        put_back(snapshot.load_snapshot(ticket), [job], by=by)
        line.job = job
    return line


def merge(line: TicketPart, into: TicketPart, *, by: Any) -> TicketPart:
    """Add a line to another one of the same part, which keeps its cost. Raises
    DomainError ``part_at_other_price``.
    """
    if (line.unit_price, line.discount_percent) != (into.unit_price, into.discount_percent):
        raise DomainError(
            "part_at_other_price",
            (
                f"{line.part.sku} stands {place_of(into)} already, at another price: give "
                f"both the same price and discount, then move it."
            ),
            part=line.part_id,
            job=into.job_id,
            unit_price=str(into.unit_price),
            discount_percent=str(into.discount_percent),
        )
    sums = {
        name: getattr(into, name) + getattr(line, name)
        for name in ("quantity", "allocated", "issued", "discount_amount")
    }
    check_size(into, "job", quantity=sums["quantity"])
    line.delete(by=by)
    into.save_changes(**sums, by=by)
    return into


@atomic
def remove_part(
    ticket: ServiceTicket,
    *,
    part: Part,
    job: Job | None = NOT_NAMED,
    quantity: Decimal | None = None,
    by: Any,
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
        detail = f"Only {stock.show(line.quantity)} of {part.sku} on {ticket.number}."
        raise DomainError("more_than_on_ticket", detail, part=part.pk, quantity=str(line.quantity))
    rest = (
        quantity - min(quantity, line.backordered)
        if ticket.status in STOCK_HOLDING_STATUSES
        else ZERO
    )
    released = min(rest, line.allocated)
    returned = rest - released
    with never_below_nothing(ticket):
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
            stock.fill_backorders(part)
        # The rest of an amount off may weigh on less.
        require_reapproval_if_exceeded(ticket, source=line.job or line, cost_before=cost, by=by)
    increment_version(ticket)


# --- which line -----------------------------------------------------------------------


def line_in(ticket: ServiceTicket, part: Part, job: Job | None) -> TicketPart | None:
    """The part's line in this job, or with None the one on the ticket itself."""
    return next(
        (line for line in lines_of.objects(ticket.pk, part.pk) if line.job_id == (job and job.pk)),
        None,
    )


def line_on(ticket: ServiceTicket, part: Part, job: Job | None = NOT_NAMED) -> TicketPart:
    """The part's line in the named job (None: on the ticket itself), or where none is
    named the only one on the ticket.

    Raises DomainError ``part_not_on_ticket``, or ``part_in_several_jobs`` where a job
    has to be named.
    """
    lines = lines_of.objects(ticket.pk, part.pk)
    if job is not NOT_NAMED:
        lines = [line for line in lines if line.job_id == (job and job.pk)]
    if not lines:
        where = (
            "" if job is NOT_NAMED else f' in the job "{job}"' if job else " on the ticket itself"
        )
        raise DomainError(
            "part_not_on_ticket", f"{part.sku} is not on {ticket.number}{where}.", part=part.pk
        )
    if len(lines) > 1:
        places = " and ".join(place_of(line) for line in lines)
        raise DomainError(
            "part_in_several_jobs",
            f"{part.sku} stands {places}: say which of these jobs is meant.",
            part=part.pk,
            jobs=[line.job_id for line in lines],
        )
    return lines[0]


def place_of(line: TicketPart) -> str:
    return f'in the job "{line.job}"' if line.job else "on the ticket itself"


@CompiledQuery
def lines_of(ticket: int, part: int) -> Any:
    return TicketPart.objects.filter(ticket=ticket, part=part).order_by("pk")
