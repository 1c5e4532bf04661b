"""Reports: what was sold and what is owed, to the cent; and what they cost, whoever
asks.
"""

import csv
import random
from codecs import BOM_UTF8 as BOM
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.models import Customer
from inventory.taxes import TaxCode, TaxRate
from mechanic_shop.http.csv_export import as_text
from mechanics.models import Mechanic
from tickets.approvals import operations as approvals
from tickets.billing import credit_notes, invoices, payments, reversals
from tickets.desk import requests
from tickets.models import CreditNote, Invoice, InvoiceAccount, Payment, ServiceTicket, Status
from tickets.reports import deferred_work
from tickets.work import jobs as work_jobs
from tickets.work import parts as work_parts
from tickets.work import recommendations, tickets

from .conftest import Client
from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    VehicleFactory,
    make_ticket,
    office,
)

pytestmark = pytest.mark.django_db
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}
NAMES = ("sales", "parts-margin", "tax", "receivables", "deferred-work")


def d(number: Any) -> Decimal:
    return Decimal(str(number))


def labor(
    hours: Any, price: Any = "100.00", mechanic: Mechanic | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "kind": "labor",
        "description": "Work",
        "quantity": d(hours),
        "unit_price": d(price),
        "mechanic": mechanic,
        **more,
    }


def extra(kind: str, price: Any, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "description": kind.title(), "unit_price": d(price), **more}


def at(moment: str | None) -> Any:
    return time_machine.travel(moment, tick=False) if moment else nullcontext()


def sell(
    *lines: dict[str, Any],
    parts: Any = (),
    customer: Customer | None = None,
    on: str | None = None,
    paid: Any = 0,
) -> Invoice:
    """The invoice of a job with these lines, issued at this moment."""
    with at(on):
        root = office()
        ticket = tickets.open_ticket(
            customer=customer or CustomerFactory(), concern="It squeaks", by=root
        )
        for part, quantity in parts:
            work_parts.add_part(ticket, part=part, quantity=d(quantity), by=root)
        job = work_jobs.add_job(ticket, title="Repair", lines=lines, by=root)
        if paid:
            payments.deposit(ticket, amount=d(paid), keep_as_credit=True, by=root)
        approvals.authorize(ticket, by=root)
        work_jobs.finish_job(job, by=root)
        requests.request_transition(ticket, to=Status.COMPLETED, by=root)
        return invoices.issue_invoice(ticket, by=root)


def credit(invoice: Invoice, on: str | None = None, **how: Any) -> CreditNote:
    with at(on):
        return credit_notes.credit(
            Invoice.objects.get(pk=invoice.pk), reason="Wrong", by=office(), **how
        )


def pay(invoice: Invoice, amount: Any, on: str | None = None) -> Payment:
    with at(on):
        return payments.pay(
            Invoice.objects.get(pk=invoice.pk), amount=d(amount), keep_as_credit=True, by=office()
        )


def tax_code(name: str = "VAT", rate: Any = 20) -> TaxCode:
    code = TaxCode.objects.create(name=name, is_default=not TaxCode.objects.exists())
    TaxRate.objects.create(code=code, rate=d(rate), valid_from=date(2020, 1, 1))
    return code


def ask(client: Client, name: str, **query: Any) -> Any:
    response = client.get(f"/api/v1/reports/{name}/", query)
    assert response.status_code == 200, response.content
    return response.json()


def table(response: Any) -> list[list[str]]:
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.startswith(BOM)
    return list(csv.reader(StringIO(response.content.decode("utf-8-sig"), newline="")))


# --- sales ----------------------------------------------------------------------------


def test_a_month_worked_by_hand(manager: Client) -> None:
    """Labor 1.5 h × 100 and 0.25 h × 90, a part 2 × 19.99, sublet 80, fee 7.50; 20 %
    tax. One of two parts is credited.
    """
    tax_code()
    part = PartFactory(stock=10)
    invoice = sell(
        labor("1.5"),
        labor("0.25", "90"),
        extra("sublet", "80"),
        extra("fee", "7.50"),
        parts=[(part, 2)],
        on="2026-03-02T10:00Z",
    )
    place = invoice.lines.get(kind="part").position
    credit(invoice, "2026-03-10T10:00Z", lines=[{"line": place, "quantity": d(1)}])

    found = ask(manager, "sales", **MARCH)

    assert found["rows"] == [
        {
            "period": "2026-03-02",
            "starts_on": "2026-03-02",
            "mechanic": None,
            "net": "299.98",
            "tax": "60.00",
            "total": "359.98",
            "net_of": {
                "labor": "172.50",
                "part": "39.98",
                "sublet": "80.00",
                "fee": "7.50",
                "supplies": "0.00",
                "trade_in": "0.00",
            },
            "invoices": 1,
            "credit_notes": 0,
            "hours": "1.750",
            "labor_rate": "98.57",
        },
        {
            "period": "2026-03-10",
            "starts_on": "2026-03-10",
            "mechanic": None,
            "net": "-19.99",
            "tax": "-4.00",
            "total": "-23.99",
            "net_of": {
                "labor": "0.00",
                "part": "-19.99",
                "sublet": "0.00",
                "fee": "0.00",
                "supplies": "0.00",
                "trade_in": "0.00",
            },
            "invoices": 0,
            "credit_notes": 1,
            "hours": "0.000",
            "labor_rate": None,
        },
    ]
    assert found["totals"] == {
        "net": "279.99",
        "tax": "56.00",
        "total": "335.99",
        "net_of": {
            "labor": "172.50",
            "part": "19.99",
            "sublet": "80.00",
            "fee": "7.50",
            "supplies": "0.00",
            "trade_in": "0.00",
        },
        "invoices": 1,
        "credit_notes": 1,
        "hours": "1.750",
        "labor_rate": "98.57",
    }
    assert (found["from"], found["to"], found["by"], found["currency"]) == (
        "2026-03-01",
        "2026-03-31",
        "day",
        "USD",
    )


