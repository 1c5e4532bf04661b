"""The demo's tickets, from the customer's arrival to the paid invoice."""

from decimal import Decimal
from typing import Any

from inventory.models import Part
from mechanic_shop.accounts.models import User
from mechanics.models import Mechanic

from ..desk import requests
from ..models import HoldReason, ServiceTicket, Status, TicketMechanic
from ..work import assignments, parts, tickets
from .calendar import DAY, HOUR, MINUTE, YEAR, Calendar, Life
from .money import FrontCounter
from .plans import UNFINISHED, Plan

LEADS = (9, 11, 8, 6, 7, 6, 5, 10)  # how much of the work each mechanic leads
WHY_NOT = {
    Status.ESTIMATE: (
        "Too expensive, will think about it.",
        "Customer sold the car.",
        "Found it cheaper elsewhere.",
    ),
    Status.APPROVED: (
        "Customer cannot leave the car this month.",
        "Did not bring the car, did not answer the phone.",
    ),
    Status.IN_PROGRESS: (
        "More rust than the repair is worth, customer scraps the car.",
        "Insurer declared it a total loss.",
    ),
}
AGAIN = (
    "Noise was back on the test drive.",
    "Warning light came on again.",
    "Drips at the new seal.",
)
EXTRAS = ("WIP-BLD-001", "FLD-WSH-001", "BLB-194-001", "TIR-VLV-001", "BRK-CLN-001")


