"""Every model that leads to a customer is in the export, and in the erasure, or on a
short list here with the reason.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from customers import operations
from customers.models import Customer, Vehicle
from inventory.tax_operations import add_tax_code
from mechanic_shop.db import triggers
from tickets.approvals import share_links
from tickets.billing import credit_notes, payments
from tickets.desk import requests
from tickets.models import (
    Authorization,
    InvoiceAccount,
    Payment,
    ServiceTicket,
    ShareLink,
    TicketMechanic,
    TicketPart,
)
from tickets.work import jobs, parts

from .conftest import Client, client_of
from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    VehicleFactory,
    make_ticket,
    office,
)

pytestmark = pytest.mark.django_db

IN_ITS_DOCUMENT = "a copy, for reports, of what stands in the document, which is exported"
PART_OF_THE_NUMBER = "a part of the number, which is exported"
NOT_EXPORTED = {
    "ShareLink.token_hash": "the hash of a secret",
    "Customer.phone_digits": "the digits of the phone number, to search by",
    **dict.fromkeys(("Invoice.series", "CreditNote.series"), PART_OF_THE_NUMBER),
    **dict.fromkeys(("InvoiceLineTax.name", "InvoiceLineTax.number"), IN_ITS_DOCUMENT),
}
# Models without a text of their own: where their figures stand.
FIGURES = {
    TicketMechanic: ("tickets", "mechanics"),
    TicketPart: ("tickets", "parts"),
    InvoiceAccount: ("invoices", "balance"),
}
NO_TEXT_AT_ALL = dict.fromkeys(
    ("CreditNoteLine", "CreditNoteLineTax"), "figures of a line, which are in the document"
)

EXPLAINS_THE_REPAIR = "says what was repaired, and on what kind of car (decision 0004)"
TAX_LAW = "tax law asks for documents and payments as they were (decision 0004)"
NOBODY = "says nothing of a person"
STAYS_AFTER_ERASURE = {
    **dict.fromkeys(
        (f"Vehicle.{name}" for name in ("make", "model", "engine", "color")), EXPLAINS_THE_REPAIR
    ),
    **dict.fromkeys(
        (f"ServiceTicket.{name}" for name in ("concern", "cause", "correction")),
        EXPLAINS_THE_REPAIR,
    ),
    **dict.fromkeys(
        (f"Job.{name}" for name in ("title", "concern", "cause", "correction")), EXPLAINS_THE_REPAIR
    ),
    **dict.fromkeys(
        ("JobLine.description", "StatusChange.reason", "StatusChange.from_status"),
        EXPLAINS_THE_REPAIR,
    ),
    **dict.fromkeys(
        ("Authorization.note", "Authorization.decisions"),
        "the customer's consent, which the shop must be able to prove",
    ),
    **dict.fromkeys(
        (
            *(
                f"Invoice.{name}"
                for name in ("series", "number", "currency", "tax_rounding", "document")
            ),
            *(
                f"CreditNote.{name}"
                for name in ("series", "number", "currency", "reason", "document")
            ),
            *(f"InvoiceLine.{name}" for name in ("kind", "job_title", "description", "tax_name")),
            *(f"InvoiceLineTax.{name}" for name in ("name", "number")),
            *(f"Payment.{name}" for name in ("reference", "note", "document")),
        ),
        TAX_LAW,
    ),
    "ShareLink.token_hash": NOBODY,
}


def leads_to_customer(model: type[models.Model], seen: frozenset[Any] = frozenset()) -> bool:
    """Is there a way from this model to a customer by its foreign keys?"""
    if model is Customer:
        return True
    related = {field.related_model for field in model._meta.concrete_fields if field.is_relation}
    return any(leads_to_customer(other, seen | {model}) for other in related - seen - {model})


MODELS = sorted(
    (model for model in apps.get_models(include_auto_created=True) if leads_to_customer(model)),
    key=lambda model: model._meta.label,
)


def texts(model: type[models.Model]) -> Iterator[models.Field]:
    """Columns in which people write, and documents made of what they wrote."""
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, (models.CharField, models.TextField)) and not field.choices
        if is_text or isinstance(field, models.JSONField):
            yield field


COLUMNS = [(model, field) for model in MODELS for field in texts(model)]
MARKS = {
    f"{model.__name__}.{field.name}": f"m{place:02x}"
    for place, (model, field) in enumerate(COLUMNS)
}


@pytest.fixture
def known(db: Any) -> Customer:
    """A customer of whom the shop has a row in every model, each column with a text of
    its own.
    """
    customer = CustomerFactory(login=True)
    add_tax_code(name="VAT", rate=Decimal(20), is_default=True, by=None)
    ticket = make_ticket(vehicle=VehicleFactory(customer=customer), mechanics=[MechanicFactory()])
    line = {"kind": "labor", "description": "Turn discs", "unit_price": Decimal(50)}
    job = jobs.add_job(ticket, title="Discs", lines=[line], by=office())
    parts.add_part(ticket, part=PartFactory(stock=9), job=job, quantity=Decimal(1), by=office())
    _, token = share_links.share(ticket, by=office())
    share_links.authorize_shared(token, approve=[job.pk])
    jobs.finish_job(job, by=office())
    for to in ("completed", "invoiced"):
        requests.request_transition(ticket, to=to, by=office())
    invoice = ticket.invoices.get()
    payments.pay(invoice, amount=invoice.total, by=office())
    note = credit_notes.credit(invoice, reason="Goodwill", lines=[{"line": 2}], by=office())
    payments.refund(invoice, amount=note.total, by=office())
    mark_every_text()
    return Customer.objects.get(pk=customer.pk)


def mark_every_text() -> None:
    with triggers.triggers_disabled(connection):
        for model, field in COLUMNS:
            mark = MARKS[f"{model.__name__}.{field.name}"]
            for row in model._base_manager.all():
                held = getattr(row, field.name)
                if isinstance(field, models.JSONField):
                    value = (
                        [held[0] | {"title": mark}, *held[1:]]
                        if isinstance(held, list)
                        else held | {"mark": mark}
                    )
                else:
                    value = f"{mark}@x.example" if isinstance(field, models.EmailField) else mark
                models.QuerySet(model).filter(pk=row.pk).update(**{field.attname: value})
        with connection.cursor() as cursor:
            cursor.execute(
                "SET CONSTRAINTS ALL IMMEDIATE" if connection.vendor == "postgresql" else "SELECT 1"
            )


def test_a_model_that_leads_to_a_customer_has_a_row_here(known: Customer) -> None:
    assert {Vehicle, ServiceTicket, Authorization, ShareLink, Payment, InvoiceAccount} <= set(
        MODELS
    )
    assert [model._meta.label for model in MODELS if not model._base_manager.exists()] == []
    assert {
        model.__name__ for model in MODELS if not any(texts(model)) and model not in FIGURES
    } == set(NO_TEXT_AT_ALL)


def test_the_export_holds_every_text_of_every_model(manager: Client, known: Customer) -> None:
    response = manager.get(f"/api/v1/customers/{known.pk}/export/")
    body, found = response.content.decode(), response.json()
    missing = {
        column
        for column, mark in MARKS.items()
        if f'"{mark}"' not in body and f'"{mark}@x.example"' not in body
    }
    assert missing == set(NOT_EXPORTED)
    for section, member in FIGURES.values():
        assert all(row[member] for row in found[section]), (section, member)


def test_the_file_that_a_customer_fetches_lacks_the_notes_of_staff_alone(known: Customer) -> None:
    body = client_of(known.user).get(f"/api/v1/customers/{known.pk}/export/").content.decode()
    missing = {
        column
        for column, mark in MARKS.items()
        if f'"{mark}"' not in body and f'"{mark}@x.example"' not in body
    }
    assert missing == {*NOT_EXPORTED, "Customer.notes"}


def test_after_the_erasure_no_text_is_left_but_with_a_reason(known: Customer) -> None:
    operations.erase(known, by=office())
    left = set()
    for model, field in COLUMNS:
        mark = MARKS[f"{model.__name__}.{field.name}"]
        if any(
            mark in str(value)
            for value in model._base_manager.values_list(field.attname, flat=True)
        ):
            left.add(f"{model.__name__}.{field.name}")
    assert left == set(STAYS_AFTER_ERASURE), (
        "an erasure empties it, or STAYS_AFTER_ERASURE says why"
    )


def test_what_happened_while_a_ticket_or_car_was_anothers_is_in_the_file_of_neither(
    manager: Client,
) -> None:
    """A car that is sold, a ticket that was opened for the wrong customer."""
    before, after = CustomerFactory(name="Seller"), CustomerFactory(name="Buyer")
    car = VehicleFactory(customer=before, plate="OLD111")
    for change in ({"plate": "OLD222"}, {"customer": after.pk}, {"plate": "NEW333"}):
        assert manager.patch(f"/api/v1/vehicles/{car.pk}/", change).status_code == 200
    ticket = make_ticket(customer=before, concern="Secret of the seller")
    for change in (
        {"concern": "Another secret"},
        {"customer": after.pk, "concern": "Brakes"},
        {"concern": "Brakes squeal"},
    ):
        assert manager.patch(f"/api/v1/tickets/{ticket.pk}/", change).status_code == 200

    body = manager.get(f"/api/v1/customers/{after.pk}/export/").content.decode()

    assert "NEW333" in body
    assert "Brakes squeal" in body
    for secret in ("OLD111", "Secret of the seller", "Another secret", "Seller"):
        assert secret not in body
