"""What an answer may cost: statements, and instructions of the interpreter. Not
seconds: those are for bench/, on a machine that does nothing else.

Who changes a figure here upwards says in the commit what the reader gets for it.
"""

import re
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import orjson
import pytest
from django.core.signals import request_started
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from .conftest import Client, express
from .factories import MechanicFactory, PartFactory, VehicleFactory, make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.fast_path]
# what they do is the same work on SQLite, but in C
DRIVERS = re.compile(r"/(psycopg|redis|django_redis)/")
TOLERANCE = 1.25
COUNTED_BY = (3, 11)  # Python; later ones tell tracers of fewer instructions

# route: (who, method, path, body, statements with BEGIN and COMMIT, thousands of
# instructions)
COSTS: dict[str, tuple[str, str, str, Any, int, float]] = {
    "one ticket": ("manager", "GET", "tickets/{ticket}/", None, 1, 3.4),
    "a page of tickets": ("manager", "GET", "tickets/?status=approved", None, 2, 4.4),
    "my tickets": ("owner", "GET", "tickets/mine/", None, 2, 4.2),
    "one mechanic": ("anonymous", "GET", "mechanics/{mechanic}/", None, 1, 3.1),
    "popular, cached": ("anonymous", "GET", "mechanics/popular/", None, 0, 3.2),
    "parts, cached": ("manager", "GET", "parts/", None, 0, 3.5),
    "create a ticket": (
        "manager",
        "POST",
        "tickets/",
        {"customer": "{customer}", "vehicle": "{vehicle}", "concern": "Brakes"},
        10,
        39,
    ),
    "add a part": ("manager", "PUT", "tickets/{ticket}/add-part/", {"part": "{part}"}, 12, 33),
    "add a part beyond the approved amount": (
        "manager",
        "PUT",
        "tickets/{ticket}/add-part/",
        {"part": "{part}"},
        14,
        141,
    ),
    "assign a mechanic": (
        "manager",
        "PUT",
        "tickets/{ticket}/assign-mechanic/",
        {"mechanic": "{mechanic}"},
        10,
        24,
    ),
}


# A lock by key is a statement of its own there; on SQLite the transaction is the lock.
LOCKS_ON_POSTGRESQL = {
    "create a ticket": 1,
    "add a part": 2,
    "add a part beyond the approved amount": 3,
    "assign a mechanic": 1,
}


def instructions(call: Callable[[], Any]) -> int:
    """How many instructions Python runs in this call; what C code does within one is
    not seen, nor the drivers' own.
    """
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if DRIVERS.search(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.fixture
def _open_connection() -> Iterator[None]:
    """The test's transaction needs it beyond a request."""
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)


@pytest.fixture
def ask(request: pytest.FixtureRequest, owner: Client) -> Callable[[str], Callable[[], Any]]:
    """Makes a request whose answer is all that is left to do; another one each time,
    where it writes.
    """
    part, vehicle = PartFactory(stock=1000), VehicleFactory(customer=owner.user.customer)

    def prepare(name: str) -> Callable[[], Any]:
        who, method, path, body, *_ = COSTS[name]
        ticket = make_ticket(
            "approved",
            vehicle=vehicle,
            parts=[(PartFactory(stock=5), 1)],
            mechanics=[MechanicFactory()],
        )
        if "amount" not in name:  # as a shop has it that names no amount
            type(ticket).objects.filter(pk=ticket.pk).update(authorized_total=None)
        ids = {
            "ticket": ticket.pk,
            "part": part.pk,
            "mechanic": MechanicFactory().pk,
            "vehicle": vehicle.pk,
            "customer": vehicle.customer_id,
        }
        client: Client = request.getfixturevalue(who)
        address, _, query = f"/api/v1/{path.format(**ids)}".partition("?")
        sent = (
            orjson.dumps({key: ids.get(value.strip("{}"), value) for key, value in body.items()})
            if body
            else b""
        )
        environ = (
            client._base_environ(REQUEST_METHOD=method, PATH_INFO=address, QUERY_STRING=query)
            | client._credentials
        )
        environ |= (
            {
                "wsgi.input": BytesIO(sent),
                "CONTENT_LENGTH": str(len(sent)),
                "CONTENT_TYPE": "application/json",
            }
            if body
            else {}
        )
        return lambda: express.answer(environ)

    return prepare


@pytest.mark.usefixtures("_open_connection")
@pytest.mark.parametrize("name", COSTS)
def test_an_answer_costs_no_more_than_it_did(
    name: str, ask: Callable[[str], Callable[[], Any]]
) -> None:
    *_, statements, thousands = COSTS[name]
    if connection.vendor == "postgresql":
        statements += LOCKS_ON_POSTGRESQL.get(name, 0)
    repeated = ask(name)
    if statements:  # what writes can be asked once; what is cached is asked again
        for _ in range(2):
            assert ask(name)().status_code < 300
        repeated, counted = ask(name), ask(name)
    else:
        repeated()
        counted = repeated
    with CaptureQueriesContext(connection) as captured:
        assert repeated().status_code < 300
    assert len(captured) <= statements, [query["sql"][:80] for query in captured]
    found = instructions(counted) / 1000
    assert found <= thousands * TOLERANCE
    if sys.version_info[:2] == COUNTED_BY:
        cheaper = "it got cheaper: write the new figure down, and keep it"
        assert found > thousands / TOLERANCE, cheaper
