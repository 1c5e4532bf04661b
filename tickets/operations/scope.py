"""What a customer said yes to, and when they must be asked again."""

from decimal import Decimal
from typing import Any

from django.conf import settings

from mechanic_shop.errors import NotAllowed

from .. import pricing, terms
from ..models import AUTHORIZED, WORKING, Job, JobLine, JobStatus, TicketPart
from .holding import follow


def total_of(job: Job) -> Decimal:
    """What the job's lines come to, as they stand in the database."""
    totals = [rows.objects.filter(job=job).values_list("line_total", flat=True) for rows in (JobLine, TicketPart)]
    return terms.rounding().round(pricing.add(amount for some in totals for amount in some))


def rescope(job: Job, *, grew: bool, by: Any) -> bool:
    """Has an approved job outgrown what was approved? Then it is proposed again, and its stock released. Returns whether it is authorized.

    ``grew`` says that there is more in it than before, also where that costs nothing.
    """
    if job.status not in AUTHORIZED:
        return False
    tolerance: Decimal = settings.SHOP_APPROVAL_TOLERANCE
    authorized = job.authorized_total or Decimal(0)
    within = total_of(job) <= authorized * (100 + tolerance) / 100
    if within and not (grew and not tolerance):
        return True
    job.save_changes(status=JobStatus.PROPOSED, by=by)
    if job.ticket.status in WORKING:
        follow(job.ticket, job.parts.values_list("pk", flat=True), by=by)
    return False


def may_discount(by: Any) -> None:
    """Prices and discounts are the office's. Raises NotAllowed."""
    if by is not None and not by.has_perm("tickets.change_serviceticket"):
        raise NotAllowed("permission_denied", "Prices and discounts are not yours to change: ask the front desk.")
