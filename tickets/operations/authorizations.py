"""The customer's word on jobs, and the links by which it comes without an account."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from mechanic_shop.api import row_locks
from mechanic_shop.api.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from .. import billing, workflow
from ..models import WORKING, Authorization, Channel, Job, JobStatus, ServiceTicket, ShareLink, Status, TicketPart
from .holding import follow
from .locks import bump, lock, lock_as_read, lock_open
from .scope import total_of
from .steps import step

UNDECIDED = (JobStatus.PROPOSED, JobStatus.DECLINED, JobStatus.DEFERRED)  # the customer may say something else about them
DECISIONS = {"approve": JobStatus.APPROVED, "decline": JobStatus.DECLINED, "defer": JobStatus.DEFERRED}


@atomic
def authorize(
    ticket: ServiceTicket,
    *,
    approve: Sequence[int] = (),
    decline: Sequence[int] = (),
    defer: Sequence[int] = (),
    channel: str = Channel.IN_PERSON,
    note: str = "",
    version: int | None = None,
    share: ShareLink | None = None,
    by: Any,
) -> Authorization:
    """Write down what the customer said to jobs; where none is named they approve all that are proposed.

    The first yes approves the ticket. Stock is held for what was approved and released for the rest. The office may also take back
    a yes; the customer, and whoever comes by a link, decides what is open. ``version`` is the estimate's that they saw: DomainError
    ``estimate_changed`` when it is another by now. Raises DomainError ``ticket_locked``, ``nothing_to_decide`` or
    ``job_decided``; InvalidInput for a job of another ticket or one that is named twice.
    """
    lock_open(ticket)
    if version is not None and version != ticket.version:
        raise DomainError("estimate_changed", f"The estimate of {ticket.number} changed since it was read: read it again.", version=ticket.version)
    jobs = {job.pk: job for job in Job.objects.filter(ticket=ticket).order_by("position", "pk")}
    named = chosen(ticket, jobs, {"approve": approve, "decline": decline, "defer": defer})
    if not named:
        named = {job.pk: JobStatus.APPROVED for job in jobs.values() if job.status == JobStatus.PROPOSED}
    if not named:
        raise DomainError("nothing_to_decide", f"No job of {ticket.number} waits for a decision.")
    office = by is not None and workflow.office(by, ticket)
    for pk, status in named.items():
        refuse_decided(jobs[pk], status, office=office)
    record = write(ticket, jobs, named, channel=channel, note=note, share=share, by=by)
    if ticket.status == Status.ESTIMATE and JobStatus.APPROVED in named.values():
        step(ticket, Status.APPROVED, reason=note, by=by)
    else:
        if ticket.status in WORKING:
            follow(ticket, TicketPart.objects.filter(job__in=list(named)).values_list("pk", flat=True), by=by)
        bump(ticket)
    return record


def approve_all(ticket: ServiceTicket, *, by: Any) -> None:
    """Approve what is proposed, because the whole ticket is approved; its stock follows with the ticket."""
    lock_as_read(ticket)
    jobs = {job.pk: job for job in Job.objects.filter(ticket=ticket).order_by("position", "pk")}
    named = {job.pk: JobStatus.APPROVED for job in jobs.values() if job.status == JobStatus.PROPOSED}
    if named:
        write(ticket, jobs, named, channel=Channel.PORTAL if workflow.owner(by, ticket) else Channel.IN_PERSON, note="", share=None, by=by)


def chosen(ticket: ServiceTicket, jobs: dict[int, Job], lists: dict[str, Sequence[int]]) -> dict[int, JobStatus]:
    """{job: what was decided}."""
    found: dict[int, JobStatus] = {}
    for field, keys in lists.items():
        for key in keys:
            if key not in jobs:
                raise InvalidInput(field, "job_of_another_ticket", f"Job {key} is not on {ticket.number}.")
            if key in found:
                raise InvalidInput(field, "decided_twice", f"Job {key} is named twice.")
            found[key] = DECISIONS[field]
    return found


def refuse_decided(job: Job, status: str, *, office: bool) -> None:
    allowed = job.status in UNDECIDED or (office and job.status == JobStatus.APPROVED and status != JobStatus.APPROVED)
    if not allowed:
        detail = f'The job "{job.title}" is {job.status}: ask the shop.' if not office else f'The job "{job.title}" is {job.status} already.'
        raise DomainError("job_decided", detail, job=job.pk, job_status=job.status)


def write(ticket: ServiceTicket, jobs: dict[int, Job], named: dict[int, JobStatus], *, by: Any, **how: Any) -> Authorization:
    """The record, with what each job was to cost, and the jobs' new status."""
    sheet = billing.read(ticket)
    decisions = [decision(sheet, jobs[pk], status) for pk, status in named.items()]
    approved = sheet.price([job for job in sheet.jobs if named.get(job.pk) == JobStatus.APPROVED], loose=False)
    record = Authorization.objects.create(ticket=ticket, decisions=decisions, approved_total=approved.total, by=by, **how)
    for pk, status in named.items():
        total = total_of(jobs[pk]) if status == JobStatus.APPROVED else jobs[pk].authorized_total
        jobs[pk].save_changes(status=status, authorized_total=total, by=by)
    return record


def decision(sheet: billing.Sheet, job: Job, status: str) -> dict[str, Any]:
    bill = sheet.price([job], loose=False)
    lines = [
        {name: facts[name] for name in ("kind", "description", "quantity", "unit_price", "discount", "amount")}
        for facts in (billing.line_facts(line, place) for place, line in enumerate(bill.lines, 1))
    ]
    return {"job": job.pk, "title": job.title, "decision": str(status), "lines": lines, **billing.totals(bill)}


# --- links for customers without an account --------------------------------------------------------


@atomic
def share(ticket: ServiceTicket, *, days: int = 14, by: Any) -> tuple[ShareLink, str]:
    """A link to this ticket, and its token, which is told once: the shop keeps its hash."""
    lock(ticket)
    token = secrets.token_urlsafe(32)
    link = ShareLink(ticket=ticket, token_hash=hash_of(token), created_by=by, expires_at=timezone.now() + timedelta(days=days))
    link.save(by=by)
    return link, token


@atomic
def revoke_share(ticket: ServiceTicket, *, share: int, by: Any) -> None:
    """End a link. Raises InvalidInput for one that is not this ticket's; nothing changes when it has ended."""
    lock(ticket)
    link = ShareLink.objects.filter(ticket=ticket, pk=share).first()
    if link is None:
        raise InvalidInput("share", "share_of_another_ticket", f"Link {share} is not of {ticket.number}.")
    if link.revoked_at is None:
        link.save_changes(revoked_at=timezone.now(), by=by)


def shared(token: str) -> ShareLink | None:
    """The open link with this token."""
    link = ShareLink.objects.select_related("ticket__customer", "ticket__vehicle").filter(token_hash=hash_of(token)).first()
    return link if link is not None and link.is_open else None


@atomic
def authorize_shared(token: str, **said: Any) -> Authorization | None:
    """What whoever has the link says to the jobs, in nobody's name; None for a link that is not open. Raises as ``authorize``."""
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
    return authorize(link.ticket, **said, channel=Channel.PORTAL, share=link, by=None) if link.is_open else None


def hash_of(token: str) -> str:
    """Of 256 random bits: no salt is needed, and none would let the row be found."""
    return hashlib.sha256(token.encode()).hexdigest()
