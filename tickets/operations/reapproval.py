"""What a customer authorized, and when they must be asked again.

One amount decides: ``ServiceTicket.authorized_total``, with tax, discounts and shop supplies. Whatever lifts
the authorized part of the ticket above it, plus ``SHOP_APPROVAL_TOLERANCE``, goes back to the customer.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.conf import settings

from inventory import operations as stock
from mechanic_shop.api.statements import Prepared
from mechanic_shop.errors import NotAllowed

from .. import billing, pricing, terms
from ..billing import Sheet, Unit, key_of, with_tolerance
from ..models import AUTHORIZED, OPEN, WORKING, Job, JobLine, JobStatus, LineKind, ServiceTicket, TicketPart
from .holding import follow


def total_of(job: Job) -> Decimal:
    """What the job's lines come to, as they stand in the database, before the ticket's discount and tax."""
    totals = [rows.objects.filter(job=job).values_list("line_total", flat=True) for rows in (JobLine, TicketPart)]
    return terms.rounding().round(pricing.add(amount for some in totals for amount in some))


def rescope(job: Job, *, grew: bool, by: Any) -> bool:
    """Put an approved job back to the customer where it outgrew what was approved of it. Returns whether it is authorized.

    ``grew`` says that there is more in it than before, also where that costs nothing.
    """
    if job.status not in AUTHORIZED:
        return False
    tolerance: Decimal = settings.SHOP_APPROVAL_TOLERANCE
    within = total_of(job) <= with_tolerance(job.authorized_total or Decimal(0))
    if within and not (grew and not tolerance):
        return True
    put_back(billing.read(job.ticket), [job], by=by)
    return False


def require_reapproval_if_exceeded(ticket: ServiceTicket, *, changed: Iterable[Unit] = (), by: Any) -> None:
    """Put back to the customer what makes the authorized part cost more than they authorized, and release its stock.

    What this operation ``changed`` goes back first, then all that is not done yet, then the rest. Raises
    DomainError ``approval_exceeded`` on a ticket that is completed, on which no more is decided.
    """
    if ticket.authorized_total is None:
        return
    sheet = billing.read(ticket)
    if not sheet.exceeds_authorized():
        return
    if ticket.status not in OPEN:
        raise billing.approval_exceeded(sheet)
    if ticket.status in WORKING:
        stock.lock_parts(parts_of(sheet, sheet.units))  # all at once, in their order
    keys = {key_of(unit) for unit in changed}
    authorized = sheet.authorized()
    own = [unit for unit in authorized if key_of(unit) in keys]
    for units in (own, [unit for unit in authorized if unit.status != JobStatus.DONE], authorized):
        put_back(sheet, [unit for unit in units if unit.status in AUTHORIZED], by=by)
        if not sheet.exceeds_authorized():
            return


def put_back(sheet: Sheet, units: Iterable[Unit], *, by: Any) -> None:
    """These units wait for the customer again: the amount that was authorized for them is taken back."""
    keys = {key_of(unit) for unit in units}
    own = [unit for unit in sheet.authorized() if key_of(unit) in keys]
    if not own:
        return
    for unit in own:
        unit.save_changes(status=JobStatus.PROPOSED, by=by)
    for unit in units:  # the caller's objects, where they are others
        unit.status = JobStatus.PROPOSED
    if sheet.ticket.authorized_total is not None:
        amount = pricing.add(unit.approved_amount or Decimal(0) for unit in own)
        set_authorized(sheet, sheet.ticket.authorized_total - amount)
    if sheet.ticket.status in WORKING:
        follow(sheet.ticket, parts_of(sheet, own), by=by)


def set_authorized(sheet: Sheet, amount: Decimal) -> None:
    """Keep the amount that is authorized.

    What the authorized units come to may differ by the rounding of their tax together: never by more than
    the smallest unit of the currency for each of them.
    """
    ticket, authorized = sheet.ticket, sheet.authorized()
    total = sheet.authorized_bill().total
    rounding = Decimal(1).scaleb(-sheet.rules.places) * len(authorized)
    if amount < total <= amount + rounding:
        amount = total
    ticket.authorized_total = amount if authorized else Decimal(0)
    rows = ServiceTicket.objects.filter(pk=ticket.pk)
    rows.update_untold(authorized_total=ticket.authorized_total)


def parts_of(sheet: Sheet, units: Iterable[Unit]) -> list[int]:
    """The keys of the parts that these units need."""
    rows = [row for unit in units for row in (sheet.lines.get(unit.pk, ()) if isinstance(unit, Job) else [unit])]
    return [row.pk for row in rows if isinstance(row, TicketPart)]


def covered(ticket: ServiceTicket, line: TicketPart, *, by: Any) -> bool:
    """Approve a part outside jobs that the authorized amount covers; else it waits for the customer. Returns which.

    Where no amount was named, the customer left the parts to the shop.
    """
    sheet = billing.read(ticket)
    own = next(part for part in sheet.loose if part.pk == line.pk)
    was_approved, own.status = own.status == JobStatus.APPROVED, JobStatus.APPROVED
    if not sheet.exceeds_authorized():
        line.save_changes(status=JobStatus.APPROVED, by=by)
        return True
    own.status = line.status
    if was_approved:
        put_back(sheet, [own], by=by)
        line.status = own.status
    return False


# --- never below nothing ---------------------------------------------------------------------------


def refuse_below_nothing(ticket: ServiceTicket, before: Decimal = Decimal(0)) -> None:
    """Raises DomainError ``trade_in_exceeds_total`` where the estimate, or one of its taxes, comes to less than nothing.

    Where it did so ``before``, by as much or more, the change goes through: it is a step out of there.
    """
    bill = estimate_bill(ticket)
    if bill.shortfall > before:
        raise billing.trade_in_exceeds_total(ticket, bill)


@contextmanager
def never_below_nothing(ticket: ServiceTicket) -> Iterator[None]:
    """Around a change that may lower what a ticket comes to. Raises as ``refuse_below_nothing``."""
    if not trade_ins_of.run(ticket.pk):
        yield  # only a trade-in brings it there
        return
    before = estimate_bill(ticket).shortfall
    yield
    refuse_below_nothing(ticket, before)


@Prepared
def trade_ins_of(ticket: int) -> Any:
    return JobLine.objects.filter(job__ticket=ticket, kind=LineKind.TRADE_IN).order_by().values_list("pk")


def estimate_bill(ticket: ServiceTicket) -> pricing.Bill:
    sheet = billing.read(ticket)
    return sheet.price(sheet.offered())


# --- whose prices are --------------------------------------------------------------------------------


def may_discount(by: Any) -> None:
    """Prices, discounts and trade-ins are the office's. Raises NotAllowed."""
    if by is not None and not by.has_perm("tickets.change_serviceticket"):
        raise NotAllowed("permission_denied", "Prices, discounts and trade-ins are not yours to change: ask the front desk.")
