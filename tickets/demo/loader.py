"""A year of work in a garage, written through the operations that every channel uses.

The ledger and the history are append-only and in order, so nothing can be dated
afterwards. A small simulation lets each life (a car's visit, the supplier's truck, a
stock-take) act when its time has come: it is a generator that yields how many seconds
of working time pass until it goes on. Chance is seeded, so that the garage is the same
every time, but for the day on which it is loaded.
"""

import heapq
import itertools
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from customers import operations as front_desk
from customers.models import Customer, Vehicle
from inventory.models import Part
from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.passwords import hash_new_password
from mechanics.models import Mechanic

from ..models import ServiceTicket
from . import catalog
from .calendar import DAY, MINUTE, SEED, YEAR, Calendar, Life, at
from .catalog import Dice
from .clients import LOGINS, PASSWORD, Client, make_clients
from .money import can_jobs, in_currency, set_prices
from .plans import make_plans
from .stockroom import Shelf
from .visits import Visits


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
        details: dict[str, Any] = {
            "name": client.name,
            "email": client.email or None,
            "phone": client.phone,
            "address": client.address,
            "notes": client.notes,
        }
        password = self.hashes["customer"] if client.has_login else None
        client.row = front_desk.register(**details, password_hash=password, by=self.advisor)
        for car in client.cars:
            details_of_car: dict[str, Any] = {
                "make": car.make,
                "model": car.model,
                "year": car.year,
                "engine": car.kind.engine,
                "color": car.color,
            }
            car.row = Vehicle.objects.create(
                customer=client.row, plate=car.plate, vin=car.vin, **details_of_car
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
