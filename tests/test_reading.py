"""Both ways of reading give the same JSON: the database's, and the serializer's."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import AnonymousUser

from customers.models import Customer, Vehicle
from customers.serializers import CustomerSerializer, VehicleSerializer
from inventory.models import Part
from inventory.serializers import PartSerializer
from mechanic_shop.api.reading import documents
from mechanic_shop.api.renderers import to_json
from mechanics.models import Mechanic
from mechanics.serializers import MechanicSerializer, PopularMechanicSerializer
from tickets.models import ServiceTicket
from tickets.serializers import ServiceTicketSerializer

from .conftest import Client
from .factories import CustomerFactory, MechanicFactory, PartFactory, VehicleFactory, make_ticket

pytestmark = pytest.mark.django_db

RESOURCES = [
    (CustomerSerializer, Customer.objects.all()),
    (VehicleSerializer, Vehicle.objects.select_related("customer")),
    (MechanicSerializer, Mechanic.objects.all()),
    (PopularMechanicSerializer, Mechanic.objects.by_popularity()),
    (PartSerializer, Part.objects.all()),
    (ServiceTicketSerializer, ServiceTicket.objects.with_details()),
]
ACTORS = ["anonymous", "owner", "stranger", "assigned", "advisor", "manager"]


def fill_the_shop(owner: Client, assigned: Client) -> None:
    """Rows with odd texts, empty relations, whole seconds, and sums that doubles get wrong."""
    customer = owner.user.customer
    CustomerFactory(name='Ünï "quoted" \\ back', email=None, phone="", notes="line\nbreak\t\u2028 <b>&amp;</b> 🚗")
    car = VehicleFactory(customer=customer, vin="1HGCM82633A004352", year=None, odometer=120000)
    VehicleFactory(customer=customer, plate="", make="", model="", year=None)
    MechanicFactory(specialties=["brakes", 'a "b"', "ü"], bio="x", hourly_cost=None)
    oil, pads = PartFactory(unit="litre", price=Decimal("1.005").quantize(Decimal("0.01")), stock="0.3"), PartFactory(stock=10)
    lines = [(oil, "0.1"), (pads, 3), (PartFactory(price=Decimal("333.33")), 7)]
    for status in ("estimate", "approved", "completed", "closed", "cancelled"):
        parts = lines if status in ("estimate", "approved") else lines[1:2]
        make_ticket(status, vehicle=car, parts=parts, mechanics=[assigned.user.mechanic, MechanicFactory()], odometer_in=5)
    bare = make_ticket(customer=customer, service_date="2026-12-01")
    ServiceTicket.objects.filter(pk=bare.pk).update(opened_at="2026-01-02T03:04:05Z", promised_at="2026-01-02T03:04:05.120000Z")


@pytest.mark.parametrize("actor", ACTORS)
def test_the_database_and_the_serializer_write_the_same_json(
    request: pytest.FixtureRequest, rf: Any, owner: Client, assigned: Client, actor: str
) -> None:
    fill_the_shop(owner, assigned)
    call = rf.get("/")
    call.user = request.getfixturevalue(actor).user or AnonymousUser()
    context = {"request": call}
    for serializer, queryset in RESOURCES:
        rows = queryset.all().visible_to(call.user)

        fast = [orjson.loads(text) for (text,) in documents(rows, serializer(context=context))]
        slow = orjson.loads(to_json(serializer(rows, many=True, context=context).data))

        assert fast == slow
        assert [list(row) for row in fast] == [list(row) for row in slow]
