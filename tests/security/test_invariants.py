"""What must always hold, under sixteen clients who do everything at once (requirement
38, A2.3.3, A2.3.4, A15.4.2).
"""

import random
from collections.abc import Callable
from decimal import Decimal
from threading import Lock
from typing import Any

import pytest
from django.db.models import Count, F, Sum

from customers.models import Customer
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part, StockMovement
from tickets.models import ServiceTicket, StatusChange, TicketMechanic, TicketPart

from ..conftest import Client, client_of
from ..factories import MechanicFactory, PartFactory, UserFactory, make_ticket
from ..races import at_once
from .attacks import API

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS, STEPS = 16, 12


class Crowd:
    """Sixteen members of the staff over a few parts and tickets, each with a random
    mind of their own.
    """

    def __init__(self) -> None:
        self.parts = [PartFactory(stock=20) for _ in range(3)]
        self.tickets = [make_ticket("approved", parts=[(self.parts[0], 1)]) for _ in range(4)]
        self.mechanics = [MechanicFactory() for _ in range(2)]
        self.received = Decimal(0)
        self.told: list[tuple[int, str]] = []
        self.seen: list[tuple[str, str]] = []
        self.lock = Lock()

    def one(self, seed: int) -> Callable[[], None]:
        mind, client = random.Random(seed), client_of(UserFactory(role="manager"))
        return lambda: [self.step(mind, client) for _ in range(STEPS)] and None

    def step(self, mind: random.Random, client: Client) -> None:
        ticket, part = f"{API}/tickets/{mind.choice(self.tickets).pk}/", mind.choice(self.parts)
        quantity, mechanic = mind.randint(1, 4), mind.choice(self.mechanics).pk
        act: Callable[[], Any] = mind.choice(
            [
                lambda: client.put(
                    f"{ticket}add-part/",
                    {"part": part.pk, "quantity": quantity, "backorder": mind.random() < 0.3},
                ),
                lambda: client.put(f"{ticket}remove-part/", {"part": part.pk}),
                lambda: client.put(f"{ticket}assign-mechanic/", {"mechanic": mechanic}),
                lambda: client.post(
                    f"{ticket}transitions/",
                    {"to": mind.choice(["in_progress", "completed", "cancelled", "invoiced"])},
                ),
                lambda: client.put(
                    f"{API}/parts/{part.pk}/receive/",
                    {"quantity": quantity},
                    HTTP_IDEMPOTENCY_KEY=f"{mind.random()}",
                ),
                lambda: client.put(
                    f"{API}/parts/{part.pk}/adjust/",
                    {"quantity": -1, "reason": "scrap", "note": "bent"},
                ),
                lambda: client.patch(f"{API}/parts/{part.pk}/", {"name": f"Part {mind.random()}"}),
                lambda: client.get(f"{API}/parts/{part.pk}/"),
            ]
        )
        answer = act()
        with self.lock:
            self.told.append((answer.status_code, answer.content.decode()[:200]))
            if answer.status_code == 200 and "on_hand" in answer.json():
                self.seen.append((answer.json()["on_hand"], answer.json()["available"]))


def test_the_books_balance_whatever_sixteen_do_at_once() -> None:
    crowd = Crowd()
    errors = [
        error
        for error in at_once(*[crowd.one(seed) for seed in range(CLIENTS)])
        if error is not None
    ]

    assert errors == []
    assert len(crowd.told) == CLIENTS * STEPS
    assert [told for told in crowd.told if told[0] not in (200, 400, 409)] == [], (
        "no 5xx, and no deadlock"
    )
    # Stock is never negative, at any read in between.
    assert [seen for seen in crowd.seen if Decimal(seen[0]) < 0 or Decimal(seen[1]) < 0] == []
    assert find_discrepancies() == []  # Σ movements = on hand, Σ open lines' allocated = allocated
    for part in Part.objects.all():
        bought = part.movements.filter(reason__in=["receipt", "scrap"]).aggregate(
            total=Sum("quantity")
        )["total"]
        fitted = TicketPart.objects.filter(part=part).aggregate(total=Sum("issued"))["total"] or 0
        assert part.on_hand + fitted == bought, "shelf + lines = bought"
    # Money: a total is what its lines cost, each at the price of its day.
    reader = client_of(UserFactory(role="manager"))
    for ticket in ServiceTicket.objects.all():
        found = reader.get(f"{API}/tickets/{ticket.pk}/").json()
        assert found["parts_total"] == str(
            sum(
                (line.quantity * line.unit_price for line in ticket.lines.all()), Decimal("0.00")
            ).quantize(Decimal("0.01"))
        )
    # One link of a mechanic, one line of a part; every change names who made it.
    assert (
        not TicketMechanic.objects.values("ticket", "mechanic")
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
        .exists()
    )
    assert (
        not TicketPart.objects.values("ticket", "part", "job")
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
        .exists()
    )
    assert not StatusChange.objects.filter(by=None).exists()
    assert not StockMovement.objects.filter(by=None).exclude(on_hand_after=F("quantity")).exists()
    assert Customer.objects.values("email").distinct().count() == Customer.objects.count()
