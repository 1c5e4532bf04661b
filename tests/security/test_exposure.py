"""Data that a role may not see, in whatever it can get (API3:2023, excessive exposure;
requirements 16 and 17).
"""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from customers.models import Customer
from inventory import operations as stock
from inventory.models import Part
from mechanics.models import Mechanic

from ..conftest import Client
from ..factories import make_ticket
from ..test_matrix import World
from .attacks import API, CALLS, HTML, LISTS, READS, Call, do, rows, text_of, there

pytestmark = [pytest.mark.django_db, pytest.mark.wide]
User = get_user_model()
# Each value is found nowhere else, so wherever it shows up it leaked.
COST, WAGE, NOTES, WORK_EMAIL, WORK_PHONE = (
    "8317.41",
    "6253.97",
    "pays late, zq-notes",
    "zq-work@example.com",
    "555-908-1727",
)
LOGINS, HASH = "zq-login@example.com", "zqhash"
OTHERS = "Olive Owner"


@pytest.fixture
def planted(world: World) -> World:
    """The garage, with something to find in every column that is not for everybody."""
    world.prepare(*map(str, CALLS))
    for part in (world.part, world.other_part):
        stock.receive(part, quantity=Decimal(1), unit_cost=Decimal(COST), by=None)
    Mechanic.objects.update(hourly_cost=WAGE, email=None, phone=WORK_PHONE, hired_on="1999-03-04")
    Mechanic.objects.filter(pk=world.mechanic.pk).update(email=WORK_EMAIL)
    Customer.objects.filter(pk=world.customer.pk).update(notes=NOTES)
    User.objects.filter(pk=world.assigned.user.pk).update(email=LOGINS)
    User.objects.update(password=HASH)
    world.ticket.lines.update(unit_cost=COST)
    return world


HIDDEN: dict[str, set[str]] = {
    "anonymous": {COST, WAGE, NOTES, WORK_EMAIL, WORK_PHONE, LOGINS, HASH, OTHERS},
    "stranger": {COST, WAGE, NOTES, WORK_EMAIL, WORK_PHONE, LOGINS, HASH, OTHERS},
    "owner": {COST, WAGE, NOTES, WORK_EMAIL, WORK_PHONE, LOGINS, HASH},
    "assigned": {COST, WAGE, WORK_EMAIL, WORK_PHONE, HASH},
    "advisor": {COST, LOGINS, HASH},
    "manager": {LOGINS, HASH},
}


def client_for(request: pytest.FixtureRequest, actor: str) -> Client:
    """The actor with a new token: the planted hashes ended the old ones."""
    client: Client = request.getfixturevalue(actor)
    if client.user is not None:
        client.as_user(User.objects.get(pk=client.user.pk))
    return client


@pytest.mark.parametrize("actor", HIDDEN)
def test_no_answer_shows_what_is_not_this_roles_to_see(
    request: pytest.FixtureRequest, planted: World, actor: str
) -> None:
    """Requirements 16 and 17 (A15.3.1), crAPI 4 and 5: reads, writes taken and refused,
    OPTIONS; as JSON and as pages with their forms.
    """
    client = client_for(request, actor)
    for call in CALLS:
        if call.route == "auth-password":  # it ends the session of this test
            continue
        path, body = there(planted, call), planted.body(str(call), client)
        # whoever has a link sees whom the estimate is for
        hidden = HIDDEN[actor] - ({OTHERS} if call.room == "shared" else set())
        if call.route == "auth-me" and actor == "assigned":
            continue  # one's own log-in
        for accept in ("application/json", HTML):
            answers = [do(client, "OPTIONS", path, HTTP_ACCEPT=accept)]
            # A body that is refused tells no more than one that is taken.
            answers += [
                do(client, call.method, path, sent, HTTP_ACCEPT=accept)
                for sent in ([{}, body] if call.writes else [None])
            ]
            for answer in answers:
                told = text_of(answer) + str(dict(answer.items()))
                assert [secret for secret in hidden if secret in told] == [], (
                    str(call),
                    accept,
                    answer.status_code,
                )


def test_the_secrets_are_seen_by_those_who_may(planted: World, manager: Client) -> None:
    """Else the test above would prove nothing."""
    client = manager.as_user(User.objects.get(pk=manager.user.pk))
    seen = "".join(text_of(client.get(there(planted, call))) for call in READS)
    assert [
        secret
        for secret in (COST, WAGE, NOTES, WORK_EMAIL, WORK_PHONE, OTHERS)
        if secret not in seen
    ] == []


@pytest.mark.parametrize("actor", ["owner", "assigned", "advisor"])
@pytest.mark.parametrize(
    "call",
    [call for call in LISTS if call.room in ("mechanic", "part", "customer", "serviceticket")],
    ids=str,
)
def test_a_hidden_value_is_asked_about_by_no_parameter(
    request: pytest.FixtureRequest, planted: World, call: Call, actor: str
) -> None:
    """Filter, ordering and search answer as if it were not there: a list that gets
    shorter would tell it digit by digit.
    """
    client, path = client_for(request, actor), there(planted, call)
    if client.get(path).status_code != 200:
        return  # closed altogether: tests/security/test_functions.py
    for field in (
        "cost",
        "hourly_cost",
        "notes",
        "hired_on",
        "phone_digits",
        "user__password",
        "user",
        "unit_cost",
        "lines__unit_cost",
        "mechanics__hourly_cost",
    ):
        for query in ({field: COST}, {"ordering": f"-{field}"}, {f"{field}__startswith": "8"}):
            assert client.get(path, query).status_code == 400, query
    for secret in HIDDEN[actor] - {OTHERS}:
        if (
            "search" in client.get(path, {"search": "x"}).content.decode()
            and client.get(path, {"search": "x"}).status_code == 400
        ):
            break
        assert client.get(path, {"search": secret}).json()["count"] == 0, secret
        assert client.get(path, {"search": secret[:5]}).json()["results"] == [], secret


