"""What a customer authorized, and when they must be asked again.

One amount decides: ``ServiceTicket.authorized_total``, with tax, discounts and shop
supplies. It is the sum of what was approved for each job and part that is still
authorized, and of the shop supplies that were approved with them. Whatever lifts the
authorized part of the ticket above it, plus ``SHOP_APPROVAL_TOLERANCE``, goes back to
the customer.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from typing import Any

from django.conf import settings

from inventory.models import ZERO, Part
from mechanic_shop.db import row_locks
from mechanic_shop.errors import NotAllowed
from mechanic_shop.fastpath.compiled_queries import CompiledQuery

from ..lifecycle import snapshot
from ..lifecycle.allocation import sync_allocations
from ..lifecycle.snapshot import TicketSnapshot, Unit, key_of, with_tolerance
from ..models import (
    AUTHORIZED,
    EDITABLE_STATUSES,
    STOCK_HOLDING_STATUSES,
    Job,
    JobLine,
    JobStatus,
    LineKind,
    ServiceTicket,
    TicketPart,
)
from ..pricing import engine, shop_rules


def before_repricing(ticket: ServiceTicket, *parts: int) -> None:
    """Begin a change that may put something back to the customer. The ticket is locked.

    Lock these ``parts``, and those of the ticket where an amount was approved, all at
    once and in the order of their keys, before any of them moves. Where amounts were
    not kept yet when the customer approved jobs, what they cost before the change is
    the amount.
    """
    if ticket.authorized_total is None and authorized_jobs.run(ticket.pk):
        name_amounts(snapshot.load_snapshot(ticket), by=None)
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


def name_amounts(sheet: TicketSnapshot, *, by: Any) -> None:
    """What was approved before amounts were kept counts with what it costs now."""
    costs = sheet.amounts_of(sheet.price(sheet.offered()))
    for unit in sheet.authorized():
        unit.save_changes(approved_amount=costs[key_of(unit)], by=by)
    sheet.ticket.authorized_supplies = sheet.authorized_bill().supplies_total
    set_authorized(sheet)


def authorized_cost(ticket: ServiceTicket) -> Decimal | None:
    """What the authorized part costs; none where no amount was named."""
    return (
        None
        if ticket.authorized_total is None
        else snapshot.load_snapshot(ticket).authorized_bill().total
    )


def total_of(job: Job) -> Decimal:
    """What the job's lines come to, as they stand in the database, before the ticket's
    discount and tax.
    """
    totals = [
        rows.objects.filter(job=job).values_list("line_total", flat=True)
        for rows in (JobLine, TicketPart)
    ]
    return shop_rules.rounding().round(engine.add(amount for some in totals for amount in some))


def require_job_reapproval_if_exceeded(job: Job, *, grew: bool, by: Any) -> bool:
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
    put_back(snapshot.load_snapshot(job.ticket), [job], by=by)
    return False


def require_reapproval_if_exceeded(
    ticket: ServiceTicket,
    *,
    changed: Iterable[Unit] = (),
    source: Unit | None = None,
    target: Unit | None = None,
    cost_before: Decimal | None = None,
    by: Any,
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
    sheet = snapshot.load_snapshot(ticket)
    if source is not None:
        lower_approved(sheet, source, target, by=by)
    bill = sheet.authorized_bill()
    if not sheet.exceeds_authorized(bill) or (
        cost_before is not None and bill.total <= cost_before
    ):
        return
    if ticket.status not in EDITABLE_STATUSES:
        raise snapshot.approval_exceeded(sheet)
    keys = {key_of(unit) for unit in changed}
    authorized = sheet.authorized()
    own = [unit for unit in authorized if key_of(unit) in keys]
    for units in (own, [unit for unit in authorized if unit.status != JobStatus.DONE], authorized):
        put_back(sheet, [unit for unit in units if unit.status in AUTHORIZED], by=by)
        if not sheet.exceeds_authorized():
            return


def put_back(sheet: TicketSnapshot, units: Sequence[Unit], *, by: Any) -> None:
    """These units wait for the customer again: the amount that was authorized for them
    is taken back.
    """
    keys = {key_of(unit) for unit in units}
    own = [unit for unit in sheet.authorized() if key_of(unit) in keys]
    if not own:
        return
    if any(map(lowers_price, own)):
        own = sheet.authorized()
    for unit in own:
        unit.save_changes(status=JobStatus.PROPOSED, by=by)
    for unit in units:  # the caller's objects, where they are others
        unit.status = JobStatus.PROPOSED
    if sheet.ticket.authorized_total is not None:
        set_authorized(sheet)
    if sheet.ticket.status in STOCK_HOLDING_STATUSES:
        sync_allocations(sheet.ticket, parts_of(sheet, own), by=by)


def lowers_price(unit: Unit) -> bool:
    """Was the rest approved at a price from which this is taken off? Without it the
    customer is asked about the rest.
    """
    return (unit.approved_amount or ZERO) < 0


def lower_approved(sheet: TicketSnapshot, source: Unit, target: Unit | None, *, by: Any) -> None:
    """Lower the amount of a job or part that something was taken out of to what it
    costs now.

    The difference goes to the ``target``, a part on the ticket itself.
    """
    costs = sheet.amounts_of(sheet.price(sheet.offered()))
    authorized = {key_of(unit): unit for unit in sheet.authorized()}
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
    set_authorized(sheet)


def set_authorized(sheet: TicketSnapshot) -> None:
    """Add up what is authorized; of the shop supplies, as far as they are still
    charged.

    What the authorized units come to may differ by the rounding of their tax together:
    never by more than the smallest unit of the currency for each of them.
    """
    ticket, authorized, bill = sheet.ticket, sheet.authorized(), sheet.authorized_bill()
    supplies = min(ticket.authorized_supplies, bill.supplies_total)
    amount = engine.add(unit.approved_amount or ZERO for unit in authorized) + supplies
    if amount < bill.total <= amount + sheet.rounding_of(authorized):
        amount = bill.total
    ticket.authorized_total, ticket.authorized_supplies = amount, supplies
    rows = ServiceTicket.objects.filter(pk=ticket.pk)
    rows.update_unaudited(authorized_total=amount, authorized_supplies=supplies)


def parts_of(sheet: TicketSnapshot, units: Iterable[Unit]) -> list[int]:
    """The keys of the parts that these units need."""
    rows = [
        row
        for unit in units
        for row in (sheet.lines.get(unit.pk, ()) if isinstance(unit, Job) else [unit])
    ]
    return [row.pk for row in rows if isinstance(row, TicketPart)]


def covered(ticket: ServiceTicket, line: TicketPart, *, by: Any) -> bool:
    """Approve a part outside jobs that the tolerance covers; else it waits for the
    customer. Returns which.

    Where the shop has no tolerance, the customer is asked about everything, also where
    it costs nothing.
    """
    sheet = snapshot.load_snapshot(ticket)
    own = next(part for part in sheet.loose if part.pk == line.pk)
    was_approved, own.status = own.status == JobStatus.APPROVED, JobStatus.APPROVED
    if settings.SHOP_APPROVAL_TOLERANCE and not sheet.exceeds_authorized():
        line.save_changes(status=JobStatus.APPROVED, by=by)
        return True
    own.status = line.status
    if was_approved:
        put_back(sheet, [own], by=by)
        line.status = own.status
    return False


# --- never below nothing --------------------------------------------------------------


def ensure_not_below_nothing(ticket: ServiceTicket, before: Decimal = Decimal(0)) -> None:
    """Raises DomainError ``trade_in_exceeds_total`` where the estimate, or one of its
    taxes, comes to less than nothing.

    Where it did so ``before``, by as much or more, the change goes through: it is a
    step out of there.
    """
    bill = estimate_bill(ticket)
    if bill.shortfall > before:
        raise snapshot.trade_in_exceeds_total(ticket, bill)


@contextmanager
def never_below_nothing(ticket: ServiceTicket) -> Iterator[None]:
    """Around a change that may lower what a ticket comes to. Raises as
    ``refuse_below_nothing``.
    """
    if not trade_ins_of.run(ticket.pk):
        yield  # only a trade-in brings it there
        return
    before = estimate_bill(ticket).shortfall
    yield
    ensure_not_below_nothing(ticket, before)


@CompiledQuery
def trade_ins_of(ticket: int) -> Any:
    return (
        JobLine.objects.filter(job__ticket=ticket, kind=LineKind.TRADE_IN)
        .order_by()
        .values_list("pk")
    )


def estimate_bill(ticket: ServiceTicket) -> engine.Bill:
    sheet = snapshot.load_snapshot(ticket)
    return sheet.price(sheet.offered())


# --- whose prices are -----------------------------------------------------------------


def check_may_change_price(by: Any) -> None:
    """Prices, discounts and trade-ins are the office's. Raises NotAllowed."""
    if by is not None and not by.has_perm("tickets.change_serviceticket"):
        raise NotAllowed(
            "permission_denied",
            "Prices, discounts and trade-ins are not yours to change: ask the front desk.",
        )