def test_what_is_credited_in_another_month_counts_there(manager: Client) -> None:
    invoice = sell(labor(2), on="2026-01-31T12:00Z")
    credit(invoice, on="2026-02-01T12:00Z")
    found = ask(manager, "sales", **{"from": "2026-01-01", "to": "2026-02-28", "by": "month"})
    assert [
        (
            row["period"],
            row["starts_on"],
            row["net"],
            row["hours"],
            row["invoices"],
            row["credit_notes"],
        )
        for row in found["rows"]
    ] == [
        ("2026-01", "2026-01-01", "200.00", "2.000", 1, 0),
        ("2026-02", "2026-02-01", "-200.00", "-2.000", 0, 1),
    ]
    assert found["totals"]["net"] == "0.00"
    assert (
        ask(manager, "sales", **{"from": "2026-01-01", "to": "2026-01-31"})["totals"]["net"]
        == "200.00"
    )


def test_weeks_begin_on_monday_and_years_with_the_week_of_4_january(manager: Client) -> None:
    for day in ("2026-12-31", "2027-01-03", "2027-01-04"):
        sell(labor(1), on=f"{day}T12:00Z")
    found = ask(manager, "sales", **{"from": "2026-12-30", "to": "2027-01-10", "by": "week"})
    assert [(row["period"], row["starts_on"], row["net"]) for row in found["rows"]] == [
        ("2026-W53", "2026-12-28", "200.00"),
        ("2027-W01", "2027-01-04", "100.00"),
    ]


def test_a_mechanics_hours(manager: Client) -> None:
    """Other lines are nobody's; an invoice of two mechanics counts for both, and once
    in all.
    """
    asha, mia = MechanicFactory(name="Asha"), MechanicFactory(name="Mia")
    first = sell(
        labor("1.5", 100, asha),
        labor(2, 80, mia),
        labor(1, 50),
        extra("fee", 9),
        on="2026-03-02T12:00Z",
    )
    sell(labor("0.5", 100, asha), parts=[(PartFactory(stock=1), 1)], on="2026-03-03T12:00Z")
    place = first.lines.get(mechanic=asha).position
    credit(first, "2026-03-04T12:00Z", lines=[{"line": place, "quantity": d("0.5")}])
    found = ask(manager, "sales", **MARCH, by="mechanic")
    assert [
        (
            row["mechanic"],
            row["net"],
            row["hours"],
            row["labor_rate"],
            row["invoices"],
            row["credit_notes"],
            row["period"],
        )
        for row in found["rows"]
    ] == [
        ({"id": asha.pk, "name": "Asha"}, "150.00", "1.500", "100.00", 2, 1, None),
        ({"id": mia.pk, "name": "Mia"}, "160.00", "2.000", "80.00", 1, 0, None),
        (None, "50.00", "1.000", "50.00", 1, 0, None),
    ]
    totals = found["totals"]
    assert (totals["net"], totals["hours"], totals["invoices"], totals["credit_notes"]) == (
        "360.00",
        "4.500",
        2,
        1,
    )
    assert totals["net"] == ask(manager, "sales", **MARCH)["totals"]["net_of"]["labor"]


def test_supplies_have_their_own_column(manager: Client, settings: Any) -> None:
    settings.SHOP_SUPPLIES = (d(5), d(0))
    sell(labor(1), on="2026-03-02T12:00Z")
    assert ask(manager, "sales", **MARCH)["totals"]["net_of"]["supplies"] == "5.00"


def test_prices_that_contain_their_tax(manager: Client, settings: Any) -> None:
    settings.SHOP_PRICES_INCLUDE_TAX = True
    tax_code()
    invoice = sell(labor(1, "99.99"), on="2026-03-02T12:00Z")
    totals = ask(manager, "sales", **MARCH)["totals"]
    assert (totals["net"], totals["tax"], totals["total"]) == ("83.32", "16.67", "99.99")
    assert d(totals["total"]) == invoice.total


