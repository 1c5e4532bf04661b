"""Change the price of a part on a ticket, or move it to another job."""

from decimal import Decimal
from typing import Any

from inventory.models import ZERO, Part
from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from ..lifecycle.allocation import sync_allocations
from ..lifecycle.locking import increment_version, lock_open
from ..lifecycle.snapshot import load_snapshot
from ..models import AUTHORIZED, STOCK_HOLDING_STATUSES, Job, JobStatus, ServiceTicket, TicketPart
from ..models.statuses import ENDED
from .part_lines import NOT_NAMED, check_size, line_in, line_on, own_job, place_of
from .price_checks import check_discount, check_may_change_price
from .reapproval import (
    before_repricing,
    put_back,
    require_job_reapproval_if_exceeded,
    require_reapproval_if_exceeded,
)
from .trade_ins import never_below_nothing


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
    by: User | None,
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
    change_line(ticket, line, job, changes, by=by)
    increment_version(ticket)


def change_line(
    ticket: ServiceTicket,
    line: TicketPart,
    job: Job | None,
    changes: dict[str, Any],
    *,
    by: User | None,
) -> None:
    """Write the changes of a line, move it where a job is named, and ask the customer
    again where that costs more than they approved.
    """
    former, source = line.job, line.job or line
    moves = job is not NOT_NAMED and (job.pk if job else None) != line.job_id
    if former is not None:
        check_former(former, moves=moves, changes=changes, by=by)
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


def check_former(job: Job, *, moves: bool, changes: dict[str, Any], by: User | None) -> None:
    """Raises NotAllowed for a line that leaves a job which the customer said no to, of
    somebody who may not give prices; DomainError ``job_ended`` for a change in one.
    """
    if moves and job.status in ENDED:
        check_may_change_price(by)  # what the customer said no to is charged again
    if changes and not moves:
        job.refuse_ended()


def price_changes(
    line: TicketPart, sent: dict[str, Decimal | None], *, by: User | None
) -> dict[str, Any]:
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
    ticket: ServiceTicket,
    line: TicketPart,
    job: Job | None,
    changes: dict[str, Any],
    *,
    by: User | None,
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
        put_back(load_snapshot(ticket), [job], by=by)
        line.job = job
    return line


def merge(line: TicketPart, into: TicketPart, *, by: User | None) -> TicketPart:
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
