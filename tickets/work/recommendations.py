"""What the customer declined or deferred, proposed again on a later ticket."""

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle.locking import lock_open
from ..models import Job, ServiceTicket, TicketPart
from .jobs import put_parts, write_job
from .parts import add_part
from .reapproval import before_repricing


@atomic
def add_recommendation(
    ticket: ServiceTicket,
    *,
    job: Job | None = None,
    part_line: TicketPart | None = None,
    by: User | None,
) -> None:
    """Propose again, at the prices of today, what the vehicle's owner declined or put
    off on an earlier ticket: a job, or a part outside jobs.

    Raises DomainError ``not_recommended`` for what is of another vehicle, or was taken
    up since; ``trade_in_exceeds_total``, and for a part what ``add_part`` raises.
    Raises InvalidInput where not one of the two is named.
    """
    lock_open(ticket)
    if (job is None) == (part_line is None):
        raise InvalidInput(
            "part_line" if job else "job",
            "one_recommendation",
            "Name a job, or the line of a part: one of them.",
        )
    if part_line is not None:
        add_recommended_part(ticket, part_line, by=by)
    elif job is not None:
        add_recommended_job(ticket, job, by=by)


def add_recommended_part(ticket: ServiceTicket, line: TicketPart, *, by: User | None) -> None:
    # of two tickets of the vehicle, one takes it up; the part's lock is what both want
    before_repricing(ticket, line.part_id)
    row_locks.reread(line, "ticket", "part")
    if ticket.vehicle_id is None or line.ticket.vehicle_id != ticket.vehicle_id:
        raise DomainError(
            "not_recommended",
            f"{line.part.sku} was not put off for the vehicle of {ticket.number}.",
            part=line.part_id,
        )
    if (
        line.ticket_id >= ticket.pk
        or not TicketPart.objects.recommended().filter(pk=line.pk).exists()
    ):
        detail = (
            f"{line.part.sku} has been put on a ticket since, was approved, or is not used "
            f"any more."
        )
        raise DomainError("not_recommended", detail, part=line.part_id)
    add_part(ticket, part=line.part, quantity=line.quantity, by=by)


def add_recommended_job(ticket: ServiceTicket, job: Job, *, by: User | None) -> None:
    row_locks.lock(job, "ticket")  # of two tickets of the vehicle, one takes it up
    if ticket.vehicle_id is None or job.ticket.vehicle_id != ticket.vehicle_id:
        raise DomainError(
            "not_recommended", f"Job {job.pk} is not of the vehicle of {ticket.number}.", job=job.pk
        )
    if job.ticket_id == ticket.pk or not Job.objects.recommended().filter(pk=job.pk).exists():
        raise DomainError(
            "not_recommended",
            f"Job {job.pk} is on this or a later ticket already, or was done.",
            job=job.pk,
        )
    lines = [
        {name: getattr(line, name) for name in ("kind", "description", "quantity", "tax_code")}
        | ({"rate": line.rate} if line.rate else {"unit_price": line.unit_price})
        for line in job.lines.select_related("rate__tax_code", "tax_code")
    ]
    details = {name: getattr(job, name) for name in ("cause", "correction")}
    if job.ticket.customer_id == ticket.customer_id:  # who sold the car said it to the shop
        details["concern"] = job.concern
    again = write_job(
        ticket, title=job.title, lines=lines, continues=job, office_prices=True, by=by, **details
    )
    put_parts(again, job.parts.select_related("part"), by=by)
