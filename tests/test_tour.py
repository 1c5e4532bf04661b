"""A car from the door to the paid bill: the README's own lines, and the same story with
every figure.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pypdf import PdfReader
from pytest_django.live_server_helper import LiveServer

from customers.models import Customer
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from mechanics.models import Mechanic
from tickets.billing.integrity_checks import find_discrepancies as money_findings
from tickets.models import CreditNoteLine, InvoiceLine, ServiceTicket

from .factories import PASSWORD, MechanicFactory, PartFactory, UserFactory, make_ticket

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
TOUR = re.findall(r"<!-- tour -->\n```sh\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def live_server(_a_quick_and_patient_shop, transactional_db):
    """pytest-django's own lives as long as the session, and starts before the settings
    of a test are there.
    """
    server = LiveServer("localhost")
    yield server
    server.stop()


# The README
# -----------------------------------------------------------------------------------------


def counts() -> dict[str, tuple[Decimal, Decimal]]:
    return {
        sku: (on_hand, allocated)
        for sku, on_hand, allocated in Part.objects.values_list("sku", "on_hand", "allocated")
    }


def popularity() -> dict[int, int]:
    return {mechanic.pk: mechanic.ticket_count for mechanic in Mechanic.objects.by_popularity()}


def test_the_tour_is_short():
    assert [len(part.splitlines()) for part in TOUR] == [6, 17, 12]


@pytest.mark.skipif(not shutil.which("curl"), reason="the tour needs curl")
def test_the_tour_of_the_readme_works_as_written(live_server, tmp_path, monkeypatch):
    # a quarter of the demo, which takes a quarter of the time
    monkeypatch.setattr("tickets.demo.clients.CUSTOMERS", 16)
    monkeypatch.setattr("tickets.demo.clients.CARS", 20)
    monkeypatch.setattr("tickets.demo.plans.TICKETS", 90)
    call_command("flush", interactive=False, verbosity=0)  # keys begin at 1, as in a new shop
    call_command("load_demo", verbosity=0)
    stock, tickets = counts(), popularity()
    environ = os.environ | {"SHOP": live_server.url}
    script = "set -e -o pipefail\n" + "".join(TOUR)
    done = subprocess.run(
        ["bash", "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""

    told = [json.loads(line) for line in done.stdout.splitlines()]
    states = [
        each["status"]
        for each in told
        if str(each.get("number")).startswith("T-") and "status" in each
    ]
    assert states == ["estimate", "estimate", "approved", "in_progress", "completed"]
    drum = [
        line["allocated"] + " " + line["issued"]
        for each in told
        for line in each.get("parts", [])
        if line["part"]["sku"] == "BRK-DRM-R-001"
    ]
    assert drum == ["0.000 0.000", "1.000 0.000", "0.000 1.000"]
    check_the_money(told, (tmp_path / "invoice.pdf").read_bytes())

    shoes, drums = stock["BRK-SHO-R-001"], stock["BRK-DRM-R-001"]
    changed = {sku: figures for sku, figures in counts().items() if figures != stock[sku]}
    assert drums == (0, 0)
    assert changed == {"BRK-SHO-R-001": (shoes[0] - 1, shoes[1]), "BRK-DRM-R-001": (2, 0)}
    assert {
        pk: count - tickets[pk] for pk, count in popularity().items() if count != tickets[pk]
    } == {2: 1, 8: 1}
    ticket = ServiceTicket.objects.get(customer__email="sam@example.com")
    assert [step.to_status for step in ticket.history.all()] == [
        "estimate",
        "approved",
        "in_progress",
        "completed",
        "invoiced",
        "closed",
    ]
    assert find_discrepancies() == []
    assert money_findings() == []


def check_the_money(told: list[dict[str, Any]], pdf: bytes) -> None:
    """To the cent at each step, in the JSON, on the paper and in the report."""
    estimate = next(each for each in told if each.get("kind") == "estimate")
    invoices = [each for each in told if each.get("number", "").startswith("INV-")]
    note = next(each for each in told if each.get("number", "").startswith("CN-"))
    price = dict(
        Part.objects.filter(sku__in=("BRK-SHO-R-001", "BRK-DRM-R-001")).values_list("sku", "price")
    )
    labor, parts = Decimal("266.40"), sum(price.values())  # 1.8 h at 148.00
    tax = (parts * Decimal("8.81") / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    quoted = labor + Decimal("148.00") + price["BRK-SHO-R-001"]
    assert Decimal(estimate["subtotal"]) == quoted
    total = labor + parts + tax
    first, credited, refunded = invoices
    assert [(each["subtotal"], each["tax"], each["total"]) for each in invoices] == [
        (str(labor + parts), str(tax), str(total))
    ] * 3
    assert [each["balance"] for each in invoices] == [str(total - 100), "-74.00", "0.00"]
    assert [each["state"] for each in invoices] == ["open", "paid", "paid"]
    assert (note["subtotal"], note["tax"], note["total"]) == ("74.00", "0.00", "74.00")
    assert (credited["credited"], refunded["refunded"]) == ("74.00", "74.00")
    assert first["deposits"] == "100.00"
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    for amount in (labor + parts, tax, total, total - 100):
        assert f"${amount:,.2f}" in text
    deferred = next(
        each
        for each in told
        if each.get("results") and each["results"][0].get("status") == "deferred"
    )
    assert [job["title"] for job in deferred["results"]] == ["Align four wheels"]
    report, day = told[-1], timezone.localdate() - timedelta(days=29)
    sold = InvoiceLine.objects.filter(invoice__issued_on__gte=day).values_list("tax", flat=True)
    back = CreditNoteLine.objects.filter(credit_note__issued_on__gte=day).values_list(
        "tax", flat=True
    )
    assert Decimal(report["totals"]["tax"]) == sum(sold) - sum(back)


@pytest.mark.parametrize("path", re.findall(r"\]\((docs/[a-z./-]+\.md|[A-Z]+\.md)\)", README))
def test_what_the_readme_links_to_is_there(path):
    assert (Path(__file__).resolve().parent.parent / path).is_file()


# The whole story
# --------------------------------------------------------------------------------------


class Caller:
    """Somebody with a token, at a real server."""

    def __init__(self, url: str, email: str = "", password: str = PASSWORD) -> None:
        self.url, self.headers = f"{url}/api/v1/", {"Content-Type": "application/json"}
        if email:
            self.headers["Authorization"] = (
                "Bearer " + self("POST", "auth/token/", email=email, password=password)["access"]
            )

    def __call__(self, method: str, path: str, /, **body: Any) -> Any:
        data = json.dumps(body).encode() if method != "GET" else None
        request = urllib.request.Request(self.url + path, data, self.headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return json.load(refusal)


class Shop:
    """The story's people and parts, and what stands on the shelf."""

    def __init__(self, url: str) -> None:
        UserFactory(email="advisor@example.com", role="advisor", is_staff=True)
        self.nobody, self.desk = Caller(url), Caller(url, "advisor@example.com")
        self.ana, self.bo, self.cy = (
            MechanicFactory(name=name, login=True) for name in ("Ana", "Bo", "Cy")
        )
        make_ticket("approved", mechanics=[self.cy])
        self.pads = PartFactory(sku="PADS", price="74.90", stock=10)
        self.drums = PartFactory(sku="DRUMS", price="112.00", cost="58.00", stock=1)

    def shelf(self) -> list[str]:
        """On hand, allocated and available of pads and drums, as the API tells it."""
        parts = [self.desk("GET", f"parts/{part.pk}/") for part in (self.pads, self.drums)]
        return [
            " ".join(
                part[name].removesuffix(".000") for name in ("on_hand", "allocated", "available")
            )
            for part in parts
        ]

    def popular(self) -> list[tuple[str, int]]:
        return [
            (row["name"], row["ticket_count"])
            for row in self.nobody("GET", "mechanics/popular/")["results"]
        ]

    def ledger(self, part: Part) -> list[tuple[str, str, str]]:
        rows = self.desk("GET", f"parts/{part.pk}/movements/")["results"]
        return [
            (
                row["reason"],
                row["quantity"].removesuffix(".000"),
                row["on_hand_after"].removesuffix(".000"),
            )
            for row in reversed(rows)
        ]


