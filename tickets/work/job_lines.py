"""Lines of a job: labor, sublet work, fees and trade-ins."""

from decimal import Decimal
from typing import Any

from inventory.models import ZERO
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import rounded
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle.locking import increment_version, lock_job
from ..models import Job, JobLine, LaborRate, LineKind
from .authorized_amounts import authorized_cost
from .part_lines import TOO_MUCH
from .price_checks import check_discount, check_may_change_price
from .reapproval import (
    before_repricing,
    require_job_reapproval_if_exceeded,
    require_reapproval_if_exceeded,
)
from .trade_ins import ensure_not_below_nothing, never_below_nothing

MOST_HOURS = Decimal("9999.99")


MOST_LINES = 200


@atomic
def add_line(job: Job, *, by: User | None, **details: Any) -> JobLine:
    """Put labor, sublet work, a fee or a trade-in into the job. An approved job that
    grows beyond what was approved goes back to the customer.

    Raises DomainError ``ticket_locked``, ``job_ended`` or ``trade_in_exceeds_total``;
    NotAllowed for a discount or a trade-in of somebody who may not give one.
    """
    lock_to_reprice(job)
    if job.lines.count() >= MOST_LINES:
        raise InvalidInput("job", "too_many_lines", f"A job has {MOST_LINES} lines at the most.")
    line = write_line(JobLine(job=job), details, by=by)
    require_job_reapproval_if_exceeded(job, grew=True, by=by)
    require_reapproval_if_exceeded(job.ticket, changed=[job], by=by)
    if line.is_trade_in:
        ensure_not_below_nothing(job.ticket)
    increment_version(job.ticket)
    return line


@atomic
def edit_line(job: Job, *, line: int, by: User | None, **changes: Any) -> JobLine:
    """Change a line of the job. Raises as ``add_line``, and InvalidInput
    ``line_of_another_job``.
    """
    lock_to_reprice(job)
    row = line_of(job, line)
    before, cost = row.quantity, authorized_cost(job.ticket)
    if "kind" in changes and changes["kind"] != row.kind:
        raise InvalidInput(
            "kind", "kind_is_fixed", "A line keeps its kind: remove it, and add another."
        )
    with never_below_nothing(job.ticket):
        write_line(row, changes, by=by)
        require_job_reapproval_if_exceeded(job, grew=row.quantity > before, by=by)
        source = job if row.quantity < before else None
        require_reapproval_if_exceeded(
            job.ticket, changed=[job], source=source, cost_before=cost, by=by
        )
    increment_version(job.ticket)
    return row


@atomic
def remove_line(job: Job, *, line: int, by: User | None) -> None:
    """Take a line out of the job. Raises as ``edit_line``."""
    lock_to_reprice(job)
    row = line_of(job, line)
    if row.is_trade_in:
        check_may_change_price(by)
    cost = authorized_cost(job.ticket)
    with never_below_nothing(job.ticket):
        row.delete(by=by)
        require_reapproval_if_exceeded(job.ticket, source=job, cost_before=cost, by=by)
    increment_version(job.ticket)


def lock_to_reprice(job: Job) -> None:
    """Lock the job's ticket and its parts, and read the job under the lock. Raises
    DomainError ``ticket_locked`` or ``job_ended``.
    """
    lock_job(job)
    job.refuse_ended()
    before_repricing(job.ticket)


def line_of(job: Job, key: int) -> JobLine:
    line = JobLine.objects.filter(job=job, pk=key).select_related("job").first()
    if line is None:
        raise InvalidInput(
            "line", "line_of_another_job", f'Line {key} is not in the job "{job.title}".'
        )
    return line


