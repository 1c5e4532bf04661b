"""A ticket's jobs and lines, read in a fixed number of queries, and priced."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zlib import crc32

from django.conf import settings
from django.utils import timezone

from inventory.taxes import TaxRate
from mechanic_shop.currency import minor_unit

from ..models import AUTHORIZED, Job, JobLine, JobStatus, LineKind, ServiceTicket, TicketPart
from ..pricing import arithmetic, engine, shop_rules
from ..pricing.amounts import money
from ..pricing.engine import Bill, Item, Line
from ..pricing.rules import Discount, Rules

Approvable = Job | TicketPart  # a part stands for itself where it is in no job
OFFERED = (JobStatus.PROPOSED, *AUTHORIZED)  # what an estimate counts
LARGEST_VERSION = 2**31 - 1


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

    def items(self, units: Iterable[Approvable]) -> list[Item]:
        """What these jobs, and these parts outside jobs, charge for."""
        rows: list[JobLine | TicketPart] = []
        for unit in units:
            rows += self.lines.get(unit.pk, ()) if isinstance(unit, Job) else [unit]
        return [self.item(row) for row in rows]

    def item(self, row: JobLine | TicketPart) -> Item:
        if isinstance(row, TicketPart):
            code, untaxed, uses_supplies = row.part.tax_code_id, False, True
        else:
            code, uses_supplies = row.tax_code_id, row.kind == LineKind.LABOR
            untaxed = row.is_trade_in and code is None
        untaxed = untaxed or self.ticket.customer.tax_exempt
        return Item(
            quantity=row.quantity,
            unit_price=row.charged_price,
            discount=row.discount,
            tax=None if untaxed else shop_rules.tax(self.rates, code),
            uses_supplies=uses_supplies,
            source=row,
        )

    @property
    def units(self) -> list[Approvable]:
        """What a customer decides on: each job, and each part outside jobs, in their
        order.
        """
        return [*self.jobs, *self.loose]

    def offered(self) -> list[Approvable]:
        """What the estimate counts: what is approved, or has still to be decided on."""
        return [unit for unit in self.units if unit.status in OFFERED]

    def authorized(self) -> list[Approvable]:
        return [unit for unit in self.units if unit.status in AUTHORIZED]

    def price(self, units: Iterable[Approvable]) -> Bill:
        """What these units come to together, with the ticket's discount and shop
        supplies.
        """
        return engine.price(self.items(units), self.ticket.discount, self.rules)

    def price_alone(self, unit: Approvable) -> Bill:
        """What a unit that the estimate does not count would cost. An amount off the
        ticket goes off what the estimate counts.
        """
        return engine.price(
            self.items([unit]),
            Discount(percent=self.ticket.discount.percent),
            self.rules,
        )

    def supplies_with(self, unit: Approvable) -> Decimal:
        """The shop supplies that come on top of the estimate if this unit is done after
        all.
        """
        return (
            self.price([*self.offered(), unit]).supplies_total
            - self.price(self.offered()).supplies_total
        )

    @property
    def rules(self) -> Rules:
        return shop_rules.rules({} if self.ticket.customer.tax_exempt else self.rates)

    def lines_shown(self) -> dict[tuple[type[Approvable], int], list[Line]]:
        """The lines of each unit as the estimate shows them: its share of what is
        offered, or its price alone.
        """
        return self.lines_of(self.price(self.offered()))

    def lines_of(self, bill: Bill) -> dict[tuple[type[Approvable], int], list[Line]]:
        """``lines_shown``, where the price of what is offered is known."""
        shown: dict[tuple[type[Approvable], int], list[Line]] = {
            key_of(unit): [] for unit in self.offered()
        }
        for line in bill.lines:
            row = line.item.source
            shown[(TicketPart, row.pk) if row.job_id is None else (Job, row.job_id)].append(line)
        apart = (unit for unit in self.units if key_of(unit) not in shown)
        return shown | {key_of(unit): list(self.price_alone(unit).lines) for unit in apart}

    def amounts_of(self, bill: Bill) -> dict[tuple[type[Approvable], int], Decimal]:
        """What each unit comes to on an estimate whose offered part is this bill."""
        return {
            key: arithmetic.add(line.total for line in lines)
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

    def rounding_of(self, units: Sequence[Approvable]) -> Decimal:
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


def key_of(unit: Approvable) -> tuple[type[Approvable], int]:
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
