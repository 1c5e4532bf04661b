"""The last reading of a car: the highest that is plausible, with its date; a lower one
is confirmed, and told.
"""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from customers.models import Vehicle
from mechanic_shop.db import audit_trail
from tickets.models import ServiceTicket

from .answers import refused
from .conftest import Client, client_of
from .factories import CustomerFactory, UserFactory, VehicleFactory, make_ticket
from .races import at_once
from .test_admin import browser, complaints, filled, page_of, save

pytestmark = pytest.mark.django_db
API = "/api/v1/"
CONFIRMED = {"confirm_odometer": True}


def url(row: Any) -> str:
    return f"{API}{row._meta.model_name.removeprefix('service')}s/{row.pk}/"


def known(car: Vehicle) -> int | None:
    return Vehicle.objects.get(pk=car.pk).odometer


def told(row: Any, name: str) -> list[Any]:
    """What the trail tells of a field, oldest first."""
    return [
        entry.told()[name]
        for entry in audit_trail.entries_of(row).order_by("pk")
        if name in entry.told()
    ]


# --- a ticket tells its car -----------------------------------------------------------


def test_a_ticket_raises_the_reading_of_its_car(advisor: Client) -> None:
    car, start = VehicleFactory(odometer=50_000), timezone.now()
    ticket = advisor.post(
        f"{API}tickets/", {"vehicle": car.pk, "concern": "Squeaks", "odometer_in": 61_996}
    )
    assert (ticket.status_code, known(car)) == (201, 61_996)
    assert (
        advisor.patch(f"{API}tickets/{ticket.json()['id']}/", {"odometer_out": 62_000}).status_code
        == 200
    )
    shown = advisor.get(url(car)).json()
    assert shown["odometer"] == 62_000
    assert start <= datetime.fromisoformat(shown["odometer_at"]) <= timezone.now()
    assert told(car, "odometer")[1:] == [[50_000, 61_996], [61_996, 62_000]]


@pytest.mark.parametrize("name", ["odometer_in", "odometer_out"])
def test_a_lower_reading_of_a_ticket_needs_a_confirmation_and_is_told(
    advisor: Client, name: str
) -> None:
    car = VehicleFactory(odometer=62_000)
    ticket, today = make_ticket(vehicle=car), timezone.localdate()
    answer = refused(
        advisor.patch(url(ticket), {name: 9_000, "cause": "Worn"}), 409, "odometer_lower"
    )
    assert (answer["odometer"], answer["odometer_at"][:4]) == (
        62_000,
        str(Vehicle.objects.get().odometer_at.year),
    )
    assert f"read as 62000 on {today}" in answer["detail"]
    assert answer["detail"].endswith("look again, or confirm it.")
    ticket.refresh_from_db()
    assert (getattr(ticket, name), ticket.cause, known(car)) == (None, "", 62_000)
    assert refused(advisor.patch(url(ticket), {name: 9_000, "confirm_odometer": False}), 409)

    before = Vehicle.objects.get().odometer_at
    assert advisor.patch(url(ticket), {name: 9_000} | CONFIRMED).status_code == 200
    assert (known(car), Vehicle.objects.get().odometer_at > before) == (9_000, True)
    assert told(car, "odometer")[-1] == [62_000, 9_000]
    changes = [
        change
        for row in advisor.get(f"{url(ticket)}history/").json()["results"]
        for change in row["changes"]
    ]
    assert {"field": "vehicle_odometer", "from": 62_000, "to": 9_000} in changes
    assert (
        "Vehicle odometer: 62000 → 9000"
        in browser(UserFactory(is_staff=True, is_superuser=True))
        .get(page_of(ticket, "history"))
        .content.decode()
    )


def test_a_new_ticket_with_a_lower_reading_is_refused_as_a_whole(advisor: Client) -> None:
    car = VehicleFactory(odometer=62_000)
    body = {"vehicle": car.pk, "concern": "Squeaks", "odometer_in": 9_000}
    refused(advisor.post(f"{API}tickets/", body), 409, "odometer_lower")
    assert not ServiceTicket.objects.exists()
    assert advisor.post(f"{API}tickets/", body | CONFIRMED).status_code == 201
    assert known(car) == 9_000


