"""What tickets are authorized for: more than was approved of what is on them, or than
the customer's word says.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from inventory.models import ZERO
from mechanic_shop import currency

from ..lifecycle.snapshot import money
from ..models import (
    AUTHORIZED,
    Authorization,
    Job,
    JobStatus,
    ServiceTicket,
    TicketPart,
    ticket_number,
)


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


Told = dict[str, Any]


def unrecorded_approvals() -> Iterator[str]:
    """What is authorized was approved by the customer's word, for no less than its
    amount.

    A job becomes approved by a record only, and its amount only falls afterwards. A
    part outside jobs may also be approved by the tolerance, and takes its amount along
    out of an approved job: it is compared where a record names it and no job was
    approved.
    """
    last: dict[tuple[int, str, int], Told] = {}
    recorded: set[int] = set()
    with_jobs: set[int] = set()
    for ticket, decisions in (
        Authorization.objects.order_by("pk").values_list("ticket_id", "decisions").iterator()
    ):
        recorded.add(ticket)
        for told in decisions:
            kind = told.get("kind", "job")  # an entry without a kind is older than the amounts
            if kind != "supplies":
                last[(ticket, kind, told[kind])] = told
            if kind == "job" and told["decision"] == JobStatus.APPROVED:
                with_jobs.add(ticket)
    jobs = Job.objects.filter(status__in=AUTHORIZED).order_by("pk")
    for ticket, key, title, amount in jobs.values_list(
        "ticket_id", "pk", "title", "approved_amount"
    ).iterator():
        told = last.get((ticket, "job", key), {})
        if told.get("decision") != JobStatus.APPROVED:
            yield f'{ticket_number(ticket)}: the job "{title}" is approved, but by no record.'
        elif "kind" in told:
            yield from more_than_recorded(ticket, f'the job "{title}"', amount or ZERO, told)
    parts = TicketPart.objects.filter(job=None, status__in=AUTHORIZED).order_by("pk")
    for ticket, key, sku, amount in parts.values_list(
        "ticket_id", "part_id", "part__sku", "approved_amount"
    ).iterator():
        told = last.get((ticket, "part", key), {})
        if told and ticket not in with_jobs:
            yield from more_than_recorded(ticket, sku, amount or ZERO, told)
    tickets = ServiceTicket.objects.filter(authorized_total__isnull=False).order_by("pk")
    for ticket, total in tickets.values_list("pk", "authorized_total").iterator():
        if ticket not in recorded:
            yield f"{ticket_number(ticket)} is authorized for {money(total)}, but by no record."


def more_than_recorded(ticket: int, name: str, amount: Decimal, told: Told) -> Iterator[str]:
    approved = Decimal(told["total"]) if told["decision"] == JobStatus.APPROVED else ZERO
    if amount > approved:
        yield (
            f"{ticket_number(ticket)}: {name} is approved for {money(amount)}, but its record "
            f"says {money(approved)}."
        )
