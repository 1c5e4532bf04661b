"""What a customer may take along, and what is left of one who was erased."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from customers import operations
from customers.models import Customer, Vehicle
from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts import password_changes, sessions
from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.passwords import reset_tokens
from mechanic_shop.db.models import IdempotentAnswer
from mechanic_shop.errors import DomainError
from tickets.desk import requests
from tickets.models import CreditNote, Invoice, Payment, ServiceTicket, Status, StatusChange

from .answers import refused
from .conftest import Client, client_of
from .factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    VehicleFactory,
    make_ticket,
    office,
)
from .races import at_once

pytestmark = pytest.mark.django_db

VIN = "1HGCM82633A004352"
PERSON = {
    "name": "Zoltan Quixote",
    "phone": "555-0188",
    "address": "77 Windmill Lane",
    "notes": "Barks, does not bite",
}
# Each leads to the person; the phone also as the digits that it is found by.
TRACES = [
    "Zoltan",
    "Quixote",
    "555-0188",
    "5550188",
    "Windmill",
    "Barks",
    "zoltan@example.com",
    "QUIX77",
    VIN,
]


@pytest.fixture
def zoltan(db: Any) -> Customer:
    """A customer with a log-in, two vehicles, and a closed and a cancelled ticket."""
    customer = CustomerFactory(login=True, email="zoltan@example.com", **PERSON)
    car = VehicleFactory(customer=customer, plate="QUIX 77", vin=VIN)
    VehicleFactory(customer=customer, make="", model="", year=None, plate="QUIX 78")
    part = PartFactory(stock=10)
    make_ticket(
        Status.CLOSED,
        customer=customer,
        vehicle=car,
        parts=[(part, 2)],
        mechanics=[MechanicFactory()],
        concern="Brakes squeal",
    )
    ticket = make_ticket(customer=customer, concern="Second thoughts")
    requests.request_transition(ticket, to="cancelled", by=customer.user)
    return customer


def address(customer: Customer, action: str = "erase") -> str:
    return f"/api/v1/customers/{customer.pk}/{action}/"


def erase(client: Client, customer: Customer, **body: Any) -> Any:
    return client.post(address(customer), body)


def whole_database() -> str:
    """Every column of every table, as text; but for the papers, which tax law keeps as
    they were issued (decision 0004).
    """
    found = []
    for model in set(apps.get_models(include_auto_created=True)) - {Invoice, CreditNote, Payment}:
        for row in model._default_manager.values_list():
            found += [
                bytes(value).decode() if isinstance(value, (bytes, memoryview)) else str(value)
                for value in row
            ]
    return "\n".join(found)


def traces() -> set[str]:
    text = whole_database()
    return {trace for trace in TRACES if trace in text}


def browser(user: Any) -> Browser:
    client = Browser()
    client.force_login(user)
    return client


# --- export ---------------------------------------------------------------------------


def test_the_export_holds_what_the_shop_knows(zoltan: Customer) -> None:
    CustomerFactory(name="Somebody Else")
    make_ticket()
    client = client_of(zoltan.user)
    accounts.User.objects.filter(pk=zoltan.user_id).update(last_login="2026-03-09T15:04:05Z")

    response = client.get(address(zoltan, "export"))

    assert response.status_code == 200
    assert response["Content-Disposition"] == f'attachment; filename="customer-{zoltan.pk}.json"'
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "private, no-store"
    found = response.json()
    lists = {"vehicles", "changes", "tickets", "invoices", "credit_notes", "payments"}
    assert set(found) == {"exported_at", "customer", "login"} | lists
    own = client.get(f"/api/v1/customers/{zoltan.pk}/").json()
    assert found["customer"] == own | {
        "tax_exempt": False,
        "tax_certificate": "",
        "erased_at": None,
    }
    assert (
        found["vehicles"] == client.get("/api/v1/vehicles/?ordering=created_at").json()["results"]
    )
    assert found["login"]["email"] == "zoltan@example.com"
    assert found["login"]["last_login_at"] == "2026-03-09T15:04:05Z"
    assert [ticket["concern"] for ticket in found["tickets"]] == [
        "Brakes squeal",
        "Second thoughts",
    ]
    for ticket in found["tickets"]:
        history, *_ = (
            ticket.pop(name) for name in ("history", "changes", "jobs", "authorizations", "shares")
        )
        assert ticket == client.get(f"/api/v1/tickets/{ticket['id']}/").json()
        told = client.get(f"/api/v1/tickets/{ticket['id']}/history/").json()["results"]
        assert history == [
            {name: row[name] for name in history[0]} for row in told if row["kind"] == "status"
        ]
    assert len(found["tickets"][0]["parts"]) == len(found["tickets"][0]["mechanics"]) == 1


@pytest.mark.parametrize("actor", ["owner", "manager"])
def test_the_export_has_no_cost_and_notes_only_for_staff(
    request: pytest.FixtureRequest, actor: str, owner: Client
) -> None:
    customer = owner.user.customer
    customer.save_changes(notes="Pays late")
    make_ticket(customer=customer, parts=[(PartFactory(), 1)])

    response = request.getfixturevalue(actor).get(address(customer, "export"))

    assert ("Pays late" in response.content.decode()) is (actor == "manager")
    assert "cost" not in response.content.decode()


def test_a_walk_in_without_anything_has_an_export_too(advisor: Client) -> None:
    found = advisor.get(address(CustomerFactory(), "export")).json()
    assert (found["login"], found["vehicles"], found["tickets"]) == (None, [], [])


def test_an_export_asks_the_database_as_often_for_many_tickets_as_for_few(advisor: Client) -> None:
    counts = []
    for number in (3, 30):
        customer = CustomerFactory(login=True)
        part, mechanic = PartFactory(stock=100), MechanicFactory()
        for _ in range(number):
            make_ticket(
                "completed",
                vehicle=VehicleFactory(customer=customer),
                parts=[(part, 1)],
                mechanics=[mechanic],
            )
        with CaptureQueriesContext(connection) as queries:
            assert len(advisor.get(address(customer, "export")).json()["tickets"]) == number
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- erasing --------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["manager", "customer"])
def test_nothing_in_the_database_leads_to_an_erased_customer(
    manager: Client, zoltan: Customer, who: str
) -> None:
    assert traces() == set(TRACES)
    client, body = (
        (manager, {})
        if who == "manager"
        else (client_of(zoltan.user), {"current_password": PASSWORD})
    )

    response = erase(client, zoltan, **body)

    assert (response.status_code, response.content) == (204, b"")
    assert traces() == set()
    zoltan.refresh_from_db()
    assert (zoltan.name, zoltan.email, zoltan.phone, zoltan.has_login) == (
        f"Erased customer {zoltan.pk}",
        None,
        "",
        False,
    )
    assert zoltan.erased_at is not None
    assert manager.get(f"/api/v1/customers/{zoltan.pk}/").json()["erased_at"]


def test_the_log_says_who_was_erased_by_number(
    manager: Client, zoltan: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    erase(manager, zoltan)
    (said,) = [record for record in caplog.records if record.name == "shop.privacy"]
    assert (said.getMessage(), said.customer_id, said.by_user_id) == (
        "customer erased",
        zoltan.pk,
        manager.user.pk,
    )
    assert not [trace for trace in TRACES if trace in caplog.text]


def test_tickets_money_and_the_kind_of_car_stay(manager: Client, zoltan: Customer) -> None:
    ticket = zoltan.tickets.get(status="closed")
    before = manager.get(f"/api/v1/tickets/{ticket.pk}/").json()
    assert before["parts_total"] != "0.00"

    erase(manager, zoltan)

    after = manager.get(f"/api/v1/tickets/{ticket.pk}/").json()
    assert after["customer"] == {"id": zoltan.pk, "name": f"Erased customer {zoltan.pk}"}
    assert after["vehicle"] == {"id": ticket.vehicle_id, "name": "2003 Honda Accord", "plate": ""}
    assert {**before, "customer": after["customer"], "vehicle": after["vehicle"]} == after
    by = manager.get(
        f"/api/v1/tickets/{zoltan.tickets.get(status='cancelled').pk}/history/"
    ).json()["results"][-1]["by"]
    assert by == {"id": zoltan.user_id, "name": f"Erased customer {zoltan.pk}"}


@pytest.mark.parametrize(
    "term", ["Zoltan", "zoltan@example.com", "555-0188", "Windmill", "QUIX77", VIN]
)
def test_no_search_finds_an_erased_customer(manager: Client, zoltan: Customer, term: str) -> None:
    lists = ["customers", "tickets", "vehicles"]
    before = [manager.get(f"/api/v1/{name}/", {"search": term}).json()["count"] for name in lists]
    assert sum(before) > 0

    erase(manager, zoltan)

    assert [
        manager.get(f"/api/v1/{name}/", {"search": term}).json()["count"] for name in lists
    ] == [0, 0, 0]
    assert manager.get("/api/v1/customers/", {"email": "zoltan@example.com"}).json()["count"] == 0


def test_an_etag_from_before_is_not_fresh(manager: Client, zoltan: Customer) -> None:
    ticket, car = zoltan.tickets.get(status="closed"), zoltan.vehicles.get(vin=VIN)
    places = [
        "customers/",
        "vehicles/",
        "tickets/",
        f"customers/{zoltan.pk}/",
        f"vehicles/{car.pk}/",
        f"tickets/{ticket.pk}/",
    ]
    tags = {place: manager.get(f"/api/v1/{place}")["ETag"] for place in places}

    erase(manager, zoltan)

    for place, tag in tags.items():
        response = manager.get(f"/api/v1/{place}", HTTP_IF_NONE_MATCH=tag)
        assert response.status_code == 200, place
        assert b"Zoltan" not in response.content
    found = manager.get(
        "/api/v1/customers/", {"updated_after": zoltan.updated_at.isoformat()}
    ).json()["results"]
    assert [row["id"] for row in found] == [zoltan.pk]


def test_every_session_and_token_ends_with_the_answer(manager: Client, zoltan: Customer) -> None:
    client, pages, tokens = (
        client_of(zoltan.user),
        browser(zoltan.user),
        sessions.token_pair(zoltan.user),
    )
    reset = {
        "uid": urlsafe_base64_encode(force_bytes(zoltan.user_id)),
        "token": reset_tokens.make_token(zoltan.user),
        "new_password": "Another-socket-10",
    }
    assert (
        client.get("/api/v1/auth/me/").status_code
        == pages.get("/api/v1/auth/me/").status_code
        == 200
    )

    erase(manager, zoltan)

    refused(client.get("/api/v1/auth/me/"), 401)
    assert pages.get("/api/v1/auth/me/").status_code == 401
    anonymous = Client()
    refused(anonymous.post("/api/v1/auth/token/refresh/", {"refresh": tokens["refresh"]}), 401)
    refused(
        anonymous.post(
            "/api/v1/auth/token/", {"email": "zoltan@example.com", "password": PASSWORD}
        ),
        401,
    )
    refused(anonymous.post("/api/v1/auth/password/reset/confirm/", reset), 400)
    for email in ("zoltan@example.com", User.objects.get(pk=zoltan.user_id).email):
        assert anonymous.post("/api/v1/auth/password/reset/", {"email": email}).status_code == 202
    assert mail.outbox == []


def test_the_email_is_free_again(manager: Client, zoltan: Customer) -> None:
    erase(manager, zoltan)
    body = {"name": "Zoltan Quixote", "email": "Zoltan@example.com", "password": PASSWORD}
    response = Client().post("/api/v1/customers/", body)
    assert response.status_code == 201, response.content
    assert response.json()["id"] != zoltan.pk
    assert (
        Client()
        .post("/api/v1/auth/token/", {"email": "zoltan@example.com", "password": PASSWORD})
        .status_code
        == 200
    )


def test_kept_answers_and_the_admins_log_forget_too(
    manager: Client, anonymous: Client, settings: Any
) -> None:
    body = {
        "name": "Zoltan Quixote",
        "email": "zoltan@example.com",
        "password": PASSWORD,
        "phone": "555-0188",
    }
    assert (
        anonymous.post("/api/v1/customers/", body, HTTP_IDEMPOTENCY_KEY="sign-up").status_code
        == 201
    )
    zoltan = Customer.objects.get(email="zoltan@example.com")
    own = client_of(zoltan.user)
    for client, key in ((own, "own"), (manager, "staff")):
        car = {"plate": "QUIX 77", "vin": VIN if key == "own" else "", "customer": zoltan.pk}
        assert client.post("/api/v1/vehicles/", car, HTTP_IDEMPOTENCY_KEY=key).status_code == 201
    other = CustomerFactory(pk=zoltan.pk * 10)
    assert (
        manager.put(
            f"/api/v1/customers/{other.pk}/", {"name": "Other"}, HTTP_IDEMPOTENCY_KEY="other"
        ).status_code
        == 200
    )
    pages, page = (
        browser(manager.user),
        reverse("admin:customers_customer_change", args=[zoltan.pk]),
    )
    rows = {
        f"vehicles-{at}-id": str(car.pk) for at, car in enumerate(zoltan.vehicles.order_by("pk"))
    }
    form = {
        "name": "Zoltan Quixote",
        "email": "zoltan@example.com",
        "notes": "Barks",
        "vehicles-TOTAL_FORMS": 2,
        "vehicles-INITIAL_FORMS": 2,
        **rows,
    }
    assert (
        pages.post(
            page,
            form
            | {
                "vehicles-0-plate": "QUIX77",
                "vehicles-0-color": "red",
                "vehicles-1-plate": "QUIX77",
            },
        ).status_code
        == 302
    )
    assert IdempotentAnswer.objects.count() == 4
    assert LogEntry.objects.filter(object_repr="Zoltan Quixote").exists()

    assert erase(own, zoltan, current_password=PASSWORD).status_code == 204

    assert traces() == set()
    assert [kept.key for kept in IdempotentAnswer.objects.all()] == ["other"]
    assert LogEntry.objects.get().object_repr == f"Erased customer {zoltan.pk}"


def test_erasing_can_be_repeated_with_its_key(manager: Client, zoltan: Customer) -> None:
    first, again = (
        manager.post(address(zoltan), {}, HTTP_IDEMPOTENCY_KEY="erase") for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (204, 204)
    assert again["Idempotent-Replayed"] == "true"


def test_a_customer_who_works_here_keeps_the_log_in_for_work(
    manager: Client, assigned: Client
) -> None:
    customer = CustomerFactory(user=assigned.user, email=assigned.user.email, name="Private Asha")
    erase(manager, customer)
    assert assigned.get("/api/v1/auth/me/").json()["customer"] is None
    assert assigned.get("/api/v1/auth/me/").json()["mechanic"]["name"] == "Asha Assigned"
    refused(assigned.post("/api/v1/tickets/", {"concern": "Brakes"}), 403)
    customer.refresh_from_db()
    assert (customer.user, customer.email) == (None, None)


def test_somebody_who_works_here_without_any_right_may_erase_the_own_record(owner: Client) -> None:
    User.objects.filter(pk=owner.user.pk).update(is_staff=True)
    assert erase(owner, owner.user.customer, current_password=PASSWORD).status_code == 204
    refused(owner.get(f"/api/v1/customers/{owner.user.customer.pk}/"), 404)


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"current_password": ""},
        {"current_password": "wrong-password-9"},
        {"current_password": None},
    ],
)
@pytest.mark.parametrize("who", ["customer", "manager for themselves"])
def test_whoever_erases_themselves_proves_who_they_are(
    manager: Client, owner: Client, body: dict[str, Any], who: str
) -> None:
    if who != "customer":
        manager.user.customer = CustomerFactory(user=manager.user, name="Olive Owner")
        owner = manager
    customer = owner.user.customer
    refused(erase(owner, customer, **body), 400)
    customer.refresh_from_db()
    assert (customer.name, customer.erased_at) == ("Olive Owner", None)


@pytest.mark.parametrize(
    "status", [status for status in Status if status not in ("closed", "cancelled")]
)
def test_a_customer_with_an_unfinished_ticket_stays(
    manager: Client, zoltan: Customer, status: str
) -> None:
    ticket = make_ticket(status, customer=zoltan)
    body = refused(erase(manager, zoltan), 409, "customer_has_open_tickets")
    assert body["tickets"] == [ticket.number]
    assert traces() == set(TRACES)


def test_a_second_time_there_is_nothing_left(manager: Client, zoltan: Customer) -> None:
    erase(manager, zoltan)
    refused(erase(manager, zoltan), 409, "already_erased")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "customers/{customer}/", {"phone": "555-0188"}),
        ("put", "customers/{customer}/", {"name": "Zoltan Quixote", "email": "zoltan@example.com"}),
        ("post", "vehicles/", {"customer": "{customer}", "plate": "QUIX 77"}),
        ("patch", "vehicles/{vehicle}/", {"plate": "QUIX 77"}),
        ("patch", "vehicles/{vehicle}/", {"customer": "{other}", "plate": "QUIX 77"}),
        ("patch", "vehicles/{others}/", {"customer": "{customer}"}),
        ("post", "tickets/", {"customer": "{customer}", "concern": "Zoltan is back"}),
        ("patch", "tickets/{ticket}/", {"customer": "{customer}"}),
    ],
)
def test_nothing_is_written_about_an_erased_customer(
    manager: Client, zoltan: Customer, method: str, path: str, body: dict[str, str]
) -> None:
    car, ticket = VehicleFactory(), make_ticket()
    keys = {
        "customer": zoltan.pk,
        "vehicle": zoltan.vehicles.first().pk,
        "other": car.customer_id,
        "others": car.pk,
        "ticket": ticket.pk,
    }
    erase(manager, zoltan)
    moved_away = path == "vehicles/{vehicle}/" and "customer" in body

    response = getattr(manager, method)(
        f"/api/v1/{path.format(**keys)}",
        {name: value.format(**keys) for name, value in body.items()},
    )

    if moved_away:  # who bought the car is another customer, with a plate of their own
        assert response.status_code == 200
    else:
        refused(response, 409, "customer_erased")
        assert traces() == set()


def test_the_database_itself_keeps_an_erased_customer_empty(
    manager: Client, zoltan: Customer
) -> None:
    erase(manager, zoltan)
    for column in ("email", "phone", "phone_digits", "address", "notes"):
        with (
            pytest.raises(IntegrityError, match="an_erased_customer_stays_empty"),
            transaction.atomic(),
        ):
            Customer.objects.filter(pk=zoltan.pk).update(**{column: "x"})


# --- the admin ------------------------------------------------------------------------


def button_of(customer: Customer) -> str:
    return reverse("admin:customers_customer_erase", args=[customer.pk])


def test_the_admins_button_erases(manager: Client, zoltan: Customer) -> None:
    pages, change = (
        browser(manager.user),
        reverse("admin:customers_customer_change", args=[zoltan.pk]),
    )
    assert button_of(zoltan) in pages.get(change).content.decode()
    assert "cannot be taken back" in pages.get(button_of(zoltan)).content.decode()

    assert pages.post(button_of(zoltan)).status_code == 302

    assert traces() == set()
    shown = pages.get(change).content.decode()
    assert button_of(zoltan) not in shown
    assert 'name="_save"' not in shown
    assert pages.post(change, {"name": "Zoltan Quixote"}).status_code == 403
    assert (
        f"customer {zoltan.pk} was erased on"
        in pages.post(button_of(zoltan)).content.decode().lower()
    )


def test_the_admins_button_refuses_what_the_api_refuses(
    manager: Client, advisor: Client, zoltan: Customer
) -> None:
    assert browser(advisor.user).post(button_of(zoltan)).status_code == 403
    ticket = make_ticket(customer=zoltan)
    assert (
        f"Close or cancel {ticket.number} first"
        in browser(manager.user).post(button_of(zoltan)).content.decode()
    )
    assert traces() == set(TRACES)


def test_a_manager_who_erases_themselves_in_the_admin_gives_the_password(manager: Client) -> None:
    customer, pages = (
        CustomerFactory(user=manager.user, name="Private Person"),
        browser(manager.user),
    )
    assert (
        "not your present password"
        in pages.post(
            button_of(customer), {"current_password": "wrong-password-9"}
        ).content.decode()
    )
    assert pages.post(button_of(customer), {"current_password": PASSWORD}).status_code == 302
    assert Customer.objects.get(pk=customer.pk).erased_at
    assert pages.get(reverse("admin:index")).status_code == 200  # still at work


def test_an_erased_log_in_is_not_brought_back(manager: Client, zoltan: Customer) -> None:
    erase(manager, zoltan)
    pages = browser(manager.user)
    page = reverse("admin:accounts_user_change", args=[zoltan.user_id])
    assert pages.post(page, {"email": "zoltan@example.com", "is_active": "on"}).status_code == 403
    with pytest.raises(DomainError, match="stays empty"):
        accounts.set_email(
            User.objects.get(pk=zoltan.user_id), "zoltan@example.com", by=manager.user
        )
    assert traces() == set()


# --- races ----------------------------------------------------------------------------


def erased_whole(customer: Customer) -> bool:
    """Erased, and nothing came after it."""
    customer.refresh_from_db()
    cars = customer.vehicles.exclude(plate="", vin="")
    assert re.fullmatch(r"Erased customer [0-9]+", customer.name) if customer.erased_at else True
    return (
        customer.erased_at is not None
        and not cars.exists()
        and not customer.tickets.unfinished().exists()
    )


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_new_ticket_comes_before_or_not_at_all(
        self, manager: Client, advisor: Client
    ) -> None:
        for _ in range(5):
            customer = CustomerFactory(login=True)
            clients = [client_of(customer.user), client_of(advisor.user), client_of(advisor.user)]
            asks = [
                lambda c=c, k=customer.pk: c.post(
                    "/api/v1/tickets/", {"customer": k, "concern": "Brakes"}
                )
                for c in clients
            ]
            *asked, gone = at_once(*asks, lambda c=client_of(manager.user), o=customer: erase(c, o))
            came = [response.status_code for response in asked].count(201)
            assert gone.status_code == (409 if came else 204), (
                gone.content,
                [response.content for response in asked],
            )
            assert {response.status_code for response in asked} <= {201, 401, 403, 409}
            assert erased_whole(customer) is (came == 0)
            assert ServiceTicket.objects.filter(customer=customer).count() == came

    def test_no_change_survives_the_erasing(self, manager: Client, advisor: Client) -> None:
        for turn in range(5):
            customer = CustomerFactory(login=True, address="77 Windmill Lane")
            car, other = VehicleFactory(customer=customer), VehicleFactory()
            owner, desk = client_of(customer.user), client_of(advisor.user)
            new_email = {"email": f"new{turn}@example.com", "current_password": PASSWORD}
            found = at_once(
                lambda c=client_of(manager.user), o=customer: erase(c, o),
                lambda c=owner, o=customer, b=new_email: c.patch(f"/api/v1/customers/{o.pk}/", b),
                lambda c=desk, o=customer: c.patch(
                    f"/api/v1/customers/{o.pk}/", {"phone": "555-0199", "address": "Elsewhere"}
                ),
                lambda c=client_of(advisor.user), v=car: c.patch(
                    f"/api/v1/vehicles/{v.pk}/", {"plate": "BACK 1"}
                ),
                lambda c=client_of(advisor.user), v=other, o=customer: c.patch(
                    f"/api/v1/vehicles/{v.pk}/", {"customer": o.pk}
                ),
                lambda c=client_of(advisor.user), o=customer, n=turn: c.post(
                    "/api/v1/vehicles/", {"customer": o.pk, "plate": f"BACK{n}"}
                ),
            )
            assert found[0].status_code == 204, [response.content for response in found]
            assert {response.status_code for response in found[1:]} <= {200, 201, 401, 404, 409}, [
                response.content for response in found
            ]
            assert erased_whole(customer)
            assert not User.objects.filter(email=new_email["email"]).exists()

    def test_of_eight_who_erase_one_does(self, manager: Client) -> None:
        customer = CustomerFactory(login=True)
        VehicleFactory(customer=customer)
        found = at_once(*[lambda c=client_of(manager.user): erase(c, customer) for _ in range(8)])
        assert sorted(response.status_code for response in found) == [204] + [409] * 7

    def test_no_log_in_is_made_for_somebody_erased(self, manager: Client) -> None:
        """A walk-in claims the record by a reset, the log-in's e-mail is changed in the
        admin: in the same moment.
        """
        for turn in range(5):
            walk_in = CustomerFactory(email=f"walk{turn}@example.com")
            known = CustomerFactory(login=True)
            found = at_once(
                lambda o=walk_in: operations.erase(Customer.objects.get(pk=o.pk), by=manager.user),
                lambda o=known: operations.erase(Customer.objects.get(pk=o.pk), by=manager.user),
                lambda o=walk_in: password_changes.login_for_walk_in(o.email),
                lambda o=known, n=turn: accounts.set_email(
                    User.objects.get(pk=o.user_id), f"moved{n}@example.com", by=manager.user
                ),
            )
            assert all(
                not isinstance(each, Exception) or isinstance(each, DomainError) for each in found
            ), found
            assert erased_whole(walk_in)
            assert erased_whole(known)
            assert not User.objects.filter(
                email__in=[f"walk{turn}@example.com", f"moved{turn}@example.com"]
            ).exists()


def test_the_history_of_an_erased_customer_is_still_written_by_somebody(zoltan: Customer) -> None:
    operations.erase(zoltan, by=office())
    assert not StatusChange.objects.filter(by=None).exists()
    assert Vehicle.objects.filter(customer=zoltan).count() == 2
