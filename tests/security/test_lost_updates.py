"""Of sixteen who read the same, one writes (issue 4, point 2): every PUT, PATCH, DELETE
and action of every resource, on both databases.
"""

from collections import Counter
from typing import Any

import pytest

from ..answers import refused
from ..conftest import Client, client_of
from ..factories import CustomerFactory, MechanicFactory, PartFactory, VehicleFactory, make_ticket
from ..races import at_once
from ..test_matrix import MATRIX, World
from .attacks import API, CALLS, Call, do, rows, there

ROOMS = {
    "customer": "customers",
    "vehicle": "vehicles",
    "mechanic": "mechanics",
    "part": "parts",
    "serviceticket": "tickets",
}
GUARDED = [call for call in CALLS if call.keyed and call.writes]
# What a DELETE and an erasure leave is below; a link is nothing that a ticket shows, so
# its tag stays, as a payment's does that is reversed.
OTHERS = {"customer-erase", "serviceticket-share", "serviceticket-revoke-share", "payment-reverse"}
# A mail changes nothing, and what the world refuses has a race of its own in
# tests/test_money_races.py.
UNCHANGING = {
    call
    for call in map(str, GUARDED)
    if call.endswith(("email", "email-estimate")) or MATRIX[call][-1] == 409
}
CHANGES = [
    call
    for call in GUARDED
    if call.method != "DELETE" and call.route not in OTHERS and str(call) not in UNCHANGING
]


def row_path(world: World, call: Call) -> str:
    """The address of the object that an action is about."""
    return "/".join(there(world, call).split("/")[:5]) + "/"


def body_of(world: World, call: Call, manager: Client) -> Any:
    """One that changes something each time it is taken."""
    return {
        "PUT serviceticket-assign-mechanic": {"mechanic": world.other_mechanic.pk},
        "PUT serviceticket-remove-part": {"part": world.part.pk, "quantity": 1},
    }.get(str(call)) or world.body(str(call), manager)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", CHANGES, ids=str)
def test_of_sixteen_who_read_the_same_one_writes(
    request: pytest.FixtureRequest, manager: Client, call: Call
) -> None:
    world = World(request)
    world.prepare(str(call))
    path, body = there(world, call), body_of(world, call, manager)
    tag = manager.get(row_path(world, call))["ETag"]
    clients = [client_of(manager.user) for _ in range(16)]

    answers = at_once(
        *[lambda c=client: do(c, call.method, path, body, HTTP_IF_MATCH=tag) for client in clients]
    )

    # 201 answers with the row that was made, which has a tag of its own
    success = MATRIX[str(call)][-1]
    assert Counter(getattr(answer, "status_code", answer) for answer in answers) == {
        success: 1,
        412: 15,
    }
    winner = next(answer for answer in answers if answer.status_code == success)
    now = manager.get(row_path(world, call))["ETag"]
    assert now != tag
    assert success == 201 or winner["ETag"] == now
    for answer in answers:
        if answer is not winner:
            refused(answer, 412, "precondition_failed")
            assert answer["ETag"] == now


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("room", ROOMS.values())
def test_of_sixteen_who_delete_one_does(manager: Client, room: str) -> None:
    """The others find it gone (404), or its tag (412)."""
    make = {
        "customers": CustomerFactory,
        "vehicles": VehicleFactory,
        "mechanics": MechanicFactory,
        "parts": PartFactory,
        "tickets": make_ticket,
    }
    path = f"{API}/{room}/{make[room]().pk}/"
    tag = manager.get(path)["ETag"]
    clients = [client_of(manager.user) for _ in range(16)]
    answers = at_once(*[lambda c=client: c.delete(path, HTTP_IF_MATCH=tag) for client in clients])
    counts = Counter(getattr(answer, "status_code", answer) for answer in answers)
    assert counts[204] == 1
    assert set(counts) <= {204, 404, 412}


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_who_erase_one_does(manager: Client) -> None:
    customer = CustomerFactory()
    path = f"{API}/customers/{customer.pk}/"
    tag = manager.get(path)["ETag"]
    clients = [client_of(manager.user) for _ in range(16)]
    answers = at_once(
        *[lambda c=client: c.post(f"{path}erase/", {}, HTTP_IF_MATCH=tag) for client in clients]
    )
    assert Counter(getattr(answer, "status_code", answer) for answer in answers) == {
        204: 1,
        412: 15,
    }
    assert {answer["ETag"] for answer in answers if answer.status_code == 412} == {
        manager.get(path)["ETag"]
    }


@pytest.mark.django_db(transaction=True)
def test_a_delete_and_a_change_of_the_same_state_do_not_both_happen(manager: Client) -> None:
    def writes(path: str, tag: str) -> Any:
        mine, anothers = client_of(manager.user), client_of(manager.user)
        return lambda: mine.delete(path, HTTP_IF_MATCH=tag), lambda: anothers.patch(
            path, {"bin": "A"}, HTTP_IF_MATCH=tag
        )

    for _ in range(4):
        path = f"{API}/parts/{PartFactory().pk}/"
        found = [answer.status_code for answer in at_once(*writes(path, manager.get(path)["ETag"]))]
        assert found in ([204, 404], [412, 200], [204, 412]), found


@pytest.mark.django_db
@pytest.mark.parametrize("call", GUARDED, ids=str)
def test_a_stale_tag_is_412_with_the_present_one_on_every_write(
    world: World, manager: Client, call: Call
) -> None:
    before, path = rows(), there(world, call)
    present = manager.get(row_path(world, call))["ETag"]
    assert present.startswith('"'), "strong"
    for stale in ('"stale"', f"W/{present}", "nonsense", "", '"a", "b"', present.strip('"')):
        response = do(
            manager, call.method, path, world.body(str(call), manager), HTTP_IF_MATCH=stale
        )
        refused(response, 412, "precondition_failed")
        assert response["ETag"] == present
    assert rows() == before


@pytest.mark.django_db
@pytest.mark.parametrize("call", GUARDED, ids=str)
def test_a_shop_may_make_if_match_mandatory(
    world: World, manager: Client, settings: Any, call: Call
) -> None:
    """428 for PUT and PATCH, of which the actions are PUTs; neither POST nor DELETE
    asks for it.
    """
    settings.REQUIRE_IF_MATCH = True
    before, path, body = rows(), there(world, call), body_of(world, call, manager)
    if call.method in ("PUT", "PATCH"):
        refused(do(manager, call.method, path, body), 428, "precondition_required")
        assert rows() == before
    tag = manager.get(row_path(world, call))["ETag"]
    assert do(manager, call.method, path, body, HTTP_IF_MATCH=tag).status_code in (
        200,
        201,
        202,
        204,
        409,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("room", ROOMS)
def test_a_tag_of_one_permission_level_is_not_anothers_where_fields_differ(
    world: World, manager: Client, advisor: Client, owner: Client, room: str
) -> None:
    """A tag names bytes: who sees other bytes has another tag, and may write with it."""
    row = {
        "customer": world.customer,
        "vehicle": world.vehicle,
        "mechanic": world.mechanic,
        "part": world.part,
        "serviceticket": world.ticket,
    }[room]
    path = f"{API}/{ROOMS[room]}/{row.pk}/"
    answers = [client.get(path) for client in (manager, advisor, owner)]
    seen = {answer.content: answer["ETag"] for answer in answers if answer.status_code == 200}
    assert len(set(seen.values())) == len(seen)
    assert all(
        answer["ETag"] == seen[answer.content] for answer in answers if answer.status_code == 200
    )
