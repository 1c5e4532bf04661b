"""What stands on an estimate and an invoice: a priced ticket, written down as a document.

A document is plain JSON; amounts are strings with the currency's decimals.
docs/money.md shows its members.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from django.conf import settings

from customers.models import Customer

from ..lifecycle.snapshot import OFFERED, Approvable, TicketSnapshot
from ..models import Job, JobLine, LineKind, ServiceTicket, TicketPart
from ..pricing import arithmetic, shop_rules, taxes
from ..pricing.amounts import money, percent, price, totals
from ..pricing.engine import Bill, Line

US_LETTER = {"US", "CA", "MX", "PH", "CL", "CO"}  # where paper is 8½ × 11 inches


def header(ticket: ServiceTicket) -> dict[str, Any]:
    """The shop, the customer, the vehicle, the ticket and the terms."""
    customer, vehicle = ticket.customer, ticket.vehicle
    return {
        "paper": "letter" if settings.SHOP_REGION in US_LETTER else "a4",
        "region": settings.SHOP_REGION,
        "shop": shop_rules.letterhead(),
        "customer": customer_facts(customer),
        "vehicle": vehicle
        and {
            **{name: getattr(vehicle, name) for name in ("plate", "vin", "make", "model", "year")},
            "id": vehicle.pk,
            "odometer_in": ticket.odometer_in,
            "odometer_out": ticket.odometer_out,
        },
        "ticket": {
            name: getattr(ticket, name) for name in ("number", "concern", "cause", "correction")
        }
        | {"id": ticket.pk},
        "currency": settings.SHOP_CURRENCY,
        "prices_include_tax": settings.SHOP_PRICES_INCLUDE_TAX,
        "tax_rounding": settings.SHOP_TAX_ROUNDING,
    }


def customer_facts(customer: Customer) -> dict[str, Any]:
    return {
        **{name: getattr(customer, name) or "" for name in ("name", "address", "phone", "email")},
        "id": customer.pk,
        "tax_exempt": customer.tax_exempt,
        "tax_certificate": customer.tax_certificate,
    }


def body(
    snapshot: TicketSnapshot, units: list[Approvable], bill: Bill, *, others: bool = False
) -> dict[str, Any]:
    """Jobs, lines, taxes and totals. With ``others`` also what is not counted, each
    priced by itself.

    The total of a job is its share of the whole: its lines, their shares of the
    ticket's discount, and their tax.
    """
    numbers = count(1)
    lines = lines_by_job(snapshot, units, bill, others=others)
    jobs = [
        job_facts(job, lines[job.pk], numbers) | on_top(snapshot, job)
        for job in snapshot.jobs
        if job.pk in lines
    ]
    loose = [
        line_facts(line, next(numbers)) | (as_decided(snapshot, line.item.source) if others else {})
        for line in lines[None]
    ]
    if bill.supplies:
        loose.append(line_facts(bill.supplies, next(numbers)))
    return {
        "jobs": jobs,
        "lines": loose,
        "discount": money(bill.discount),
        "taxes": [tax_facts(sums) for sums in bill.taxes],
        **totals(bill),
    }


def lines_by_job(
    snapshot: TicketSnapshot, units: list[Approvable], bill: Bill, *, others: bool
) -> dict[int | None, list[Line]]:
    """The lines of each job on the document; at None those of no job."""
    lines: dict[int | None, list[Line]] = {
        None: [],
        **{unit.pk: [] for unit in units if isinstance(unit, Job)},
    }
    for line in bill.lines:
        lines[line.item.source.job_id].append(line)
    if not others:
        return lines
    for job in snapshot.jobs:
        if job.pk not in lines:
            lines[job.pk] = list(snapshot.price_alone(job).lines)
    apart = [part for part in snapshot.loose if part.status not in OFFERED]
    lines[None] += [line for part in apart for line in snapshot.price_alone(part).lines]
    return lines


def as_decided(snapshot: TicketSnapshot, part: TicketPart) -> dict[str, Any]:
    """What the customer said to a part outside jobs."""
    return {"status": str(part.status)} | on_top(snapshot, part)


def on_top(snapshot: TicketSnapshot, unit: Approvable) -> dict[str, Any]:
    """The shop supplies that a unit brings which the estimate does not count."""
    return {} if unit.status in OFFERED else {"supplies": money(snapshot.supplies_with(unit))}


def job_facts(job: Job, lines: list[Line], numbers: Iterator[int]) -> dict[str, Any]:
    facts = {name: getattr(job, name) for name in ("title", "concern", "cause", "correction")}
    sums = {
        name: money(arithmetic.add(getattr(line, name) for line in lines))
        for name in ("net", "tax", "total")
    }
    return {
        "id": job.pk,
        "status": str(job.status),
        **facts,
        "lines": [line_facts(line, next(numbers)) for line in lines],
        **sums,
    }


def line_facts(line: Line, number: int) -> dict[str, Any]:
    """A line as it stands on the document; ``id`` is its place there, by which a credit note
    names it.
    """
    row, tax = line.item.source, line.item.tax
    gross = line.item.quantity * line.item.unit_price
    return {
        "id": number,
        **what_it_is(row),
        "quantity": f"{line.item.quantity:.3f}",
        "unit_price": price(line.item.unit_price),
        "discount": money(shop_rules.rounding().round(gross) - line.amount),
        **{name: money(getattr(line, name)) for name in ("amount", "share", "net", "tax", "total")},
        "tax_name": tax.name if tax else "",
        "tax_rate": percent(tax.rate) if tax else "0",
        "taxes": [share_facts(share) for share in line.tax_shares],
    }


def what_it_is(row: JobLine | TicketPart | None) -> dict[str, Any]:
    """What a line charges for; None stands for shop supplies."""
    if row is None:
        facts = {"kind": "supplies", "description": "Shop supplies", "unit": "each"}
        return {**facts, "part": None, "mechanic": None}
    if isinstance(row, TicketPart):
        part = {"id": row.part_id, "sku": row.part.sku}
        facts = {"kind": "part", "description": row.part.name, "unit": row.part.unit}
        return {**facts, "part": part, "mechanic": None}
    mechanic = {"id": row.mechanic_id, "name": row.mechanic.name} if row.mechanic else None
    unit = "hour" if row.kind == LineKind.LABOR else "each"
    facts = {"kind": row.kind, "description": row.description, "unit": unit}
    return {**facts, "part": None, "mechanic": mechanic}


def share_facts(share: taxes.TaxShare) -> dict[str, str]:
    return {
        "name": share.tax.name,
        "rate": percent(share.tax.rate),
        "amount": money(share.amount),
    }


def tax_facts(sums: taxes.TaxSum) -> dict[str, str]:
    tax = sums.tax
    return {
        "name": tax.name,
        "rate": percent(tax.rate),
        "number": tax.number,
        "base": money(sums.base),
        "amount": money(sums.amount),
    }


def lines_by_id(document: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """All lines of a document: job by job, then those of no job."""
    lines = [*(line for job in document["jobs"] for line in job["lines"]), *document["lines"]]
    return {line["id"]: line for line in lines}
