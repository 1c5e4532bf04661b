"""Another's object through every route and action (API1:2023, BOLA; requirements 12, 19
and 25).
"""

from typing import Any

import pytest
from django.urls import reverse

from customers.models import Vehicle

from ..answers import refused
from ..conftest import Client
from ..factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket
from ..test_matrix import World
from .attacks import API, CALLS, HTML, LISTS, MISSING, Call, do, key_of, rows, told

pytestmark = [pytest.mark.django_db, pytest.mark.wide]
# rooms whose rows belong to a customer
SCOPED = {
    "customer",
    "vehicle",
    "serviceticket",
    "job",
    "invoice",
    "creditnote",
    "payment",
}
KEYED = [call for call in CALLS if call.keyed]
OF_A_CUSTOMER = [call for call in KEYED if call.room in SCOPED]


def test_every_room_with_rows_of_a_customer_is_attacked() -> None:
    assert {call.room for call in KEYED} == SCOPED | {
        "mechanic",
        "part",
        "cannedjob",
        "laborrate",
        "taxcode",
    }, "a new room: say whose its rows are"


@pytest.mark.parametrize("accept", ["application/json", HTML])
@pytest.mark.parametrize("call", OF_A_CUSTOMER, ids=str)
def test_anothers_object_is_told_from_a_missing_one_by_nothing(
    world: World, stranger: Client, call: Call, accept: str
) -> None:
    """Requirement 12 (T1, A8.2.2), crAPI 1 and 2: status, headers and body are the
    same, or counting through the keys would find what is there.
    """
    before = rows()
    body = world.body(str(call), stranger)
    for method in (call.method, "HEAD", "OPTIONS"):
        for extra in (
            {},
            {"HTTP_IF_MATCH": '"x"'},
            {"HTTP_IF_NONE_MATCH": "*"},
            {"HTTP_IDEMPOTENCY_KEY": "k"},
        ):
            sent = None if method in ("HEAD", "OPTIONS") else body
            answers = []
            for key in (key_of(world, call), MISSING):
                headers = {
                    name: value + str(key) if "KEY" in name else value
                    for name, value in extra.items()
                }
                answer = do(
                    stranger,
                    method,
                    call.address(key),
                    sent,
                    HTTP_ACCEPT=accept,
                    HTTP_X_REQUEST_ID="same",
                    **headers,
                )
                answers.append(told(answer, key))
            assert answers[0] == answers[1], (method, extra)
            assert answers[0][0] in (403, 404, 405) or method == "OPTIONS"
    kept = rows()
    # refusals are kept for the stranger's own keys
    kept["IdempotentAnswer"] = before["IdempotentAnswer"]
    assert kept == before


def test_a_customer_reads_a_part_neither_by_its_key_nor_by_none(
    world: World, owner: Client
) -> None:
    """What no customer may see is 403 whether it is there or not."""
    for call in KEYED:
        if call.room == "part":
            answers = [
                told(
                    do(
                        owner,
                        call.method,
                        call.address(key),
                        world.body(str(call), owner),
                        HTTP_X_REQUEST_ID="same",
                    ),
                    key,
                )
                for key in (key_of(world, call), MISSING)
            ]
            assert answers[0] == answers[1]
            assert answers[0][0] == 403


def marks(world: World) -> list[str]:
    """What nobody else may read of the owner's."""
    return [
        world.customer.name,
        world.customer.email,
        world.vehicle.plate,
        world.ticket.number,
        world.ticket.concern,
    ]


