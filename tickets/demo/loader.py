"""A year of work in a garage, written through the operations that every door uses.

The ledger and the history are append-only and in order, so nothing can be dated
afterwards. A small simulation lets each life (a car's visit, the supplier's truck, a
stock-take) act when its time has come: it is a generator that yields how many seconds
of working time pass until it goes on. Chance is seeded, so that the garage is the same
every time, but for the day on which it is loaded.
"""

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from customers import operations as front_desk
from customers.models import Customer, Vehicle
from inventory import operations as stock
from inventory.models import Part
from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.passwords import hash_new_password
from mechanics.models import Mechanic

from ..desk import requests
from ..models import HoldReason, ServiceTicket, Status, TicketMechanic, TicketPart
from ..work import assignments, parts, tickets
from . import catalog
from .catalog import CarModel, Dice, RepairJob
from .money import FrontCounter, can_jobs, in_currency, set_prices

PASSWORD = "Try-the-garage-1"  # noqa: S105 - for the demo, and in the README
LOGINS = {role: f"{role}@example.com" for role in ("manager", "advisor", "mechanic", "customer")}

SEED = "a garage in Denver"
# seconds of working time: the shop is open for ten hours
MINUTE, HOUR, DAY = (
    60,
    60 * 60,
    10 * 60 * 60,
)
YEAR = 313 * DAY
CUSTOMERS, CARS, TICKETS = 60, 90, 400

Life = Iterator[int]


