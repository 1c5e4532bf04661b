"""What a customer authorized, and when they must be asked again.

One amount decides: ``ServiceTicket.authorized_total``, with tax, discounts and shop
supplies. It is the sum of what was approved for each job and part that is still
authorized, and of the shop supplies that were approved with them. Whatever lifts the
authorized part of the ticket above it, plus ``SHOP_APPROVAL_TOLERANCE``, goes back to
the customer.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

from django.conf import settings

from inventory.models import Part
from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.fastpath.compiled_queries import CompiledQuery

from ..lifecycle import price_limits
from ..lifecycle.allocation import sync_allocations
from ..lifecycle.snapshot import Approvable, TicketSnapshot, key_of, load_snapshot, with_tolerance
from ..models import (
    AUTHORIZED,
    EDITABLE_STATUSES,
    STOCK_HOLDING_STATUSES,
    Job,
    JobStatus,
    ServiceTicket,
    TicketPart,
)
from .authorized_amounts import (
    fill_in_approved_amounts,
    lower_approved,
    lowers_price,
    set_authorized,
    total_of,
)


def before_repricing(ticket: ServiceTicket, *parts: int) -> None:
    """Begin a change that may put something back to the customer. The ticket is locked.

    Lock these ``parts``, and those of the ticket where an amount was approved, all at
    once and in the order of their keys, before any of them moves. Where amounts were
    not kept yet when the customer approved jobs, what they cost before the change is
    the amount.
    """
    if ticket.authorized_total is None and authorized_jobs.run(ticket.pk):
        fill_in_approved_amounts(load_snapshot(ticket), by=None)
    may_go_back = ticket.status in STOCK_HOLDING_STATUSES and ticket.authorized_total is not None
    others = (
        TicketPart.objects.filter(ticket=ticket).values_list("part_id", flat=True)
        if may_go_back
        else ()
    )
    row_locks.lock_keys(Part, chain(parts, others))


@CompiledQuery
def authorized_jobs(ticket: int) -> Any:
    return Job.objects.filter(ticket=ticket, status__in=AUTHORIZED).order_by().values_list("pk")


def require_job_reapproval_if_exceeded(job: Job, *, grew: bool, by: User | None) -> bool:
    """Put an approved job back to the customer where it outgrew what was approved of
    it. Returns whether it is authorized.

    ``grew`` says that there is more in it than before, also where that costs nothing.
    """
    if job.status not in AUTHORIZED:
        return False
    tolerance: Decimal = settings.SHOP_APPROVAL_TOLERANCE
    within = total_of(job) <= with_tolerance(job.authorized_total or Decimal(0))
    if within and not (grew and not tolerance):
        return True
    put_back(load_snapshot(job.ticket), [job], by=by)
    return False


def require_reapproval_if_exceeded(
    ticket: ServiceTicket,
    *,
    changed: Iterable[Approvable] = (),
    source: Approvable | None = None,
    target: Approvable | None = None,
    cost_before: Decimal | None = None,
    by: User | None,
) -> None:
    """Put back to the customer what makes the authorized part cost more than they
    authorized, and release its stock.

    What this operation ``changed`` goes back first, then all that is not done yet, then
    the rest. Less is authorized of a ``source`` that something was taken out of; a part
    that moved to the ticket itself, the ``target``, takes its amount along. Nothing
    goes back where it does not cost more than it did, which is ``cost_before``. Raises
    DomainError ``approval_exceeded`` on a ticket that is completed, on which no more is
    decided.
    """
    if ticket.authorized_total is None:
        return
    snapshot = load_snapshot(ticket)
    if source is not None:
        lower_approved(snapshot, source, target, by=by)
    bill = snapshot.authorized_bill()
    if not snapshot.exceeds_authorized(bill) or (
        cost_before is not None and bill.total <= cost_before
    ):
        return
    if ticket.status not in EDITABLE_STATUSES:
        raise price_limits.approval_exceeded(snapshot)
    put_back_until_covered(snapshot, changed, by=by)


def put_back_until_covered(
    snapshot: TicketSnapshot, changed: Iterable[Approvable], *, by: User | None
) -> None:
    """Put back what changed, then what is not done yet, then the rest, until the
    authorized part costs no more than was approved.
    """
    keys = {key_of(unit) for unit in changed}
    authorized = snapshot.authorized()
    own = [unit for unit in authorized if key_of(unit) in keys]
    for units in (own, [unit for unit in authorized if unit.status != JobStatus.DONE], authorized):
        put_back(snapshot, [unit for unit in units if unit.status in AUTHORIZED], by=by)
        if not snapshot.exceeds_authorized():
            return


def put_back(snapshot: TicketSnapshot, units: Sequence[Approvable], *, by: User | None) -> None:
    """These units wait for the customer again: the amount that was authorized for them
    is taken back.
    """
    keys = {key_of(unit) for unit in units}
    own = [unit for unit in snapshot.authorized() if key_of(unit) in keys]
    if not own:
        return
    if any(map(lowers_price, own)):
        own = snapshot.authorized()
    for unit in own:
        unit.save_changes(status=JobStatus.PROPOSED, by=by)
    for unit in units:  # the caller's objects, where they are others
        unit.status = JobStatus.PROPOSED
    if snapshot.ticket.authorized_total is not None:
        set_authorized(snapshot)
    if snapshot.ticket.status in STOCK_HOLDING_STATUSES:
        sync_allocations(snapshot.ticket, parts_of(snapshot, own), by=by)


def parts_of(snapshot: TicketSnapshot, units: Iterable[Approvable]) -> list[int]:
    """The keys of the parts that these units need."""
    rows = [
        row
        for unit in units
        for row in (snapshot.lines.get(unit.pk, ()) if isinstance(unit, Job) else [unit])
    ]
    return [row.pk for row in rows if isinstance(row, TicketPart)]


def approve_if_covered(ticket: ServiceTicket, line: TicketPart, *, by: User | None) -> bool:
    """Approve a part outside jobs that the tolerance covers; else it waits for the
    customer. Returns which.

    Where the shop has no tolerance, the customer is asked about everything, also where
    it costs nothing.
    """
    snapshot = load_snapshot(ticket)
    own = next(part for part in snapshot.loose if part.pk == line.pk)
    was_approved, own.status = own.status == JobStatus.APPROVED, JobStatus.APPROVED
    if settings.SHOP_APPROVAL_TOLERANCE and not snapshot.exceeds_authorized():
        line.save_changes(status=JobStatus.APPROVED, by=by)
        return True
    own.status = line.status
    if was_approved:
        put_back(snapshot, [own], by=by)
        line.status = own.status
    return False
