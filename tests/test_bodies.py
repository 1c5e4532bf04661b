"""What a body costs: lists are measured first, checked without a lock, and looked up
together.
"""

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers

from mechanic_shop.http.body_lists import BoundedListField, BoundedListSerializer
from tickets.models import CannedJob, LaborRate

from .bodies import BODIES, body_of, walk, written
from .conftest import Client
from .factories import PartFactory, make_ticket
from .security.attacks import API, Call, do, rows, there
from .test_matrix import MATRIX, World

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024
LISTS = (serializers.ListField, serializers.ListSerializer)
# A wrong list once cost 40 s. The bodies below take 2 to 80 ms of CPU: the bound leaves
# room for a busy machine.
MOST_CPU = 0.5
MOST_QUERIES = 15


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_every_list_in_a_body_has_a_largest_length(call: Call) -> None:
    for path, field in walk(body_of(call)):
        if isinstance(field, LISTS):
            assert isinstance(field, (BoundedListField, BoundedListSerializer)), path
            assert 0 < (field.max_length or 0) <= 500, path


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    found = World(request)
    found.prepare(*MATRIX)
    return found


def lists_in(call: Call) -> list[str]:
    return [name for name, field in written(body_of(call)).items() if isinstance(field, LISTS)]


def filled(call: Call, value: Callable[[int], Any]) -> Any:
    """Every field of the body holds its share of one mebibyte."""
    names = list(written(body_of(call))) or ["x"]
    return {name: value(MIB // len(names)) for name in names}


MEMBERS = ("kind", "part", "line", "rate", "name")
LARGE: dict[str, Callable[[Call], Any]] = {
    "ids": lambda call: filled(call, lambda size: [1] * (size // 3)),
    "objects": lambda call: filled(
        call, lambda size: [{"id": 1, "kind": "fee", "line": 1, "part": 1}] * (size // 50)
    ),
    "empty lists": lambda call: filled(call, lambda size: [[]] * (size // 4)),
    "a long text": lambda call: filled(call, lambda size: "9" * (size - 40)),
    "names": lambda call: {f"name_{number}": 1 for number in range(12_000)},
    "a list as the body": lambda call: [{"id": 1}] * 90_000,
    # In the lists that may be there: one element of which every member is large.
    "nested ids": lambda call: (
        {name: [{inner: [1] * 15_000 for inner in MEMBERS}] for name in lists_in(call)} or {"x": 1}
    ),
    "nested names": lambda call: (
        {name: [{f"name_{number}": 1 for number in range(8_000)}] for name in lists_in(call)}
        or {"x": 1}
    ),
}


@pytest.mark.parametrize("shape", LARGE)
def test_a_large_body_is_refused_without_work_and_without_a_lock(
    world: World, manager: Client, shape: str
) -> None:
    """On every route: a few queries, no transaction, no lock, nothing written."""
    before = rows()
    for call in BODIES:
        body = orjson.dumps(LARGE[shape](call))
        assert len(body) <= MIB, call
        with CaptureQueriesContext(connection) as queries:
            begun = time.process_time()
            response = manager.generic(
                call.method, there(world, call), body, content_type="application/json"
            )
            spent = time.process_time() - begun
        # a long text is no token
        assert response.status_code in (400, 401), (
            call,
            response.content[:300],
        )
        asked = [query["sql"] for query in queries]
        assert len(asked) <= MOST_QUERIES, (call, asked)
        assert not [sql for sql in asked if "SAVEPOINT" in sql or "FOR UPDATE" in sql], (
            call,
            asked,
        )
        assert spent < MOST_CPU, (call, spent)
        assert len(response.content) < 64 * 1024, call
    assert rows() == before


def test_the_rows_that_a_list_names_are_found_by_one_query(manager: Client, settings: Any) -> None:
    parts, rate = (
        [PartFactory() for _ in range(60)],
        LaborRate.objects.create(name="Mechanical", hourly=95),
    )
    line = {"kind": "labor", "description": "Oil", "rate": rate.pk}
    body = {"name": "Service", "parts": [{"part": part.pk} for part in parts], "lines": [line] * 60}
    with CaptureQueriesContext(connection) as queries:
        assert do(manager, "POST", f"{API}/canned-jobs/", body).status_code == 201
    reads = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    # the answer's nested lists are in one statement of the fast path
    assert len(reads) <= (12 if settings.FAST_PATH else 14), reads


def test_a_row_of_a_list_that_is_not_there_is_named_by_its_place(manager: Client) -> None:
    part, ticket = PartFactory(), make_ticket()
    body = {"name": "Service", "parts": [{"part": part.pk}, {"part": 999_999}, {"part": "x"}]}
    found = errors_of(do(manager, "POST", f"{API}/canned-jobs/", body))
    assert found == {("parts.1.part", "does_not_exist"), ("parts.2.part", "incorrect_type")}
    response = do(
        manager, "PUT", f"{API}/tickets/{ticket.pk}/edit-mechanics/", {"add": [999_999, "x"]}
    )
    assert errors_of(response) == {("add.0", "does_not_exist"), ("add.1", "incorrect_type")}


def errors_of(response: Any) -> set[tuple[str, str]]:
    assert response.status_code == 400, response.content
    return {(error["field"], error["code"]) for error in response.json()["errors"]}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"parts": [{"part": 1}]}, None),
        ({"parts": [{"quantity": 2}]}, {("parts.0.part", "required")}),
        ({"lines": [{}]}, {("lines.0.kind", "required"), ("lines.0.description", "required")}),
        ({"lines": [{"kind": "fee", "unit_price": "3"}]}, {("lines.0.description", "required")}),
    ],
)
def test_a_patch_checks_the_members_of_a_nested_list_whole(
    manager: Client, body: Any, errors: Any
) -> None:
    """A nested list replaces what was there, so PATCH asks of its members what POST
    does.
    """
    part = PartFactory(pk=1)
    canned = CannedJob.objects.create(name="Oil change")
    posted = do(manager, "POST", f"{API}/canned-jobs/", body | {"name": "Another"})
    patched = do(manager, "PATCH", f"{API}/canned-jobs/{canned.pk}/", body)
    if errors is None:
        assert (posted.status_code, patched.status_code) == (201, 200)
        assert list(canned.parts.values_list("part_id", "quantity")) == [(part.pk, 1)]
    else:
        assert errors_of(posted) == errors_of(patched) == errors


def test_what_is_wrong_with_the_row_comes_before_what_is_wrong_with_the_body(
    world: World, stranger: Client, unassigned: Client, manager: Client
) -> None:
    ticket = f"{API}/tickets/{world.ticket.pk}/"
    for method, path, body in (
        ("PATCH", ticket, {"odometer_in": -1}),
        ("PUT", f"{ticket}add-part/", {}),
        ("POST", f"{ticket}share/", {"days": -1}),
    ):
        assert (
            do(manager, method, path.replace(f"/{world.ticket.pk}/", "/999999/"), body).status_code
            == 404
        )
        assert do(unassigned, method, path, body).status_code == 403
        assert do(manager, method, path, body).status_code == 400
    assert do(stranger, "PATCH", ticket, {"odometer_in": -1}).status_code == 404
    assert (
        do(manager, "PATCH", ticket, {"odometer_in": -1}, HTTP_IF_MATCH='"old"').status_code == 412
    )
