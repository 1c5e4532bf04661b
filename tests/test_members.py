"""Members of a body: unknown ones are refused with the nearest known one, and what GET
shows can be sent back.
"""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from inventory import tax_operations
from tickets.models import CannedJob, CannedJobLine, CannedJobPart

from .answers import refused
from .bodies import BODIES, body_of
from .conftest import Client
from .factories import PartFactory, make_ticket
from .security.attacks import API, Call, do, rows, there
from .test_matrix import MATRIX, World, undone

pytestmark = pytest.mark.django_db
RESOURCES = [call for call in BODIES if call.method == "PUT" and call.route.endswith("-detail")]
# who else may change the row
ACTORS = {
    "customer": "owner",
    "vehicle": "owner",
    "serviceticket": "owner",
}


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A garage in which no list of a row is empty."""
    found = World(request)
    found.prepare(*MATRIX)
    line = {
        "kind": "fee",
        "description": "Disposal",
        "unit_price": Decimal(8),
        "quantity": Decimal(1),
    }
    CannedJobLine.objects.create(canned_job=found.canned_job, **line)
    CannedJobPart.objects.create(canned_job=found.canned_job, part=found.part, quantity=Decimal(2))
    tax_operations.set_rate(found.tax_code, rate=Decimal(21), by=None)
    return found


def test_an_unknown_member_is_refused_on_every_route(world: World, manager: Client) -> None:
    """Also beside a body that is right: a typo must not be taken for "leave it as it
    is".
    """
    before = rows()
    for call in BODIES:
        body = world.body(str(call), manager) or {}
        problem = refused(
            do(manager, call.method, there(world, call), body | {"unit_cots": 1}),
            400,
            "unknown_field",
        )
        (error,) = problem["errors"]
        assert error["field"] == "unit_cots", call
        named = [name for name in body_of(call).kept.writable if name in error["detail"]]
        assert len(named) == len(body_of(call).kept.writable), (call, error)
    assert rows() == before


def test_the_nearest_known_member_is_named(world: World, manager: Client) -> None:
    part = f"{API}/parts/{world.part.pk}/"
    (error,) = refused(do(manager, "PUT", f"{part}receive/", {"quantity": 1, "unit_cots": 1}), 400)[
        "errors"
    ]
    assert "Did you mean “unit_cost”?" in error["detail"]
    line = {"kind": "fee", "description": "Disposal", "unit_prise": "3"}
    response = do(
        manager,
        "POST",
        f"{API}/jobs/",
        {"ticket": world.ticket.pk, "title": "Oil", "lines": [line]},
    )
    (error,) = refused(response, 400, "unknown_field", "lines.0.unit_prise")["errors"]
    assert "Did you mean “unit_price”?" in error["detail"]
    (error,) = refused(do(manager, "PATCH", part, {"x" * 100_000: 1}), 400, "unknown_field")[
        "errors"
    ]
    assert len(error["field"]) <= 60


@pytest.mark.parametrize("call", RESOURCES, ids=str)
def test_what_get_shows_can_be_sent_back(
    request: pytest.FixtureRequest, world: World, manager: Client, call: Call
) -> None:
    """With PUT and PATCH, by everybody who may change the row, and with relations as
    objects: nothing changes.
    """
    path = there(world, call)
    model = body_of(call).Meta.model
    for client in (
        manager,
        *(request.getfixturevalue(actor) for actor in [ACTORS.get(call.room)] if actor),
    ):
        for method in ("PUT", "PATCH"):
            shown = client.get(path).json()
            before = model.objects.filter(pk=shown["id"]).values().get()
            response = do(client, method, path, shown)
            assert response.status_code == 200, (method, response.content)
            after = model.objects.filter(pk=shown["id"]).values().get()
            passing = {"updated_at", "version"}
            assert {name: after[name] for name in after if name not in passing} == {
                name: before[name] for name in before if name not in passing
            }
            assert without(response.json(), "updated_at", "id") == without(
                shown, "updated_at", "id"
            )


def without(value: Any, *names: str) -> Any:
    """JSON without these members, at any depth: the rows of a nested list are made
    again.
    """
    if isinstance(value, dict):
        return {name: without(inner, *names) for name, inner in value.items() if name not in names}
    return [without(inner, *names) for inner in value] if isinstance(value, list) else value


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return (
        []
        if isinstance(value, list) and value
        else f"{value}1"
        if isinstance(value, str)
        else {"id": 424242}
    )


@pytest.mark.parametrize("call", RESOURCES, ids=str)
def test_what_only_the_shop_sets_is_refused_where_it_differs(
    world: World, manager: Client, call: Call
) -> None:
    path = there(world, call)
    shown = manager.get(path).json()
    fields = body_of(call).kept.fields
    read_only = [name for name in shown if fields[name].read_only]
    assert {"id", "created_at", "updated_at"} <= set(read_only)
    before = rows()
    for name in read_only:
        refused(
            do(manager, "PATCH", path, {name: other(shown[name])}), 400, "read_only_field", name
        )
    assert rows() == before


def test_an_older_copy_can_be_sent_back(world: World, manager: Client) -> None:
    """Only ``updated_at`` differs in it. ``If-Match`` is what finds lost updates."""
    path = f"{API}/parts/{world.part.pk}/"
    older = manager.get(path).json()
    assert do(manager, "PATCH", path, {"bin": "B-2"}).status_code == 200
    assert do(manager, "PUT", path, older).json()["bin"] == older["bin"]


@pytest.mark.parametrize("call", RESOURCES, ids=str)
def test_of_something_new_the_shop_sets_its_members_itself(
    world: World, manager: Client, call: Call
) -> None:
    """A copy of what GET shows is no new row: its members that the shop sets are named,
    but null is as good as nothing.
    """
    shown = manager.get(there(world, call)).json()
    new = f"POST {call.room}-list"
    fields = next(body_of(found) for found in BODIES if str(found) == new).kept.fields
    taken = [
        name
        for name in shown
        if name in fields and fields[name].read_only and shown[name] is not None
    ]
    problem = refused(
        do(manager, "POST", reverse(f"{call.room}-list"), {name: shown[name] for name in taken}),
        400,
        "read_only_field",
    )
    assert {error["field"] for error in problem["errors"]} == set(taken)
    with undone():
        body = world.body(new, manager) | dict.fromkeys(taken)
        assert do(manager, "POST", reverse(f"{call.room}-list"), body).status_code == 201


def test_a_row_of_a_nested_list_is_sent_back_as_it_was_read_or_without_its_id(
    manager: Client,
) -> None:
    canned, part = CannedJob.objects.create(name="Oil change"), PartFactory()
    path = f"{API}/canned-jobs/{canned.pk}/"
    assert do(manager, "PATCH", path, {"parts": [{"part": part.pk}]}).status_code == 200
    (row,) = manager.get(path).json()["parts"]
    refused(
        do(manager, "PATCH", path, {"parts": [row | {"id": row["id"] + 1}]}),
        400,
        "read_only_field",
        "parts.0.id",
    )
    assert do(manager, "PATCH", path, {"parts": [row | {"quantity": "3"}]}).status_code == 200
    assert canned.parts.get().quantity == 3


def test_a_body_where_none_is_taken_is_not_looked_at(manager: Client) -> None:
    ticket = make_ticket()
    assert do(manager, "GET", f"{API}/tickets/{ticket.pk}/", {"odd": 1}).status_code == 200
    assert do(manager, "DELETE", f"{API}/tickets/{ticket.pk}/", {"odd": 1}).status_code == 204
