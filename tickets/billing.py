"""What stands on an estimate and an invoice: a ticket's lines, read in a fixed number of queries, priced, and written down as a document.

A document is plain JSON; amounts are strings with the currency's decimals. docs/money.md shows its members.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from django.conf import settings
from django.utils import timezone

from inventory.taxes import TaxRate

from . import pricing, terms
from .models import AUTHORIZED, Job, JobLine, JobStatus, LineKind, ServiceTicket, TicketPart
from .pricing import Bill, Item, Line

OFFERED = (JobStatus.PROPOSED, *AUTHORIZED)  # what an estimate counts
US_LETTER = {"US", "CA", "MX", "PH", "CL", "CO"}  # where paper is 8½ × 11 inches


@dataclass
class Sheet:
    """A ticket's jobs and lines, and the tax rates of a day."""

    ticket: ServiceTicket
    jobs: list[Job]
    lines: dict[int | None, list[JobLine | TicketPart]]  # by job; at None those of no job
    rates: terms.Rates

    def items(self, jobs: Iterable[Job], *, loose: bool = True) -> list[Item]:
        """What these jobs charge for, and with ``loose`` what is on the ticket itself."""
        keys = [*(job.pk for job in jobs), *([None] if loose else [])]
        return [self.item(row) for key in keys for row in self.lines.get(key, ())]

    def item(self, row: JobLine | TicketPart) -> Item:
        is_part = isinstance(row, TicketPart)
        code = row.part.tax_code_id if is_part else row.tax_code_id
        return Item(
            quantity=row.quantity,
            unit_price=row.unit_price,
            discount=row.discount,
            tax=None if self.ticket.customer.tax_exempt else terms.tax(self.rates, code),
            uses_supplies=is_part or row.kind == LineKind.LABOR,
            source=row,
        )

    def price(self, jobs: Iterable[Job], *, loose: bool = True) -> Bill:
        """What these jobs, and with ``loose`` what is on the ticket itself, come to; a ticket's discount is for the whole ticket."""
        discount = self.ticket.discount if loose else pricing.NOTHING_OFF
        rules = terms.rules({} if self.ticket.customer.tax_exempt else self.rates)
        return pricing.price(self.items(jobs, loose=loose), discount, rules)


def read(ticket: ServiceTicket, day: date | None = None) -> Sheet:
    """All that is needed to price a ticket, in four queries; tax as of ``day``, by default today."""
    lines: dict[int | None, list[JobLine | TicketPart]] = defaultdict(list)
    for line in JobLine.objects.filter(job__ticket=ticket).select_related("mechanic").order_by("pk"):
        lines[line.job_id].append(line)
    for part in TicketPart.objects.filter(ticket=ticket).select_related("part").order_by("pk"):
        lines[part.job_id].append(part)
    jobs = list(Job.objects.filter(ticket=ticket).order_by("position", "pk"))
    return Sheet(ticket, jobs, lines, TaxRate.objects.on(day or timezone.localdate()))


# --- documents -------------------------------------------------------------------------------------


def estimate(ticket: ServiceTicket, sheet: Sheet | None = None) -> dict[str, Any]:
    """What the ticket would cost: jobs that the customer has approved or has still to decide on. ``authorized`` are those approved."""
    sheet = sheet or read(ticket)
    offered = [job for job in sheet.jobs if job.status in OFFERED]
    document = {"kind": "estimate", "number": ticket.number, "issued_on": timezone.localdate().isoformat(), "version": ticket.version}
    document |= heading(ticket) | body(sheet, offered, sheet.price(offered), others=True)
    authorized = sheet.price(job for job in sheet.jobs if job.status in AUTHORIZED)
    return document | {"authorized": totals(authorized)}


def heading(ticket: ServiceTicket) -> dict[str, Any]:
    """Who, whose, and on what terms."""
    customer, vehicle = ticket.customer, ticket.vehicle
    return {
        "paper": "letter" if settings.SHOP_REGION in US_LETTER else "a4",
        "region": settings.SHOP_REGION,
        "shop": terms.letterhead(),
        "customer": {
            **{name: getattr(customer, name) or "" for name in ("name", "address", "phone", "email")},
            "id": customer.pk,
            "tax_exempt": customer.tax_exempt,
            "tax_certificate": customer.tax_certificate,
        },
        "vehicle": vehicle
        and {
            **{name: getattr(vehicle, name) for name in ("plate", "vin", "make", "model", "year")},
            "id": vehicle.pk,
            "odometer_in": ticket.odometer_in,
            "odometer_out": ticket.odometer_out,
        },
        "ticket": {name: getattr(ticket, name) for name in ("number", "concern", "cause", "correction")} | {"id": ticket.pk},
        "currency": settings.SHOP_CURRENCY,
        "prices_include_tax": settings.SHOP_PRICES_INCLUDE_TAX,
        "tax_rounding": settings.SHOP_TAX_ROUNDING,
    }