def test_a_currency_without_cents(manager: Client, settings: Any) -> None:
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = "JPY", 0
    sell(labor(3, 1000), on="2026-03-02T12:00Z")
    totals = ask(manager, "sales", **MARCH)["totals"]
    assert (totals["net"], totals["labor_rate"], totals["net_of"]["fee"]) == ("3000", "1000", "0")


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("America/Denver", "2026-03-10T05:30Z", "2026-03-09"),  # 23:30 on the day before
        ("Pacific/Auckland", "2026-03-09T10:30Z", "2026-03-09"),  # 23:30
        ("Pacific/Auckland", "2026-03-09T11:30Z", "2026-03-10"),  # 00:30
    ],
)
def test_days_are_the_shops(
    manager: Client, settings: Any, zone: str, moment: str, day: str
) -> None:
    settings.TIME_ZONE = zone
    customer = CustomerFactory()
    pay(sell(labor(1), customer=customer, on=moment), 100, on=moment)
    assert [row["period"] for row in ask(manager, "sales", **MARCH)["rows"]] == [day]
    entries = manager.get(
        f"/api/v1/customers/{customer.pk}/statement/", {"from": day, "to": day}
    ).json()["entries"]
    assert [(entry["date"], entry["kind"]) for entry in entries] == [
        (day, "invoice"),
        (day, "payment"),
    ]


