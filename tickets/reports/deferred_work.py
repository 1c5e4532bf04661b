"""Work that customers said no or not now to, which the shop may offer again."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from ..models import Authorization, Job, JobLine, JobStatus, TicketPart
from ..pricing import arithmetic
from .exact_sums import exact, thousandths

MOST = 1000


def deferred_work() -> dict[str, Any]:
    """Declined and deferred jobs that no later ticket took up, newest first; the totals
    also count what is beyond the first thousand.
    """
    jobs = Job.objects.recommended()
    shown: list[Any] = list(  # jobs with what ``costs`` annotates
        jobs.select_related("ticket__customer", "ticket__vehicle")
        .annotate(**costs())
        .order_by("-pk")[:MOST]
    )
    decided = decisions({job.ticket_id for job in shown})
    rows = [job_row(job, decided.get(job.pk)) for job in shown]
    return {"currency": settings.SHOP_CURRENCY, "rows": rows, "totals": totals(jobs)}


def job_row(job: Any, decided_at: datetime | None) -> dict[str, Any]:
    customer, vehicle = job.ticket.customer, job.ticket.vehicle
    return {
        "job": job.pk,
        "title": job.title,
        "status": job.status,
        "decided_at": decided_at,
        "total": arithmetic.add((exact(job.of_lines), exact(job.of_parts))),
        "ticket": {"id": job.ticket_id, "number": job.number},
        "customer": {name: getattr(customer, name) for name in ("id", "name", "phone", "email")},
        "vehicle": vehicle and {name: getattr(vehicle, name) for name in ("id", "name", "plate")},
    }


def costs() -> dict[str, Any]:
    """What the lines of each job come to."""
    return {
        name: Subquery(
            lines.objects.filter(job=OuterRef("pk"))
            .order_by()
            .values("job")
            .annotate(sum=thousandths("line_total"))
            .values("sum")
        )
        for name, lines in (("of_lines", JobLine), ("of_parts", TicketPart))
    }


def decisions(tickets: Iterable[int]) -> dict[int, datetime]:
    """{job: when the customer last said something to it}."""
    rows = (
        Authorization.objects.filter(ticket__in=tickets)
        .order_by("pk")
        .values_list("at", "decisions")
    )
    return {decision["job"]: at for at, entries in rows for decision in entries}


def totals(jobs: QuerySet[Job]) -> dict[str, Any]:
    """How many there are and what they would cost, by status and in all."""
    statuses = (JobStatus.DECLINED, JobStatus.DEFERRED)
    counts = jobs.aggregate(
        **{str(status): Count("pk", filter=Q(status=status)) for status in statuses}
    )
    amounts: dict[str, list[Decimal]] = {str(status): [] for status in statuses}
    for lines in (JobLine, TicketPart):
        for status, units in (
            lines.objects.filter(job__in=jobs)
            .order_by()
            .values_list("job__status")
            .annotate(sum=thousandths("line_total"))
        ):
            amounts[status].append(exact(units))
    sums = {status: arithmetic.add(each) for status, each in amounts.items()}
    parts = {status: {"jobs": counts[status], "total": sums[status]} for status in counts}
    return {**parts, "jobs": sum(counts.values()), "total": arithmetic.add(sums.values())}