def body(sheet: Sheet, jobs: list[Job], bill: Bill, *, others: bool = False) -> dict[str, Any]:
    """Jobs, lines, taxes and totals. With ``others`` also the jobs that are not counted, each priced by itself."""
    lines: dict[int | None, list[Line]] = defaultdict(list)
    for line in bill.lines:
        lines[line.item.source.job_id].append(line)
    shown = {job.pk: lines[job.pk] for job in jobs}
    if others:
        shown |= {job.pk: list(sheet.price([job], loose=False).lines) for job in sheet.jobs if job.pk not in shown}
    numbers = count(1)
    told = [job_facts(job, shown[job.pk], numbers) for job in sheet.jobs if job.pk in shown]
    loose = [line_facts(line, next(numbers)) for line in lines[None]]
    if bill.supplies:
        loose.append(line_facts(bill.supplies, next(numbers)))
    return {"jobs": told, "lines": loose, "discount": money(bill.discount), "taxes": [tax_facts(sums) for sums in bill.taxes], **totals(bill)}


def totals(bill: Bill) -> dict[str, str]:
    return {"subtotal": money(bill.subtotal), "tax": money(bill.tax), "total": money(bill.total)}


def job_facts(job: Job, lines: list[Line], numbers: Any) -> dict[str, Any]:
    facts = {name: getattr(job, name) for name in ("title", "concern", "cause", "correction")}
    sums = {name: money(pricing.add(getattr(line, name) for line in lines)) for name in ("net", "tax", "total")}
    return {"id": job.pk, "status": str(job.status), **facts, "lines": [line_facts(line, next(numbers)) for line in lines], **sums}


def line_facts(line: Line, number: int) -> dict[str, Any]:
    """A line as it stands on paper; ``id`` is its place there, by which a credit note names it."""
    row, tax = line.item.source, line.item.tax
    gross = line.item.quantity * line.item.unit_price
    return {
        "id": number,
        **what_it_is(row),
        "quantity": f"{line.item.quantity:.3f}",
        "unit_price": money(line.item.unit_price),
        "discount": money(terms.rounding().round(gross) - line.amount),
        **{name: money(getattr(line, name)) for name in ("amount", "share", "net", "tax", "total")},
        "tax_name": tax.name if tax else "",
        "tax_rate": percent(tax.rate) if tax else "0",
        "taxes": [share_facts(share) for share in line.tax_shares],
    }


def what_it_is(row: Any) -> dict[str, Any]:
    if row is None:
        return {"kind": "supplies", "description": "Shop supplies", "unit": "each", "part": None, "mechanic": None}
    if isinstance(row, TicketPart):
        part = {"id": row.part_id, "sku": row.part.sku}
        return {"kind": "part", "description": row.part.name, "unit": row.part.unit, "part": part, "mechanic": None}
    mechanic = {"id": row.mechanic_id, "name": row.mechanic.name} if row.mechanic else None
    unit = "hour" if row.kind == LineKind.LABOR else "each"
    return {"kind": row.kind, "description": row.description, "unit": unit, "part": None, "mechanic": mechanic}


def share_facts(share: pricing.TaxShare) -> dict[str, str]:
    return {
        "name": share.tax.name,
        "rate": percent(share.tax.rate),
        "amount": money(share.amount),
    }


def tax_facts(sums: pricing.TaxSum) -> dict[str, str]:
    tax = sums.tax
    return {
        "name": tax.name,
        "rate": percent(tax.rate),
        "number": tax.number,
        "base": money(sums.base),
        "amount": money(sums.amount),
    }


def percent(rate: Decimal) -> str:
    """At most 3 decimals: what several taxes come to may have more."""
    return f"{pricing.Rules(places=3).round(rate):f}"


def money(amount: Decimal) -> str:
    """With the currency's decimals."""
    return f"{terms.rounding().round(amount):f}"
