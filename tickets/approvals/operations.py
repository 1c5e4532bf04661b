"""What customers approve, decline and defer, and the links by which they do it without
an account.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle import snapshot, workflow
from ..lifecycle.allocation import sync_allocations
from ..lifecycle.locking import increment_version, lock, lock_as_read, lock_open
from ..lifecycle.snapshot import Line, TicketSnapshot, Unit, key_of
from ..lifecycle.transitions import apply_transition
from ..models import (
    AUTHORIZED,
    STOCK_HOLDING_STATUSES,
    Authorization,
    Channel,
    Job,
    JobStatus,
    ServiceTicket,
    ShareLink,
    Status,
)
from ..pricing import engine
from ..work.authorized_amounts import lowers_price, name_amounts, set_authorized, total_of
from ..work.reapproval import before_repricing, parts_of, put_back

# the customer may say something else about them
UNDECIDED = (
    JobStatus.PROPOSED,
    JobStatus.DECLINED,
    JobStatus.DEFERRED,
)
DECISIONS = {
    "approve": JobStatus.APPROVED,
    "decline": JobStatus.DECLINED,
    "defer": JobStatus.DEFERRED,
}


Units = Sequence[int]


@atomic
def authorize(
    ticket: ServiceTicket,
    *,
    approve: Units = (),
    decline: Units = (),
    defer: Units = (),
    approve_parts: Units = (),
    decline_parts: Units = (),
    defer_parts: Units = (),
    channel: str = Channel.IN_PERSON,
    note: str = "",
    version: int | None = None,
    expected_total: Decimal | None = None,
    share: ShareLink | None = None,
    by: Any,
) -> Authorization:
    """Record what the customer said to jobs, and to parts outside jobs; where nothing
    is named they approve all that is proposed.

    The first approval approves the ticket. Stock is held for what was approved and
    released for the rest. The office may also take back an approval; a customer, and a
    person with a link, decides what is open. Where the ticket costs more by now than
    was authorized, what was approved is approved again. ``version`` and
    ``expected_total`` are the estimate's that the customer saw: DomainError
    ``estimate_changed`` when they are others by now. Raises DomainError
    ``ticket_locked``, ``nothing_to_decide``, ``job_decided``, or
    ``trade_in_exceeds_total`` where what is approved comes to less than nothing;
    InvalidInput for a job or part that is not on the ticket or is named twice.
    """
    lock_open(ticket)
    before_repricing(ticket)
    sheet = snapshot.load_snapshot(ticket)
    ensure_as_seen(sheet, version, expected_total)
    lists = {"approve": approve, "decline": decline, "defer": defer}
    part_lists = {
        "approve_parts": approve_parts,
        "decline_parts": decline_parts,
        "defer_parts": defer_parts,
    }
    exceeded = sheet.exceeds_authorized()
    named = chosen(sheet, lists | part_lists) or all_to_approve(sheet, exceeded)
    if not named:
        raise DomainError("nothing_to_decide", f"Nothing on {ticket.number} waits for a decision.")
    office = by is not None and workflow.can_move_any(by, ticket)
    for unit, status in named:
        ensure_undecided(unit, status, office=office, exceeded=exceeded)
    record = write(sheet, named, channel=channel, note=note, share=share, by=by)
    if ticket.status == Status.ESTIMATE and JobStatus.APPROVED in [status for _, status in named]:
        apply_transition(ticket, Status.APPROVED, reason=note, by=by)
    else:
        if ticket.status in STOCK_HOLDING_STATUSES:
            sync_allocations(ticket, parts_of(sheet, [unit for unit, _ in named]), by=by)
        increment_version(ticket)
    return record


Named = list[tuple[Unit, JobStatus]]


def ensure_as_seen(
    sheet: TicketSnapshot, version: int | None, expected_total: Decimal | None
) -> None:
    """Raises DomainError ``estimate_changed`` with what the estimate is now."""
    if version is None and expected_total is None:
        return
    bill = sheet.price(sheet.offered())
    now, total = sheet.version_of(bill), bill.total
    if version in (None, now) and expected_total in (None, total):
        return
    detail = (
        f"The estimate of {sheet.ticket.number} changed since it was read, to "
        f"{snapshot.money(total)}: read it again."
    )
    raise DomainError("estimate_changed", detail, version=now, total=snapshot.money(total))


def approve_all(
    ticket: ServiceTicket,
    *,
    version: int | None = None,
    expected_total: Decimal | None = None,
    by: Any,
) -> None:
    """Approve what is proposed, because the whole ticket is approved; its stock follows
    with the ticket.

    Raises DomainError ``estimate_changed`` as ``authorize``.
    """
    lock_as_read(ticket)
    sheet = snapshot.load_snapshot(ticket)
    ensure_as_seen(sheet, version, expected_total)
    if named := all_to_approve(sheet, exceeded=False):
        write(
            sheet,
            named,
            channel=Channel.PORTAL if workflow.is_owner(by, ticket) else Channel.IN_PERSON,
            note="",
            share=None,
            by=by,
        )


def all_to_approve(sheet: TicketSnapshot, exceeded: bool) -> Named:
    """What is proposed; with what was approved, where that costs more by now."""
    waiting = (JobStatus.PROPOSED, *(AUTHORIZED if exceeded else ()))
    return [(unit, JobStatus.APPROVED) for unit in sheet.units if unit.status in waiting]


def chosen(sheet: TicketSnapshot, lists: dict[str, Units]) -> Named:
    """[(unit, what was decided)], in the order of the ticket."""
    jobs: dict[int, Unit] = {job.pk: job for job in sheet.jobs}
    parts: dict[int, Unit] = {line.part_id: line for line in sheet.loose}
    found: dict[tuple[type[Unit], int], JobStatus] = {}
    for field, keys in lists.items():
        kind, known = ("Part", parts) if field.endswith("_parts") else ("Job", jobs)
        for key in keys:
            if key not in known:
                code = "job_of_another_ticket" if kind == "Job" else "part_not_outside_jobs"
                raise InvalidInput(
                    field,
                    code,
                    (
                        f"{kind} {key} is not on "
                        f"{sheet.ticket.number}{'' if kind == 'Job' else ' outside its jobs'}."
                    ),
                )
            if key_of(known[key]) in found:
                raise InvalidInput(field, "decided_twice", f"{kind} {key} is named twice.")
            found[key_of(known[key])] = DECISIONS[field.removesuffix("_parts")]
    return [(unit, found[key_of(unit)]) for unit in sheet.units if key_of(unit) in found]


def ensure_undecided(unit: Unit, status: str, *, office: bool, exceeded: bool) -> None:
    again = exceeded and (
        unit.status == JobStatus.APPROVED
        or (unit.status == JobStatus.DONE and status == JobStatus.APPROVED)
    )
    taken_back = office and unit.status == JobStatus.APPROVED and status != JobStatus.APPROVED
    if unit.status in UNDECIDED or again or taken_back:
        return
    facts = {"job": unit.pk} if isinstance(unit, Job) else {"part": unit.part_id}
    name = f'The job "{unit.title}"' if isinstance(unit, Job) else f"{unit.part.name}"
    detail = (
        f"{name} is {unit.status}: ask the shop."
        if not office
        else f"{name} is {unit.status} already."
    )
    raise DomainError("job_decided", detail, job_status=unit.status, **facts)


def write(sheet: TicketSnapshot, named: Named, *, by: Any, **how: Any) -> Authorization:
    """Write the record, with what each unit costs as the estimate shows it, and the
    units' new status.

    The decisions add up to ``approved_total``; shop supplies that come with what was
    approved are one of them.
    """
    ticket, shown, before = sheet.ticket, sheet.lines_shown(), sheet.authorized_bill()
    if ticket.authorized_total is None:
        name_amounts(sheet, by=by)
    is_yes, exceeded = (
        JobStatus.APPROVED in [status for _, status in named],
        sheet.exceeds_authorized(before),
    )
    lost = any(
        lowers_price(unit)
        for unit, status in named
        if unit.status in AUTHORIZED and status != JobStatus.APPROVED
    )
    decisions = [decide(unit, status, shown[key_of(unit)], by=by) for unit, status in named]
    after = sheet.authorized_bill()
    if after.shortfall > before.shortfall and is_yes:  # a no always counts
        raise snapshot.trade_in_exceeds_total(ticket, after)
    # As the estimate shows them: rounded together with what is still open.
    supplies, had = (
        sheet.price(sheet.offered()).supplies if after.supplies and is_yes else None,
        ticket.authorized_supplies,
    )
    if supplies and after.supplies and (upto := min(supplies.total, after.supplies.total)) > had:
        ticket.authorized_supplies = upto
        more = engine.part_between(supplies, had, upto, sheet.rules)
        decisions.append(decided("Shop supplies", JobStatus.APPROVED, more, kind="supplies"))
    set_authorized(sheet)
    others = [unit for unit in sheet.authorized() if unit not in [unit for unit, _ in named]]
    if is_yes and not exceeded and not lost and sheet.exceeds_authorized(after):
        # An amount off the ticket weighs less on what was approved before. The total
        # that was approved now says so.
        decisions += [
            decide(unit, JobStatus.APPROVED, shown[key_of(unit)], by=by) for unit in others
        ]
        set_authorized(sheet)
    approved = engine.add(
        Decimal(each["total"]) for each in decisions if each["decision"] == JobStatus.APPROVED
    )
    record = Authorization.objects.create(
        ticket=ticket, decisions=decisions, approved_total=approved, by=by, **how
    )
    if lost:
        put_back(sheet, others, by=by)
    return record


def decide(unit: Unit, status: JobStatus, lines: Sequence[Line], *, by: Any) -> dict[str, Any]:
    """Apply a decision; returns its entry in the record."""
    apply(unit, status, engine.add(line.total for line in lines), by=by)
    return decision(unit, status, lines)


def apply(unit: Unit, status: JobStatus, amount: Decimal, *, by: Any) -> None:
    """Give the unit its new status; what was done already stays done."""
    changes: dict[str, Any] = {"status": status}
    if status == JobStatus.APPROVED:
        changes["approved_amount"] = amount
        if unit.status == JobStatus.DONE:
            del changes["status"]
        if isinstance(unit, Job):
            changes["authorized_total"] = total_of(unit)
    unit.save_changes(**changes, by=by)


def decision(unit: Unit, status: JobStatus, lines: Sequence[Line]) -> dict[str, Any]:
    if isinstance(unit, Job):
        return decided(unit.title, status, engine.Sums.of(lines), lines, job=unit.pk)
    return decided(
        unit.part.name, status, engine.Sums.of(lines), lines, part=unit.part_id, kind="part"
    )


def decided(
    title: str,
    status: JobStatus,
    sums: Any,
    lines: Sequence[Line] = (),
    *,
    job: int | None = None,
    part: int | None = None,
    kind: str = "job",
) -> dict[str, Any]:
    """One entry of a record. ``kind`` is job, part (outside jobs) or supplies."""
    names = ("kind", "description", "quantity", "unit_price", "discount", "amount")
    facts = (snapshot.line_facts(line, place) for place, line in enumerate(lines, 1))
    return {
        "kind": kind,
        "job": job,
        "part": part,
        "title": title,
        "decision": str(status),
        "lines": [{name: each[name] for name in names} for each in facts],
        **snapshot.totals(sums),
    }


# --- links for customers without an account -------------------------------------------


@atomic
def share(ticket: ServiceTicket, *, days: int = 14, by: Any) -> tuple[ShareLink, str]:
    """A link to this ticket, and its token, which is told once: the shop keeps its
    hash.
    """
    lock(ticket)
    token = secrets.token_urlsafe(32)
    link = ShareLink(
        ticket=ticket,
        token_hash=hash_of(token),
        created_by=by,
        expires_at=timezone.now() + timedelta(days=days),
    )
    link.save(by=by)
    return link, token


@atomic
def revoke_share(ticket: ServiceTicket, *, share: int, by: Any) -> None:
    """End a link. Raises InvalidInput for one that is not this ticket's; nothing
    changes when it has ended.
    """
    lock(ticket)
    link = ShareLink.objects.filter(ticket=ticket, pk=share).first()
    if link is None:
        raise InvalidInput(
            "share", "share_of_another_ticket", f"Link {share} is not of {ticket.number}."
        )
    if link.revoked_at is None:
        link.save_changes(revoked_at=timezone.now(), by=by)


def shared(token: str) -> ShareLink | None:
    """The open link with this token."""
    link = (
        ShareLink.objects.select_related("ticket__customer", "ticket__vehicle")
        .filter(token_hash=hash_of(token))
        .first()
    )
    return link if link is not None and link.is_open else None


@atomic
def authorize_shared(token: str, **said: Any) -> Authorization | None:
    """What whoever has the link says to the jobs, in nobody's name; None for a link
    that is not open. Raises as ``authorize``.
    """
    link = shared(token)
    if link is None:
        return None
    ticket = link.ticket
    try:
        lock(ticket)  # a link is revoked under the ticket's lock: from here on it stays as it is
        row_locks.refresh(link)
    except row_locks.RowGone:
        return None
    link.ticket = ticket
    return (
        authorize(link.ticket, **said, channel=Channel.PORTAL, share=link, by=None)
        if link.is_open
        else None
    )


def hash_of(token: str) -> str:
    """Of 256 random bits: no salt is needed, and none would let the row be found."""
    return hashlib.sha256(token.encode()).hexdigest()
