"""Every route × every actor. A route that is missing from the table fails the test."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tickets import operations

from .conftest import Client, client_of
from .factories import PASSWORD, CustomerFactory, MechanicFactory, PartFactory, UserFactory, VehicleFactory, make_ticket

pytestmark = pytest.mark.django_db

ACTORS = ("anonymous", "owner", "stranger", "assigned", "unassigned", "advisor", "manager")
EVERYBODY = (200,) * 7

#                               anonymous owner stranger assigned unassigned advisor manager
MATRIX: dict[str, tuple[int, ...]] = {
    "GET customer-list":               (401, 200, 200, 200, 200, 200, 200),
    "POST customer-list":              (201, 403, 403, 403, 403, 201, 201),
    "GET customer-detail":             (401, 200, 404, 200, 200, 200, 200),
    "PUT customer-detail":             (401, 200, 404, 403, 403, 200, 200),
    "PATCH customer-detail":           (401, 200, 404, 403, 403, 200, 200),
    "DELETE customer-detail":          (401, 409, 404, 403, 403, 403, 409),
    "GET customer-export":             (401, 200, 404, 200, 200, 200, 200),
    "POST customer-erase":             (401, 409, 404, 403, 403, 403, 409),
    "GET vehicle-list":                (401, 200, 200, 200, 200, 200, 200),
    "POST vehicle-list":               (401, 201, 201, 403, 403, 201, 201),
    "GET vehicle-detail":              (401, 200, 404, 200, 200, 200, 200),
    "PUT vehicle-detail":              (401, 200, 404, 403, 403, 200, 200),
    "PATCH vehicle-detail":            (401, 200, 404, 403, 403, 200, 200),
    "DELETE vehicle-detail":           (401, 409, 404, 403, 403, 403, 409),
    "GET mechanic-list":               EVERYBODY,
    "POST mechanic-list":              (401, 403, 403, 403, 403, 403, 201),
    "GET mechanic-popular":            EVERYBODY,
    "GET mechanic-detail":             EVERYBODY,
    "PUT mechanic-detail":             (401, 403, 403, 403, 403, 403, 200),
    "PATCH mechanic-detail":           (401, 403, 403, 403, 403, 403, 200),
    "DELETE mechanic-detail":          (401, 403, 403, 403, 403, 403, 409),
    "GET part-list":                   (401, 403, 403, 200, 200, 200, 200),
    "POST part-list":                  (401, 403, 403, 403, 403, 403, 201),
    "GET part-low-stock":              (401, 403, 403, 200, 200, 200, 200),
    "GET part-detail":                 (401, 403, 403, 200, 200, 200, 200),
    "PUT part-detail":                 (401, 403, 403, 403, 403, 403, 200),
    "PATCH part-detail":               (401, 403, 403, 403, 403, 403, 200),
    "DELETE part-detail":              (401, 403, 403, 403, 403, 403, 409),
    "PUT part-receive":                (401, 403, 403, 403, 403, 200, 200),
    "PUT part-adjust":                 (401, 403, 403, 403, 403, 403, 200),
    "PUT part-count":                  (401, 403, 403, 403, 403, 403, 200),
    "GET part-movements":              (401, 403, 403, 200, 200, 200, 200),
    "GET serviceticket-list":          (401, 200, 200, 200, 200, 200, 200),
    "POST serviceticket-list":         (401, 201, 201, 403, 403, 201, 201),
    "GET serviceticket-mine":          (401, 200, 200, 200, 200, 200, 200),
    "GET serviceticket-detail":        (401, 200, 404, 200, 200, 200, 200),
    "PUT serviceticket-detail":        (401, 200, 404, 200, 403, 200, 200),
    "PATCH serviceticket-detail":      (401, 200, 404, 200, 403, 200, 200),
    "DELETE serviceticket-detail":     (401, 204, 404, 403, 403, 403, 204),
    "PUT serviceticket-assign-mechanic": (401, 403, 403, 403, 403, 200, 200),
    "PUT serviceticket-remove-mechanic": (401, 403, 403, 403, 403, 200, 200),
    "PUT serviceticket-edit-mechanics": (401, 403, 403, 403, 403, 200, 200),
    "PUT serviceticket-add-part":      (401, 403, 403, 200, 403, 200, 200),
    "PUT serviceticket-remove-part":   (401, 403, 403, 200, 403, 200, 200),
    "GET serviceticket-transitions":   (401, 200, 404, 200, 200, 200, 200),
    "POST serviceticket-transitions":  (401, 200, 404, 403, 403, 200, 200),
    "GET serviceticket-history":       (401, 200, 404, 200, 200, 200, 200),
    "GET customer-statement":          (401, 200, 404, 403, 403, 200, 200),
    "GET report-sales":                (401, 403, 403, 403, 403, 403, 200),
    "GET report-parts-margin":         (401, 403, 403, 403, 403, 403, 200),
    "GET report-tax":                  (401, 403, 403, 403, 403, 403, 200),
    "GET report-receivables":          (401, 403, 403, 403, 403, 403, 200),
    "GET report-deferred-work":        (401, 403, 403, 403, 403, 403, 200),
    "POST auth-token":                 EVERYBODY,
    "POST auth-token-refresh":         EVERYBODY,
    "POST auth-token-blacklist":       (204,) * 7,
    "GET auth-me":                     (401, 200, 200, 200, 200, 200, 200),
    "POST auth-password":              (401, 204, 204, 204, 204, 204, 204),
    "POST auth-password-reset":        (202,) * 7,
    "POST auth-password-reset-confirm": (400,) * 7,
    "GET api-root":                    EVERYBODY,
    "GET schema":                      EVERYBODY,
    "GET docs":                        EVERYBODY,
    "GET redoc":                       EVERYBODY,
}  # fmt: skip


class World:
    """One garage with the owner's ticket in estimate, on which the assigned mechanic is and a part is quoted."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.owner, self.assigned = (request.getfixturevalue(name) for name in ("owner", "assigned"))
        customer, self.mechanic = self.owner.user.customer, self.assigned.user.mechanic
        self.customer = customer
        self.vehicle = VehicleFactory(customer=customer)
        self.part, self.other_part = PartFactory(stock=10), PartFactory(stock=10)
        self.other_mechanic = MechanicFactory()
        self.ticket = make_ticket(vehicle=self.vehicle, mechanics=[self.mechanic], parts=[(self.part, 2)])
        self.login = UserFactory()

    def key(self, route: str) -> list[int]:
        name = route.split("-")[0]
        needs_key = not route.endswith("-list") and route not in ("mechanic-popular", "serviceticket-mine", "part-low-stock")
        rows = {"customer": self.customer, "vehicle": self.vehicle, "mechanic": self.mechanic, "part": self.part, "serviceticket": self.ticket}
        return [rows[name].pk] if name in rows and needs_key else []

    def body(self, call: str, client: Client) -> Any:
        staff = client.user is not None and client.user.has_perm("customers.view_customer")
        whose = {"customer": self.customer.pk} if staff else {}
        ticket = {"concern": "It squeaks", **whose}
        part = {"sku": "NEW-1", "name": "Wiper", "price": "12.50"}
        return {
            "POST customer-list": {"name": "New", "email": "new@example.com", "password": "a-long-enough-1"},
            "PUT customer-detail": {"name": "Olive"},
            "PATCH customer-detail": {"phone": "555-0199"},
            "POST customer-erase": {"current_password": PASSWORD},
            "POST vehicle-list": {"plate": "NEW 1", **whose},
            "PUT vehicle-detail": {"plate": "NEW 2", **whose},
            "PATCH vehicle-detail": {"color": "red"},
            "POST mechanic-list": {"name": "Mia"},
            "PUT mechanic-detail": {"name": "Mia"},
            "PATCH mechanic-detail": {"bio": "Fixes it."},
            "POST part-list": part,
            "PUT part-detail": part,
            "PATCH part-detail": {"bin": "A-1"},
            "PUT part-receive": {"quantity": 1},
            "PUT part-adjust": {"quantity": -1, "reason": "scrap", "note": "broken"},
            "PUT part-count": {"counted": 9},
            "POST serviceticket-list": ticket,
            "PUT serviceticket-detail": {"concern": "It squeaks more"},
            "PATCH serviceticket-detail": {"service_date": "2026-12-01"},
            "PUT serviceticket-assign-mechanic": {"mechanic": self.other_mechanic.pk},
            "PUT serviceticket-remove-mechanic": {"mechanic": self.mechanic.pk},
            "PUT serviceticket-edit-mechanics": {"add": [self.other_mechanic.pk], "remove": [self.mechanic.pk]},
            "PUT serviceticket-add-part": {"part": self.other_part.pk},
            "PUT serviceticket-remove-part": {"part": self.part.pk},
            "POST serviceticket-transitions": {"to": "approved"},
            "POST auth-token": {"email": self.login.email, "password": PASSWORD},
            "POST auth-token-refresh": {"refresh": self.refresh()},
            "POST auth-token-blacklist": {"refresh": self.refresh()},
            "POST auth-password": {"current_password": PASSWORD, "new_password": "another-long-one-2"},
            "POST auth-password-reset": {"email": "nobody@example.com"},
            "POST auth-password-reset-confirm": {"uid": "MQ", "token": "x-y", "new_password": "another-long-one-2"},
        }.get(call)

    def refresh(self) -> str:
        from mechanic_shop.accounts.operations import token_pair

        return token_pair(self.login)["refresh"]


