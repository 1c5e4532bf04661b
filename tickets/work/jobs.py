"""Jobs of a ticket and their lines."""

from decimal import Decimal
from typing import Any

from inventory.models import ZERO
from mechanic_shop.currency import rounded
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle import snapshot
from ..lifecycle.allocation import hold_or_release, return_line, sync_allocations
from ..lifecycle.locking import increment_version, lock_job, lock_open
from ..models import (
    AUTHORIZED,
    STOCK_HOLDING_STATUSES,
    CannedJob,
    Job,
    JobLine,
    JobStatus,
    LaborRate,
    LineKind,
    ServiceTicket,
    Status,
    TicketPart,
)
from .parts import TOO_MUCH, add_part
from .reapproval import (
    authorized_cost,
    before_repricing,
    check_may_change_price,
    ensure_not_below_nothing,
    lowers_price,
    never_below_nothing,
    put_back,
    require_job_reapproval_if_exceeded,
    require_reapproval_if_exceeded,
    set_authorized,
)
from .tickets import check_discount

MOST_HOURS = Decimal("9999.99")
MOST_JOBS = MOST_LINES = 200


@atomic
def add_job(ticket: ServiceTicket, *, lines: Any = (), by: Any, **details: Any) -> Job:
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
    by: Any,
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


@atomic
def update_job(job: Job, *, by: Any, **sent: Any) -> Job:
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
def delete_job(job: Job, *, by: Any) -> None:
    """Erase a job on which nobody decided yet; its parts leave the ticket. Raises
    DomainError ``job_in_use`` for any other.
    """
    lock_job(job)
    ticket = job.ticket
    decided = any(
        job.pk == told["job"]
        for decisions in ticket.authorizations.values_list("decisions", flat=True)
        for told in decisions
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
def add_line(job: Job, *, by: Any, **details: Any) -> JobLine:
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
def edit_line(job: Job, *, line: int, by: Any, **changes: Any) -> JobLine:
    """Change a line of the job. Raises as ``add_line``, and InvalidInput
    ``line_of_another_job``.
    """
    lock_to_reprice(job)
    found = line_of(job, line)
    before, cost = found.quantity, authorized_cost(job.ticket)
    if "kind" in changes and changes["kind"] != found.kind:
        raise InvalidInput(
            "kind", "kind_is_fixed", "A line keeps its kind: remove it, and add another."
        )
    with never_below_nothing(job.ticket):
        write_line(found, changes, by=by)
        require_job_reapproval_if_exceeded(job, grew=found.quantity > before, by=by)
        source = job if found.quantity < before else None
        require_reapproval_if_exceeded(
            job.ticket, changed=[job], source=source, cost_before=cost, by=by
        )
    increment_version(job.ticket)
    return found


@atomic
def remove_line(job: Job, *, line: int, by: Any) -> None:
    """Take a line out of the job. Raises as ``edit_line``."""
    lock_to_reprice(job)
    found = line_of(job, line)
    if found.is_trade_in:
        check_may_change_price(by)
    cost = authorized_cost(job.ticket)
    with never_below_nothing(job.ticket):
        found.delete(by=by)
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
    found = JobLine.objects.filter(job=job, pk=key).select_related("job").first()
    if found is None:
        raise InvalidInput(
            "line", "line_of_another_job", f'Line {key} is not in the job "{job.title}".'
        )
    return found


def write_line(
    line: JobLine, details: dict[str, Any], *, office_prices: bool = False, by: Any
) -> JobLine:
    """Give a line these details, and what follows from them: labor costs what its rate
    does unless a price is named.
    """
    before = priced(line) if line.pk else {}
    for name in ("rate", "mechanic"):
        if details.get(name) is not None:
            row_locks.refresh(details[name])
    ensure_active(details)
    for name, value in details.items():
        setattr(line, name, value)
    if "discount_percent" in details and "discount_amount" not in details:
        line.discount_amount = ZERO
    if "discount_amount" in details and "discount_percent" not in details:
        line.discount_percent = ZERO
    check_discount(line.discount_percent, line.discount_amount)
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


# --- how far the work is --------------------------------------------------------------


@atomic
def finish_job(job: Job, *, by: Any, correction: str | None = None) -> None:
    """The work on an approved job is done. Raises DomainError ``job_not_approved``."""
    set_status(
        job,
        JobStatus.DONE,
        {JobStatus.APPROVED},
        by=by,
        **({"correction": correction} if correction is not None else {}),
    )


@atomic
def reopen_job(job: Job, *, by: Any) -> None:
    """A job that was done or cancelled is worked on, or proposed, again."""
    lock_job(job)
    again = JobStatus.APPROVED if job.status == JobStatus.DONE else JobStatus.PROPOSED
    set_status(job, again, {JobStatus.DONE, JobStatus.CANCELLED}, by=by)


@atomic
def cancel_job(job: Job, *, by: Any) -> None:
    """Nobody does this job any more; its stock goes back."""
    set_status(job, JobStatus.CANCELLED, {JobStatus.PROPOSED, *AUTHORIZED}, by=by)


def set_status(
    job: Job, to: JobStatus, allowed: set[JobStatus], *, by: Any, **details: Any
) -> None:
    lock_job(job)
    ticket = job.ticket
    before_repricing(ticket)
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
    if to == JobStatus.DONE and ticket.status == Status.ESTIMATE:
        raise DomainError(
            "transition_not_allowed",
            f"{ticket.number} is an estimate: approve it first.",
            job=job.pk,
        )
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


def take_off_authorized(job: Job, *, by: Any) -> None:
    """Nothing of a job is to be paid any more."""
    sheet = snapshot.load_snapshot(job.ticket)
    set_authorized(sheet)
    if lowers_price(job):
        put_back(sheet, sheet.authorized(), by=by)


# --- jobs from elsewhere --------------------------------------------------------------


@atomic
def add_canned_job(ticket: ServiceTicket, *, canned_job: CannedJob, by: Any) -> None:
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


def put_parts(job: Job, parts: Any, *, by: Any) -> None:
    """Put these parts, in these quantities, into a new job, which is whole then."""
    for wanted in parts:
        add_part(job.ticket, part=wanted.part, quantity=wanted.quantity, job=job, by=by)
    if job.lines.filter(kind=LineKind.TRADE_IN).exists():
        ensure_not_below_nothing(job.ticket)


def chosen_price(line: Any) -> dict[str, Any]:
    """What a template's line says of its price; the rest follows from the rate of
    today.
    """
    chosen = {"rate": line.rate, "unit_price": line.unit_price, "tax_code": line.tax_code}
    return {name: value for name, value in chosen.items() if value is not None}


@atomic
def add_recommendation(
    ticket: ServiceTicket, *, job: Job | None = None, part_line: TicketPart | None = None, by: Any
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


def add_recommended_part(ticket: ServiceTicket, line: TicketPart, *, by: Any) -> None:
    # of two tickets of the vehicle, one takes it up; the part's lock is what both want
    before_repricing(ticket, line.part_id)
    row_locks.refresh(line, "ticket", "part")
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


def add_recommended_job(ticket: ServiceTicket, job: Job, *, by: Any) -> None:
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
