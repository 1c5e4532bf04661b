"""Find the line of a part on a ticket, and check what a line may hold."""

from decimal import Decimal
from typing import Any

from inventory.models import Part
from mechanic_shop.currency import rounded
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.fastpath.compiled_queries import CompiledQuery

from ..models import Job, ServiceTicket, TicketPart

MOST = Decimal("999999999.999")


TOO_MUCH = Decimal(10**10)


NOT_NAMED: Any = object()  # of a job: None is the place on the ticket itself


def check_size(
    line: TicketPart,
    field: str = "quantity",
    *,
    quantity: Decimal | None = None,
    unit_price: Decimal | None = None,
) -> None:
    """Raises InvalidInput ``too_much`` for what no line may hold."""
    quantity = line.quantity if quantity is None else quantity
    if rounded(quantity * (line.unit_price if unit_price is None else unit_price)) >= TOO_MUCH:
        raise InvalidInput(field, "too_much", f"A line comes to less than {TOO_MUCH}.")
    if quantity > MOST:
        raise InvalidInput(field, "too_much", f"No more than {MOST} of a part fit on a ticket.")


def own_job(ticket: ServiceTicket, job: Job) -> Job:
    """The job as it is now. Raises InvalidInput ``job_of_another_ticket``; DomainError
    ``job_ended`` for one that takes nothing more.
    """
    own = Job.objects.filter(pk=job.pk, ticket=ticket).first()
    if own is None:
        raise InvalidInput(
            "job", "job_of_another_ticket", f"Job {job.pk} is not on {ticket.number}."
        )
    own.refuse_ended()
    return own


def line_in(ticket: ServiceTicket, part: Part, job: Job | None) -> TicketPart | None:
    """The part's line in this job, or with None the one on the ticket itself."""
    for line in lines_of.objects(ticket.pk, part.pk):
        if line.job_id == (job and job.pk):
            line.part = part  # one row, one object: the caller holds its lock
            return line
    return None


def line_on(ticket: ServiceTicket, part: Part, job: Job | None = NOT_NAMED) -> TicketPart:
    """The part's line in the named job (None: on the ticket itself), or where none is
    named the only one on the ticket.

    Raises DomainError ``part_not_on_ticket``, or ``part_in_several_jobs`` where a job
    has to be named.
    """
    lines = lines_of.objects(ticket.pk, part.pk)
    if job is not NOT_NAMED:
        lines = [line for line in lines if line.job_id == (job and job.pk)]
    if not lines:
        where = (
            "" if job is NOT_NAMED else f' in the job "{job}"' if job else " on the ticket itself"
        )
        raise DomainError(
            "part_not_on_ticket", f"{part.sku} is not on {ticket.number}{where}.", part=part.pk
        )
    if len(lines) > 1:
        places = " and ".join(place_of(line) for line in lines)
        raise DomainError(
            "part_in_several_jobs",
            f"{part.sku} stands {places}: say which of these jobs is meant.",
            part=part.pk,
            jobs=[line.job_id for line in lines],
        )
    return lines[0]


def place_of(line: TicketPart) -> str:
    return f'in the job "{line.job}"' if line.job else "on the ticket itself"


@CompiledQuery
def lines_of(ticket: int, part: int) -> Any:
    return TicketPart.objects.filter(ticket=ticket, part=part).order_by("pk")
