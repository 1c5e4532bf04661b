"""Tax codes that consist of several named taxes: GST and QST, or state and city tax."""

from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from inventory import tax_operations
from inventory.taxes import TaxCode, TaxRate
from tickets.billing.integrity_checks import find_discrepancies as findings
from tickets.pricing import engine
from tickets.pricing.engine import Item
from tickets.pricing.rules import GROUP, LINE, Rules
from tickets.pricing.taxes import compound_tax
from tickets.reports import tax_report

from .conftest import Client
from .test_admin import browser
from .test_money import API, credit, done_ticket, issue, refused

GST = {"name": "GST", "rate": "5", "number": "123456789 RT0001"}
QST = {"name": "QST", "rate": "9.975", "number": "1234567890 TQ0001"}
ON_TOP = QST | {"on_top": True}


def d(number: str) -> Decimal:
    return Decimal(number)


def parts(*taxes: dict[str, Any]) -> list[tuple[str, Decimal, str, bool]]:
    return [(tax["name"], d(tax["rate"]), tax["number"], tax.get("on_top", False)) for tax in taxes]


def shares(bill: engine.Bill) -> list[tuple[str, Decimal, Decimal]]:
    return [(tax.tax.name, tax.base, tax.amount) for tax in bill.taxes]


# --- prices ---------------------------------------------------------------------------


@pytest.mark.parametrize("rounding", [GROUP, LINE])
def test_two_taxes_on_one_line_are_each_rounded(rounding: str) -> None:
    bill = engine.price(
        [Item(d("1"), d("300"), tax=compound_tax("GST + QST", parts(GST, QST)))],
        rules=Rules(rounding=rounding),
    )
    assert bill.total == d("344.93")
    assert shares(bill) == [("GST", d("300.00"), d("15.00")), ("QST", d("300.00"), d("29.93"))]


def test_a_tax_on_top_is_due_on_the_amount_with_the_tax_before_it() -> None:
    bill = engine.price([Item(d("1"), d("300"), tax=compound_tax("Both", parts(GST, ON_TOP)))])
    assert shares(bill) == [("GST", d("300.00"), d("15.00")), ("QST", d("315.00"), d("31.42"))]


def test_a_tax_that_two_codes_share_is_rounded_once() -> None:
    both, gst = compound_tax("Both", parts(GST, QST)), compound_tax("GST only", parts(GST))
    bill = engine.price([Item(d("1"), d("0.09"), tax=both), Item(d("1"), d("0.01"), tax=gst)])
    assert {name: amount for name, _, amount in shares(bill)}["GST"] == d("0.01")


rates = st.decimals("0", "20", places=3)
taxes = st.one_of(
    st.none(),
    st.lists(st.tuples(rates, st.booleans()), min_size=1, max_size=3).map(
        lambda found: compound_tax(
            "Code", [(f"Tax {i}", rate, "", on_top) for i, (rate, on_top) in enumerate(found)]
        )
    ),
)
lines = st.lists(st.tuples(st.decimals("0.01", "500", places=2), taxes), min_size=1, max_size=8)


@given(lines, st.sampled_from([GROUP, LINE]), st.booleans(), st.sampled_from([0, 2, 3]))
def test_shares_of_taxes_add_up(lines: Any, rounding: str, inclusive: bool, places: int) -> None:
    rules = Rules(places=places, rounding=rounding, inclusive=inclusive)
    bill = engine.price([Item(d("1"), price, tax=tax) for price, tax in lines], rules=rules)
    assert sum(tax.amount for tax in bill.taxes) == bill.tax
    assert sum(line.total for line in bill.lines) == bill.total
    for line in bill.lines:
        assert sum(share.amount for share in line.tax_shares) == line.tax
        if inclusive:
            assert line.total == line.amount


# --- the catalog, the documents, the report -------------------------------------------


@pytest.fixture
def invoice(db: None, manager: Client) -> dict[str, Any]:
    body = {"name": "GST + QST", "parts": [GST, QST], "valid_from": "2020-01-01"}
    response = manager.post(f"{API}tax-codes/", body | {"is_default": True})
    assert response.status_code == 201, response.json()
    return issue(manager, done_ticket(parts=5))  # 200.00 and 99.95


