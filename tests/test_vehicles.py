"""Vehicles: whose they are, and plates and VINs however they are typed."""

from typing import Any

import pytest

from customers.models import Vehicle
from customers.vin import vin_valid
from mechanic_shop.inputs import clean_plate

from .answers import refused
from .conftest import Client
from .factories import CustomerFactory, VehicleFactory, make_ticket
from .races import at_once

pytestmark = pytest.mark.django_db
VEHICLES = "/api/v1/vehicles/"
# the second is what clients send: its check digit is wrong
VALID, BROKEN = (
    "1HGCM82633A004352",
    "1HGCM82633A123456",
)


def url(vehicle: Vehicle) -> str:
    return f"{VEHICLES}{vehicle.pk}/"


def rows() -> list[Any]:
    return list(Vehicle.objects.order_by("pk").values())


# --- plates and VINs ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        *[
            ("ab 12-cd", "AB12CD"),
            ("AB•12_CD", "AB12CD"),
            ("  ab12cd\t", "AB12CD"),
            ("ＡＢ１２ＣＤ", "AB12CD"),
            ("АВ 12", "АВ12"),
            ("w-öß 1", "WÖSS1"),
        ],
        *[("", ""), ("---", ""), ("😀", ""), ("ΐ1", "ΐ1".upper()[0] + "1")],
    ],
)
def test_plates_are_kept_as_upper_case_letters_and_digits(typed: str, stored: str) -> None:
    assert clean_plate(typed) == stored
    assert clean_plate(stored) == stored  # or a plate could not be found by what the shop shows


@pytest.mark.parametrize(
    ("vin", "valid"),
    [
        *[
            (VALID, True),
            ("5XYZWDLA0FG267935"[:8] + "X" + "FG267935", False),
            ("11111111111111111", False),
            ("1M8GDM9AXKP042788", True),
        ],
        *[
            (BROKEN, False),
            ("adsklfjhao56448", False),
            (VALID[:16], False),
            (VALID + "1", False),
            (VALID.replace("C", "I"), False),
            ("", False),
        ],
    ],
)
def test_a_vin_is_judged_by_iso_3779(vin: str, valid: bool) -> None:
    assert vin_valid(vin) is valid


@pytest.mark.parametrize("vin", [VALID, BROKEN, "ABC9876543210", "123456789", ""])
def test_a_vin_that_breaks_the_norm_is_kept_and_told(owner: Client, vin: str) -> None:
    response = owner.post(
        VEHICLES,
        {"vin": vin.lower(), "plate": "ab 12-cd", "make": "Honda", "model": "Accord", "year": 2020},
    )
    assert response.status_code == 201
    assert (response.json()["vin"], response.json()["vin_valid"], response.json()["plate"]) == (
        vin,
        vin == VALID,
        "AB12CD",
    )
    assert Vehicle.objects.values_list("vin", "plate").get() == (vin, "AB12CD")


@pytest.mark.parametrize(
    ("vin", "status"),
    [(VALID, 201), ("1hgcm-82633 A004352", 201), ("", 201), (BROKEN, 400), ("123456789", 400)],
)
def test_a_strict_shop_refuses_a_broken_vin(
    owner: Client, settings: Any, vin: str, status: int
) -> None:
    settings.SHOP_STRICT_VIN = True
    response = owner.post(VEHICLES, {"vin": vin})
    assert response.status_code == status
    assert Vehicle.objects.count() == (status == 201)
    if status == 400:
        refused(response, 400, "vin_invalid", "vin")


@pytest.mark.parametrize("spelling", [VALID, VALID.lower(), "1HGCM 82633-A004352"])
def test_a_vin_is_on_one_vehicle_only(owner: Client, advisor: Client, spelling: str) -> None:
    VehicleFactory(vin=VALID)
    other = VehicleFactory(customer=owner.user.customer)
    before = rows()
    refused(owner.post(VEHICLES, {"vin": spelling}), 400, "vin_taken", "vin")
    refused(advisor.patch(url(other), {"vin": spelling}), 400, "vin_taken", "vin")
    assert rows() == before


