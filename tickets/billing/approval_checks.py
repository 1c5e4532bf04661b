"""What tickets are authorized for: more than was approved of what is on them, or than
the customer's word says.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from inventory.models import ZERO
from mechanic_shop import currency

from ..models import (
    AUTHORIZED,
    Authorization,
    Job,
    JobStatus,
    ServiceTicket,
    TicketPart,
    ticket_number,
)
from ..pricing.amounts import money


def excess_approvals() -> Iterator[str]:
    """``authorized_total`` is the amounts of the authorized jobs and parts, and shop
    supplies; rounding adds a minor unit for each.
    """
    approved: defaultdict[int, list[Decimal]] = defaultdict(list)
    for units in (Job.objects.all(), TicketPart.objects.filter(job=None)):
        rows = (
            units.filter(status__in=AUTHORIZED)
            .order_by("pk")
            .values_list("ticket_id", "approved_amount")
        )
        for ticket, amount in rows.iterator():
            approved[ticket].append(amount or ZERO)
    unit = currency.minor_unit()
    tickets = ServiceTicket.objects.filter(authorized_total__isnull=False).order_by("pk")
    for ticket, total, supplies in tickets.values_list(
        "pk", "authorized_total", "authorized_supplies"
    ).iterator():
        amount = sum(approved[ticket], supplies)
        if total > amount + unit * len(approved[ticket]):
            yield (
                f"{ticket_number(ticket)} is authorized for {money(total)}, but "
                f"{money(amount)} were approved of what is on it."
            )


Decision = dict[str, Any]


@dataclass
class Records:
    """What the records of approvals say, all of them."""

    last: dict[tuple[int, str, int], Decision] = field(default_factory=dict)
    """The last entry by ticket, "job" or "part", and its key."""
    tickets: set[int] = field(default_factory=set)
    with_jobs: set[int] = field(default_factory=set)
    """The tickets of which a job was ever approved."""


def read_records() -> Records:
    records = Records()
    rows = Authorization.objects.order_by("pk").values_list("ticket_id", "decisions")
    for ticket, decisions in rows.iterator():
        records.tickets.add(ticket)
        for decision in decisions:
            # an entry without a kind is older than the amounts
            kind = decision.get("kind", "job")
            if kind != "supplies":
                records.last[(ticket, kind, decision[kind])] = decision
            if kind == "job" and decision["decision"] == JobStatus.APPROVED:
                records.with_jobs.add(ticket)
    return records


def unrecorded_approvals() -> Iterator[str]:
    """What is authorized was approved by a record, for no less than its amount."""
    records = read_records()
    yield from unrecorded_jobs(records)
    yield from unrecorded_parts(records)
    tickets = ServiceTicket.objects.filter(authorized_total__isnull=False).order_by("pk")
    for ticket, total in tickets.values_list("pk", "authorized_total").iterator():
        if ticket not in records.tickets:
            yield f"{ticket_number(ticket)} is authorized for {money(total)}, but by no record."


def unrecorded_jobs(records: Records) -> Iterator[str]:
    """A job becomes approved by a record only, and its amount only falls afterwards."""
    jobs = Job.objects.filter(status__in=AUTHORIZED).order_by("pk")
    rows = jobs.values_list("ticket_id", "pk", "title", "approved_amount")
    for ticket, key, title, amount in rows.iterator():
        decision = records.last.get((ticket, "job", key), {})
        if decision.get("decision") != JobStatus.APPROVED:
            yield f'{ticket_number(ticket)}: the job "{title}" is approved, but by no record.'
        elif "kind" in decision:
            yield from more_than_recorded(ticket, f'the job "{title}"', amount or ZERO, decision)


def unrecorded_parts(records: Records) -> Iterator[str]:
    """A part outside jobs may also be approved by the tolerance, and takes its amount
    along out of an approved job. So it is compared only where a record names it and no
    job was approved.
    """
    parts = TicketPart.objects.filter(job=None, status__in=AUTHORIZED).order_by("pk")
    rows = parts.values_list("ticket_id", "part_id", "part__sku", "approved_amount")
    for ticket, key, sku, amount in rows.iterator():
        decision = records.last.get((ticket, "part", key), {})
        if decision and ticket not in records.with_jobs:
            yield from more_than_recorded(ticket, sku, amount or ZERO, decision)


def more_than_recorded(
    ticket: int, name: str, amount: Decimal, decision: Decision
) -> Iterator[str]:
    approved = Decimal(decision["total"]) if decision["decision"] == JobStatus.APPROVED else ZERO
    if amount > approved:
        yield (
            f"{ticket_number(ticket)}: {name} is approved for {money(amount)}, but its record "
            f"says {money(approved)}."
        )
