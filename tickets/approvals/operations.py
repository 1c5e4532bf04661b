"""What customers approve, decline and defer of a ticket."""

from collections.abc import Sequence
from decimal import Decimal

from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle import workflow
from ..lifecycle.allocation import sync_allocations
from ..lifecycle.locking import increment_version, lock_as_read, lock_open
from ..lifecycle.snapshot import Approvable, TicketSnapshot, key_of, load_snapshot
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
from ..pricing import amounts
from ..work.reapproval import before_repricing, parts_of
from .records import Decided, write

# the customer may say something else about them
UNDECIDED = (JobStatus.PROPOSED, JobStatus.DECLINED, JobStatus.DEFERRED)
DECISIONS = {
    "approve": JobStatus.APPROVED,
    "decline": JobStatus.DECLINED,
    "defer": JobStatus.DEFERRED,
}

Keys = Sequence[int]


@atomic
def authorize(
    ticket: ServiceTicket,
    *,
    approve: Keys = (),
    decline: Keys = (),
    defer: Keys = (),
    approve_parts: Keys = (),
    decline_parts: Keys = (),
    defer_parts: Keys = (),
    channel: str = Channel.IN_PERSON,
    note: str = "",
    version: int | None = None,
    expected_total: Decimal | None = None,
    share: ShareLink | None = None,
    by: User | None,
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
    snapshot = load_as_seen(ticket, version, expected_total)
    jobs = {"approve": approve, "decline": decline, "defer": defer}
    parts = {"approve": approve_parts, "decline": decline_parts, "defer": defer_parts}
    decided = to_decide(snapshot, jobs, parts, by=by)
    record = write(snapshot, decided, channel=channel, note=note, share=share, by=by)
    move_ticket(snapshot, decided, reason=note, by=by)
    return record


def load_as_seen(
    ticket: ServiceTicket, version: int | None, expected_total: Decimal | None
) -> TicketSnapshot:
    """The ticket's snapshot. Raises DomainError ``estimate_changed`` as
    ``ensure_as_seen``.
    """
    snapshot = load_snapshot(ticket)
    ensure_as_seen(snapshot, version, expected_total)
    return snapshot


def to_decide(
    snapshot: TicketSnapshot,
    jobs: dict[str, Keys],
    parts: dict[str, Keys],
    *,
    by: User | None,
) -> Decided:
    """What is decided on, and how. Raises DomainError ``nothing_to_decide`` or
    ``job_decided``.
    """
    ticket, exceeded = snapshot.ticket, snapshot.exceeds_authorized()
    decided = chosen(snapshot, jobs, parts) or all_to_approve(snapshot, exceeded)
    if not decided:
        raise DomainError("nothing_to_decide", f"Nothing on {ticket.number} waits for a decision.")
    office = by is not None and workflow.can_move_any(by, ticket)
    for unit, status in decided:
        ensure_undecided(unit, status, office=office, exceeded=exceeded)
    return decided


def move_ticket(
    snapshot: TicketSnapshot, decided: Decided, *, reason: str, by: User | None
) -> None:
    """Approve the ticket with its first approval; else let its stock follow."""
    ticket = snapshot.ticket
    if ticket.status == Status.ESTIMATE and JobStatus.APPROVED in [status for _, status in decided]:
        apply_transition(ticket, Status.APPROVED, reason=reason, by=by)
        return
    if ticket.status in STOCK_HOLDING_STATUSES:
        sync_allocations(ticket, parts_of(snapshot, [unit for unit, _ in decided]), by=by)
    increment_version(ticket)


def ensure_as_seen(
    snapshot: TicketSnapshot, version: int | None, expected_total: Decimal | None
) -> None:
    """Raises DomainError ``estimate_changed`` with what the estimate is now."""
    if version is None and expected_total is None:
        return
    bill = snapshot.price(snapshot.offered())
    now, total = snapshot.version_of(bill), bill.total
    if version in (None, now) and expected_total in (None, total):
        return
    detail = (
        f"The estimate of {snapshot.ticket.number} changed since it was read, to "
        f"{amounts.money(total)}: read it again."
    )
    raise DomainError("estimate_changed", detail, version=now, total=amounts.money(total))


def approve_all(
    ticket: ServiceTicket,
    *,
    version: int | None = None,
    expected_total: Decimal | None = None,
    by: User | None,
) -> None:
    """Approve what is proposed, because the whole ticket is approved; its stock follows
    with the ticket.

    Raises DomainError ``estimate_changed`` as ``authorize``.
    """
    lock_as_read(ticket)
    snapshot = load_as_seen(ticket, version, expected_total)
    if decided := all_to_approve(snapshot, exceeded=False):
        write(
            snapshot,
            decided,
            channel=Channel.PORTAL
            if by is not None and workflow.is_owner(by, ticket)
            else Channel.IN_PERSON,
            note="",
            share=None,
            by=by,
        )


def all_to_approve(snapshot: TicketSnapshot, exceeded: bool) -> Decided:
    """What is proposed; with what was approved, where that costs more by now."""
    waiting = (JobStatus.PROPOSED, *(AUTHORIZED if exceeded else ()))
    return [(unit, JobStatus.APPROVED) for unit in snapshot.units if unit.status in waiting]


def chosen(snapshot: TicketSnapshot, jobs: dict[str, Keys], parts: dict[str, Keys]) -> Decided:
    """The units that are named by their keys, each with its decision, in the order of
    the ticket.
    """
    jobs_by_key: dict[int, Approvable] = {job.pk: job for job in snapshot.jobs}
    parts_by_key: dict[int, Approvable] = {line.part_id: line for line in snapshot.loose}
    statuses: dict[tuple[type[Approvable], int], JobStatus] = {}
    for kind, lists, units in (("Job", jobs, jobs_by_key), ("Part", parts, parts_by_key)):
        for decision, keys in lists.items():
            field = decision if kind == "Job" else f"{decision}_parts"
            for key in keys:
                if key not in units:
                    raise not_on_ticket(snapshot.ticket, kind, key, field)
                unit = key_of(units[key])
                if unit in statuses:
                    raise InvalidInput(field, "decided_twice", f"{kind} {key} is named twice.")
                statuses[unit] = DECISIONS[decision]
    return [(unit, statuses[key_of(unit)]) for unit in snapshot.units if key_of(unit) in statuses]


def not_on_ticket(ticket: ServiceTicket, kind: str, key: int, field: str) -> InvalidInput:
    if kind == "Job":
        detail = f"Job {key} is not on {ticket.number}."
        return InvalidInput(field, "job_of_another_ticket", detail)
    detail = f"Part {key} is not on {ticket.number} outside its jobs."
    return InvalidInput(field, "part_not_outside_jobs", detail)


def ensure_undecided(unit: Approvable, status: str, *, office: bool, exceeded: bool) -> None:
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
