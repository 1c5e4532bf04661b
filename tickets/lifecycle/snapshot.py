"""What stands on an estimate and an invoice: a ticket's lines, read in a fixed number
of queries, priced, and written down as a document.

A document is plain JSON; amounts are strings with the currency's decimals.
docs/money.md shows its members.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any
from zlib import crc32

from django.conf import settings
from django.utils import timezone

from inventory.taxes import TaxRate
from mechanic_shop.currency import minor_unit, short
from mechanic_shop.errors import DomainError

from ..models import AUTHORIZED, Job, JobLine, JobStatus, LineKind, ServiceTicket, TicketPart
from ..pricing import engine, shop_rules
from ..pricing.engine import Bill, Item, Line, Sums

Unit = Job | TicketPart  # a part stands for itself where it is in no job
OFFERED = (JobStatus.PROPOSED, *AUTHORIZED)  # what an estimate counts
LARGEST_VERSION = 2**31 - 1
US_LETTER = {"US", "CA", "MX", "PH", "CL", "CO"}  # where paper is 8½ × 11 inches


@dataclass
class TicketSnapshot:
    """A ticket's jobs and lines, and the tax rates of a day."""

    ticket: ServiceTicket
    jobs: list[Job]
    lines: dict[int | None, list[JobLine | TicketPart]]  # by job; at None those of no job
    rates: shop_rules.Rates

    @property
    def loose(self) -> list[TicketPart]:
        """The parts outside jobs."""
        return [line for line in self.lines.get(None, ()) if isinstance(line, TicketPart)]

    def items(self, units: Iterable[Unit]) -> list[Item]:
        """What these jobs, and these parts outside jobs, charge for."""
        rows: list[JobLine | TicketPart] = []
        for unit in units:
            rows += self.lines.get(unit.pk, ()) if isinstance(unit, Job) else [unit]
        return [self.item(row) for row in rows]

    def item(self, row: Any) -> Item:
        is_part = isinstance(row, TicketPart)
        code = row.part.tax_code_id if is_part else row.tax_code_id
        untaxed = self.ticket.customer.tax_exempt or (
            not is_part and row.is_trade_in and code is None
        )
        return Item(
            quantity=row.quantity,
            unit_price=row.charged_price,
            discount=row.discount,
            tax=None if untaxed else shop_rules.tax(self.rates, code),
            uses_supplies=is_part or row.kind == LineKind.LABOR,
            source=row,
        )

    @property
    def units(self) -> list[Unit]:
        """What a customer decides on: each job, and each part outside jobs, in their
        order.
        """
        return [*self.jobs, *self.loose]

    def offered(self) -> list[Unit]:
        """What the estimate counts: what is approved, or has still to be decided on."""
        return [unit for unit in self.units if unit.status in OFFERED]

    def authorized(self) -> list[Unit]:
        return [unit for unit in self.units if unit.status in AUTHORIZED]

    def price(self, units: Iterable[Unit]) -> Bill:
        """What these units come to together, with the ticket's discount and shop
        supplies.
        """
        return engine.price(self.items(units), self.ticket.discount, self.rules)

    def price_alone(self, unit: Unit) -> Bill:
        """What a unit that the estimate does not count would cost. An amount off the
        ticket goes off what the estimate counts.
        """
        return engine.price(
            self.items([unit]), engine.Discount(percent=self.ticket.discount.percent), self.rules
        )

    def supplies_with(self, unit: Unit) -> Decimal:
        """The shop supplies that come on top of the estimate if this unit is done after
        all.
        """
        return (
            self.price([*self.offered(), unit]).supplies_total
            - self.price(self.offered()).supplies_total
        )

    @property
    def rules(self) -> engine.Rules:
        return shop_rules.rules({} if self.ticket.customer.tax_exempt else self.rates)

    def lines_shown(self) -> dict[tuple[type[Unit], int], list[Line]]:
        """The lines of each unit as the estimate shows them: its share of what is
        offered, or its price alone.
        """
        return self.lines_of(self.price(self.offered()))

    def lines_of(self, bill: Bill) -> dict[tuple[type[Unit], int], list[Line]]:
        """``lines_shown``, where the price of what is offered is known."""
        shown: dict[tuple[type[Unit], int], list[Line]] = {
            key_of(unit): [] for unit in self.offered()
        }
        for line in bill.lines:
            row = line.item.source
            shown[(TicketPart, row.pk) if row.job_id is None else (Job, row.job_id)].append(line)
        apart = (unit for unit in self.units if key_of(unit) not in shown)
        return shown | {key_of(unit): list(self.price_alone(unit).lines) for unit in apart}

    def amounts_of(self, bill: Bill) -> dict[tuple[type[Unit], int], Decimal]:
        """What each unit comes to on an estimate whose offered part is this bill."""
        return {
            key: engine.add(line.total for line in lines)
            for key, lines in self.lines_of(bill).items()
        }

    @property
    def version(self) -> int:
        """Another number whenever the ticket was edited, or an amount on it changed by
        whatever else it depends on.
        """
        return self.version_of(self.price(self.offered()))

    def version_of(self, bill: Bill) -> int:
        """The version of an estimate whose offered part is this bill. The amounts of
        what was declined are part of it.
        """
        amounts = [*self.amounts_of(bill).values()]
        amounts += [self.supplies_with(unit) for unit in self.units if unit.status not in OFFERED]
        facts = (
            f"{self.ticket.version} {bill.total} {self.ticket.authorized_total} "
            f"{' '.join(map(money, amounts))}"
        )
        return crc32(facts.encode()) % LARGEST_VERSION + 1

    def rounding_of(self, units: Sequence[Unit]) -> Decimal:
        """By how much the price of these units together may differ from their amounts
        by the rounding of tax.
        """
        return minor_unit() * len(units)

    def authorized_bill(self) -> Bill:
        return self.price(self.authorized())

    def exceeds_authorized(self, bill: Bill | None = None) -> bool:
        """Would what is authorized cost more than the customer approved, tolerance
        included?
        """
        approved = self.ticket.authorized_total
        if approved is None:  # approved before amounts were kept, or with nothing on it
            return False
        return (bill or self.authorized_bill()).total > with_tolerance(approved)