def test_vehicles_without_a_vin_are_many(owner: Client) -> None:
    assert [owner.post(VEHICLES, {"plate": "A1", "vin": ""}).status_code for _ in range(2)] == [
        201,
        201,
    ]


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_write_down_one_vin_one_wins(owner: Client) -> None:
    answers = at_once(*[lambda: owner.post(VEHICLES, {"vin": VALID})] * 8)
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7
    assert {
        answer.json()["errors"][0]["code"] for answer in answers if answer.status_code == 400
    } == {"vin_taken"}
    assert Vehicle.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *[
            ({"year": 1885}, "year"),
            ({"year": 2101}, "year"),
            ({"year": "next"}, "year"),
            ({"year": True}, "year"),
            ({"year": 10**22}, "year"),
        ],
        *[
            ({"odometer": -1}, "odometer"),
            ({"odometer": 10_000_000}, "odometer"),
            ({"odometer": 1.5}, "odometer"),
        ],
        *[
            ({"plate": "X" * 18}, "plate"),
            ({"plate": "ß" * 9}, "plate"),
            ({"plate": None}, "plate"),
            ({"vin": "1" * 18}, "vin"),
            ({"vin": ["1"]}, "vin"),
        ],
        *[
            ({"make": "x" * 61}, "make"),
            ({"model": "\x00"}, "model"),
            ({"color": {}}, "color"),
            ({"engine": "x" * 61}, "engine"),
        ],
    ],
)
def test_nonsense_is_refused_at_its_field(owner: Client, body: dict[str, Any], field: str) -> None:
    refused(owner.post(VEHICLES, {"plate": "OK1"} | body), 400, field=field)
    assert rows() == []


@pytest.mark.parametrize(
    "body",
    [
        {
            "vin": BROKEN,
            "make": "Honda",
            "model": "Accord EX-L",
            "year": 2020,
            "color": "Metallic Silver",
        },
        {
            "make": "Toyota",
            "model": "Corolla",
            "year": "2023",
            "plate": "ABC-1234",
            "color": "Prata",
        },
        {"plate": "XYZ123", "make": "Volvo", "model": "FH", "odometer": 25000},
        {},
    ],
)
def test_what_real_clients_send(owner: Client, body: dict[str, Any]) -> None:
    response = owner.post(VEHICLES, body)
    assert response.status_code == 201
    assert response["Location"].endswith(url(Vehicle.objects.get()))
    assert response.json()["customer"] == {"id": owner.user.customer.pk, "name": "Olive Owner"}
    assert response.json().keys() == {
        *(
            "id",
            "customer",
            "plate",
            "vin",
            "vin_valid",
            "make",
            "model",
            "year",
            "engine",
            "color",
            "odometer",
            "odometer_at",
        ),
        *("created_at", "updated_at"),
    }


# --- whose it is ----------------------------------------------------------------------


def test_a_customer_adds_a_vehicle_to_nobody_elses(owner: Client, stranger: Client) -> None:
    refused(
        owner.post(VEHICLES, {"plate": "X1", "customer": stranger.user.customer.pk}),
        400,
        "does_not_exist",
        "customer",
    )
    assert rows() == []
    assert (
        owner.post(VEHICLES, {"plate": "X1", "customer": owner.user.customer.pk}).status_code == 201
    )
    assert Vehicle.objects.get().customer == owner.user.customer


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_customer_cannot_give_a_vehicle_away(
    owner: Client, stranger: Client, method: str
) -> None:
    mine = VehicleFactory(customer=owner.user.customer)
    getattr(owner, method)(
        url(mine),
        {"customer": stranger.user.customer.pk, "id": 99, "vin_valid": True, "name": "Mine"},
    )
    mine.refresh_from_db()
    assert (mine.customer, mine.vin_valid) == (owner.user.customer, False)
    assert not Vehicle.objects.filter(pk=99).exists()


def test_staff_say_whose_vehicle_it_is(advisor: Client, owner: Client) -> None:
    refused(advisor.post(VEHICLES, {"plate": "X1"}), 400, "required", "customer")
    for whose in (None, 999_999, 0, -1, 10**22, True, "x", [], {}, {"id": None}, "1.0", "١"):
        refused(advisor.post(VEHICLES, {"plate": "X1", "customer": whose}), 400, field="customer")
    assert rows() == []
    me = owner.user.customer
    for whose in (me.pk, str(me.pk), {"id": me.pk, "name": "whatever"}):
        assert (
            advisor.post(VEHICLES, {"plate": "X1", "customer": whose}).json()["customer"]["id"]
            == me.pk
        )


def test_staff_move_a_vehicle_that_was_sold(advisor: Client) -> None:
    vehicle, buyer = VehicleFactory(), CustomerFactory()
    assert advisor.patch(url(vehicle), {"customer": buyer.pk}).json()["customer"] == {
        "id": buyer.pk,
        "name": buyer.name,
    }
    assert Vehicle.objects.get().customer == buyer


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_anothers_vehicle_is_not_there(owner: Client, method: str) -> None:
    other = VehicleFactory()
    before = rows()
    refused(getattr(owner, method)(url(other), {"plate": "MINE"}), 404, "not_found")
    assert rows() == before


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?plate=SECRET1",
        "?search=secret1",
        "?customer={other}",
        "?make=Honda",
        "?search=Honda",
        "?ordering=-plate",
    ],
)
def test_lists_show_no_vehicle_of_others(owner: Client, query: str) -> None:
    other = VehicleFactory(plate="SECRET1")
    assert owner.get(VEHICLES + query.format(other=other.customer_id)).json()["count"] == 0


