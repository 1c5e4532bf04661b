"""Write what the customer decided: the units' new status, and the record with what
each unit costs.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mechanic_shop.accounts.models import User

from ..billing import document_body
from ..lifecycle import price_limits
from ..lifecycle.snapshot import Approvable, Line, TicketSnapshot, key_of
from ..models import AUTHORIZED, Authorization, Job, JobStatus, ServiceTicket
from ..pricing import amounts, arithmetic, engine
from ..pricing import sums as pricing_sums
from ..pricing.sums import Sums
from ..work.authorized_amounts import (
    fill_in_approved_amounts,
    lowers_price,
    set_authorized,
    total_of,
)
from ..work.reapproval import put_back

Decided = list[tuple[Approvable, JobStatus]]


def write(
    snapshot: TicketSnapshot, named: Decided, *, by: User | None, **details: Any
) -> Authorization:
    """Write the record, with what each unit costs as the estimate shows it, and the
    units' new status.

    The decisions add up to ``approved_total``; shop supplies that come with what was
    approved are one of them.
    """
    ticket, shown, before = snapshot.ticket, snapshot.lines_shown(), snapshot.authorized_bill()
    if ticket.authorized_total is None:
        fill_in_approved_amounts(snapshot, by=by)
    exceeded, is_yes = snapshot.exceeds_authorized(before), approves(named)
    discount_lost = takes_discount_back(named)
    decisions = decide_each(named, shown, by=by)
    after = snapshot.authorized_bill()
    if after.shortfall > before.shortfall and is_yes:  # a no always counts
        raise price_limits.trade_in_exceeds_total(ticket, after)
    if is_yes:
        decisions += approve_supplies(snapshot, after)
    set_authorized(snapshot)
    others = [unit for unit in snapshot.authorized() if unit not in [unit for unit, _ in named]]
    if is_yes and not exceeded and not discount_lost and snapshot.exceeds_authorized(after):
        # An amount off the ticket weighs less on what was approved before. The total
        # that was approved now says so.
        decisions += decide_each([(unit, JobStatus.APPROVED) for unit in others], shown, by=by)
        set_authorized(snapshot)
    record = create_record(ticket, decisions, by=by, **details)
    if discount_lost:
        put_back(snapshot, others, by=by)
    return record


def approves(named: Decided) -> bool:
    return JobStatus.APPROVED in [status for _, status in named]


def takes_discount_back(named: Decided) -> bool:
    """Is an approval taken back of something that lowers the price of the rest?"""
    return any(
        lowers_price(unit)
        for unit, status in named
        if unit.status in AUTHORIZED and status != JobStatus.APPROVED
    )


def approve_supplies(snapshot: TicketSnapshot, after: engine.Bill) -> list[dict[str, Any]]:
    """Approve the shop supplies that come with what is authorized now; returns their
    entry of the record, if they are more than before. They are as the estimate shows
    them: rounded together with what is still open.
    """
    ticket, approved_before = snapshot.ticket, snapshot.ticket.authorized_supplies
    if not after.supplies:
        return []
    supplies = snapshot.price(snapshot.offered()).supplies
    if not supplies or (upto := min(supplies.total, after.supplies.total)) <= approved_before:
        return []
    ticket.authorized_supplies = upto
    more = pricing_sums.part_between(supplies, approved_before, upto, snapshot.rules)
    return [decided("Shop supplies", JobStatus.APPROVED, more, kind="supplies")]


def create_record(
    ticket: ServiceTicket, decisions: list[dict[str, Any]], *, by: User | None, **details: Any
) -> Authorization:
    approved = arithmetic.add(
        Decimal(entry["total"]) for entry in decisions if entry["decision"] == JobStatus.APPROVED
    )
    return Authorization.objects.create(
        ticket=ticket, decisions=decisions, approved_total=approved, by=by, **details
    )


def decide_each(
    named: Decided, shown: dict[tuple[type[Approvable], int], list[Line]], *, by: User | None
) -> list[dict[str, Any]]:
    """Apply decisions; returns their entries in the record."""
    entries = []
    for unit, status in named:
        lines = shown[key_of(unit)]
        apply(unit, status, arithmetic.add(line.total for line in lines), by=by)
        entries.append(decision(unit, status, lines))
    return entries


def apply(unit: Approvable, status: JobStatus, amount: Decimal, *, by: User | None) -> None:
    """Give the unit its new status; what was done already stays done."""
    changes: dict[str, Any] = {"status": status}
    if status == JobStatus.APPROVED:
        changes["approved_amount"] = amount
        if unit.status == JobStatus.DONE:
            del changes["status"]
        if isinstance(unit, Job):
            changes["authorized_total"] = total_of(unit)
    unit.save_changes(**changes, by=by)


def decision(unit: Approvable, status: JobStatus, lines: Sequence[Line]) -> dict[str, Any]:
    if isinstance(unit, Job):
        return decided(unit.title, status, Sums.of(lines), lines, job=unit.pk)
    return decided(unit.part.name, status, Sums.of(lines), lines, part=unit.part_id, kind="part")


def decided(
    title: str,
    status: JobStatus,
    sums: Sums,
    lines: Sequence[Line] = (),
    *,
    job: int | None = None,
    part: int | None = None,
    kind: str = "job",
) -> dict[str, Any]:
    """One entry of a record. ``kind`` is job, part (outside jobs) or supplies."""
    names = ("kind", "description", "quantity", "unit_price", "discount", "amount")
    facts = (document_body.line_facts(line, place) for place, line in enumerate(lines, 1))
    return {
        "kind": kind,
        "job": job,
        "part": part,
        "title": title,
        "decision": str(status),
        "lines": [{name: each[name] for name in names} for each in facts],
        **amounts.totals(sums),
    }