def with_tolerance(amount: Decimal) -> Decimal:
    """What may be charged where this amount was approved."""
    return amount + abs(amount) * settings.SHOP_APPROVAL_TOLERANCE / 100


def key_of(unit: Unit) -> tuple[type[Unit], int]:
    return type(unit), unit.pk


def load_snapshot(ticket: ServiceTicket, day: date | None = None) -> TicketSnapshot:
    """All that is needed to price a ticket, in four queries; tax as of ``day``, by
    default today.
    """
    lines: dict[int | None, list[JobLine | TicketPart]] = defaultdict(list)
    for line in (
        JobLine.objects.filter(job__ticket=ticket).select_related("mechanic").order_by("pk")
    ):
        lines[line.job_id].append(line)
    for part in TicketPart.objects.filter(ticket=ticket).select_related("part").order_by("pk"):
        lines[part.job_id].append(part)
    jobs = list(Job.objects.filter(ticket=ticket).order_by("position", "pk"))
    return TicketSnapshot(ticket, jobs, lines, TaxRate.objects.on(day or timezone.localdate()))


def approval_exceeded(sheet: TicketSnapshot) -> DomainError:
    total, authorized = sheet.authorized_bill().total, sheet.ticket.authorized_total or Decimal(0)
    return DomainError(
        "approval_exceeded",
        f"{sheet.ticket.number} comes to {money(total)}, but the customer approved "
        f"{money(authorized)}: "
        "ask the customer and record the approval (reopen a completed ticket first), or "
        "lower the price.",
        total=money(total),
        authorized=money(authorized),
    )


def trade_in_exceeds_total(ticket: ServiceTicket, bill: Bill) -> DomainError:
    """What a ticket comes to is less than nothing."""
    return below_nothing(
        f"With its trade-ins {ticket.number} comes to",
        bill,
        "take trade-ins off, or give less for them",
    )


def below_nothing(told: str, sums: Bill | Sums, way_out: str) -> DomainError:
    """The refusal of a total, or of a tax in it, that is less than nothing: ``told``
    says whose it is, ``way_out`` what to do.
    """
    detail = (
        f"{told} {money(sums.total)}, with {money(sums.tax)} tax, and neither that nor one of "
        f"its taxes may be less than 0: {way_out}."
    )
    return DomainError("trade_in_exceeds_total", detail, **totals(sums))


def price_above_approval(ticket: ServiceTicket) -> DomainError | None:
    """Would the authorized part cost more than the customer approved, or less than
    nothing?
    """
    if ticket.authorized_total is None:
        return None
    sheet = load_snapshot(ticket)
    return refused_price(sheet, sheet.authorized_bill())


def refused_price(sheet: TicketSnapshot, bill: Bill) -> DomainError | None:
    """What keeps a bill of the authorized part from being issued."""
    if sheet.exceeds_authorized(bill):
        return approval_exceeded(sheet)
    return trade_in_exceeds_total(sheet.ticket, bill) if bill.shortfall else None


# --- documents ------------------------------------------------------------------------