def test_a_code_of_several_taxes_is_written_and_read_back(invoice: Any, manager: Client) -> None:
    code = manager.get(f"{API}tax-codes/").json()["results"][0]
    assert code["rates"] == [
        {
            "rate": "14.975",
            "valid_from": "2020-01-01",
            "parts": [
                {"name": "GST", "rate": "5.000", "number": GST["number"], "on_top": False},
                {"name": "QST", "rate": "9.975", "number": QST["number"], "on_top": False},
            ],
        }
    ]
    address = f"{API}tax-codes/{code['id']}/set-rate/"
    response = manager.put(address, {"parts": [GST, ON_TOP], "valid_from": "2030-01-01"})
    assert response.json()["rates"][1]["rate"] == "15.474"
    assert TaxRate.objects.on(date(2029, 12, 31))[None].parts[1].on_top is False
    assert TaxRate.objects.on(date(2030, 1, 1))[None].parts[1].on_top is True
    assert manager.put(address, {"rate": "20", "valid_from": "2030-01-01"}).status_code == 200
    assert TaxRate.objects.on(date(2030, 1, 1))[None].parts == ()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rate"),
        ({"rate": "5", "parts": [GST]}, "rate"),
        ({"parts": [GST] * 7}, "parts"),
        ({"parts": [GST | {"rate": "101"}]}, "parts.0.rate"),
        ({"parts": [GST | {"rate": "60"}, QST | {"rate": "60"}]}, "parts"),
        ({"parts": [GST | {"name": " "}]}, "parts.0.name"),
    ],
)
def test_a_code_is_one_tax_or_consists_of_some(
    db: None, manager: Client, body: dict[str, Any], field: str
) -> None:
    response = manager.post(f"{API}tax-codes/", {"name": "New", **body})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not TaxCode.objects.exists()


def test_each_tax_stands_on_the_invoice_with_its_number(invoice: Any, manager: Client) -> None:
    assert (invoice["subtotal"], invoice["tax"], invoice["total"]) == ("299.95", "44.92", "344.87")
    document = manager.get(f"{API}invoices/{invoice['id']}/document/").json()
    assert document["taxes"] == [
        {
            "name": "GST",
            "rate": "5.000",
            "number": GST["number"],
            "base": "299.95",
            "amount": "15.00",
        },
        {
            "name": "QST",
            "rate": "9.975",
            "number": QST["number"],
            "base": "299.95",
            "amount": "29.92",
        },
    ]
    paper = manager.get(f"{API}invoices/{invoice['id']}/pdf/").content
    text = PdfReader(BytesIO(paper)).pages[0].extract_text()
    words = " ".join(text.split())
    assert GST["number"] in words
    assert QST["number"] in words


def test_credit_notes_and_the_tax_report_keep_the_taxes_apart(
    invoice: Any, manager: Client
) -> None:
    def report() -> list[tuple[str, str]]:
        found = tax_report.taxes(date(2020, 1, 1), date(2100, 1, 1))
        assert found["totals"]["base"] == sum(row["base"] for row in found["rows"][:1])
        return [(row["name"], f"{row['tax']:.2f}") for row in found["rows"]]

    assert report() == [("GST", "15.00"), ("QST", "29.92")]
    lines = [{"line": 2, "quantity": "2"}]
    assert credit(manager, invoice, lines=lines).status_code == 201
    assert report() == [("GST", "13.00"), ("QST", "25.93")]
    assert findings() == []
    assert credit(manager, invoice).status_code == 201
    assert report() == [("GST", "0.00"), ("QST", "0.00")]
    assert findings() == []


def test_the_admin_writes_the_parts_of_a_code(db: None, manager: Client) -> None:
    chief = browser(manager.user)
    text = "GST; 5; 123456789 RT0001\nQST; 9.975; 1234567890 TQ0001; on top"
    address = "/admin/inventory/taxcode/add/"
    response = chief.post(address, {"name": "Both", "parts": text})
    assert response.status_code == 302
    parts = TaxCode.objects.get().rates.get().parts.values_list("name", "rate", "on_top")
    assert list(parts) == [("GST", 5, False), ("QST", d("9.975"), True)]
    refusal = chief.post(address, {"name": "Odd", "parts": "GST 5"}).content.decode()
    assert "name; percent" in refusal or "number" in refusal
    assert not TaxCode.objects.filter(name="Odd").exists()


def test_a_shop_without_compound_taxes_sees_one_tax(db: None, manager: Client) -> None:
    tax_operations.add_tax_code(name="VAT", number="DE1", rate=d("19"), is_default=True, by=None)
    made = issue(manager, done_ticket())
    document = manager.get(f"{API}invoices/{made['id']}/document/").json()
    assert [(tax["name"], tax["number"]) for tax in document["taxes"]] == [("VAT", "DE1")]
    refused(manager.post(f"{API}tax-codes/", {"name": "vat", "rate": "1"}), 400)
