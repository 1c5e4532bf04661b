"""Documents that were handed out stand: nothing that changes afterwards changes a byte
of them.
"""

import re
from decimal import Decimal
from importlib import import_module
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test import Client as Browser
from django.urls import reverse
from pypdf import PdfReader

from customers import operations as customers
from customers.models import Customer
from inventory.tax_operations import add_tax_code
from inventory.taxes import TaxRate
from mechanic_shop.db import triggers
from tickets.billing import credit_notes, payments, reversals
from tickets.billing.documents.receipts import receipt
from tickets.desk import requests
from tickets.models import CreditNote, Invoice, Payment, ServiceTicket, TicketPart

from .answers import refused
from .conftest import Client
from .factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket, office

pytestmark = pytest.mark.django_db
API = "/api/v1/"
SHOP = {
    "SHOP_NAME": "Another Garage",
    "SHOP_ADDRESS": "1 Elsewhere",
    "SHOP_PHONE": "555-0100",
    "SHOP_EMAIL": "other@example.com",
    "SHOP_TAX_ID": "ZZ 1",
    "SHOP_REGION": "DE",
    "SHOP_CURRENCY": "JPY",
    "SHOP_CURRENCY_PLACES": 0,
    "SHOP_PRICES_INCLUDE_TAX": True,
    "SHOP_TAX_ROUNDING": "line",
    "TIME_ZONE": "Asia/Tokyo",
}


@pytest.fixture
def settled(db: Any) -> Customer:
    """A customer with every kind of document, who owes nothing and to whom nothing is
    owed.
    """
    add_tax_code(name="VAT", rate=Decimal(20), is_default=True, by=None)
    car = VehicleFactory(
        customer=CustomerFactory(
            name="Zoltan Quixote", email="z@example.com", address="77 Windmill Lane"
        ),
        plate="QUIX77",
    )
    ticket = make_ticket(
        vehicle=car, parts=[(PartFactory(stock=9, price=Decimal(100)), 2)], odometer_in=9
    )
    reversals.reverse(
        payments.deposit(ticket, amount=Decimal(30), by=office()), note="Twice", by=office()
    )
    payments.deposit(ticket, amount=Decimal(40), by=office())
    for to in ("approved", "completed", "invoiced"):
        requests.request_transition(ticket, to=to, by=office())
    invoice = ticket.invoices.get()
    payments.pay(invoice, amount=Decimal(200), reference="Visa", by=office())
    credit_notes.credit(
        invoice, reason="Goodwill", lines=[{"line": 1, "quantity": Decimal(1)}], by=office()
    )
    payments.refund(invoice, amount=Decimal(120), by=office())
    return car.customer


def printed(client: Client) -> dict[str, bytes]:
    """All documents, by their address."""
    rows = {"invoices": Invoice, "credit-notes": CreditNote, "payments": Payment}
    addresses = [
        f"{API}{name}/{row.pk}/pdf/" for name, model in rows.items() for row in model.objects.all()
    ]
    addresses += [
        f"{API}{name}/{row.pk}/document/"
        for name in ("invoices", "credit-notes")
        for row in rows[name].objects.all()
    ]
    answers = {address: client.get(address) for address in addresses}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {address: answer.content for address, answer in answers.items()}


def change_every_row() -> set[str]:
    """Write another text into every column that can be written; returns the models."""
    changed = set()
    for model in apps.get_models():
        texts = [
            field.name
            for field in model._meta.concrete_fields
            if isinstance(field, (models.CharField, models.TextField))
            and not field.choices
            and not field.is_relation
        ]
        if model.__module__.split(".")[0] not in (
            "customers",
            "mechanics",
            "inventory",
            "tickets",
        ) or getattr(model, "is_guarded", False):
            continue
        for name in texts:
            changed.add(model.__name__)
            models.QuerySet(model).exclude(**{name: ""}).update(
                **{name: Concat(F(name), Value("X"), output_field=models.CharField())}
            )
    models.QuerySet(ServiceTicket).update(odometer_in=F("odometer_in") + 1)
    models.QuerySet(TicketPart).update(
        unit_price=F("unit_price") + 1, line_total=F("line_total") + 1
    )
    models.QuerySet(TaxRate).update(rate=F("rate") + 1)
    return changed


def test_no_document_changes_when_the_rows_behind_it_do(
    manager: Client, settled: Customer, settings: Any
) -> None:
    before = printed(manager)
    assert len([address for address in before if "payments" in address]) == 6
    assert {
        "Customer",
        "Vehicle",
        "ServiceTicket",
        "Part",
        "TaxCode",
        "LaborRate",
    } <= change_every_row()
    for name, value in SHOP.items():
        setattr(settings, name, value)
    assert printed(manager) == before


def test_no_document_changes_when_the_customer_is_erased(
    manager: Client, settled: Customer
) -> None:
    before = printed(manager)
    customers.erase(settled, by=office())
    assert printed(manager) == before


def test_a_receipt_says_what_was_so_when_the_money_came(settled: Customer) -> None:
    ticket = ServiceTicket.objects.get(customer=settled)
    told = receipt(ticket.payments.first())
    assert (told["number"], told["payment"]["number"]) == (ticket.payments.first().number,) * 2
    assert (told["customer"]["name"], told["customer"]["address"], told["vehicle"]["plate"]) == (
        "Zoltan Quixote",
        "77 Windmill Lane",
        "QUIX77",
    )
    Customer.objects.filter(pk=settled.pk).update(name="Zoltan Panza")
    later = make_ticket(customer=settled)
    later.customer.name = "Stale"  # read before the lock
    assert (
        receipt(payments.deposit(later, amount=Decimal(1), by=office()))["customer"]["name"]
        == "Zoltan Panza"
    )


