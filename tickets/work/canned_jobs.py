"""Canned jobs: written whole, and put on a ticket."""

from typing import Any

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from ..lifecycle.locking import lock_open
from ..models import CannedJob, CannedJobLine, CannedJobPart, ServiceTicket
from .jobs import put_parts, write_job


@atomic
def write_canned_job(
    canned_job: CannedJob, *, lines: Any = None, parts: Any = None, by: User | None, **details: Any
) -> CannedJob:
    """Make or change a canned job; ``lines`` and ``parts``, where given, take the place
    of those that were there.
    """
    if canned_job.pk is None:
        for name, value in details.items():
            setattr(canned_job, name, value)
        canned_job.save(force_insert=True, by=by)
    else:
        row_locks.lock(canned_job)
        canned_job.save_changes(**details, by=by)
    for model, rows in ((CannedJobLine, lines), (CannedJobPart, parts)):
        if rows is not None:
            model.objects.filter(canned_job=canned_job).delete(by=by)
            for row in rows:
                model(canned_job=canned_job, **row).save(force_insert=True, by=by)
    return canned_job


@atomic
def add_canned_job(ticket: ServiceTicket, *, canned_job: CannedJob, by: User | None) -> None:
    """Put a canned job on the ticket, at the prices of today.

    Raises DomainError ``canned_job_inactive``, ``part_inactive`` or
    ``trade_in_exceeds_total``.
    """
    lock_open(ticket)
    row_locks.lock(canned_job)  # so that its lines and parts are those of one version
    if not canned_job.is_active:
        raise DomainError(
            "canned_job_inactive",
            f'"{canned_job.name}" is no longer offered: take another.',
            canned_job=canned_job.pk,
        )
    lines = [
        {
            "kind": line.kind,
            "description": line.description,
            "quantity": line.quantity,
            **chosen_price(line),
        }
        for line in canned_job.lines.select_related("rate__tax_code", "tax_code")
    ]
    details = {name: getattr(canned_job, name) for name in ("concern", "cause", "correction")}
    job = write_job(
        ticket, title=canned_job.name, lines=lines, office_prices=True, by=by, **details
    )
    put_parts(job, canned_job.parts.select_related("part"), by=by)


def chosen_price(line: CannedJobLine) -> dict[str, Any]:
    """What a template's line says of its price; the rest follows from the rate of
    today.
    """
    chosen = {"rate": line.rate, "unit_price": line.unit_price, "tax_code": line.tax_code}
    return {name: value for name, value in chosen.items() if value is not None}