# --- time -----------------------------------------------------------------------------


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` for whatever the shop writes meanwhile.

    Models hold ``timezone.now`` itself as a default, so that putting another function
    under that name would miss them; what the function reads is replaced. For a process
    that does nothing else, such as a command.
    """

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return moment.astimezone(tz or UTC)

    real = timezone.datetime
    timezone.datetime = Then
    try:
        yield
    finally:
        timezone.datetime = real


class Calendar:
    """The shop's working time, in seconds from the opening of today; closed on Sundays."""

    def __init__(self, now: datetime) -> None:
        today = timezone.localtime(now).date()
        week, weekday = divmod(today.toordinal() - 1, 7)
        # open days since the first Monday of all; a Sunday counts as the Monday after
        self.today = week * 6 + weekday

    def day(self, t: int) -> date:
        week, weekday = divmod(self.today + t // DAY, 6)
        return date.fromordinal(week * 7 + weekday + 1)

    def moment(self, t: int) -> datetime:
        opening = datetime.combine(self.day(t), time(7, 30))
        return timezone.make_aware(opening + timedelta(seconds=t % DAY))

    def evening(self, t: int) -> datetime:
        """When a car that is promised for that day is ready."""
        return self.moment(t // DAY * DAY + 9 * HOUR + 30 * MINUTE)


# --- who comes, with which car --------------------------------------------------------


@dataclass
class Car:
    kind: CarModel  # decides which work makes sense
    make: str = ""
    model: str = ""
    year: int | None = None
    plate: str = ""
    vin: str = ""
    color: str = ""
    miles: int = 60_000  # today
    miles_a_day: int = 30
    row: Vehicle | None = None

    def miles_at(self, t: int) -> int:
        return max(50, self.miles + self.miles_a_day * t // DAY)


@dataclass
class Client:
    name: str
    email: str = ""
    phone: str = ""
    address: str = ""
    notes: str = ""
    cars: list[Car] = field(default_factory=list)
    has_login: bool = False
    row: Customer | None = None


@dataclass
class Plan:
    """One visit: when it begins, and how far it comes if there is time."""

    t: int
    outcome: Status
    client: Client
    car: Car | None
    job: RepairJob
    dice: Dice
    gives_up: Status | None = None  # where it is cancelled
    missing: str = (
        ""  # SKU of what turns out to be needed when the work has begun, and nobody keeps
    )

    def takes(self, shortest: int, longest: int) -> int:
        return self.dice.between(shortest, longest)


# What the front desk really gets to write down: numbers without an area code, VINs that
# are none.
ODD_CLIENTS = (
    Client("John Doe", phone="555-0171", notes="Pays cash, no e-mail."),
    Client("Jane Doe", "jane@example.com", "555-014-7565"),
    Client("Alice", "alice@example.com"),
    Client("Pat Example", phone="5550157713"),
    Client(
        "Margie McFly", phone="555-014-1239 (evenings)", address="123 Main St, Denver, CO 80202"
    ),
    Client("John Jay", phone="+15550150555", address="Street 5"),
)
ODD_CARS = (
    ("Honda", "Accord EX-L", 2020, "", "1HGCM82633A123456", "Metallic Silver"),
    ("Ford", "F-150", None, "ABC123", "", ""),
    ("Chevrolet", "Impala", 2005, "", "", ""),
    ("Toyota", "Camry", 2020, "", "123456789", ""),
    ("Toyota", "Corolla", 2023, "abc-1234", "", "Prata"),
    ("", "", None, "", "adsklfjhao56448", ""),
)
SOME_CAR = CarModel("", "", "", 0, 0, (), "", frozenset({"car"}))


def make_clients(dice: Dice, scale: int) -> list[Client]:
    """Everybody who has ever come, each with their cars; the first one logs in."""
    me = Client(
        "Robin Alvarado",
        LOGINS["customer"],
        "(303) 555-0119",
        "4127 Columbine Loop, Denver, CO 80205",
        has_login=True,
    )
    odd = [
        Client(each.name, each.email, each.phone, each.address, each.notes) for each in ODD_CLIENTS
    ]
    others = make_others(dice, CUSTOMERS * scale - len(odd) - 1)
    for client, details in zip(odd, ODD_CARS, strict=True):
        client.cars.append(Car(SOME_CAR, *details))
    cars = [make_car(dice, serial) for serial in range(CARS * scale - len(odd))]
    for owner in (me, me, *others[: -2 * scale]):  # the last ones never said what they drive
        owner.cars.append(cars.pop())
    for car in cars:
        dice.pick(others[: -2 * scale]).cars.append(car)
    return [me, *odd, *others]


def make_others(dice: Dice, count: int) -> list[Client]:
    """So many people, of whom no two share an e-mail address or a telephone number;
    every fifth left no e-mail.
    """
    found: list[Client] = []
    while len(found) < count:
        turn = len(found) // 240
        for place, person in enumerate(catalog.make_people(dice, min(count - len(found), 240))):
            email, phone = person.email, person.phone
            # the catalog's names and numbers are used up: go on with other mailboxes
            # and area codes
            if turn:
                email = email.replace("@", f".{turn + 1}@")
                phone = f"({401 + turn * 3 + place // 100}) 555-01{place % 100:02}"
            found.append(
                Client(person.name, "" if dice.chance(0.2) else email, phone, person.address)
            )
    return found


def make_car(dice: Dice, serial: int) -> Car:
    kind = dice.pick(catalog.VEHICLES)
    year = dice.between(kind.first_year, kind.last_year)
    vin = catalog.make_vin(kind.vin_prefix, year, 1_000 + 7 * serial)
    miles = catalog.make_odometer(dice, 2026 - year)
    plate = catalog.make_plate(dice)
    return Car(
        kind,
        kind.make,
        kind.model,
        year,
        plate,
        as_read(dice, vin),
        dice.pick(kind.colors),
        miles,
        dice.between(15, 35),
    )


def as_read(dice: Dice, vin: str) -> str:
    """The VIN as the front desk wrote it: mostly right, else with the letter O, one
    character short, misread, or not at all.
    """
    misread = vin[:8] + ("3" if vin[8] == "8" else "8") + vin[9:]
    return dice.weighted(
        [(vin, 70), (vin.replace("0", "O"), 8), (vin[1:], 6), (misread, 6), ("", 10)]
    )


# --- which visits there are -----------------------------------------------------------

# Of the last two weeks: how many tickets stand where, and how many days ago they were
# opened.
RECENT = (
    (Status.ESTIMATE, 14, 0.1, 9),
    (Status.APPROVED, 11, 1, 5),
    (Status.IN_PROGRESS, 14, 2, 5),
    (Status.COMPLETED, 8, 3, 6),
    (Status.INVOICED, 9, 4, 9),
    (Status.CLOSED, 10, 6, 13),
    (Status.CANCELLED, 6, 3, 12),
)
LONG_AGO = [(Status.CLOSED, 92), (Status.CANCELLED, 6), (Status.INVOICED, 1), (Status.ESTIMATE, 1)]
MINE = (
    *(
        (Status.CLOSED, 280),
        (Status.CLOSED, 190),
        (Status.CANCELLED, 130),
        (Status.CLOSED, 90),
        (Status.INVOICED, 11),
    ),
    *(
        (Status.COMPLETED, 5),
        (Status.IN_PROGRESS, 4),
        (Status.APPROVED, 3),
        (Status.ESTIMATE, 2),
        (Status.ESTIMATE, 0.4),
    ),
)
UNFINISHED = (Status.APPROVED, Status.IN_PROGRESS)


def make_plans(clients: list[Client], scale: int) -> list[Plan]:
    """All visits of the year."""
    dice = Dice(f"{SEED}: visits")
    when = [(status, -int(days * DAY), clients[0]) for status, days in MINE]
    for status, count, latest, earliest in RECENT:
        when += [
            (status, -dice.between(int(latest * DAY), earliest * DAY), dice.pick(clients[1:]))
            for _ in range(count * scale)
        ]
    for _ in range(TICKETS * scale - len(when)):
        when.append(
            (
                dice.weighted(LONG_AGO),
                -dice.between(14 * DAY, YEAR - 2 * DAY),
                dice.pick(clients[1:]),
            )
        )
    return [
        make_plan(t, status, client, Dice(f"{SEED}: visit {number}"))
        for number, (status, t, client) in enumerate(when)
    ]


def make_plan(t: int, status: Status, client: Client, dice: Dice) -> Plan:
    car = dice.pick(client.cars) if client.cars else None
    jobs = catalog.jobs_for(car.kind, car.miles_at(t)) if car else catalog.jobs_for(SOME_CAR)
    plan = Plan(t, status, client, car, dice.pick(jobs), dice)
    if status == Status.CANCELLED:
        plan.gives_up = dice.weighted(
            [(Status.ESTIMATE, 6), (Status.APPROVED, 3), (Status.IN_PROGRESS, 2)]
        )
    # Some of what is unfinished waits for a part that nobody keeps.
    waiting = (
        [job for job in catalog.jobs_for(car.kind) if SPECIAL & {sku for sku, _ in job.parts}]
        if car
        else []
    )
    if waiting and status in UNFINISHED and dice.chance(0.4):
        job = dice.pick(waiting)
        if status == Status.APPROVED:
            plan.job = job
        else:
            plan.missing = next(sku for sku, _ in job.parts if sku in SPECIAL)
    return plan


# --- the shelf ------------------------------------------------------------------------

# Big or dear: ordered when a car needs one, never kept. No job of the catalog needs the
# last two.
SPECIAL = {
    "RAD-001",
    "ALT-120A-001",
    "CLU-KIT-001",
    "TIM-KIT-001",
    "TIM-KIT-002",
    "AC-CND-001",
    "STR-14KW-002",
    "FUL-PMP-001",
    "BRK-DRM-R-001",
}
# what comes is for waiting cars only
SCARCE = {
    "WIP-BLD-001",
    "FLT-CAB-002",
    "BAT-H7-AGM",
    "IGN-COL-001",
    "EVP-PRG-001",
    "TIR-TPMS-001",
}
MISHAPS = {
    "litre": ("Can tipped over.", "Drum rinsed out, the rest was dirty."),
    "kilogram": ("Container left open, spoiled.",),
    "metre": ("End piece kinked.", "Cut too short."),
}
BROKEN = (
    "Broken while fitting.",
    "Dropped from the shelf.",
    "Wrong part in the box, not worth sending back.",
    "Damaged in delivery, supplier credited it.",
)


class Shelf:
    """What happens to the stock beside the tickets."""

    def __init__(self, manager: User, scale: int) -> None:
        self.manager, self.scale, self.dice = manager, scale, Dice(f"{SEED}: shelf")

    def open(self) -> None:
        """Put 150 kinds of parts on the shelf."""
        for kind in catalog.PARTS:
            special = kind.sku in SPECIAL
            reorder = (
                {}
                if special
                else {
                    "reorder_point": kind.reorder_point,
                    "reorder_quantity": kind.reorder_quantity,
                }
            )
            prices = {"price": in_currency(kind.price), "cost": in_currency(kind.cost)}
            part = Part.objects.create(
                sku=kind.sku, name=kind.name, unit=kind.unit, bin=kind.bin, **prices, **reorder
            )
            if not special:
                self.receive(part, Decimal(kind.typical_stock * self.scale), part.cost, "OPENING")

    def receive(self, part: Part, quantity: Decimal, cost: Decimal, reference: str) -> None:
        stock.receive(part, quantity=quantity, unit_cost=cost, reference=reference, by=self.manager)

    def truck(self) -> Life:
        """Once a week comes what cars wait for, and some of what is low: the supplier
        does not have everything.
        """
        for number in itertools.count(4100):
            wanted: Counter[Part] = Counter()
            for part in Part.objects.low_stock().exclude(sku__in=SCARCE).order_by("pk"):
                wanted[part] += part.reorder_quantity * self.scale if self.dice.chance(0.4) else 0
            for line in TicketPart.objects.backordered().select_related("part"):
                wanted[line.part] += math.ceil(line.backordered)
            for part in sorted(+wanted, key=lambda part: part.pk):
                cost = in_currency(part.cost * self.dice.decimal("0.97", "1.04"))
                self.receive(part, Decimal(wanted[part]), cost, f"DN-{number:06}")
            yield 6 * DAY

    def stock_takes(self) -> Life:
        """Every four weeks another aisle is counted; mostly it is right."""
        for aisle in itertools.cycle("ABCDEFG"):
            yield 24 * DAY
            for part in Part.objects.filter(bin__startswith=aisle, on_hand__gt=0).order_by("pk"):
                off = self.dice.weighted([(0, 90), (-1, 6), (1, 4)])
                counted = max(
                    part.allocated,
                    part.on_hand + (off if part.is_counted else off * Decimal("0.25")),
                )
                stock.count(
                    part, counted=counted, note=f"Stock-take of aisle {aisle}", by=self.manager
                )

    def mishaps(self) -> Life:
        """Now and then something breaks, or turns up again."""
        while True:
            yield self.dice.between(2 * DAY, 7 * DAY)
            part = self.dice.pick(
                [part for part in Part.objects.order_by("pk") if part.available >= 4]
            )
            if self.dice.chance(0.15):
                stock.adjust(
                    part,
                    quantity=Decimal(1),
                    reason="adjustment",
                    note="Found behind the shelf.",
                    by=self.manager,
                )
            else:
                note = self.dice.pick(MISHAPS.get(part.unit, BROKEN))
                stock.adjust(part, quantity=Decimal(-1), reason="scrap", note=note, by=self.manager)


# --- a visit --------------------------------------------------------------------------

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
    """The lives of tickets, from the customer at the door to the paid bill."""

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

    def odometer(self, name: str, plan: Plan, driven: int) -> dict[str, int]:
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


# --- the garage -----------------------------------------------------------------------


class Garage:
    """Runs every life when its time has come, until this morning."""

    def __init__(self, now: datetime, scale: int, hashes: dict[str, str]) -> None:
        self.calendar, self.scale, self.hashes = Calendar(now), scale, hashes
        self.agenda: list[tuple[int, int, Life]] = []
        self.turn = itertools.count()

    def fill(self) -> None:
        with at(self.calendar.moment(-YEAR - DAY)):
            manager = self.make_login("manager", is_staff=True)
            self.advisor = self.make_login("advisor", is_staff=True)
            crew = self.hire(self.make_login("mechanic"))
            set_prices(manager)
            shelf = Shelf(manager, self.scale)
            shelf.open()
            can_jobs(manager)
        visits = Visits(self.calendar, manager, self.advisor, crew)
        self.invite(visits)
        self.start(-YEAR + 3 * DAY, shelf.truck())
        self.start(-YEAR, shelf.stock_takes())
        self.start(-YEAR, shelf.mishaps())
        self.run()

    def invite(self, visits: Visits) -> None:
        clients = make_clients(Dice(f"{SEED}: people"), self.scale)
        plans = make_plans(clients, self.scale)
        first = {id(plan.client): plan.t for plan in sorted(plans, key=lambda plan: -plan.t)}
        for number, client in enumerate(clients):
            # Who never had a ticket only asked for a price.
            self.start(
                first.get(id(client), -(number + 20) * DAY // self.scale) - 10 * MINUTE,
                self.registration(client),
            )
        for plan in plans:
            self.start(plan.t, visits.life(plan))

    def start(self, t: int, life: Life) -> None:
        heapq.heappush(self.agenda, (t, next(self.turn), life))

    def run(self) -> None:
        while self.agenda and self.agenda[0][0] < 0:
            t, _, life = heapq.heappop(self.agenda)
            with at(self.calendar.moment(t)):
                pause = next(life, None)
            if pause is not None:
                self.start(t + pause, life)

    def registration(self, client: Client) -> Life:
        details = {
            "name": client.name,
            "email": client.email or None,
            "phone": client.phone,
            "address": client.address,
            "notes": client.notes,
        }
        password = self.hashes["customer"] if client.has_login else None
        client.row = front_desk.register(**details, password_hash=password, by=self.advisor)
        for car in client.cars:
            known = {
                "make": car.make,
                "model": car.model,
                "year": car.year,
                "engine": car.kind.engine,
                "color": car.color,
            }
            car.row = Vehicle.objects.create(
                customer=client.row, plate=car.plate, vin=car.vin, **known
            )
        yield YEAR

    def make_login(self, role: str, is_staff: bool = False) -> User:
        user = accounts.create_login(LOGINS[role], self.hashes[role])
        user.is_staff = is_staff
        user.save(update_fields=["is_staff"])
        user.groups.add(Group.objects.get(name=role))
        return user

    def hire(self, user: User) -> list[Mechanic]:
        """The crew; the second of them has a log-in."""
        columns = ("name", "bio", "hourly_cost", "hired_on", "phone", "email")
        rows = [
            {name: getattr(each, name) for name in columns}
            | {"specialties": list(each.specialties)}
            for each in catalog.MECHANICS
        ]
        costs = [in_currency(row.pop("hourly_cost")) for row in rows]
        return [
            Mechanic.objects.create(**row, hourly_cost=cost, user=user if number == 1 else None)
            for number, (row, cost) in enumerate(zip(rows, costs, strict=True))
        ]


def has_data() -> bool:
    """Is there anything that a demo would mix with? Also an account: its owner begins a
    real shop, and the demo's passwords are public.
    """
    return any(
        model.objects.exists() for model in (Customer, Vehicle, Mechanic, Part, ServiceTicket, User)
    )


def load(now: datetime, scale: int = 1) -> bool:
    """Fill an empty shop as it would stand at ``now``, all or nothing; False, and
    nothing written, when it is not empty.
    """
    hashes = {role: hash_new_password(PASSWORD, email=email) for role, email in LOGINS.items()}
    with at(now), transaction.atomic():
        if has_data():
            return False
        Garage(now, scale, hashes).fill()
    return True