class Visits:
    """Moves tickets from the customer's arrival to the paid invoice."""

    def __init__(
        self, calendar: Calendar, manager: User, advisor: User, crew: list[Mechanic]
    ) -> None:
        self.calendar, self.manager, self.advisor, self.crew = calendar, manager, advisor, crew
        self.counter = FrontCounter(manager, advisor)
        self.parts = {part.sku: part.pk for part in Part.objects.all()}

    def life(self, plan: Plan) -> Life:
        ticket = self.open(plan)
        yield plan.takes(5 * MINUTE, 40 * MINUTE)
        lead = self.assign(ticket, plan)
        yield plan.takes(10 * MINUTE, HOUR)
        self.quote(ticket, plan)
        if plan.outcome == Status.ESTIMATE:
            return
        yield plan.takes(20 * MINUTE, 6 * HOUR)
        if plan.gives_up == Status.ESTIMATE:
            return self.cancel(ticket, plan, self.owner(plan) or self.advisor)
        self.approve(ticket, plan)
        yield plan.takes(10 * MINUTE, 4 * HOUR)
        yield from self.wait_for_parts(ticket)
        if plan.outcome != Status.IN_PROGRESS:
            yield from self.hold(ticket, plan)
        if plan.gives_up == Status.APPROVED:
            return self.cancel(ticket, plan, self.advisor)
        if plan.outcome != Status.APPROVED:
            yield from self.work(ticket, plan, lead)

    def work(self, ticket: ServiceTicket, plan: Plan, lead: User) -> Life:
        tickets.update(
            ticket, cause=plan.job.cause, **self.odometer("odometer_in", plan, 0), by=self.advisor
        )
        if (
            len(plan.job.parts) > 3
            or plan.outcome == Status.IN_PROGRESS
            or plan.gives_up
            or plan.dice.chance(0.6)
        ):
            requests.request_transition(ticket, to=Status.IN_PROGRESS, by=lead)
            yield plan.takes(30 * MINUTE, 3 * HOUR)
            self.change_parts(ticket, plan)
            yield from self.wait_for_parts(ticket)
        if plan.gives_up:
            return self.cancel(ticket, plan, self.advisor)
        if plan.outcome == Status.IN_PROGRESS:
            yield from self.hold(ticket, plan)
        else:
            yield plan.takes(20 * MINUTE, 4 * HOUR)
            yield from self.finish(ticket, plan, lead)

    def finish(self, ticket: ServiceTicket, plan: Plan, lead: User) -> Life:
        self.complete(ticket, plan, lead)
        if plan.outcome == Status.COMPLETED:
            return
        yield plan.takes(20 * MINUTE, 2 * HOUR)
        if plan.dice.chance(0.05):
            requests.request_transition(
                ticket, to=Status.IN_PROGRESS, reason=plan.dice.pick(AGAIN), by=self.advisor
            )
            yield plan.takes(HOUR, 5 * HOUR)
            self.change_parts(ticket, plan, certain=True)
            yield from self.wait_for_parts(ticket)
            requests.request_transition(ticket, to=Status.COMPLETED, by=lead)
            yield 30 * MINUTE
        requests.request_transition(ticket, to=Status.INVOICED, by=self.advisor)
        if plan.outcome == Status.CLOSED:
            yield plan.takes(10 * MINUTE, 2 * DAY)
            yield from self.counter.settle(ticket, plan.dice)

    # --- the steps ---

    def owner(self, plan: Plan) -> User | None:
        assert plan.client.row is not None  # noqa: S101 - every client is registered before their first visit
        return plan.client.row.user

    def open(self, plan: Plan) -> ServiceTicket:
        day = self.calendar.day(plan.t + plan.dice.between(0, 2) * DAY)
        vehicle = plan.car.row if plan.car else None
        by = self.owner(plan) or self.advisor
        return tickets.open_ticket(
            customer=plan.client.row,
            vehicle=vehicle,
            concern=plan.job.concern,
            service_date=day,
            by=by,
        )

    def assign(self, ticket: ServiceTicket, plan: Plan) -> User:
        """Put one or two mechanics on it; returns who moves the ticket for the first,
        who may have no log-in.
        """
        lead = plan.dice.weighted(list(zip(self.crew, LEADS, strict=True)))
        assignments.assign_mechanic(
            ticket, mechanic=lead, role=TicketMechanic.Role.LEAD, by=self.advisor
        )
        if plan.dice.chance(0.35):
            assignments.assign_mechanic(
                ticket,
                mechanic=plan.dice.pick([each for each in self.crew if each != lead]),
                by=self.advisor,
            )
        return lead.user or self.advisor

    def part(self, sku: str) -> Part:
        return Part.objects.get(pk=self.parts[sku])

    def quote(self, ticket: ServiceTicket, plan: Plan) -> None:
        lead = ticket.assignments.select_related("mechanic").earliest("pk").mechanic
        job = self.counter.propose(ticket, plan.job, plan.dice, lead)
        for sku, quantity in plan.job.parts:
            parts.add_part(
                ticket, part=self.part(sku), quantity=Decimal(quantity), job=job, by=self.advisor
            )

    def approve(self, ticket: ServiceTicket, plan: Plan) -> None:
        self.counter.decide(ticket, plan.dice, self.owner(plan))
        self.counter.take_deposit(ticket, plan.dice)
        tickets.update(
            ticket,
            promised_at=self.calendar.evening(plan.t + plan.dice.between(1, 4) * DAY),
            by=self.advisor,
        )

    def wait_for_parts(self, ticket: ServiceTicket) -> Life:
        """On hold until nothing is missing."""
        if self.is_short(ticket):
            tickets.update(ticket, on_hold=True, hold_reason=HoldReason.PARTS, by=self.advisor)
            while self.is_short(ticket):
                yield 2 * HOUR
            tickets.update(ticket, on_hold=False, hold_reason="", by=self.advisor)

    def is_short(self, ticket: ServiceTicket) -> bool:
        return any(line.backordered for line in ticket.lines.all())

    def hold(self, ticket: ServiceTicket, plan: Plan) -> Life:
        """Now and then a ticket waits for something else; an unfinished one still does."""
        if not plan.dice.chance(0.2 if plan.outcome in UNFINISHED else 0.04):
            return
        tickets.update(
            ticket,
            on_hold=True,
            hold_reason=plan.dice.pick(("customer", "sublet", "other")),
            by=self.advisor,
        )
        yield YEAR if plan.outcome in UNFINISHED else plan.takes(2 * HOUR, DAY)
        tickets.update(ticket, on_hold=False, hold_reason="", by=self.advisor)

    def change_parts(self, ticket: ServiceTicket, plan: Plan, certain: bool = False) -> None:
        """Something more is found to be due, or something proves to be good still."""
        lines = list(ticket.lines.select_related("part", "job").order_by("pk"))
        if lines and len(lines) > 1 and (certain or plan.dice.chance(0.06)):
            parts.remove_part(ticket, part=lines[-1].part, job=lines[-1].job, by=self.advisor)
        if extra := plan.missing or (plan.dice.chance(0.12) and plan.dice.pick(EXTRAS)):
            parts.add_part(ticket, part=self.part(extra), backorder=True, by=self.advisor)
            self.counter.ask_again(ticket)

    def complete(self, ticket: ServiceTicket, plan: Plan, lead: User) -> None:
        tickets.update(
            ticket,
            correction=plan.job.correction,
            **self.odometer("odometer_out", plan, plan.dice.between(0, 9)),
            by=self.advisor,
        )
        self.counter.finish_jobs(ticket)
        requests.request_transition(ticket, to=Status.COMPLETED, by=lead)

    def odometer(self, name: str, plan: Plan, driven: int) -> dict[str, Any]:
        """The reading for the ticket, which tells the vehicle; never less than the one
        before.
        """
        if plan.car is None or plan.car.row is None:
            return {}
        plan.car.row.refresh_from_db(fields=["odometer"])
        return {name: max(plan.car.miles_at(plan.t) + driven, plan.car.row.odometer or 0)}

    def cancel(self, ticket: ServiceTicket, plan: Plan, by: User) -> None:
        requests.request_transition(
            ticket,
            to=Status.CANCELLED,
            reason=plan.dice.pick(WHY_NOT[Status(ticket.status)]),
            by=by,
        )