def test_what_a_ticket_said_before_is_said_again_without_a_question(advisor: Client) -> None:
    car = VehicleFactory()
    old = make_ticket(vehicle=car, odometer_in=50_000)
    make_ticket(vehicle=car, odometer_in=62_000)
    sent = advisor.get(url(old)).json() | {"cause": "Worn"}
    assert advisor.put(url(old), sent).status_code == 200
    assert advisor.patch(url(old), {"odometer_in": 50_000, "cause": "Rust"}).status_code == 200
    # taken back: the car knows the other
    assert advisor.patch(url(old), {"odometer_in": None}).status_code == 200
    assert known(car) == 62_000


def test_the_reading_before_the_work_is_corrected_without_a_question(advisor: Client) -> None:
    """The car's last reading is the one after the work."""
    car = VehicleFactory()
    ticket = make_ticket(vehicle=car, odometer_in=61_990, odometer_out=62_000)
    assert advisor.patch(url(ticket), {"odometer_in": 61_980}).status_code == 200
    assert advisor.patch(url(ticket), {"odometer_out": None}).status_code == 200
    assert known(car) == 62_000


def test_a_ticket_that_gets_another_car_tells_that_one(advisor: Client) -> None:
    owner = CustomerFactory()
    low, high, none = (
        VehicleFactory(customer=owner, odometer=odometer) for odometer in (10_000, 90_000, None)
    )
    ticket = make_ticket(customer=owner, odometer_in=50_000)
    assert advisor.patch(url(ticket), {"vehicle": low.pk}).status_code == 200
    refused(advisor.patch(url(ticket), {"vehicle": high.pk}), 409, "odometer_lower")
    assert advisor.patch(url(ticket), {"vehicle": none.pk}).status_code == 200
    assert [known(car) for car in (low, high, none)] == [50_000, 90_000, 50_000]


def test_a_reading_that_runs_backwards_on_its_ticket_is_400_first(advisor: Client) -> None:
    car = VehicleFactory(odometer=62_000)
    refused(
        advisor.patch(url(make_ticket(vehicle=car)), {"odometer_in": 50, "odometer_out": 49}),
        400,
        field="odometer_in",
    )


def test_a_reading_without_a_date_gets_one_when_it_is_read_again(advisor: Client) -> None:
    car = VehicleFactory(odometer=62_000)
    Vehicle.objects.filter(pk=car.pk).update(odometer_at=None)
    assert advisor.get(url(car)).json()["odometer_at"] is None
    assert (
        "read as 62000, and 5 is"
        in refused(advisor.patch(url(car), {"odometer": 5}), 409)["detail"]
    )
    make_ticket(vehicle=car, odometer_in=62_000)
    assert advisor.get(url(car)).json()["odometer_at"] is not None


def test_a_reading_of_a_car_that_is_sent_again_gets_the_date_that_it_had_not(
    advisor: Client,
) -> None:
    car, start = VehicleFactory(odometer=62_000), timezone.now()
    Vehicle.objects.filter(pk=car.pk).update(odometer_at=None)
    assert advisor.patch(url(car), {"color": "red"}).json()["odometer_at"] is None
    read = advisor.patch(url(car), {"odometer": 62_000}).json()["odometer_at"]
    assert datetime.fromisoformat(read) >= start
    assert advisor.patch(url(car), {"odometer": 62_000}).json()["odometer_at"] == read


def test_an_assigned_mechanic_confirms_and_a_customer_writes_no_reading_of_a_ticket(
    assigned: Client, owner: Client
) -> None:
    car = VehicleFactory(customer=owner.user.customer, odometer=62_000)
    ticket = make_ticket(vehicle=car, mechanics=[assigned.user.mechanic])
    refused(assigned.patch(url(ticket), {"odometer_in": 9_000}), 409, "odometer_lower")
    refused(
        owner.patch(url(ticket), {"odometer_in": 9_000} | CONFIRMED),
        400,
        "read_only_field",
        "odometer_in",
    )
    assert assigned.patch(url(ticket), {"odometer_in": 9_000} | CONFIRMED).status_code == 200
    assert known(car) == 9_000