def header(ticket: ServiceTicket) -> dict[str, Any]:
    """Who, whose, and on what terms."""
    customer, vehicle = ticket.customer, ticket.vehicle
    return {
        "paper": "letter" if settings.SHOP_REGION in US_LETTER else "a4",
        "region": settings.SHOP_REGION,
        "shop": shop_rules.letterhead(),
        "customer": {
            **{
                name: getattr(customer, name) or ""
                for name in ("name", "address", "phone", "email")
            },
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
        "ticket": {
            name: getattr(ticket, name) for name in ("number", "concern", "cause", "correction")
        }
        | {"id": ticket.pk},
        "currency": settings.SHOP_CURRENCY,
        "prices_include_tax": settings.SHOP_PRICES_INCLUDE_TAX,
        "tax_rounding": settings.SHOP_TAX_ROUNDING,
    }


def body(
    sheet: TicketSnapshot, units: list[Unit], bill: Bill, *, others: bool = False
) -> dict[str, Any]:
    """Jobs, lines, taxes and totals. With ``others`` also what is not counted, each
    priced by itself.

    The total of a job is its share of the whole: its lines, their shares of the
    ticket's discount, and their tax.
    """
    lines: dict[int | None, list[Line]] = defaultdict(list)
    for line in bill.lines:
        lines[line.item.source.job_id].append(line)
    counted = {unit.pk for unit in units if isinstance(unit, Job)}
    shown = {pk: lines[pk] for pk in counted}
    if others:
        shown |= {
            job.pk: list(sheet.price_alone(job).lines) for job in sheet.jobs if job.pk not in shown
        }
    numbers = count(1)
    told = [
        job_facts(job, shown[job.pk], numbers) | on_top(sheet, job)
        for job in sheet.jobs
        if job.pk in shown
    ]
    if others:
        apart = [part for part in sheet.loose if part.status not in OFFERED]
        lines[None] += [line for part in apart for line in sheet.price_alone(part).lines]
    loose = [
        line_facts(line, next(numbers)) | (as_decided(sheet, line.item.source) if others else {})
        for line in lines[None]
    ]
    if bill.supplies:
        loose.append(line_facts(bill.supplies, next(numbers)))
    return {
        "jobs": told,
        "lines": loose,
        "discount": money(bill.discount),
        "taxes": [tax_facts(sums) for sums in bill.taxes],
        **totals(bill),
    }


def as_decided(sheet: TicketSnapshot, part: TicketPart) -> dict[str, Any]:
    """What the customer said to a part outside jobs."""
    return {"status": str(part.status)} | on_top(sheet, part)


def on_top(sheet: TicketSnapshot, unit: Unit) -> dict[str, Any]:
    """The shop supplies that a unit brings which the estimate does not count."""
    return {} if unit.status in OFFERED else {"supplies": money(sheet.supplies_with(unit))}


def totals(bill: Bill | Sums) -> dict[str, str]:
    return {"subtotal": money(bill.subtotal), "tax": money(bill.tax), "total": money(bill.total)}


def job_facts(job: Job, lines: list[Line], numbers: Any) -> dict[str, Any]:
    facts = {name: getattr(job, name) for name in ("title", "concern", "cause", "correction")}
    sums = {
        name: money(engine.add(getattr(line, name) for line in lines))
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
    """A line as it stands on paper; ``id`` is its place there, by which a credit note
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


def what_it_is(row: Any) -> dict[str, Any]:
    if row is None:
        return {
            "kind": "supplies",
            "description": "Shop supplies",
            "unit": "each",
            "part": None,
            "mechanic": None,
        }
    if isinstance(row, TicketPart):
        part = {"id": row.part_id, "sku": row.part.sku}
        return {
            "kind": "part",
            "description": row.part.name,
            "unit": row.part.unit,
            "part": part,
            "mechanic": None,
        }
    mechanic = {"id": row.mechanic_id, "name": row.mechanic.name} if row.mechanic else None
    unit = "hour" if row.kind == LineKind.LABOR else "each"
    return {
        "kind": row.kind,
        "description": row.description,
        "unit": unit,
        "part": None,
        "mechanic": mechanic,
    }


def share_facts(share: engine.TaxShare) -> dict[str, str]:
    return {
        "name": share.tax.name,
        "rate": percent(share.tax.rate),
        "amount": money(share.amount),
    }


def tax_facts(sums: engine.TaxSum) -> dict[str, str]:
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
    return f"{engine.Rules(places=3).round(rate):f}"


def price(amount: Decimal) -> str:
    """Of one unit: with the currency's decimals, or those that it needs."""
    return f"{short(amount):f}"


def money(amount: Decimal) -> str:
    """With the currency's decimals."""
    return f"{shop_rules.rounding().round(amount):f}"