def write_line(
    line: JobLine, details: dict[str, Any], *, office_prices: bool = False, by: User | None
) -> JobLine:
    """Give a line these details, and what follows from them: labor costs what its rate
    does unless a price is named.
    """
    before = priced(line) if line.pk else {}
    for name in ("rate", "mechanic"):
        if details.get(name) is not None:
            row_locks.reread(details[name])
    ensure_active(details)
    set_details(line, details)
    ensure_trade_in_has_no_discount(line)
    if line.kind == LineKind.LABOR:
        price_labor(line, details)
    elif line.rate is not None or line.mechanic is not None:
        raise InvalidInput("kind", "only_labor_has_a_rate", "Only labor has a rate and a mechanic.")
    if line.unit_price is None:
        raise InvalidInput("unit_price", "required", "Say what it costs.")
    if not office_prices and (
        line.is_trade_in or (before != priced(line) if before else not has_usual_price(line))
    ):
        check_may_change_price(by)
    if rounded(line.quantity * line.unit_price) >= TOO_MUCH:
        raise InvalidInput("quantity", "too_much", f"A line comes to less than {TOO_MUCH}.")
    line.save(by=by)
    return line


def set_details(line: JobLine, details: dict[str, Any]) -> None:
    """Set what was sent; one kind of discount takes the other's place."""
    for name, value in details.items():
        setattr(line, name, value)
    if "discount_percent" in details and "discount_amount" not in details:
        line.discount_amount = ZERO
    if "discount_amount" in details and "discount_percent" not in details:
        line.discount_percent = ZERO
    check_discount(line.discount_percent, line.discount_amount)


def ensure_trade_in_has_no_discount(line: JobLine) -> None:
    for name in ("discount_percent", "discount_amount"):
        if line.is_trade_in and getattr(line, name):
            raise InvalidInput(
                name,
                "discount_of_a_trade_in",
                "A trade-in has no discount: give less or more for it.",
            )


def priced(line: JobLine) -> dict[str, Any]:
    """What a line's price depends on, but for its quantity."""
    return {
        name: getattr(line, name)
        for name in (
            "unit_price",
            "unit_cost",
            "discount_percent",
            "discount_amount",
            "rate_id",
            "tax_code_id",
        )
    }


def has_usual_price(line: JobLine) -> bool:
    """Is a new line at the price and tax of its rate, or, where it has none, without a
    word on them beside its price?
    """
    if line.unit_cost or line.discount_percent or line.discount_amount:
        return False
    if line.kind != LineKind.LABOR:
        return line.tax_code_id is None
    return line.rate is not None and (line.unit_price, line.tax_code_id) == (
        line.rate.hourly,
        line.rate.tax_code_id,
    )


def ensure_active(details: dict[str, Any]) -> None:
    if (rate := details.get("rate")) and not rate.is_active:
        raise DomainError(
            "labor_rate_inactive",
            f'The rate "{rate.name}" is no longer used: take another.',
            rate=rate.pk,
        )
    if (mechanic := details.get("mechanic")) and not mechanic.is_active:
        raise DomainError(
            "mechanic_inactive",
            f"{mechanic.name} no longer works here: name somebody else.",
            mechanic=mechanic.pk,
        )


def price_labor(line: JobLine, details: dict[str, Any]) -> None:
    """Hours have two decimals; their rate is the shop's default where none is named,
    and its price of today is the line's from now on.
    """
    if line.quantity > MOST_HOURS or line.quantity != line.quantity.quantize(Decimal("0.01")):
        raise InvalidInput(
            "quantity", "hours", f"Hours have two decimals and are {MOST_HOURS} at the most."
        )
    if line.rate is None and line.unit_price is None:
        line.rate = LaborRate.objects.filter(is_default=True, is_active=True).first()
        if line.rate is None:
            raise InvalidInput(
                "rate",
                "required",
                "The shop has no default labor rate: name a rate or a unit_price.",
            )
    named = "rate" in details or line.unit_price is None
    if line.rate is not None and named and details.get("unit_price") is None:
        line.unit_price = line.rate.hourly
    if line.rate is not None and named and "tax_code" not in details:
        line.tax_code = line.rate.tax_code