CHANGES: list[tuple[str, str, Any, str, list[str], list[str]]] = [
    ("part", "part-detail", Part, "cost", ["assigned", "advisor"], ["manager"]),
    (
        "mechanic",
        "mechanic-detail",
        Mechanic,
        "hourly_cost",
        ["anonymous", "owner", "assigned"],
        ["advisor", "manager"],
    ),
    ("part", "part-list", Part, "cost", ["assigned", "advisor"], []),
]


@pytest.mark.parametrize(("row", "route", "model", "column", "blind", "seeing"), CHANGES)
def test_an_etag_tells_nothing_of_a_field_that_is_not_shown(
    request: pytest.FixtureRequest,
    world: World,
    row: str,
    route: str,
    model: Any,
    column: str,
    blind: list[str],
    seeing: list[str],
) -> None:
    """Requirement 16, issue 4.2: who does not see the field keeps the tag when it alone
    changes; who sees it gets another.
    """
    path = reverse(route, args=[getattr(world, row).pk] if "detail" in route else [])
    clients = {actor: request.getfixturevalue(actor) for actor in [*blind, *seeing]}
    before = {actor: client.get(path)["ETag"] for actor, client in clients.items()}
    model.objects.update(**{column: "99.99"})
    after = {actor: client.get(path)["ETag"] for actor, client in clients.items()}
    assert {actor for actor in clients if after[actor] != before[actor]} == set(seeing)


def test_the_same_answer_has_the_same_tag_for_everybody(
    world: World, owner: Client, advisor: Client, manager: Client, assigned: Client
) -> None:
    """Strong where the answer is the same: a ticket reads alike for all who may see it."""
    path = f"{API}/tickets/{world.ticket.pk}/"
    assert len({client.get(path)["ETag"] for client in (owner, advisor, manager, assigned)}) == 1


PUBLIC_FIELDS = {"id", "name", "specialties", "bio", "is_active"}
CUSTOMERS_FIELDS = {
    "id",
    "name",
    "email",
    "phone",
    "address",
    "has_login",
    "created_at",
    "updated_at",
}


def test_public_and_customers_views_are_lists_of_what_is_allowed(
    world: World, anonymous: Client, owner: Client
) -> None:
    """Requirement 16: a new column of a model is in no answer before somebody puts it
    there.
    """
    for path in (f"{API}/mechanics/{world.mechanic.pk}/", f"{API}/mechanics/"):
        found = anonymous.get(path).json()
        assert set(found["results"][0] if "results" in found else found) == PUBLIC_FIELDS
    assert set(anonymous.get(f"{API}/mechanics/popular/").json()["results"][0]) == PUBLIC_FIELDS | {
        "ticket_count"
    }
    assert set(owner.get(f"{API}/customers/{world.customer.pk}/").json()) == CUSTOMERS_FIELDS
    ticket = owner.get(f"{API}/tickets/{world.ticket.pk}/").json()
    assert set(ticket["customer"]) == {"id", "name"}
    assert set(ticket["vehicle"]) == {"id", "name", "plate"}
    assert set(ticket["mechanics"][0]) == {"id", "name", "role"}
    assert set(ticket["parts"][0]) == {
        "part",
        "job",
        "quantity",
        "unit_price",
        "line_total",
        "allocated",
        "issued",
    }
    assert set(ticket["parts"][0]["part"]) == {"id", "sku", "name"}


@pytest.mark.parametrize("actor", ["owner", "stranger", "assigned", "advisor"])
def test_forms_list_no_customers(request: pytest.FixtureRequest, world: World, actor: str) -> None:
    """Requirement 17: a relation in a form is a box for an id; a select would list
    everybody to anybody.
    """
    client: Client = request.getfixturevalue(actor)
    others = [make_ticket().customer for _ in range(3)]
    for route in ("vehicle-list", "serviceticket-list", "vehicle-detail", "serviceticket-detail"):
        path = reverse(
            route,
            args=[getattr(world, route.split("-")[0].replace("service", "")).pk]
            if "detail" in route
            else [],
        )
        page = client.get(path, HTTP_ACCEPT=HTML).content.decode()
        options = client.options(path).json()
        assert (
            'name="customer"' not in page or "<select" not in page.split('name="customer"')[0][-80:]
        )
        assert [customer.name for customer in others if customer.name in str(options)] == []
        if actor in ("owner", "stranger"):
            assert [customer.name for customer in others if customer.name in page] == []


def test_reading_with_every_right_that_a_customer_has_changes_nothing(
    world: World, owner: Client
) -> None:
    """crAPI 14: a GET that wrote (``receive_report``)."""
    world.prepare(*map(str, READS))
    before = rows()
    for call in READS:
        for accept in ("application/json", HTML):
            do(owner, "GET", there(world, call), HTTP_ACCEPT=accept)
            do(owner, "HEAD", there(world, call), HTTP_ACCEPT=accept)
    assert rows() == before
