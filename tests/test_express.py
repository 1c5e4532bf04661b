"""The express way gives what Django's way gives, header for header; and leaves to
Django what is Django's.
"""

from typing import Any

import orjson
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection, connections

from inventory.models import Part
from mechanic_shop.fastpath import compiled_queries, compiled_sql
from mechanic_shop.fastpath.direct_dispatch import DirectDispatch
from mechanic_shop.urls import router

from .conftest import Client, express
from .factories import MechanicFactory, PartFactory, VehicleFactory, make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.fast_path]
ACTORS = ["anonymous", "owner", "assigned", "advisor", "manager"]
PATHS = [
    *(
        "tickets/",
        "tickets/mine/",
        "tickets/{ticket}/",
        "tickets/{ticket}/history/",
        "tickets/{ticket}/transitions/",
        "tickets/?status=approved",
    ),
    *(
        "customers/",
        "customers/{customer}/",
        "vehicles/",
        "vehicles/{vehicle}/",
        "mechanics/",
        "mechanics/popular/",
        "mechanics/{mechanic}/",
    ),
    *(
        "parts/",
        "parts/low-stock/",
        "parts/{part}/",
        "parts/{part}/movements/",
        "tickets/?page=2",
        "tickets/?nonsense=1",
        "tickets/999999/",
    ),
    *(
        "mechanics/?search=mech",
        "tickets/?page_size=1",
        "tickets/?cursor=",
        "customers/?ordering=-name",
    ),
]
CHANGES = {"X-Request-ID", "RateLimit-Remaining", "RateLimit-Reset"}


def environ(client: Any, method: str, path: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = client._base_environ(
        REQUEST_METHOD=method, PATH_INFO=path.partition("?")[0], QUERY_STRING=path.partition("?")[2]
    )
    return made | client._credentials | more


def by_django(environ: dict[str, Any]) -> Any:
    handler = WSGIHandler()
    request = handler.request_class(environ)
    return handler.get_response(request)


@pytest.fixture
def ids(owner: Client, assigned: Client) -> dict[str, int]:
    vehicle, part = VehicleFactory(customer=owner.user.customer), PartFactory(stock=3)
    ticket = make_ticket(
        "approved", vehicle=vehicle, parts=[(part, 1)], mechanics=[assigned.user.mechanic]
    )
    return {
        "ticket": ticket.pk,
        "vehicle": vehicle.pk,
        "customer": owner.user.customer.pk,
        "part": part.pk,
        "mechanic": MechanicFactory().pk,
    }


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("actor", ACTORS)
def test_both_ways_answer_alike(
    request: Any, settings: Any, ids: dict[str, int], actor: str, path: str, secure: bool
) -> None:
    settings.THROTTLE_RATES = dict.fromkeys(settings.THROTTLE_RATES, "1000/hour")
    settings.SECURE_HSTS_SECONDS = 3600
    asked = environ(
        request.getfixturevalue(actor),
        "GET",
        f"/api/v1/{path.format(**ids)}",
        **{"wsgi.url_scheme": "https" if secure else "http"},
    )
    quick, slow = express.answer(dict(asked)), by_django(dict(asked))

    assert quick is not None
    assert quick.status_code == slow.status_code
    without_id = [body.split(b'"request_id"')[0] for body in (quick.content, slow.content)]
    assert without_id[0] == without_id[1]
    for name in {*quick.headers, *slow.headers} - CHANGES:
        assert quick.headers.get(name) == slow.headers.get(name), name
    assert set(quick.headers) == set(slow.headers)


@pytest.mark.parametrize(
    "more",
    [
        {"HTTP_COOKIE": "sessionid=1"},
        {"HTTP_ACCEPT": "text/html"},
        {"HTTP_ORIGIN": "https://front.example.com"},
        {"HTTP_HOST": "elsewhere.example.com"},
        {"PATH_INFO": "/api/v1/tickets/1"},
        {"PATH_INFO": "/api/v1/tickets/01/"},
        {"PATH_INFO": "/api/v1/tickets/\xd9\xa1/"},
        {"PATH_INFO": "/api/v1/tickets/1/nothing/"},
        {"PATH_INFO": "/api/v1/auth/me/"},
        {"PATH_INFO": "/admin/"},
        {"REQUEST_METHOD": "HEAD"},
        {"REQUEST_METHOD": "OPTIONS"},
        {"REQUEST_METHOD": "TRACE"},
        {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(2**21)},
    ],
)
def test_what_is_djangos_is_left_to_django(manager: Client, more: dict[str, str]) -> None:
    assert express.answer(environ(manager, "GET", "/api/v1/tickets/", **more)) is None


@pytest.mark.parametrize(
    ("usable", "left_to_django"), [(False, True), (True, False)], ids=["lost", "busy"]
)
def test_a_read_on_a_lost_connection_begins_anew_on_djangos_way(
    manager: Client,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    usable: bool,
    left_to_django: bool,
) -> None:
    settings.THROTTLE_RATES = dict.fromkeys(settings.THROTTLE_RATES, "9/hour")
    manager.get("/api/v1/tickets/1/")

    def failed(*args: Any) -> None:
        connection.errors_occurred = True
        raise OperationalError("the connection was closed, or the database is busy")

    with monkeypatch.context() as fault:
        fault.setattr(compiled_sql.CompiledSQL, "execute", failed)
        fault.setattr(connections["default"], "is_usable", lambda: usable)
        asked = environ(manager, "GET", "/api/v1/tickets/1/")
        response = express.answer(asked)
        connection.errors_occurred = False

    assert (response is None) is left_to_django
    assert by_django(asked)["RateLimit-Remaining"] == "7", "counted once"


def test_a_statement_asks_whether_its_connection_lives_as_django_does(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(
        connections["default"], "close_if_health_check_failed", lambda: asked.append(True)
    )
    manager.get("/api/v1/tickets/1/")
    assert asked


def test_a_prepared_value_that_the_statement_does_not_hold_is_told() -> None:
    @compiled_queries.CompiledQuery
    def forgetful(ticket: int, part: int) -> Any:
        return Part.objects.filter(pk=ticket)

    with pytest.raises(TypeError, match="forgetful"):
        forgetful.run(1, 2)


def test_what_nobody_foresaw_is_a_500_in_the_one_shape(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tickets.desk.views.ServiceTicketViewSet.retrieve", bug)
    response = express.answer(environ(manager, "GET", "/api/v1/tickets/1/"))
    assert response.status_code == 500
    assert orjson.loads(response.content)["code"] == "internal_error"
    assert response["X-Request-ID"].encode() in response.content


def test_a_wsgi_server_gets_status_headers_and_body(manager: Client) -> None:
    told: list[Any] = []
    application = DirectDispatch(WSGIHandler(), "/api/v1/", router.urls)
    application.application.load_middleware()
    body = b"".join(
        application(environ(manager, "GET", "/api/v1/mechanics/"), lambda *args: told.extend(args))
    )
    assert told[0] == "200 OK"
    assert dict(told[1])["Content-Length"] == str(len(body))
    told.clear()
    assert b"alive" in b"".join(
        application(environ(manager, "GET", "/healthz/"), lambda *args: told.extend(args))
    )
    assert told[0] == "200 OK"