@pytest.mark.parametrize(
    "call", [call for call in LISTS if not call.keyed and call.room in SCOPED], ids=str
)
def test_no_filter_search_or_ordering_widens_a_list(
    world: World, stranger: Client, call: Call
) -> None:
    """Requirement 12: asked by every parameter there is, a list shows a customer
    nothing of another's, and says so as for what is not there.
    """
    path, view = call.address(), call.view
    filters = set(view.cls.filterset_class.base_filters)
    values = {
        "customer": (world.customer.pk, MISSING),
        "vehicle": (world.vehicle.pk, MISSING),
        "mechanic": (world.mechanic.pk, MISSING),
        "part": (world.part.pk, MISSING),
        "email": (world.customer.email, "nobody@example.com"),
        "plate": (world.vehicle.plate, "NONE"),
        "vin": (world.vehicle.vin or "X", "NONE"),
        "search": (world.customer.name, "Nobody"),
    }
    for name in filters & values.keys() | {"search"}:
        found, none = (stranger.get(path, {name: value}).json() for value in values[name])
        assert found["results"] == none["results"] == [], name
        assert found["count"] == none["count"] == 0, name
    for ordering in view.cls.ordering_fields:
        for query in (
            {"ordering": ordering},
            {"ordering": f"-{ordering}", "page_size": 100},
            {"ordering": ordering, "cursor": ""},
        ):
            for accept in ("application/json", HTML):
                text = stranger.get(path, query, HTTP_ACCEPT=accept).content.decode()
                assert [mark for mark in marks(world) if mark in text] == [], (query, accept)


RELATIONS = [
    ("POST", "serviceticket-list", {"concern": "C", "vehicle": "vehicle"}),
    ("PATCH", "serviceticket-detail", {"vehicle": "vehicle"}),
    ("PUT", "serviceticket-detail", {"concern": "C", "vehicle": "vehicle"}),
]


@pytest.mark.parametrize(("method", "route", "body"), RELATIONS)
def test_anothers_object_cannot_be_written_into_ones_own(
    world: World, stranger: Client, method: str, route: str, body: dict[str, Any]
) -> None:
    """Not by its id and not by the object, and the refusal does not tell that it is
    there.
    """
    mine = make_ticket(customer=stranger.user.customer)
    path = reverse(route, args=[mine.pk] if "detail" in route else [])
    before = rows("tickets", "customers")
    for shape in (lambda key: key, lambda key: {"id": key}, str):
        texts = []
        for key in (world.vehicle.pk, MISSING):
            response = do(
                stranger, method, path, body | {"vehicle": shape(key)}, HTTP_X_REQUEST_ID="same"
            )
            refused(response, 400, "does_not_exist", "vehicle")
            texts.append(response.content.decode().replace(f"vehicle {key}.", "vehicle."))
        assert texts[0] == texts[1]
    assert rows("tickets", "customers") == before


def test_a_part_or_mechanic_of_no_key_is_no_key_of_another_kind(
    world: World, advisor: Client
) -> None:
    """The id of one kind of thing opens nothing of another kind."""
    PartFactory(pk=MISSING)
    for call in OF_A_CUSTOMER:
        assert do(
            advisor, call.method, call.address(MISSING), world.body(str(call), advisor)
        ).status_code in (403, 404)


@pytest.mark.parametrize("room", ["customers", "vehicles", "tickets"])
def test_a_row_that_was_deleted_stays_deleted(manager: Client, room: str) -> None:
    """Requirement 19: a second DELETE, a write and a read of what is gone are 404."""
    row = {"customers": CustomerFactory, "vehicles": VehicleFactory, "tickets": make_ticket}[room]()
    path = f"{API}/{room}/{row.pk}/"
    tag = manager.get(path)["ETag"]
    assert manager.delete(path).status_code == 204
    before = rows()
    for method in ("DELETE", "GET", "PUT", "PATCH"):
        refused(do(manager, method, path, None if method in ("GET", "DELETE") else {}), 404)
    refused(manager.delete(path, HTTP_IF_MATCH=tag), 404)
    assert rows() == before


def test_a_vehicle_that_was_sold_is_no_longer_the_sellers(
    owner: Client, stranger: Client, advisor: Client
) -> None:
    vehicle = VehicleFactory(customer=owner.user.customer)
    path = f"{API}/vehicles/{vehicle.pk}/"
    assert advisor.patch(path, {"customer": stranger.user.customer.pk}).status_code == 200
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        refused(
            do(owner, method, path, None if method in ("GET", "DELETE") else {"plate": "MINE"}), 404
        )
    assert Vehicle.objects.get().customer == stranger.user.customer
    assert stranger.get(path).status_code == 200


def test_the_matrix_and_the_router_agree_on_keys(world: World) -> None:
    assert all(call.address(key_of(world, call)) for call in KEYED)
