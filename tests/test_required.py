"""What a body must hold: PUT asks for what POST does, and "" is no null."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from rest_framework import serializers

from inventory import tax_operations
from mechanic_shop.http.related_fields import NestedRelatedField
from tickets.models import LaborRate

from .answers import refused
from .bodies import BODIES, body_of, serializer_class, walk, written
from .conftest import Client
from .factories import PartFactory, VehicleFactory, make_ticket
from .security.attacks import API, do, rows, there
from .test_matrix import MATRIX, World, undone

pytestmark = pytest.mark.django_db
RESOURCES = [call for call in BODIES if call.method == "PUT" and call.route.endswith("-detail")]
TYPED = (
    *(
        serializers.DecimalField,
        serializers.IntegerField,
        serializers.FloatField,
        serializers.BooleanField,
    ),
    *(serializers.DateField, serializers.DateTimeField, NestedRelatedField),
)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    found = World(request)
    found.prepare(*MATRIX)
    return found


@pytest.mark.parametrize("actor", ["manager", "advisor", "owner"])
def test_put_requires_what_post_requires(
    request: pytest.FixtureRequest, world: World, actor: str
) -> None:
    """As far as PUT takes it: the first rate of a tax code is set once."""
    client = request.getfixturevalue(actor)
    for call in RESOURCES:
        with undone():
            posted = do(client, "POST", reverse(f"{call.room}-list"), {})
        put = do(client, "PUT", there(world, call), {})
        if posted.status_code != 400 or put.status_code in (403, 404):
            continue
        taken = written(serializer_class(call)(body_of(call).Meta.model()))
        required = {error["field"] for error in posted.json()["errors"]} & set(taken)
        missing = {error["field"] for error in put.json().get("errors", ())}
        assert required <= missing, (call, put.status_code, put.content)
        assert not required or put.status_code == 400


@pytest.mark.parametrize(
    ("room", "actor"),
    [("vehicles", "manager"), ("tickets", "advisor"), ("parts", "manager"), ("customers", "owner")],
)
def test_an_empty_put_changes_nothing(
    request: pytest.FixtureRequest, world: World, room: str, actor: str
) -> None:
    row = {
        "vehicles": world.vehicle,
        "tickets": world.ticket,
        "parts": world.part,
        "customers": world.customer,
    }[room]
    client = request.getfixturevalue(actor)
    before = rows()
    refused(do(client, "PUT", f"{API}/{room}/{row.pk}/", {}), 400)
    assert rows() == before


def test_an_empty_text_is_no_null(world: World, manager: Client) -> None:
    """In every number, moment, yes or no and relation of every body, also where null is
    taken.
    """
    before, tried = rows(), 0
    for call in BODIES:
        for name, field in written(body_of(call)).items():
            if isinstance(field, TYPED):
                tried += 1
                body = (world.body(str(call), manager) or {}) | {name: ""}
                for empty in ("", " "):
                    refused(
                        do(manager, call.method, there(world, call), body | {name: empty}),
                        400,
                        field=name,
                    )
    assert tried > 60
    assert rows() == before


def test_an_empty_text_is_no_null_in_a_nested_list(manager: Client) -> None:
    part = PartFactory()
    canned = body_of(next(call for call in BODIES if str(call) == "POST cannedjob-list"))
    whole: dict[str, Any] = {
        "parts": {"part": part.pk},
        "lines": {"kind": "fee", "description": "x", "unit_price": "1"},
    }
    for path, field in walk(canned):
        nested, _, name = path.partition("[].")
        if name and isinstance(field, TYPED):
            body = {"name": "x", nested: [whole[nested] | {name: ""}]}
            refused(
                do(manager, "POST", f"{API}/canned-jobs/", body), 400, field=f"{nested}.0.{name}"
            )


def test_a_whole_line_is_not_taken_off_by_an_empty_quantity(world: World, manager: Client) -> None:
    path = f"{API}/tickets/{world.ticket.pk}/remove-part/"
    refused(
        do(manager, "PUT", path, {"part": world.part.pk, "quantity": ""}),
        400,
        "invalid",
        "quantity",
    )
    assert do(manager, "PUT", path, {"part": world.part.pk, "quantity": None}).status_code == 200
    assert not world.ticket.lines.exists()


def test_an_assigned_mechanic_uses_what_the_office_priced(
    assigned: Client, manager: Client
) -> None:
    """A canned job and a recommendation, also with a fixed price or a tax code; a price
    of their own stays refused.
    """
    car = VehicleFactory()
    ticket = make_ticket(vehicle=car, mechanics=[assigned.user.mechanic])
    rate = LaborRate.objects.create(name="Mechanical", hourly=95)
    code = tax_operations.add_tax_code(name="Reduced", rate=Decimal(7), by=None)
    lines = [
        {"kind": "labor", "description": "Oil", "quantity": "0.5", "unit_price": "30"},
        {
            "kind": "labor",
            "description": "Filter",
            "quantity": "0.5",
            "rate": rate.pk,
            "unit_price": "20",
        },
        {"kind": "fee", "description": "Disposal", "unit_price": "8", "tax_code": code.pk},
    ]
    canned = do(manager, "POST", f"{API}/canned-jobs/", {"name": "Service", "lines": lines}).json()
    assert (
        do(
            assigned,
            "PUT",
            f"{API}/tickets/{ticket.pk}/add-canned-job/",
            {"canned_job": canned["id"]},
        ).status_code
        == 200
    )
    assert [str(line.unit_price) for line in ticket.jobs.get().lines.order_by("pk")] == [
        "30.00",
        "20.00",
        "8.00",
    ]

    earlier = make_ticket(vehicle=car)
    job = do(
        manager, "POST", f"{API}/jobs/", {"ticket": earlier.pk, "title": "Brakes", "lines": lines}
    ).json()
    assert (
        do(
            manager, "POST", f"{API}/tickets/{earlier.pk}/authorizations/", {"defer": [job["id"]]}
        ).status_code
        == 201
    )
    later = make_ticket(vehicle=car, mechanics=[assigned.user.mechanic])
    assert (
        do(
            assigned, "PUT", f"{API}/tickets/{later.pk}/add-recommendation/", {"job": job["id"]}
        ).status_code
        == 200
    )

    for line in lines:
        body = {
            "ticket": ticket.pk,
            "title": "Own",
            "lines": [line | {"unit_price": "1", "tax_code": code.pk}],
        }
        refused(do(assigned, "POST", f"{API}/jobs/", body), 403, "permission_denied")
