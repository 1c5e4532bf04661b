"""Which visits there are in the demo's year, and how far each of them comes."""

from dataclasses import dataclass

from ..models import Status
from . import catalog
from .calendar import DAY, SEED, YEAR
from .catalog import Dice, RepairJob
from .clients import SOME_CAR, Car, Client
from .stockroom import SPECIAL

TICKETS = 400


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