def routes(patterns: list[Any] | None = None, under: str = "") -> Iterator[str]:
    """ "METHOD name" of every route of the API, read from the URLconf."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = under + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if path in ("", "api/v1/", "api/v1/auth/"):
                yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/v1/"):
            view = pattern.callback
            methods = getattr(view, "actions", None) or [m for m in ("get", "post", "put", "patch", "delete") if hasattr(view.view_class, m)]
            for method in methods:
                if method != "head":
                    yield f"{method.upper()} {pattern.name}"


def test_the_matrix_names_every_route() -> None:
    assert set(MATRIX) == set(routes())


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("call", MATRIX)
def test_who_may_do_what(request: pytest.FixtureRequest, call: str, actor: str) -> None:
    world = World(request)
    client: Client = request.getfixturevalue(actor)
    method, name = call.split()

    response = client.generic(method, reverse(name, args=world.key(name)), **as_json(world.body(call, client)))

    expected = MATRIX[call][ACTORS.index(actor)]
    assert response.status_code == expected, response.content[:500]
    if expected >= 400:
        assert response["Content-Type"] == "application/problem+json"
    if expected == 401:
        assert response["WWW-Authenticate"].startswith("Bearer")


def as_json(body: Any) -> dict[str, Any]:
    import orjson

    return {} if body is None else {"data": orjson.dumps(body), "content_type": "application/json"}


@pytest.mark.parametrize("call", [call for call, expected in MATRIX.items() if expected[2] == 404])
def test_what_is_anothers_looks_like_what_is_not_there(request: pytest.FixtureRequest, stranger: Client, call: str) -> None:
    """Otherwise counting through the keys would tell how many tickets the shop has."""
    world = World(request)
    method, name = call.split()
    body = as_json(world.body(call, stranger))

    anothers = stranger.generic(method, reverse(name, args=world.key(name)), HTTP_X_REQUEST_ID="same", **body)
    missing = stranger.generic(method, reverse(name, args=[999_999]), HTTP_X_REQUEST_ID="same", **body)

    assert anothers.content == missing.content
    assert anothers.status_code == missing.status_code == 404


@pytest.mark.parametrize("row", ["customer", "vehicle", "serviceticket"])
def test_lists_show_a_customer_nobody_elses(request: pytest.FixtureRequest, stranger: Client, row: str) -> None:
    World(request)
    results = stranger.get(reverse(f"{row}-list")).json()["results"]
    assert [found["id"] for found in results] == ([stranger.user.customer.pk] if row == "customer" else [])


def test_a_mechanic_who_is_also_a_customer_may_approve_the_own_estimate(unassigned: Client) -> None:
    customer = CustomerFactory(user=unassigned.user)
    ticket = make_ticket(customer=customer)
    assert unassigned.post(f"/api/v1/tickets/{ticket.pk}/transitions/", {"to": "approved"}).status_code == 200


def test_roles_are_permissions_that_an_owner_can_change(advisor: Client, stranger: Client) -> None:
    from django.contrib.auth.models import Group, Permission

    part = PartFactory()
    Group.objects.get(name="advisor").permissions.add(Permission.objects.get(codename="adjust_part"))
    fresh = client_of(type(advisor.user).objects.get(pk=advisor.user.pk))
    assert fresh.put(f"/api/v1/parts/{part.pk}/count/", {"counted": 3}).status_code == 200


def test_a_mechanic_taken_off_a_ticket_may_no_longer_write_on_it(request: pytest.FixtureRequest, assigned: Client, manager: Client) -> None:
    world = World(request)
    operations.remove_mechanic(world.ticket, mechanic=world.mechanic, by=manager.user)
    assert assigned.patch(f"/api/v1/tickets/{world.ticket.pk}/", {"cause": "worn"}).status_code == 403