def test_a_mechanic_confirms_nothing_on_a_ticket_of_their_own_car() -> None:
    user = UserFactory(role="mechanic")
    car = VehicleFactory(customer=CustomerFactory(user=user), odometer=62_000)
    mine = client_of(user)
    refused(
        mine.patch(url(make_ticket(vehicle=car)), {"concern": "Squeaks"} | CONFIRMED),
        400,
        "read_only_field",
        "confirm_odometer",
    )


# --- the car's own page ---------------------------------------------------------------


@pytest.mark.parametrize("actor", ["advisor", "owner"])
@pytest.mark.parametrize("reading", [9_000, None])
def test_a_car_is_set_back_only_with_a_confirmation(
    request: Any, owner: Client, actor: str, reading: int | None
) -> None:
    client = request.getfixturevalue(actor)
    car = VehicleFactory(customer=owner.user.customer, odometer=62_000)
    refused(client.patch(url(car), {"odometer": reading, "color": "red"}), 409, "odometer_lower")
    whole = client.get(url(car)).json()
    refused(client.put(url(car), whole | {"odometer": reading}), 409, "odometer_lower")
    assert client.put(url(car), whole | {"color": "blue"}).status_code == 200
    shown = client.patch(url(car), {"odometer": reading} | CONFIRMED).json()
    assert (shown["odometer"], shown["odometer_at"] is None) == (reading, reading is None)
    assert "confirm_odometer" not in shown
    assert told(car, "odometer")[-1] == [62_000, reading]


def test_when_it_was_read_is_the_shops_to_say(owner: Client) -> None:
    made = owner.post(f"{API}vehicles/", {"plate": "A1", "odometer": 5} | CONFIRMED).json()
    assert made["odometer_at"] is not None
    refused(
        owner.patch(f"{API}vehicles/{made['id']}/", {"odometer_at": "2020-01-01T00:00:00Z"}),
        400,
        "read_only_field",
        "odometer_at",
    )
    assert owner.post(f"{API}vehicles/", {"plate": "A2"}).json()["odometer_at"] is None


# --- the admin ------------------------------------------------------------------------


@pytest.fixture
def desk(advisor: Client) -> Any:
    return browser(advisor.user)


def test_the_admin_asks_on_the_page_of_a_car(desk: Any) -> None:
    car = VehicleFactory(odometer=62_000)
    assert "confirm_odometer" not in desk.get(page_of(car)).content.decode()
    refusal = save(desk, car, odometer="9000")
    assert "read as 62000" in complaints(refusal)
    assert "confirm_odometer" not in complaints(refusal)
    assert known(car) == 62_000
    page = filled(refusal)
    assert 'name="confirm_odometer"' in refusal.content.decode()
    assert "confirm_odometer" not in page  # unticked
    assert "read as 62000" in complaints(desk.post(page_of(car), page))
    assert desk.post(page_of(car), page | {"confirm_odometer": "on"}).status_code == 302
    assert known(car) == 9_000


def test_the_admin_asks_on_the_page_of_a_ticket(desk: Any) -> None:
    car = VehicleFactory(odometer=62_000)
    ticket = make_ticket(vehicle=car)
    refusal = save(desk, ticket, odometer_in="9000")
    assert "read as 62000" in complaints(refusal)
    assert 'name="confirm_odometer"' in refusal.content.decode()
    assert (
        desk.post(page_of(ticket), filled(refusal) | {"confirm_odometer": "on"}).status_code == 302
    )
    assert (known(car), ServiceTicket.objects.get().odometer_in) == (9_000, 9_000)