@pytest.mark.parametrize("method", ["put", "patch"])
def test_what_was_read_can_be_sent_back(owner: Client, advisor: Client, method: str) -> None:
    vehicle = VehicleFactory(
        customer=owner.user.customer, vin=BROKEN, odometer=12, engine="2.4", color="red"
    )
    for client in (owner, advisor):
        read = client.get(url(vehicle)).json()
        answer = getattr(client, method)(url(vehicle), read)
        assert answer.status_code == 200
        assert {**answer.json(), "updated_at": ""} == {**read, "updated_at": ""}


def test_a_patch_writes_only_what_was_sent(owner: Client) -> None:
    vehicle = VehicleFactory(customer=owner.user.customer, color="red")
    assert owner.patch(url(vehicle), {"odometer": 90_000}).status_code == 200
    vehicle.refresh_from_db()
    assert (vehicle.odometer, vehicle.color, vehicle.make) == (90_000, "red", "Honda")


# --- deleting -------------------------------------------------------------------------


def test_a_vehicle_without_a_history_goes(owner: Client) -> None:
    vehicle = VehicleFactory(customer=owner.user.customer)
    assert [owner.delete(url(vehicle)).status_code for _ in range(2)] == [204, 404]
    assert rows() == []


@pytest.mark.parametrize("status", ["estimate", "closed", "cancelled"])
def test_a_vehicle_with_tickets_stays(owner: Client, manager: Client, status: str) -> None:
    vehicle = VehicleFactory(customer=owner.user.customer)
    make_ticket(status, vehicle=vehicle)
    before = rows()
    for client in (owner, manager):
        refused(client.delete(url(vehicle)), 409, "vehicle_in_use")
    assert rows() == before


# --- the list -------------------------------------------------------------------------


@pytest.fixture
def car(db: Any) -> Vehicle:
    """Which the searches look for, among others."""
    VehicleFactory.create_batch(3)
    owner = CustomerFactory(name="Zoë Quarry")
    return VehicleFactory(
        customer=owner,
        plate="AB-12 CD",
        vin=VALID,
        make="Lada",
        model="Niva",
        color="Moss green",
        year=1979,
    )


@pytest.mark.parametrize(
    "term",
    [
        "ab 12-cd",
        "AB12CD",
        "12 cd",
        "1hg-cm8 2633",
        VALID,
        "lada",
        "NIVA lada",
        "moss",
        "zoë",
        "quarry niva",
        "ＡＢ１２",
    ],
)
def test_search_finds_a_vehicle_however_it_is_typed(
    advisor: Client, car: Vehicle, term: str
) -> None:
    assert [row["id"] for row in advisor.get(VEHICLES, {"search": term}).json()["results"]] == [
        car.pk
    ]


@pytest.mark.parametrize("term", ["%", "_", "AB%CD", "AB_2CD", "'", "\\", "--"])
def test_search_takes_its_term_literally(advisor: Client, car: Vehicle, term: str) -> None:
    assert advisor.get(VEHICLES, {"search": term}).json()["count"] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plate", "ab 12-cd"),
        ("vin", VALID.lower()),
        ("make", "LADA"),
        ("year", "1979"),
        ("customer", "{customer}"),
    ],
)
def test_filters(advisor: Client, car: Vehicle, name: str, value: str) -> None:
    found = advisor.get(VEHICLES, {name: value.format(customer=car.customer_id)}).json()
    assert [row["id"] for row in found["results"]] == [car.pk]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("customer", "x"),
        ("customer", "0"),
        ("year", "1.5"),
        ("updated_after", "yesterday"),
        ("color", "red"),
    ],
)
def test_a_filter_that_is_not_understood_is_refused(advisor: Client, name: str, value: str) -> None:
    refused(advisor.get(VEHICLES, {name: value}), 400, field=name)


@pytest.mark.parametrize("plate", ["---", "%", "😀"])
def test_a_plate_without_letters_and_digits_is_no_vehicles(advisor: Client, plate: str) -> None:
    VehicleFactory(plate="")
    assert advisor.get(VEHICLES, {"plate": plate}).json()["count"] == 0