def test_receipts_of_before_are_filled_by_the_migration(settled: Customer) -> None:
    erased = CustomerFactory(name="Gone", address="Nowhere 1")
    of_erased = make_ticket(
        "closed", customer=erased, parts=[(PartFactory(stock=9), 1)]
    ).payments.get()
    customers.erase(erased, by=office())
    expected = {
        payment.pk: receipt(payment) for payment in Payment.objects.exclude(pk=of_erased.pk)
    }
    Customer.objects.filter(pk=settled.pk).update(address="Today 1")
    with triggers.triggers_disabled(connection):
        models.QuerySet(Payment).update(document={})
    name = "0009_fill_documents"
    state = MigrationExecutor(connection).loader.project_state(("tickets", name))

    import_module(f"tickets.migrations.{name}").fill(
        state.apps, SimpleNamespace(connection=connection)
    )

    found = {payment.pk: receipt(payment) for payment in Payment.objects.all()}
    assert found.pop(of_erased.pk)["customer"]["name"] == f"Erased customer {erased.pk}"
    for key, document in found.items():
        address = "77 Windmill Lane" if document["invoice"] else "Today 1"
        assert document | {"unprintable": []} == expected[key] | {
            "customer": expected[key]["customer"] | {"address": address}
        }
    with pytest.raises(Exception, match="append-only"):
        models.QuerySet(Payment).update(note="x")


def test_a_document_is_mailed_to_where_the_customer_reads_today(
    manager: Client, settled: Customer
) -> None:
    """The document keeps the address of the day of its issue; a mail to that would go
    to somebody else.
    """
    Customer.objects.filter(pk=settled.pk).update(email="new@example.com")
    address = f"{API}invoices/{Invoice.objects.get().pk}/email/"
    assert manager.post(address, {}).json() == {"to": "new@example.com"}
    customers.erase(Customer.objects.get(pk=settled.pk), by=office())
    refused(manager.post(address, {}), 400, "no_email", field="to")
    assert not [message for message in mail.outbox if "z@example.com" in message.to]


def test_what_no_font_holds_is_said_where_a_document_is_issued(
    manager: Client, owner: Client
) -> None:
    customer = owner.user.customer.save_changes(name="สมชาย", address="שדרות 5")
    ticket = make_ticket("completed", customer=customer, parts=[(PartFactory(stock=5), 1)])
    told = [{"field": "customer.name", "text": "สมชาย", "printed": "smchay"}]
    assert owner.get(f"{API}tickets/{ticket.pk}/estimate/").json()["unprintable"] == told
    invoice = manager.post(f"{API}tickets/{ticket.pk}/invoice/", {}).json()
    payment = manager.post(
        f"{API}invoices/{invoice['id']}/payments/", {"amount": invoice["total"], "method": "cash"}
    ).json()
    note = manager.post(
        f"{API}invoices/{invoice['id']}/credit-notes/", {"reason": "Goodwill"}
    ).json()
    for name, row in (("invoices", invoice), ("payments", payment), ("credit-notes", note)):
        assert row["unprintable"] == told
        assert owner.get(f"{API}{name}/{row['id']}/").json()["unprintable"] == told
        assert owner.get(f"{API}{name}/").json()["results"][0]["unprintable"] == told
    assert owner.get(f"{API}invoices/{invoice['id']}/document/").json()["unprintable"] == told


def test_the_office_reads_behind_the_button_what_is_printed_in_latin_letters(
    manager: Client,
) -> None:
    ticket = make_ticket(
        "completed", customer=CustomerFactory(name="สมชาย"), parts=[(PartFactory(stock=5), 1)]
    )
    browser = Browser()
    browser.force_login(manager.user)
    page = reverse("admin:tickets_serviceticket_invoice", args=[ticket.pk])
    assert "“สมชาย” as “smchay”" in browser.post(page, {"reason": ""}, follow=True).content.decode()


def test_no_document_and_no_file_shows_decimals_that_the_currency_lacks(
    manager: Client, settings: Any
) -> None:
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = "JPY", 0
    add_tax_code(name="VAT", rate=Decimal("8.25"), is_default=True, by=None)
    ticket = make_ticket("completed", parts=[(PartFactory(stock=9, price=Decimal(375)), 3)])
    invoice = manager.post(f"{API}tickets/{ticket.pk}/invoice/", {}).json()
    pay = {"amount": "1000", "method": "cash"}
    assert manager.post(f"{API}invoices/{invoice['id']}/payments/", pay).status_code == 201
    some = {"reason": "x", "lines": [{"line": 1, "quantity": 1}]}
    assert manager.post(f"{API}invoices/{invoice['id']}/credit-notes/", some).status_code == 201
    shown = [
        text_of(body) if body.startswith(b"%PDF") else body.decode()
        for body in printed(manager).values()
    ]
    asked = [
        f"customers/{ticket.customer_id}/statement/",
        *(f"reports/{name}/" for name in ("sales", "parts-margin", "tax", "receivables")),
    ]
    shown += [
        manager.get(f"{API}{path}", {"format": form}).content.decode()
        for path in asked
        for form in ("csv", "json")
    ]
    refusal = manager.post(f"{API}customers/{ticket.customer_id}/erase/", {})
    shown += [refusal.content.decode()]
    assert (len(shown), refusal.status_code) == (16, 409)
    assert [found for text in shown for found in re.findall(r"[0-9]+\.00(?![0-9])", text)] == []


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