@pytest.fixture
def shop(live_server):
    return Shop(live_server.url)


def lines_of(ticket: dict[str, Any]) -> dict[str, str]:
    """SKU → quantity, allocated, issued."""
    figures = ("quantity", "allocated", "issued")
    return {
        line["part"]["sku"]: " ".join(line[name].removesuffix(".000") for name in figures)
        for line in ticket["parts"]
    }


def test_every_figure_is_right_from_the_door_to_the_paid_bill(shop, live_server):
    assert shop.popular() == [("Cy", 1), ("Ana", 0), ("Bo", 0)]
    assert shop.shelf() == ["10 0 10", "1 0 1"]

    # The customer signs up, adds a car, asks for a repair.
    shop.nobody(
        "POST",
        "customers/",
        name="Sam Rivers",
        email="Sam@Example.com",
        phone="555-0171",
        password=PASSWORD,
    )
    sam = Caller(live_server.url, "sam@example.com")
    car = sam(
        "POST",
        "vehicles/",
        plate="abc-1234",
        vin="1HGCM82633A004352",
        make="Honda",
        model="Accord",
        year=2003,
    )
    assert (car["plate"], car["vin_valid"]) == ("ABC1234", True)
    ticket = sam(
        "POST",
        "tickets/",
        vehicle=car["id"],
        concern="Grinding from the back",
        service_date="2026-03-09",
    )
    assert (ticket["status"], ticket["customer"]["name"]) == ("estimate", "Sam Rivers")
    path = f"tickets/{ticket['id']}/"

    # The desk: two mechanics, parts. An estimate holds nothing.
    shop.desk("PUT", path + "assign-mechanic/", mechanic=shop.ana.pk, role="lead")
    ticket = shop.desk("PUT", path + "assign-mechanic/", mechanic=shop.bo.pk)
    assert [(each["name"], each["role"]) for each in ticket["mechanics"]] == [
        ("Ana", "lead"),
        ("Bo", "assistant"),
    ]
    assert shop.popular() == [("Ana", 1), ("Bo", 1), ("Cy", 1)]
    ticket = shop.desk("PUT", path + "add-part/", part=shop.pads.pk, quantity=2)
    assert (lines_of(ticket), ticket["parts_total"]) == ({"PADS": "2 0 0"}, "149.80")
    assert shop.shelf() == ["10 0 10", "1 0 1"]

    # The customer approves: the pads are held.
    ana = Caller(live_server.url, shop.ana.user.email)
    assert ana("POST", path + "transitions/", to="approved")["code"] == "permission_denied"
    ticket = sam("POST", path + "transitions/", to="approved")
    assert (ticket["status"], lines_of(ticket)) == ("approved", {"PADS": "2 2 0"})
    assert shop.shelf() == ["10 2 8", "1 0 1"]

    # The mechanic begins. Two drums are needed, one is there.
    ana("POST", path + "transitions/", to="in_progress")
    refused = ana("PUT", path + "add-part/", part=shop.drums.pk, quantity=2)
    assert (refused["status"], refused["code"], refused["available"]) == (
        409,
        "insufficient_stock",
        "1.000",
    )
    ticket = ana("PUT", path + "add-part/", part=shop.drums.pk, quantity=2, backorder=True)
    assert lines_of(ticket)["DRUMS"] == "2 0 0"  # more than Sam approved: the desk calls
    drums = next(
        line
        for line in sam("GET", path + "estimate/")["lines"]
        if line["kind"] == "part" and line["status"] == "proposed"
    )
    said = shop.desk(
        "POST", path + "authorizations/", approve_parts=[shop.drums.pk], channel="phone"
    )
    assert said["approved_total"] == drums["total"]
    ticket = sam("GET", path)
    assert (lines_of(ticket), ticket["parts_total"]) == (
        {"PADS": "2 2 0", "DRUMS": "2 1 0"},
        "373.80",
    )
    assert shop.shelf() == ["10 2 8", "1 1 0"]
    ana("PATCH", path, on_hold=True, hold_reason="parts")

    # It cannot be completed so.
    [step, _] = ana("GET", path + "transitions/")["next"]
    assert (step["to"], step["allowed"], [each["code"] for each in step["blocked_by"]]) == (
        "completed",
        False,
        ["backorder_unfilled"],
    )
    assert ana("POST", path + "transitions/", to="completed")["code"] == "backorder_unfilled"
    assert shop.shelf() == ["10 2 8", "1 1 0"]

    # A delivery fills it.
    part = shop.desk(
        "PUT", f"parts/{shop.drums.pk}/receive/", quantity=4, unit_cost="59.50", note="DN-4711"
    )
    assert (part["on_hand"], part["allocated"], part["available"]) == ("5.000", "2.000", "3.000")
    assert lines_of(sam("GET", path)) == {"PADS": "2 2 0", "DRUMS": "2 2 0"}

    # Done: what was held is fitted. The hold ends with the work.
    ticket = ana("POST", path + "transitions/", to="completed")
    assert (ticket["status"], ticket["on_hold"], lines_of(ticket)) == (
        "completed",
        False,
        {"PADS": "2 0 2", "DRUMS": "2 0 2"},
    )
    assert shop.shelf() == ["8 0 8", "3 0 3"]
    assert shop.ledger(shop.pads) == [("receipt", "10", "10"), ("issue", "-2", "8")]
    assert shop.ledger(shop.drums) == [
        ("receipt", "1", "1"),
        ("receipt", "4", "5"),
        ("issue", "-2", "3"),
    ]

    # Invoiced and closed; from here nothing changes.
    assert ana("POST", path + "transitions/", to="invoiced")["code"] == "permission_denied"
    shop.desk("POST", path + "transitions/", to="invoiced")
    assert shop.desk("POST", path + "transitions/", to="closed")["code"] == "balance_due"
    (invoice,) = sam("GET", "invoices/")["results"]
    shop.desk(
        "POST", f"invoices/{invoice['id']}/payments/", amount=invoice["balance"], method="card"
    )
    ticket = sam("GET", path)
    assert (ticket["status"], ticket["parts_total"], ticket["closed_at"] is not None) == (
        "closed",
        "373.80",
        True,
    )
    assert shop.desk("PUT", path + "remove-part/", part=shop.pads.pk)["code"] == "ticket_locked"
    history = [
        (step["from"], step["to"], step["by"]["name"])
        for step in sam("GET", path + "history/")["results"]
        if step["kind"] == "status"
    ]
    assert history == [
        ("", "estimate", "Sam Rivers"),
        ("estimate", "approved", "Sam Rivers"),
        ("approved", "in_progress", "Ana"),
        ("in_progress", "completed", "Ana"),
        ("completed", "invoiced", "Shop staff"),
        ("invoiced", "closed", "Shop staff"),
    ]
    assert shop.shelf() == ["8 0 8", "3 0 3"]
    assert shop.popular() == [("Ana", 1), ("Bo", 1), ("Cy", 1)]
    assert Customer.objects.get(email="sam@example.com").tickets.count() == 1
    assert find_discrepancies() == []