def test_the_last_thirty_days_end_with_the_shops_today(manager: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"  # 14 hours ahead
    today = timezone.localdate()
    found = ask(manager, "sales")
    assert (found["from"], found["to"]) == (str(today - timedelta(days=29)), str(today))
    assert ask(manager, "sales", to="2026-03-30")["from"] == "2026-03-01"


# --- tax, margins ---------------------------------------------------------------------


def test_tax_by_name_and_rate(manager: Client) -> None:
    tax_code()
    reduced, none = tax_code("Reduced", 7), tax_code("Zero", 0)
    with at("2026-03-01T12:00Z"):
        exempt = CustomerFactory(tax_exempt=True)
    first = sell(
        labor(1),
        extra("fee", 50, tax_code=reduced),
        extra("fee", 30, tax_code=none),
        on="2026-03-02T12:00Z",
    )
    sell(labor(4), customer=exempt, on="2026-03-03T12:00Z")
    credit(first, "2026-03-04T12:00Z", lines=[{"line": 2}])
    TaxRate.objects.create(code=reduced, rate=d("7.5"), valid_from=date(2026, 3, 5))
    sell(extra("fee", 10, tax_code=reduced), on="2026-03-06T12:00Z")
    found = ask(manager, "tax", **MARCH)
    assert found["rows"] == [
        {"name": "", "rate": "0.000", "number": "", "base": "400.00", "tax": "0.00"},
        {"name": "Reduced", "rate": "7.000", "number": "", "base": "0.00", "tax": "0.00"},
        {"name": "Reduced", "rate": "7.500", "number": "", "base": "10.00", "tax": "0.75"},
        {"name": "VAT", "rate": "20.000", "number": "", "base": "100.00", "tax": "20.00"},
        {"name": "Zero", "rate": "0.000", "number": "", "base": "30.00", "tax": "0.00"},
    ]
    assert found["totals"] == {"base": "540.00", "tax": "20.75"}
    sales = ask(manager, "sales", **MARCH)["totals"]
    assert (sales["net"], sales["tax"]) == ("540.00", "20.75")


def test_what_parts_bring(manager: Client) -> None:
    """The cost is that of the day on which the part was put on the ticket; a litre of
    oil costs by fractions.
    """
    pads = PartFactory(sku="PADS", price=d("30.00"), cost=d("12.00"), stock=10)
    oil = PartFactory(sku="OIL", unit="litre", price=d("9.99"), cost=d("3.33"), stock=10)
    gift = PartFactory(sku="GIFT", price=d(0), cost=d("1.00"), stock=1)
    sell(labor(1), parts=[(pads, 2), (oil, "0.5"), (gift, 1)], on="2026-03-02T12:00Z")
    pads.save_changes(cost=d("14.50"))
    second = sell(labor(1), parts=[(pads, 3), (oil, "0.7")], on="2026-03-03T12:00Z")
    credit(
        second,
        "2026-03-04T12:00Z",
        lines=[{"line": second.lines.get(part=pads).position, "quantity": d(1), "restock": True}],
    )
    found = ask(manager, "parts-margin", **MARCH)
    assert [
        (
            row["part"]["sku"],
            *(row[name] for name in ("quantity", "net", "cost", "margin", "margin_percent")),
        )
        for row in found["rows"]
    ] == [
        ("GIFT", "1.000", "0.00", "1.00", "-1.00", None),
        ("OIL", "1.200", "11.99", "4.00", "7.99", "66.6"),
        ("PADS", "4.000", "120.00", "53.00", "67.00", "55.8"),
    ]
    assert found["totals"] == {
        "net": "131.99",
        "cost": "58.00",
        "margin": "73.99",
        "margin_percent": "56.1",
    }


def test_costs_need_their_own_permission(manager: Client) -> None:
    from django.contrib.auth.models import Group, Permission

    Group.objects.get(name="manager").permissions.remove(
        Permission.objects.get(codename="view_cost")
    )
    client = Client().as_user(type(manager.user).objects.get(pk=manager.user.pk))
    assert {
        name: client.get(f"/api/v1/reports/{name}/").status_code for name in NAMES
    } == dict.fromkeys(NAMES, 200) | {"parts-margin": 403}


# --- receivables ----------------------------------------------------------------------


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def test_what_is_open_by_age(manager: Client, settings: Any) -> None:
    settings.SHOP_PAYMENT_DAYS = 0
    late, paid_much, trusting = (
        CustomerFactory(name=name) for name in ("Late", "Paid much", "Trusting")
    )
    for days, hours in (
        (0, 1),
        (1, 2),
        (30, 3),
        (31, 4),
        (60, 5),
        (61, 6),
        (90, 7),
        (91, 8),
        (400, 9),
    ):
        sell(labor(hours), customer=late, on=days_ago(days))
    pay(sell(labor(1), customer=late), "40.50")
    pay(sell(labor(1), customer=paid_much), "130.25")
    pay(sell(labor(1), customer=CustomerFactory(name="Even")), 100)
    waiting = make_ticket("approved", customer=trusting)
    payments.deposit(waiting, amount=d("75.00"), keep_as_credit=True, by=office())
    payments.refund_deposit(waiting, amount=d("25.00"), by=office())

    found = ask(manager, "receivables")

    columns = (
        "not_due",
        "days_1_30",
        "days_31_60",
        "days_61_90",
        "over_90",
        "due",
        "credit",
        "deposits",
        "balance",
    )
    assert {row["customer"]["name"]: [row[name] for name in columns] for row in found["rows"]} == {
        "Late": [
            "159.50",
            "500.00",
            "900.00",
            "1300.00",
            "1700.00",
            "4559.50",
            "0.00",
            "0.00",
            "4559.50",
        ],
        "Trusting": ["0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "50.00", "-50.00"],
        "Paid much": ["0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "30.25", "0.00", "-30.25"],
    }
    assert [row["customer"]["name"] for row in found["rows"]] == ["Late", "Trusting", "Paid much"]
    assert [found["totals"][name] for name in columns] == [
        "159.50",
        "500.00",
        "900.00",
        "1300.00",
        "1700.00",
        "4559.50",
        "30.25",
        "50.00",
        "4479.25",
    ]


def test_a_deposit_is_open_until_its_invoice(manager: Client) -> None:
    customer = CustomerFactory()
    sell(labor(1), customer=customer, paid=60)
    (row,) = ask(manager, "receivables")["rows"]
    assert (row["due"], row["deposits"], row["not_due"]) == ("40.00", "0.00", "40.00")


# --- deferred work --------------------------------------------------------------------


def quote(title: str, *, ticket: ServiceTicket, price: Any, parts: Any = ()) -> Any:
    job = work_jobs.add_job(
        ticket, title=title, lines=[labor("1.5", price), extra("fee", "3.00")], by=office()
    )
    for part, quantity in parts:
        work_parts.add_part(ticket, part=part, quantity=d(quantity), job=job, by=office())
    return job


def test_work_that_was_put_off(manager: Client) -> None:
    vehicle = VehicleFactory(customer=CustomerFactory(name="Olive", phone="555-0100"), plate="ABC1")
    ticket = make_ticket(vehicle=vehicle)
    brakes = quote("Brakes", ticket=ticket, price=100, parts=[(PartFactory(price=d("20.00")), 2)])
    belt, taken, done = (
        quote(title, ticket=ticket, price=50) for title in ("Belt", "Wipers", "Oil")
    )
    approvals.authorize(ticket, defer=[brakes.pk, taken.pk], by=office())
    approvals.authorize(ticket, approve=[done.pk], decline=[belt.pk], by=office())
    again = make_ticket(vehicle=vehicle)
    recommendations.add_recommendation(again, job=taken, by=office())

    found = ask(manager, "deferred-work")

    assert [(row["title"], row["status"], row["total"]) for row in found["rows"]] == [
        ("Belt", "declined", "78.00"),
        ("Brakes", "deferred", "193.00"),
    ]
    row = found["rows"][1]
    assert row["customer"] == {
        "id": vehicle.customer_id,
        "name": "Olive",
        "phone": "555-0100",
        "email": vehicle.customer.email,
    }
    assert row["ticket"] == {"id": ticket.pk, "number": ticket.number}
    assert row["vehicle"] == {"id": vehicle.pk, "name": vehicle.name, "plate": "ABC1"}
    said = ticket.authorizations.order_by("pk").first()
    assert row["decided_at"] == said.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert found["totals"] == {
        "jobs": 2,
        "total": "271.00",
        "declined": {"jobs": 1, "total": "78.00"},
        "deferred": {"jobs": 1, "total": "193.00"},
    }


def test_a_ticket_without_a_vehicle_and_a_limit(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferred_work, "MOST", 2)
    ticket = make_ticket()
    jobs = [quote(f"Job {number}", ticket=ticket, price=10) for number in range(3)]
    approvals.authorize(ticket, decline=[job.pk for job in jobs], by=office())
    found = ask(manager, "deferred-work")
    assert [(row["title"], row["vehicle"]) for row in found["rows"]] == [
        ("Job 2", None),
        ("Job 1", None),
    ]
    assert found["totals"]["jobs"] == 3
    assert found["totals"]["total"] == "54.00"
    assert table(manager.get("/api/v1/reports/deferred-work/", {"format": "csv"}))[1][-3:] == [
        "",
        "",
        "",
    ]


# --- statements -----------------------------------------------------------------------


@pytest.fixture
def account(owner: Client) -> Customer:
    """February: an invoice of 100, of which 30 were paid. March: 60 in advance on one
    of 200, credit, payment, bounced check, refund.
    """
    customer: Customer = owner.user.customer
    old = sell(labor(1), customer=customer, on="2026-02-10T12:00Z")
    pay(old, 30, on="2026-02-11T12:00Z")
    new = sell(labor(2), customer=customer, paid=60, on="2026-03-02T12:00Z")
    credit(new, "2026-03-03T12:00Z", lines=[{"line": 1, "quantity": d("0.5")}])
    cheque = pay(new, 100, on="2026-03-04T12:00Z")
    with at("2026-03-05T12:00Z"):
        reversals.reverse(cheque, note="bounced", by=office())
    pay(new, 95, on="2026-03-06T12:00Z")
    with at("2026-03-07T12:00Z"):
        payments.refund(Invoice.objects.get(pk=new.pk), amount=d(2), by=office())
    return customer


def test_a_statement_tells_each_step(account: Customer, owner: Client, manager: Client) -> None:
    url = f"/api/v1/customers/{account.pk}/statement/"
    found = owner.get(url, MARCH).json()
    assert found == manager.get(url, MARCH).json()
    ticket = Invoice.objects.order_by("-pk")[0].ticket.number
    assert [
        (row["date"], row["kind"], row["debit"], row["credit"], row["balance"])
        for row in found["entries"]
    ] == [
        (
            "2026-03-02",
            "invoice",
            "200.00",
            "0.00",
            "270.00",
        ),  # in the same moment what is owed comes first
        ("2026-03-02", "deposit", "0.00", "60.00", "210.00"),
        ("2026-03-03", "credit_note", "0.00", "50.00", "160.00"),
        ("2026-03-04", "payment", "0.00", "100.00", "60.00"),
        ("2026-03-05", "reversal", "100.00", "0.00", "160.00"),
        ("2026-03-06", "payment", "0.00", "95.00", "65.00"),
        ("2026-03-07", "refund", "2.00", "0.00", "67.00"),
    ]
    assert (found["opening"], found["closing"], found["credit"]) == ("70.00", "67.00", "3.00")
    assert {row["ticket"] for row in found["entries"]} == {ticket}
    assert [row["number"][:2] for row in found["entries"]].count("R-") == 5
    assert found["customer"] == {"id": account.pk, "name": "Olive Owner"}


def test_a_statement_ends_with_what_the_invoices_say(account: Customer, manager: Client) -> None:
    ticket = make_ticket("approved", customer=account)
    payments.deposit(ticket, amount=d("12.34"), keep_as_credit=True, by=office())
    first = timezone.localdate() - timedelta(days=365)
    found = manager.get(f"/api/v1/customers/{account.pk}/statement/", {"from": first}).json()
    balances = sum(
        InvoiceAccount.objects.filter(invoice__customer=account).values_list("balance", flat=True)
    )
    assert d(found["closing"]) == balances - d("12.34")
    (row,) = ask(manager, "receivables")["rows"]
    assert row["balance"] == found["closing"]
    assert found["credit"] == "15.34"


def test_a_statement_without_entries(owner: Client, account: Customer) -> None:
    found = owner.get(
        f"/api/v1/customers/{account.pk}/statement/", {"from": "2026-02-12", "to": "2026-02-28"}
    ).json()
    assert (found["opening"], found["entries"], found["closing"]) == ("70.00", [], "70.00")
    nobody = CustomerFactory(user=office())
    found = Client().as_user(office()).get(f"/api/v1/customers/{nobody.pk}/statement/").json()
    assert (found["opening"], found["closing"], found["credit"]) == ("0.00", "0.00", "0.00")


def test_whose_statement_it_is(
    account: Customer, stranger: Client, advisor: Client, unassigned: Client, anonymous: Client
) -> None:
    url = f"/api/v1/customers/{account.pk}/statement/"
    assert [
        client.get(url).status_code for client in (stranger, advisor, unassigned, anonymous)
    ] == [404, 200, 403, 401]
    unassigned.user.customer = CustomerFactory(user=unassigned.user)
    own = Client().as_user(type(unassigned.user).objects.get(pk=unassigned.user.pk))
    assert own.get(f"/api/v1/customers/{unassigned.user.customer.pk}/statement/").status_code == 200


def test_a_statement_as_a_file(account: Customer, owner: Client) -> None:
    response = owner.get(f"/api/v1/customers/{account.pk}/statement/", MARCH | {"format": "csv"})
    rows = table(response)
    assert rows[0] == ["date", "kind", "number", "ticket", "debit", "credit", "balance"]
    assert rows[1] == ["2026-03-01", "opening", "", "", "", "", "70.00"]
    assert rows[-1] == ["2026-03-31", "closing", "", "", "", "", "67.00"]
    assert len(rows) == 10
    assert (
        response["Content-Disposition"]
        == f'attachment; filename="statement-{account.pk}-2026-03-01-2026-03-31.csv"'
    )


# --- the two forms --------------------------------------------------------------------


def test_a_file_for_a_spreadsheet(manager: Client) -> None:
    tax_code()
    credit(sell(labor(1), on="2026-03-02T12:00Z"), on="2026-03-03T12:00Z")
    response = manager.get("/api/v1/reports/sales/", MARCH | {"format": "csv"})
    rows = table(response)
    kinds = "net_of_labor,net_of_part,net_of_sublet,net_of_fee,net_of_supplies,net_of_trade_in"
    assert (
        ",".join(rows[0])
        == f"period,starts_on,mechanic_id,mechanic_name,net,tax,total,{kinds},invoices,credit_notes,hours,labor_rate"
    )
    assert (
        ",".join(rows[2])
        == "2026-03-03,2026-03-03,,,-100.00,-20.00,-120.00,-100.00,0.00,0.00,0.00,0.00,0.00,0,1,-1.000,"
    )
    assert (
        response["Content-Disposition"]
        == 'attachment; filename="sales-by-day-2026-03-01-2026-03-31.csv"'
    )
    assert response.content.count(b"\r\n") == 3
    assert b"\n" not in response.content.replace(b"\r\n", b"")


@pytest.mark.parametrize("name", ["=1+1", 'a "quoted", name'])
def test_no_text_becomes_a_formula(manager: Client, name: str) -> None:
    Mechanic.objects.bulk_create([Mechanic(name=name)])
    sell(labor(1, 100, Mechanic.objects.get(name=name)), on="2026-03-02T12:00Z")
    cell = table(
        manager.get("/api/v1/reports/sales/", MARCH | {"format": "csv", "by": "mechanic"})
    )[1][3]
    assert cell == (name if name.startswith("a") else f"'{name}")


FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "＝1+1", "＋1", "－1+1", "＠SUM(A1)", "﹦1+1"]
SKIPPED = ["", " ", "\u00a0", "\u3000", "\ufeff", "\u200b", "\u2060", '"', "'", "\x00", '\ufeff "']


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_beginning_of_a_formula_is_neutral(formula: str) -> None:
    for skipped in SKIPPED:
        assert as_text(skipped + formula) == f"'{skipped}{formula}"
        for separator in (";", "\t", "\r", "\n", "\r\n"):
            assert (
                as_text(f"Pads{separator}{skipped}{formula};x")
                == f"Pads{separator}'{skipped}{formula};x"
            )
    assert [as_text(f"{start}x") for start in "\t\r\n"] == ["'\tx", "'\rx", "'\nx"]


@pytest.mark.parametrize(
    "text",
    [
        *("+1 555 010 0123", "+49 (0)30/123-456", "+15550100123", "-12.50", "-1", ""),
        *("a=b", "1-2", "Pads; discs", "O'Brien", "x@y.example", "Jean-Luc"),
    ],
)
def test_what_is_no_formula_comes_back_as_it_was(text: str) -> None:
    assert as_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "+1-2",
        "+1 555 010 0123+cmd|'/c calc'!A0",
        "-1+cmd|'/c calc'!A0",
        "+(1)234567*2",
        "+1 555 010 0123\n",
    ],
)
def test_what_only_looks_like_a_phone_number_is_none(text: str) -> None:
    assert as_text(text) == f"'{text}"


