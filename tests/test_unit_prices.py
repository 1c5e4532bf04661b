"""Prices and costs of one unit have up to four decimals; what a line comes to is
rounded once.
"""

import csv
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client as Browser

from inventory.models import Part, StockMovement
from tickets.billing import invoices
from tickets.billing.documents import pdf
from tickets.models import InvoiceLine, TicketPart
from tickets.work import jobs

from .answers import refused
from .conftest import Client
from .factories import PartFactory, make_ticket, office

pytestmark = pytest.mark.django_db
API = "/api/v1/"
FEE = {"kind": "fee", "description": "Bolt", "quantity": "40"}


def bolt(client: Client, **details: Any) -> dict[str, Any]:
    response = client.post(
        f"{API}parts/",
        {"sku": "BOLT", "name": "Bolt", "price": "1.215", "cost": "0.1234", **details},
    )
    assert response.status_code == 201, response.json()
    return response.json()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("1.215", "1.215"),
        (1.215, "1.215"),
        ("0.1234", "0.1234"),
        ("10", "10.00"),
        ("10.5000", "10.50"),
        ("9999999999.9999",) * 2,
        (0, "0.00"),
    ],
)
def test_a_price_is_shown_with_the_decimals_that_it_needs(
    manager: Client, sent: Any, shown: str
) -> None:
    part = bolt(manager, price=sent, cost=sent)
    assert (part["price"], part["cost"]) == (shown, shown)
    row = next(
        row for row in manager.get(f"{API}parts/").json()["results"] if row["id"] == part["id"]
    )
    assert (row["price"], row["cost"]) == (shown, shown)
    assert str(Part.objects.get().price) == shown


@pytest.mark.parametrize("sent", ["1.21501", 0.00001, "-0.001", "1e-5", "10000000000"])
def test_a_fifth_decimal_is_refused(manager: Client, sent: Any) -> None:
    refused(
        manager.post(f"{API}parts/", {"sku": "BOLT", "name": "Bolt", "price": sent}),
        400,
        field="price",
    )


def test_every_price_of_a_unit_takes_four_decimals(manager: Client) -> None:
    part = bolt(manager)
    received = manager.put(
        f"{API}parts/{part['id']}/receive/", {"quantity": 100, "unit_cost": "0.3333"}
    ).json()
    assert (received["cost"], StockMovement.objects.get().unit_cost) == (
        "0.3333",
        Decimal("0.3333"),
    )
    assert (
        manager.get(f"{API}parts/{part['id']}/movements/").json()["results"][0]["unit_cost"]
        == "0.3333"
    )
    ticket = make_ticket()
    job = manager.post(
        f"{API}jobs/",
        {"ticket": ticket.pk, "title": "Bolts", "lines": [FEE | {"unit_price": "0.0375"}]},
    ).json()
    assert (job["lines"][0]["unit_price"], job["lines"][0]["line_total"]) == ("0.0375", "1.50")
    manager.put(f"{API}tickets/{ticket.pk}/add-part/", {"part": part["id"], "quantity": 3})
    line = manager.put(
        f"{API}tickets/{ticket.pk}/edit-part/", {"part": part["id"], "unit_price": "1.2155"}
    ).json()["parts"][0]
    assert (line["unit_price"], line["line_total"]) == ("1.2155", "3.65")
    canned = manager.post(
        f"{API}canned-jobs/", {"name": "Bolts", "lines": [FEE | {"unit_price": "0.0375"}]}
    ).json()
    assert canned["lines"][0]["unit_price"] == "0.0375"


def test_documents_and_reports_keep_the_price_and_round_the_line_once(manager: Client) -> None:
    part = PartFactory(
        stock=100, sku="BOLT", name="Bolt", price=Decimal("1.215"), cost=Decimal("0.1234")
    )
    ticket = make_ticket("completed", parts=[(part, 7)])
    line = manager.get(f"{API}tickets/{ticket.pk}/estimate/").json()["lines"][0]
    assert (line["unit_price"], line["amount"], line["discount"]) == ("1.215", "8.51", "0.00")
    invoice = invoices.issue_invoice(ticket, by=office())
    assert InvoiceLine.objects.get().unit_price == Decimal("1.215")
    shown = manager.get(f"{API}invoices/{invoice.pk}/").json()
    assert (shown["lines"][0]["unit_price"], shown["total"]) == ("1.215", "8.51")
    assert b"%PDF" in pdf.render(invoice.document)
    assert invoice.document["lines"][0]["unit_price"] == "1.215"
    day = str(invoice.issued_on)
    answer = manager.get(f"{API}reports/parts-margin/?from={day}&to={day}", HTTP_ACCEPT="text/csv")
    row = next(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))
    assert (row["net"], row["cost"]) == ("8.51", "0.86")  # 7 × 0.1234, rounded once


def test_the_history_tells_prices_as_they_were(manager: Client) -> None:
    part = bolt(manager, price="10")
    ticket = make_ticket()
    manager.put(f"{API}tickets/{ticket.pk}/add-part/", {"part": part["id"]})
    manager.put(f"{API}tickets/{ticket.pk}/edit-part/", {"part": part["id"], "unit_price": "9.995"})
    changes = manager.get(f"{API}tickets/{ticket.pk}/history/").json()["results"][-1]["changes"]
    assert changes == [{"field": "unit_price", "from": "10.00", "to": "9.995"}]


@pytest.mark.parametrize("price", ["100.50", "100.5", 0.5])
def test_a_currency_without_cents_has_whole_prices(
    manager: Client, settings: Any, price: Any
) -> None:
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = "JPY", 0
    body = {"sku": "BOLT", "name": "Bolt", "price": price}
    error = refused(manager.post(f"{API}parts/", body), 400, field="price")
    assert "In JPY" in str(error)
    assert manager.post(f"{API}parts/", body | {"price": "100"}).status_code == 201
    ticket = make_ticket(parts=[(Part.objects.get(), 2)])
    assert (
        manager.get(f"{API}tickets/{ticket.pk}/estimate/").json()["lines"][0]["unit_price"] == "100"
    )


def test_the_admin_takes_and_shows_them(manager: Client) -> None:
    browser = Browser()
    browser.force_login(manager.user)
    new = {
        "sku": "BOLT",
        "name": "Bolt",
        "price": "1.215",
        "cost": "0.1234",
        "unit": "each",
        "is_active": "on",
    }
    assert browser.post("/admin/inventory/part/add/", new).status_code == 302
    part = Part.objects.get()
    page = browser.get("/admin/inventory/part/").content.decode()
    assert ">1.215<" in page
    assert ">0.1234<" in page
    change = browser.get(f"/admin/inventory/part/{part.pk}/change/").content.decode()
    assert 'value="1.215"' in change
    browser.post(
        f"/admin/inventory/part/{part.pk}/receive/", {"quantity": "5", "unit_cost": "0.333"}
    )
    assert ">0.333<" in browser.get("/admin/inventory/stockmovement/").content.decode()
    ticket = make_ticket(parts=[(part, 3)])
    job = jobs.add_job(ticket, title="Bolts", by=office())
    line = {
        "job": job.pk,
        "kind": "fee",
        "description": "Bolts",
        "quantity": "2",
        "unit_price": "0.0375",
    }
    assert (
        browser.post(f"/admin/tickets/serviceticket/{ticket.pk}/add-line/", line).status_code == 302
    )
    page = browser.get(f"/admin/tickets/serviceticket/{ticket.pk}/change/").content.decode()
    assert "1.215" in page
    assert "0.0375" in page
    assert "1.2150" not in page
    assert TicketPart.objects.get().line_total == Decimal("3.65")
