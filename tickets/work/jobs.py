"""Jobs of a ticket: proposed, changed, finished, cancelled."""

from collections.abc import Iterable
from typing import Any

from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle.allocation import hold_or_release, return_line, sync_allocations
from ..lifecycle.locking import increment_version, lock_job, lock_open
from ..lifecycle.snapshot import load_snapshot
from ..models import (
    AUTHORIZED,
    STOCK_HOLDING_STATUSES,
    CannedJobPart,
    Job,
    JobLine,
    JobStatus,
    LineKind,
    ServiceTicket,
    Status,
    TicketPart,
)
from .authorized_amounts import lowers_price, set_authorized
from .job_lines import write_line
from .parts import add_part
from .reapproval import before_repricing, put_back
from .trade_ins import ensure_not_below_nothing, never_below_nothing

MOST_JOBS = 200


@atomic
def add_job(ticket: ServiceTicket, *, lines: Any = (), by: User | None, **details: Any) -> Job:
    """Propose a job, with its labor, sublet work, fees and trade-ins. Raises
    DomainError ``ticket_locked`` or ``trade_in_exceeds_total``.
    """
    lock_open(ticket)
    job = write_job(ticket, lines=lines, **details, by=by)
    if any(line["kind"] == LineKind.TRADE_IN for line in lines):
        ensure_not_below_nothing(ticket)
    return job


def write_job(
    ticket: ServiceTicket,
    *,
    title: str,
    lines: Any = (),
    continues: Job | None = None,
    office_prices: bool = False,
    by: User | None,
    **details: Any,
) -> Job:
    """Write a job on a locked ticket.

    ``office_prices`` says that the office set the prices of the lines before, so that a
    mechanic may use them.
    """
    if ticket.jobs.count() >= MOST_JOBS:
        raise InvalidInput("ticket", "too_many_jobs", f"A ticket has {MOST_JOBS} jobs at the most.")
    job = Job(ticket=ticket, title=title, continues=continues, **details)
    job.save(force_insert=True, by=by)
    for line in lines:
        write_line(JobLine(job=job), line, office_prices=office_prices, by=by)
    increment_version(ticket)
    return job


def put_parts(job: Job, parts: Iterable[CannedJobPart | TicketPart], *, by: User | None) -> None:
    """Put these parts, in these quantities, into a new job, which is whole then."""
    for wanted in parts:
        add_part(job.ticket, part=wanted.part, quantity=wanted.quantity, job=job, by=by)
    if job.lines.filter(kind=LineKind.TRADE_IN).exists():
        ensure_not_below_nothing(job.ticket)


@atomic
def update_job(job: Job, *, by: User | None, **sent: Any) -> Job:
    """Change what was sent and differs; nothing of it changes the price. Raises
    DomainError ``ticket_locked``.
    """
    lock_job(job)
    changes = {name: value for name, value in sent.items() if getattr(job, name) != value}
    if changes:
        job.save_changes(**changes, by=by)
        increment_version(job.ticket)
    return job


@atomic
def delete_job(job: Job, *, by: User | None) -> None:
    """Erase a job on which nobody decided yet; its parts leave the ticket. Raises
    DomainError ``job_in_use`` for any other.
    """
    lock_job(job)
    ticket = job.ticket
    decided = any(
        job.pk == decision["job"]
        for decisions in ticket.authorizations.values_list("decisions", flat=True)
        for decision in decisions
    )
    if job.status != JobStatus.PROPOSED or decided or job.continued_by.exists():
        raise DomainError(
            "job_in_use",
            f'The customer decided on "{job.title}", so its record stays: cancel it instead.',
            job=job.pk,
        )
    if ticket.status in STOCK_HOLDING_STATUSES:  # what was fitted goes back on the shelf
        sync_allocations(ticket, job.parts.values_list("pk", flat=True), by=by, effect=return_line)
    with never_below_nothing(ticket):
        for line in TicketPart.objects.filter(job=job):
            line.delete(by=by)
        job.delete(by=by)
    increment_version(ticket)


@atomic
def finish_job(job: Job, *, by: User | None, correction: str | None = None) -> None:
    """The work on an approved job is done. Raises DomainError ``job_not_approved``."""
    set_status(
        job,
        JobStatus.DONE,
        {JobStatus.APPROVED},
        by=by,
        **({"correction": correction} if correction is not None else {}),
    )


@atomic
def reopen_job(job: Job, *, by: User | None) -> None:
    """A job that was done or cancelled is worked on, or proposed, again."""
    lock_job(job)
    again = JobStatus.APPROVED if job.status == JobStatus.DONE else JobStatus.PROPOSED
    set_status(job, again, {JobStatus.DONE, JobStatus.CANCELLED}, by=by)


@atomic
def cancel_job(job: Job, *, by: User | None) -> None:
    """Nobody does this job any more; its stock goes back."""
    set_status(job, JobStatus.CANCELLED, {JobStatus.PROPOSED, *AUTHORIZED}, by=by)


def set_status(
    job: Job, to: JobStatus, allowed: set[JobStatus], *, by: User | None, **details: Any
) -> None:
    lock_job(job)
    ticket = job.ticket
    before_repricing(ticket)
    check_status(job, to, allowed)
    was_authorized = job.status in AUTHORIZED
    with never_below_nothing(ticket):
        job.save_changes(status=to, **details, by=by)
        if was_authorized and to == JobStatus.CANCELLED and ticket.authorized_total is not None:
            take_off_authorized(job, by=by)
    if ticket.status in STOCK_HOLDING_STATUSES:
        # nobody wants what was fitted
        effect = return_line if to == JobStatus.CANCELLED else hold_or_release
        sync_allocations(ticket, job.parts.values_list("pk", flat=True), by=by, effect=effect)
    increment_version(ticket)


def check_status(job: Job, to: JobStatus, allowed: set[JobStatus]) -> None:
    """Raises DomainError where a job cannot become this from where it is."""
    if job.status not in allowed:
        raise DomainError(
            "job_status",
            (
                f'The job "{job.title}" is {job.status}: only one that is '
                f"{' or '.join(sorted(allowed))} can become {to}."
            ),
            job=job.pk,
            job_status=job.status,
        )
    if to == JobStatus.DONE and job.ticket.status == Status.ESTIMATE:
        raise DomainError(
            "transition_not_allowed",
            f"{job.ticket.number} is an estimate: approve it first.",
            job=job.pk,
        )


def take_off_authorized(job: Job, *, by: User | None) -> None:
    """Nothing of a job is to be paid any more."""
    snapshot = load_snapshot(job.ticket)
    set_authorized(snapshot)
    if lowers_price(job):
        put_back(snapshot, snapshot.authorized(), by=by)
