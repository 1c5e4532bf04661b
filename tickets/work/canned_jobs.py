"""Canned jobs, written whole."""

from typing import Any

from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic

from ..models import CannedJob, CannedJobLine, CannedJobPart


@atomic
def write_canned_job(
    canned_job: CannedJob, *, lines: Any = None, parts: Any = None, by: Any, **details: Any
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