def test_a_program_asks_for_a_file_without_a_byte_order_mark(manager: Client) -> None:
    ask_for = {"format": "csv"} | MARCH
    plain = manager.get("/api/v1/reports/sales/", ask_for | {"bom": "off"}).content
    assert (
        BOM + plain
        == manager.get("/api/v1/reports/sales/", ask_for | {"bom": "on"}).content
        == manager.get("/api/v1/reports/sales/", ask_for).content
    )
    assert (
        manager.get("/api/v1/reports/sales/", {"bom": "perhaps"}).json()["errors"][0]["code"]
        == "invalid_choice"
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_report_has_both_forms_and_an_etag(manager: Client, name: str) -> None:
    sell(labor(1), parts=[(PartFactory(stock=1), 1)])
    ticket = make_ticket()
    approvals.authorize(ticket, defer=[quote("Belt", ticket=ticket, price=1).pk], by=office())
    url = f"/api/v1/reports/{name}/"
    assert len(table(manager.get(url, {"format": "csv"}))) == 2
    assert table(manager.get(url, HTTP_ACCEPT="text/csv")) == table(
        manager.get(url, {"format": "csv"})
    )
    assert len(manager.get(url, {"format": "json"}).json()["rows"]) == 1
    page = manager.get(url, HTTP_ACCEPT="text/html")
    assert page["Content-Type"].startswith("text/html")
    answer = manager.get(url)
    assert answer["Cache-Control"] == "private, no-cache"
    assert manager.get(url, HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304


@pytest.mark.parametrize("accept", ["*/*", "text/csv"])
@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from", "invalid"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "from", "invalid"),
        ({"from": "yesterday"}, "from", "invalid"),
        ({"to": "2026-02-30"}, "to", "invalid"),
        ({"to": "0001-01-01"}, "to", "invalid"),
        ({"from": "9999-12-31"}, "from", "invalid"),
        ({"by": "year"}, "by", "invalid_choice"),
        ({"format": "xls"}, "format", "invalid_choice"),
        ({"form": "2026-01-01"}, "form", "unknown_parameter"),
        ({"page": "1"}, "page", "unknown_parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    manager: Client, query: dict[str, str], field: str, code: str, accept: str
) -> None:
    response = manager.get("/api/v1/reports/sales/", query, HTTP_ACCEPT=accept)
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [
        (field, code)
    ]


def test_a_leap_year_is_one_report_and_no_more(manager: Client) -> None:
    assert ask(manager, "sales", **{"from": "2024-01-01", "to": "2024-12-31"})["rows"] == []


@pytest.mark.parametrize("name", ["receivables", "deferred-work"])
def test_what_has_no_days_takes_none(manager: Client, name: str) -> None:
    assert (
        manager.get(f"/api/v1/reports/{name}/", {"from": "2026-01-01"}).json()["code"]
        == "unknown_parameter"
    )


@pytest.mark.parametrize("name", NAMES)
def test_reports_are_for_the_manager(
    owner: Client, advisor: Client, assigned: Client, anonymous: Client, name: str
) -> None:
    url = f"/api/v1/reports/{name}/"
    assert [client.get(url).status_code for client in (owner, advisor, assigned, anonymous)] == [
        403,
        403,
        403,
        401,
    ]
    assert advisor.get(url, HTTP_ACCEPT="text/csv")["Content-Type"] == "application/problem+json"


# --- whatever the data ----------------------------------------------------------------


def busy(rows: int) -> None:
    mechanics = [MechanicFactory() for _ in range(rows)]
    for number in range(rows):
        on = days_ago(number * 9 % 25)
        invoice = sell(
            labor(2, 90, mechanics[number]),
            labor(1, 50),
            parts=[(PartFactory(stock=5), 2)],
            on=on,
            paid=10,
        )
        credit(invoice, lines=[{"line": 1, "quantity": d(1)}])
        pay(invoice, "33.33")
        ticket = make_ticket(vehicle=VehicleFactory())
        approvals.authorize(
            ticket,
            defer=[quote("Belt", ticket=ticket, price=1, parts=[(PartFactory(), 1)]).pk],
            by=office(),
        )
        payments.deposit(ticket, amount=d(5), keep_as_credit=True, by=office())


@pytest.mark.parametrize(
    "path",
    [
        *(f"reports/{name}/" for name in NAMES),
        *(f"reports/sales/?by={by}" for by in ("week", "month", "mechanic")),
    ],
)
def test_a_report_runs_as_many_queries_for_any_shop(manager: Client, path: str) -> None:
    counts = []
    for rows in (1, 4):
        busy(rows)
        manager.get(f"/api/v1/{path}")
        with CaptureQueriesContext(connection) as captured:
            assert manager.get(f"/api/v1/{path}").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 10


def test_a_statement_runs_as_many_queries_for_any_customer(manager: Client) -> None:
    customer = CustomerFactory()
    counts = []
    for rows in (1, 5):
        for _ in range(rows):
            invoice = sell(labor(2), customer=customer, paid=10)
            credit(invoice, lines=[{"line": 1, "quantity": d(1)}])
            pay(invoice, 20)
        url = f"/api/v1/customers/{customer.pk}/statement/"
        manager.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert len(manager.get(url).json()["entries"]) == 4 * (1 if rows == 1 else 6)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12


def muddle(seed: int) -> Iterator[Invoice]:
    """A shop's quarter at random: discounts, taxes, deposits, credits, payments,
    refunds, reversals.
    """
    chance = random.Random(seed)
    codes = [tax_code("VAT", "19"), tax_code("Reduced", "7.725"), tax_code("None", "0")]
    mechanics, customers = (
        [MechanicFactory(), MechanicFactory(), None],
        [CustomerFactory() for _ in range(3)],
    )
    parts = [
        PartFactory(
            price=d(chance.randint(1, 9999)) / 100, cost=d(chance.randint(0, 5000)) / 100, stock=500
        )
        for _ in range(4)
    ]
    start = datetime(2026, 1, 15, tzinfo=UTC)
    for _ in range(12):
        now = start + timedelta(hours=chance.randint(0, 80 * 24))
        lines = [
            labor(
                d(chance.randint(1, 800)) / 100,
                d(chance.randint(1, 15000)) / 100,
                chance.choice(mechanics),
                tax_code=chance.choice(codes),
            )
            for _ in range(chance.randint(1, 3))
        ]
        lines += [
            extra(
                "fee",
                d(chance.randint(0, 5000)) / 100,
                discount_percent=d(chance.choice([0, 0, 10, 33])),
            )
        ]
        bought = [
            (part, chance.randint(1, 5)) for part in chance.sample(parts, chance.randint(0, 3))
        ]
        paid = chance.choice([0, 0, d(chance.randint(1, 20000)) / 100])
        invoice = sell(
            *lines, parts=bought, customer=chance.choice(customers), paid=paid, on=now.isoformat()
        )
        yield invoice
        later = (now + timedelta(days=chance.randint(0, 20))).isoformat()
        if chance.random() < 0.5:
            line = chance.choice(list(invoice.lines.exclude(kind="part")))
            credit(
                invoice,
                later,
                lines=[
                    {
                        "line": line.position,
                        "quantity": max(d("0.01"), (line.quantity / 3).quantize(d("0.01"))),
                    }
                ],
            )
        if chance.random() < 0.2:
            credit(invoice, later, restock=chance.random() < 0.5)
            continue
        if invoice.account.balance > 0 and chance.random() < 0.7:
            payment = pay(
                invoice,
                max(
                    d("0.01"),
                    (invoice.total * d(chance.choice(["0.3", "1", "1.2"]))).quantize(d("0.01")),
                ),
                later,
            )
            if chance.random() < 0.3:
                with at(later):
                    reversals.reverse(payment, note="bounced", by=office())


@pytest.mark.parametrize("seed", range(3))
def test_the_sums_are_those_of_the_papers(manager: Client, settings: Any, seed: int) -> None:
    settings.SHOP_TAX_ROUNDING = ("group", "line", "group")[seed]
    settings.SHOP_PRICES_INCLUDE_TAX = seed == 2
    settings.SHOP_SUPPLIES, settings.SHOP_SUPPLIES_CAP = (d(3), d(0)), d(20)
    list(muddle(seed))
    period = {"from": "2026-01-01", "to": "2026-06-30"}
    papers = {
        name: sum(Invoice.objects.values_list(name, flat=True))
        - sum(CreditNote.objects.values_list(name, flat=True))
        for name in ("subtotal", "tax", "total")
    }
    for by in ("day", "week", "month"):
        found = ask(manager, "sales", **period, by=by)
        for name, column in (("net", "subtotal"), ("tax", "tax"), ("total", "total")):
            assert (
                d(found["totals"][name])
                == papers[column]
                == sum(d(row[name]) for row in found["rows"])
            )
        assert sum(d(net) for net in found["totals"]["net_of"].values()) == papers["subtotal"]
        assert found["totals"]["invoices"] == Invoice.objects.count()
    tax = ask(manager, "tax", **period)["totals"]
    assert (d(tax["base"]), d(tax["tax"])) == (papers["subtotal"], papers["tax"])
    labor_net = d(found["totals"]["net_of"]["labor"])
    mechanics = ask(manager, "sales", **period, by="mechanic")
    assert (
        d(mechanics["totals"]["net"])
        == labor_net
        == sum(d(row["net"]) for row in mechanics["rows"])
    )
    margins = ask(manager, "parts-margin", **period)
    assert d(margins["totals"]["net"]) == d(found["totals"]["net_of"]["part"])

    owed = ask(manager, "receivables")
    assert d(owed["totals"]["due"]) - d(owed["totals"]["credit"]) == sum(
        InvoiceAccount.objects.values_list("balance", flat=True)
    )
    for row in owed["rows"]:
        url = f"/api/v1/customers/{row['customer']['id']}/statement/"
        assert manager.get(url, period).json()["closing"] == row["balance"]
