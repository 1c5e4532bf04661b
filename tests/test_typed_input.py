"""What people type: one module decides, and every channel asks it."""

from typing import Any

import pytest

from customers.models import Customer, Vehicle
from customers.phones import phone_key
from mechanic_shop import inputs
from mechanic_shop.urls import router

from .answers import refused
from .conftest import Client
from .factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket
from .test_admin import browser

API = "/api/v1/"
INVISIBLE = ["\u200b", "\u2800", "\u3164", "\ufeff", "\u200f", " \u200b\u00a0", "\u2060\u200d"]
NFD, NFC = "Jose\u0301", "Jos\u00e9"


@pytest.mark.parametrize("text", INVISIBLE)
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert inputs.clean_text(text) == ""


def test_text_is_composed_and_keeps_what_words_need() -> None:
    assert inputs.clean_text(NFD) == NFC
    persian, family = "می\u200cخواهم", "👨\u200d👩\u200d👧"
    assert [inputs.clean_text(persian), inputs.clean_text(family)] == [persian, family]
    assert inputs.clean_text("a\u202eb\u2066c\ufeff") == "abc"
    assert inputs.clean_text("two\nlines\tand") == "two lines and"
    assert inputs.clean_text("two\r\nlines\t", lines=True) == "two\r\nlines\t"
    with pytest.raises(inputs.InputError):
        inputs.clean_text("bell\x07")


@pytest.mark.django_db
@pytest.mark.parametrize("text", INVISIBLE)
def test_nothing_that_people_read_is_invisible(
    text: str, manager: Client, anonymous: Client
) -> None:
    """In every field of text that a resource needs, and at the sign-up."""
    ticket = make_ticket()
    bodies: dict[str, dict[str, Any]] = {
        "customers": {"name": text},
        "mechanics": {"name": text, "email": "m@example.com"},
        "parts": {"sku": "X-1", "name": text, "price": "1"},
        "tickets": {"customer": ticket.customer_id, "concern": text},
        "jobs": {"ticket": ticket.pk, "title": text},
        "canned-jobs": {"name": text},
        "labor-rates": {"name": text, "hourly": "1"},
        "tax-codes": {"name": text, "rate": "1"},
    }
    for route, body in bodies.items():
        refused(manager.post(f"{API}{route}/", body), 400, "invalid")
        named = next(name for name, value in body.items() if value == text)
        error = manager.post(f"{API}{route}/", body).json()["errors"]
        assert [(each["field"], each["code"]) for each in error] == [(named, "blank")], route
    body = {"name": text, "email": "new@example.com", "password": "Squeaky-brakes-1"}
    refused(anonymous.post(f"{API}customers/", body), 400)
    page = browser(manager.user).post("/admin/customers/customer/add/", {"name": text})
    assert page.status_code == 200
    assert Customer.objects.count() == 1


def test_every_written_text_of_a_resource_asks_the_module() -> None:
    from mechanic_shop.http.text_fields import WrittenField

    for _, viewset, _ in router.registry:
        serializer = getattr(viewset, "serializer_class", None)
        if serializer is None or not hasattr(serializer, "Meta"):
            continue
        for name, field in serializer().get_fields().items():
            if type(field).__name__ == "CharField" and not field.read_only:
                assert isinstance(field, WrittenField), f"{serializer.__name__}.{name}"


@pytest.mark.django_db
def test_a_name_is_found_in_either_form(manager: Client) -> None:
    made = manager.post(f"{API}customers/", {"name": f"{NFD} Ruiz"}).json()
    assert made["name"] == f"{NFC} Ruiz"
    for typed in (NFD, NFC):
        found = manager.get(f"{API}customers/", {"search": typed}).json()["results"]
        assert [row["id"] for row in found] == [made["id"]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("303 555 0171 / 303 555 0188", "303-555-0188"),
        ("303 555 0171 or 720 555 0199", "+1 720 555 0199"),
        ("(303) 555-0171 x12", "303 555 0171"),
        ("(303) 555-0171 x12", "(303) 555-0171 x12"),
        ("1-800-FLOWERS", "1-800-356-9377"),
        ("1-800-FLOWERS", "1-800-FLOWERS"),
        ("+44 20 7946 0958", "020 7946 0958"),
        ("+44 20 7946 0958", "7946 0958"),
        ("+1 303 555 0171", "555 0171"),
        ("555-1234", "555 1234"),
        ("call 5551234 first", "call 5551234 first"),
    ],
)
def test_a_phone_is_found_however_it_is_stored_and_typed(
    manager: Client, stored: str, typed: str
) -> None:
    customer = CustomerFactory(phone=stored)
    CustomerFactory(phone="212 555 7777")
    found = manager.get(f"{API}customers/", {"search": typed}).json()["results"]
    assert [row["id"] for row in found] == [customer.pk]


def test_a_key_fits_its_column() -> None:
    assert len(phone_key(" / ".join(["+49 89 1234567890123"] * 9)[:40])) <= 120


def test_plates_keep_the_marks_of_their_script() -> None:
    assert inputs.clean_plate("बा १ च १२३४") == "बा१च१२३४"
    assert inputs.clean_plate("กข ๑๒๓๔") != inputs.clean_plate("กิข ๑๒๓๔")
    assert inputs.clean_plate("ab 12-cd") == "AB12CD"


@pytest.mark.django_db
@pytest.mark.parametrize("none", ["N/A", "none", "Unknown", "-", "0" * 17, "1" * 17, "T.B.D."])
def test_two_cars_without_a_vin_do_not_clash(manager: Client, none: str) -> None:
    customer = CustomerFactory()
    for _ in range(2):
        answer = manager.post(
            f"{API}vehicles/", {"customer": customer.pk, "make": "Ford", "vin": none}
        )
        assert (answer.status_code, answer.json()["vin"]) == (201, "")
    assert Vehicle.objects.filter(vin="", vin_valid=False).count() == 2


@pytest.mark.django_db
def test_a_currency_without_cents_takes_none(settings: Any, manager: Client) -> None:
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = "JPY", 0
    ticket, part = make_ticket(), PartFactory(stock=1, price="100")
    line = {"kind": "fee", "description": "Fee", "unit_price": "100.50"}
    tries = {
        "jobs/": ("post", {"ticket": ticket.pk, "title": "Job", "lines": [line]}),
        "parts/": ("post", {"sku": "X", "name": "Y", "price": "100.50"}),
        "labor-rates/": ("post", {"name": "Hour", "hourly": "100.50"}),
        f"tickets/{ticket.pk}/give-discount/": ("put", {"discount_amount": "10.50"}),
        f"parts/{part.pk}/receive/": ("put", {"quantity": 1, "unit_cost": "1.5"}),
    }
    for path, (method, body) in tries.items():
        refusal = refused(getattr(manager, method)(f"{API}{path}", body), 400)
        assert {error["code"] for error in refusal["errors"]} <= {"no_cents", "decimals"}, path
    assert (
        manager.put(
            f"{API}tickets/{ticket.pk}/give-discount/", {"discount_percent": "10.50"}
        ).status_code
        == 200
    )
    page = browser(manager.user).post(
        "/admin/inventory/part/add/", {"sku": "Z", "name": "Z", "price": "10.50", "unit": "each"}
    )
    assert "decimals" in page.content.decode()


@pytest.mark.django_db
def test_a_car_is_found_by_its_plate_in_any_spelling(manager: Client) -> None:
    car = VehicleFactory(plate="बा १ च १२३४")
    found = manager.get(f"{API}vehicles/", {"plate": "बा१च १२३४"}).json()["results"]
    assert [row["id"] for row in found] == [car.pk]