def test_the_admin_asks_about_a_new_ticket(desk: Any) -> None:
    car = VehicleFactory(odometer=62_000)
    sent = {
        "vehicle": car.pk,
        "concern": "Squeaks",
        "service_date": "",
        "promised_at_0": "",
        "promised_at_1": "",
        "odometer_in": "9000",
    }
    page = "/admin/tickets/serviceticket/add/"
    assert "read as 62000" in complaints(desk.post(page, sent))
    assert not ServiceTicket.objects.exists()
    assert desk.post(page, sent | {"confirm_odometer": "on"}).status_code == 302
    assert known(car) == 9_000


def test_the_admin_asks_about_a_car_on_its_customers_page(desk: Any) -> None:
    car = VehicleFactory(odometer=62_000)
    refusal = save(desk, car.customer, **{"vehicles-0-odometer": "9000"})
    assert "read as 62000" in complaints(refusal)
    assert 'name="vehicles-0-confirm_odometer"' in refusal.content.decode()
    sent = filled(refusal) | {"vehicles-0-confirm_odometer": "on"}
    assert desk.post(page_of(car.customer), sent).status_code == 302
    assert known(car) == 9_000


# --- two at once, and what was there before -------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_readings_at_once_the_higher_stands(advisor: Client) -> None:
    for _ in range(6):
        car = VehicleFactory(odometer=50_000)
        tickets = [make_ticket(vehicle=car) for _ in range(2)]
        calls = [
            lambda c=client_of(advisor.user), t=ticket, n=reading: c.patch(
                url(t), {"odometer_in": n}
            )
            for ticket, reading in zip(tickets * 2, (61_000, 62_000, 61_500, 61_900), strict=True)
        ]
        calls += [
            lambda c=client_of(advisor.user), v=car, n=reading: c.post(
                f"{API}tickets/", {"vehicle": v.pk, "concern": "X", "odometer_in": n}
            )
            for reading in (60_000, 61_950)
        ]
        answers = at_once(*calls)
        assert {answer.status_code for answer in answers} <= {200, 201, 409}, answers
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
            "odometer_lower"
        }
        assert known(car) == 62_000


def test_the_migration_fills_what_nobody_typed_and_dates_what_a_ticket_has() -> None:
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 9)]
    owner = CustomerFactory()
    typed, same, high, none = (
        VehicleFactory(customer=owner, odometer=odometer)
        for odometer in (62_000, 62_000, 99_000, None)
    )
    empty, void, bare = (
        VehicleFactory(customer=owner, odometer=odometer) for odometer in (7, None, None)
    )
    rows = [
        *(
            (typed, 620_000, None, days[0], None),
            (same, 61_990, 62_000, days[0], days[1]),
            (same, 62_000, None, days[2], None),
        ),
        *((same, 62_000, None, days[1], days[7]), (high, 5, None, days[5], None)),
        *(
            (none, None, 8, days[6], None),
            (none, 3, 8, days[3], days[4]),
            (none, 7, None, days[7], None),
        ),
    ]
    for car, before, after, opened, completed in rows:
        ticket = make_ticket(customer=owner)
        changes = {
            "vehicle": car,
            "odometer_in": before,
            "odometer_out": after,
            "opened_at": opened,
            "completed_at": completed,
        }
        ServiceTicket.objects.filter(pk=ticket.pk).update(**changes)
    for car, reading in ((typed, 62_000), (same, 62_000), (none, 900_000), (void, 5)):
        ticket = make_ticket("cancelled", customer=owner)
        ServiceTicket.objects.filter(pk=ticket.pk).update(
            vehicle=car, odometer_in=reading, opened_at=days[7]
        )
    Vehicle.objects.update(odometer_at=None)
    import_module("tickets.migrations.0018_readings_of_vehicles").read(apps, None)
    found = {car.pk: (car.odometer, car.odometer_at) for car in Vehicle.objects.all()}
    assert [found[car.pk] for car in (typed, same, high, none, empty, void, bare)] == [
        *(
            (62_000, None),
            (62_000, days[2]),
            (99_000, None),
            (8, days[6]),
            (7, None),
            (None, None),
            (None, None),
        ),
    ]
