"""What the demo garage charges, what its customers say to it, and how they pay."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from inventory import tax_operations
from inventory.models import Part
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import rounded
from mechanics.models import Mechanic

from ..approvals import operations as approvals
from ..billing import credit_notes, estimates, payments
from ..desk import requests
from ..models import (
    CannedJob,
    Invoice,
    Job,
    JobStatus,
    LaborRate,
    LineKind,
    Method,
    ServiceTicket,
    Status,
)
from ..work import canned_jobs, jobs
from .calendar import DAY
from .catalog import Dice, RepairJob

# What else a mechanic saw, and how many hours it would take.
SEEN = (
    ("Rear brake pads, down to 3 mm", "1.2"),
    ("Wheel alignment", "1.0"),
    ("Coolant exchange, over five years old", "0.8"),
    ("Transmission service", "1.6"),
    ("Valve cover gasket, seeping", "2.4"),
    ("Front control arm bushings, cracked", "3.1"),
    ("Headlight restoration", "0.7"),
    ("Battery, weak in the test", "0.3"),
)
SAID = ((JobStatus.APPROVED, 35), (JobStatus.DEFERRED, 40), (JobStatus.DECLINED, 25))
PAID_BY = ((Method.CARD, 60), (Method.CASH, 20), (Method.TRANSFER, 12), (Method.CHEQUE, 8))
GOODWILL = (
    "Goodwill: we kept the car a day longer than promised.",
    "Price match with the tire shop next door.",
)
CANNED = (
    (
        "Oil and filter change",
        "0.5",
        (("OIL-5W30-SYN", "4.8"), ("FLT-OIL-SPN-01", "1"), ("OIL-WSH-M14", "1")),
    ),
    ("Courtesy inspection, 27 points", "0.4", ()),
    ("Winter check", "0.6", (("FLD-WSH-001", "2"),)),
    ("Wheel alignment, four wheels", "1.0", ()),
)


def in_currency(amount: Decimal | str) -> Decimal:
    """An amount of the catalog, which is written in dollars and cents, as the shop's
    currency can hold it.
    """
    return rounded(Decimal(amount))


def set_prices(manager: User) -> None:
    """Taxes and rates of a garage in Denver: parts are taxed, labor is not."""
    tax_operations.add_tax_code(
        name="Sales tax",
        rate=Decimal("8.81"),
        valid_from=date(2020, 1, 1),
        is_default=True,
        by=manager,
    )
    untaxed = tax_operations.add_tax_code(
        name="Not taxed", rate=Decimal(0), valid_from=date(2020, 1, 1), by=manager
    )
    LaborRate.objects.create(
        name="Mechanical", hourly=Decimal("148.00"), is_default=True, tax_code=untaxed, by=manager
    )
    LaborRate.objects.create(
        name="Diagnostic", hourly=Decimal("165.00"), tax_code=untaxed, by=manager
    )
    LaborRate.objects.create(
        name="Quick service", hourly=Decimal("98.00"), tax_code=untaxed, by=manager
    )


def can_jobs(manager: User) -> None:
    quick = LaborRate.objects.get(name="Quick service")
    for name, hours, parts in CANNED:
        lines = [
            {"kind": LineKind.LABOR, "description": name, "quantity": Decimal(hours), "rate": quick}
        ]
        wanted = [
            {"part": Part.objects.get(sku=sku), "quantity": Decimal(quantity)}
            for sku, quantity in parts
        ]
        canned_jobs.write_canned_job(CannedJob(), name=name, lines=lines, parts=wanted, by=manager)


def waste_oil_fee(work: RepairJob) -> list[dict[str, Any]]:
    """The fee for disposal, where oil is changed."""
    if not any(sku.startswith("OIL-") for sku, _ in work.parts):
        return []
    fee = {"description": "Waste oil disposal", "unit_price": in_currency("3.50")}
    return [{"kind": LineKind.FEE, "quantity": Decimal(1), **fee}]


class FrontCounter:
    """Where jobs are proposed, decided on and paid."""

    def __init__(self, manager: User, advisor: User) -> None:
        self.manager, self.advisor = manager, advisor

    def propose(
        self, ticket: ServiceTicket, work: RepairJob, dice: Dice, mechanic: Mechanic
    ) -> Job:
        """The job that the car came for."""
        hours = (
            Decimal("0.4")
            + Decimal("0.35") * len(work.parts)
            + dice.decimal("0", "0.6").quantize(Decimal("0.1"))
        )
        labor = {
            "kind": LineKind.LABOR,
            "description": work.correction[:500],
            "quantity": hours,
            "mechanic": mechanic,
        }
        title = work.correction.split(",")[0].rstrip(".")[:200]
        return jobs.add_job(
            ticket,
            title=title,
            concern=work.concern,
            cause=work.cause,
            lines=[labor, *waste_oil_fee(work)],
            by=self.advisor,
        )

    def decide(self, ticket: ServiceTicket, dice: Dice, owner: User | None) -> None:
        """Mostly a plain yes; now and then the mechanic saw more, and the customer says
        something to each.
        """
        if not dice.chance(0.22):
            self.approve(ticket, dice, owner)
            return
        asked = list(ticket.jobs.order_by("pk"))
        seen = self.recommend(ticket, dice)
        said: dict[JobStatus, list[int]] = {status: [] for status, _ in SAID}
        said[JobStatus.APPROVED] = [job.pk for job in asked]
        said[dice.weighted(list(SAID))].append(seen.pk)
        channel = "portal" if owner else dice.pick(("phone", "phone", "in_person"))
        approvals.authorize(
            ticket,
            approve=said[JobStatus.APPROVED],
            decline=said[JobStatus.DECLINED],
            defer=said[JobStatus.DEFERRED],
            channel=channel,
            by=owner or self.advisor,
        )

    def approve(self, ticket: ServiceTicket, dice: Dice, owner: User | None) -> None:
        """Approve all of it: the customer by themselves, else the advisor for them."""
        if owner:
            requests.request_transition(ticket, to=Status.APPROVED, by=owner)
        else:
            reason = dice.pick(("By phone.", "At the counter."))
            requests.request_transition(ticket, to=Status.APPROVED, reason=reason, by=self.advisor)

    def recommend(self, ticket: ServiceTicket, dice: Dice) -> Job:
        """Propose what else the mechanic saw."""
        title, hours = dice.pick(SEEN)
        labor = {"kind": LineKind.LABOR, "description": title, "quantity": Decimal(hours)}
        return jobs.add_job(ticket, title=title, lines=[labor], by=self.advisor)

    def ask_again(self, ticket: ServiceTicket) -> None:
        """About a job that outgrew what was approved; the car is on the lift, so it is
        a yes.
        """
        grown = list(
            ticket.jobs.filter(
                status=JobStatus.PROPOSED, authorized_total__isnull=False
            ).values_list("pk", flat=True)
        )
        parts = list(
            ticket.lines.filter(job=None, status=JobStatus.PROPOSED).values_list(
                "part_id", flat=True
            )
        )
        if grown or parts:
            approvals.authorize(
                ticket,
                approve=grown,
                approve_parts=parts,
                channel="phone",
                note="One more of it is needed.",
                by=self.advisor,
            )

    def take_deposit(self, ticket: ServiceTicket, dice: Dice) -> None:
        """For what has to be ordered."""
        if dice.chance(0.08):
            amount = min(
                Decimal(dice.pick((50, 100, 150))), Decimal(estimates.estimate(ticket)["total"])
            )
            payments.deposit(
                ticket, amount=amount, method=dice.weighted(list(PAID_BY)), by=self.advisor
            )

    def finish_jobs(self, ticket: ServiceTicket) -> None:
        for job in ticket.jobs.filter(status=JobStatus.APPROVED).order_by("pk"):
            jobs.finish_job(job, by=self.advisor)

    def settle(self, ticket: ServiceTicket, dice: Dice) -> Iterator[int]:
        """The invoice is paid, in one or two payments; seldom is some of it given back."""
        invoice = ticket.invoices.get()
        if dice.chance(0.07) and self.due(invoice) > 100:
            self.pay(invoice, in_currency(self.due(invoice) / 2), dice)
            yield dice.between(DAY, 6 * DAY)
        if (due := self.due(invoice)) > 0:
            self.pay(invoice, due, dice)
        if dice.chance(0.03):
            yield dice.between(DAY, 4 * DAY)
            note = credit_notes.credit(
                invoice,
                reason=dice.pick(GOODWILL),
                lines=[{"line": 1, "quantity": Decimal("0.25")}],
                by=self.manager,
            )
            payments.refund(invoice, amount=note.total, method=Method.CARD, by=self.manager)
        # nothing was to pay
        if (
            ServiceTicket.objects.values_list("status", flat=True).get(pk=ticket.pk)
            == Status.INVOICED
        ):
            requests.request_transition(
                ServiceTicket.objects.get(pk=ticket.pk), to=Status.CLOSED, by=self.manager
            )

    def pay(self, invoice: Invoice, amount: Decimal, dice: Dice) -> None:
        method = dice.weighted(list(PAID_BY))
        reference = f"slip {dice.between(1000, 9999)}" if method == Method.CARD else ""
        payments.pay(invoice, amount=amount, method=method, reference=reference, by=self.advisor)

    def due(self, invoice: Invoice) -> Decimal:
        return Invoice.objects.with_account().get(pk=invoice.pk).account.balance
