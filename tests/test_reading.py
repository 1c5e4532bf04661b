"""Both ways of reading give the same JSON: the database's, and the serializer's.
.ci/run does it on SQLite and on PostgreSQL.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Case, F, Value, When
from rest_framework import serializers

from customers.models import Customer
from inventory.models import Part
from inventory.tax_operations import add_tax_code, set_rate
from inventory.taxes import TaxCode
from mechanic_shop.fastpath.json_expressions import DecimalText, JsonBool, UTCTimestamp
from mechanic_shop.fastpath.json_queries import json_rows
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.renderers import to_json
from mechanic_shop.urls import router
from mechanics.models import Mechanic
from mechanics.serializers import PopularMechanicSerializer
from tickets.approvals import operations as approvals
from tickets.billing import credit_notes, payments, reversals
from tickets.billing.serializers import ReceiptNumber
from tickets.desk import requests
from tickets.models import (
    CannedJob,
    InvoiceAccount,
    LaborRate,
    Payment,
    ServiceTicket,
    Status,
    TicketMechanic,
)
from tickets.work import jobs
from tickets.work import parts as work_parts

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

ROUTES = {
    prefix: view
    for prefix, view, _ in router.registry
    if getattr(view, "queryset", None) is not None
}
RESOURCES = [(view.serializer_class, view.queryset) for view in ROUTES.values()]
RESOURCES += [(PopularMechanicSerializer, Mechanic.objects.by_popularity())]
ACTORS = ["anonymous", "owner", "stranger", "assigned", "unassigned", "advisor", "manager"]


def fill_the_shop(owner: Client, assigned: Client) -> None:
    """Rows with odd texts, whole seconds and sums that doubles get wrong.

    Every column that may be null is null in some row, and filled in another.
    """
    customer = owner.user.customer
    CustomerFactory(
        name='Ünï "quoted" \\ back',
        email=None,
        phone="",
        notes="line\nbreak\t\u2028 <b>&amp;</b> 🚗",
    )
    Customer.objects.filter(pk=CustomerFactory(phone="").pk).update(
        email=None, erased_at="2026-01-02T03:04:05Z"
    )
    car = VehicleFactory(customer=customer, vin="1HGCM82633A004352", year=None, odometer=5)
    VehicleFactory(customer=customer, plate="", make="", model="")
    MechanicFactory(
        specialties=["brakes", 'a "b"', "ü"],
        bio="x",
        hourly_cost=None,
        email=None,
        hired_on="2020-01-02",
    )
    fill_the_catalog(assigned.user.mechanic)
    fill_the_tickets(car, assigned.user.mechanic)
    fill_the_ledger(customer)


def fill_the_catalog(mechanic: Mechanic) -> None:
    """Tax codes whose rates were entered out of order, labor rates and canned jobs."""
    vat = add_tax_code(
        name="VAT", rate=Decimal(10), valid_from=date(2020, 1, 1), is_default=True, by=None
    )
    for year, rate in ((2024, "15"), (2022, "12")):
        set_rate(vat, rate=Decimal(rate), valid_from=date(year, 1, 1), by=None)
    both = [
        {"name": "QST", "rate": Decimal("9.975"), "number": ""},
        {"name": "GST", "rate": Decimal(5), "number": "1"},
    ]
    add_tax_code(name="GST + QST", parts=both, by=None)
    PartFactory(tax_code=vat)
    LaborRate.objects.create(name="Diagnosis", hourly=Decimal("140"), tax_code=vat)
    rate = LaborRate.objects.create(name="Standard", hourly=Decimal("120"), is_default=True)
    canned = CannedJob.objects.create(name="Brakes")
    canned.lines.create(kind="labor", description="Pads", rate=rate, tax_code=vat)
    canned.lines.create(kind="fee", description="Disposal", unit_price=Decimal("3.10"))
    canned.parts.create(part=PartFactory())


def fill_the_tickets(car: Any, mechanic: Mechanic) -> None:
    """Tickets in every state; a ticket with next to nothing, and one with all there is."""
    oil = PartFactory(unit="litre", price=Decimal("1.00"), stock="0.3")
    pads, plugs = PartFactory(stock=50), PartFactory(price=Decimal("333.33"), stock=50)
    for status in Status:
        parts = [(oil, "0.1"), (pads, 3), (plugs, 7)] if status == Status.ESTIMATE else [(pads, 3)]
        make_ticket(
            status, vehicle=car, parts=parts, mechanics=[mechanic, MechanicFactory()], odometer_in=5
        )
    bare = make_ticket(customer=car.customer, service_date="2026-12-01", odometer_out=7)
    ServiceTicket.objects.filter(pk=bare.pk).update(
        opened_at="2026-01-02T03:04:05Z", promised_at="2026-01-02T03:04:05.120000Z"
    )
    TicketMechanic.objects.create(ticket=bare, mechanic=mechanic)
    whole = make_ticket(vehicle=car)
    labor = {
        "kind": "labor",
        "description": "Turn discs",
        "quantity": Decimal("0.7"),
        "tax_code": TaxCode.objects.first(),
        "mechanic": mechanic,
    }
    fee = {"kind": "fee", "description": "Disposal", "unit_price": Decimal("0.10")}
    job = jobs.add_job(whole, title="Discs", lines=[labor, fee], by=office())
    jobs.add_job(bare, title="Nothing yet", continues=job, by=office())
    work_parts.add_part(whole, part=pads, job=job, quantity=Decimal(2), by=office())
    approvals.authorize(whole, approve=[job.pk], by=office())
    jobs.finish_job(job, by=office())
    for to in ("completed", "invoiced"):
        requests.request_transition(whole, to=to, by=office())


def fill_the_ledger(customer: Customer) -> None:
    """Deposits, payments, what reverses them, and credit notes."""
    deposit = payments.deposit(make_ticket(customer=customer), amount=Decimal("12.30"), by=office())
    reversals.reverse(deposit, note="Twice", by=office())
    columns = ("ticket", "customer", "kind", "method", "amount", "effect", "document")
    whole_second = {"received_at": "2026-01-02T03:04:05Z"}
    Payment.objects.create(**{name: getattr(deposit, name) for name in columns}, **whole_second)
    Payment.objects.create(
        **{name: getattr(deposit, name) for name in columns}
        | {"kind": "credit", "effect": -deposit.amount},
        credited_to=deposit,
    )
    credited = make_ticket(
        Status.INVOICED, customer=customer, parts=[(Part.objects.filter(on_hand__gt=10).first(), 2)]
    ).invoices.get()
    credit_notes.credit(credited, reason="Not fitted", by=office())
    write_by_nobody(credited.creditnotes.get())
    InvoiceAccount.objects.create(invoice=write_by_nobody(credited), balance=credited.total)


def write_by_nobody(paper: Any) -> Any:
    """The same invoice or credit note once more, as a program would have issued it."""
    columns = {
        field.attname: getattr(paper, field.attname)
        for field in paper._meta.concrete_fields
        if field.name != "id"
    }
    return type(paper).objects.create(
        **columns | {"by_id": None, "sequence": 999_999, "number": f"{paper.number}-9"}
    )


def test_the_database_and_the_serializer_write_the_same_json(
    request: pytest.FixtureRequest, rf: Any, owner: Client, assigned: Client
) -> None:
    """For every route of a resource, for everybody, whether a column is null or not."""
    fill_the_shop(owner, assigned)
    assert columns_without_null_or_value() == []
    for actor in ACTORS:
        call = rf.get("/")
        call.user = request.getfixturevalue(actor).user or AnonymousUser()
        for serializer, queryset in RESOURCES:
            compare(serializer, queryset.all().visible_to(call.user), {"request": call})


def compare(serializer: Any, rows: Any, context: dict[str, Any]) -> None:
    """Row by row, member by member, in the same order."""
    fast = [orjson.loads(text) for (text,) in json_rows(rows, serializer(context=context))]
    slow = orjson.loads(to_json(serializer(rows, many=True, context=context).data))
    assert fast == slow, (serializer, context["request"].user)
    assert [list(row) for row in fast] == [list(row) for row in slow]


def shown_models(serializer: Any) -> Iterator[type[models.Model]]:
    """The model of a serializer, and those of the lists in it."""
    yield serializer.Meta.model
    for field in serializer.fields.values():
        if isinstance(field, serializers.ListSerializer) and hasattr(field.child, "Meta"):
            yield from shown_models(field.child)


def columns_without_null_or_value() -> list[str]:
    """The nullable columns of what is shown that are null in every row here, or in
    none.
    """
    seen = {model for serializer, _ in RESOURCES for model in shown_models(serializer())}
    return [
        f"{model.__name__}.{field.name} is {'never' if empty else 'always'} null"
        for model in seen
        for field in model._meta.concrete_fields
        for empty in (True, False)
        if field.null
        and not model._default_manager.filter(**{f"{field.name}__isnull": empty}).exists()
    ]


def test_what_the_database_writes_of_null_is_null(db: Any) -> None:
    """Also of a column that its table never has null, but that an outer join gives
    null.
    """
    bare = make_ticket(vehicle=None)
    nothing = Case(When(pk__lt=0, then=F("pk")), output_field=models.IntegerField())
    for expression in (
        DecimalText(F("odometer_in"), 2),
        DecimalText(F("vehicle__customer_id"), 2),
        DecimalText(nothing, 2),
        DecimalText(F("odometer_in") + Value(1), 2),
        UTCTimestamp(F("promised_at")),
        UTCTimestamp(F("vehicle__created_at")),
        JsonBool(F("vehicle__vin_valid")),
        ReceiptNumber(F("vehicle_id")),
        ReceiptNumber(F("vehicle__customer_id")),
        ReceiptNumber(nothing),
    ):
        assert ServiceTicket.objects.filter(pk=bare.pk).values_list(expression).get() == (None,), (
            expression
        )


def test_a_number_of_paper_keeps_its_digits(db: Any) -> None:
    ticket = make_ticket()
    for key, number in ((7, "R-000007"), (123_456, "R-123456"), (1_234_567, "R-1234567")):
        assert ServiceTicket.objects.filter(pk=ticket.pk).values_list(
            ReceiptNumber(Value(key))
        ).get() == (number,)


def test_a_payment_reads_the_same_where_it_is_made_listed_and_asked_for(manager: Client) -> None:
    ticket = make_ticket()
    made = manager.post(
        f"/api/v1/tickets/{ticket.pk}/deposits/", {"amount": "5.00", "method": "cash"}
    ).json()
    assert made["reverses"] is None
    back = manager.post(f"/api/v1/payments/{made['id']}/reverse/", {"note": "Twice"}).json()
    assert back["reverses"] == made["number"]
    for row in (made, back):
        assert manager.get(f"/api/v1/payments/{row['id']}/").json() == row
    assert manager.get("/api/v1/payments/").json()["results"] == [back, made]
    assert manager.get(f"/api/v1/tickets/{ticket.pk}/deposits/").json()["results"] == [made, back]


def test_nested_rows_are_in_the_order_of_their_model_on_every_route(manager: Client) -> None:
    """A tax code's rates are oldest first, in whatever order they were entered."""
    body = {"name": "VAT", "rate": "10", "valid_from": "2020-01-01"}
    made = manager.post("/api/v1/tax-codes/", body).json()
    for day, rate in (("2024-01-01", "15"), ("2022-01-01", "12")):
        changed = manager.put(
            f"/api/v1/tax-codes/{made['id']}/set-rate/", {"rate": rate, "valid_from": day}
        ).json()
    days = ["2020-01-01", "2022-01-01", "2024-01-01"]
    listed = manager.get("/api/v1/tax-codes/").json()["results"][0]
    assert [[rate["valid_from"] for rate in code["rates"]] for code in (changed, listed)] == [
        days,
        days,
    ]


def nested_models() -> set[type[models.Model]]:
    return {model for serializer, _ in RESOURCES for model in shown_models(serializer())} - {
        view.queryset.model for view in ROUTES.values()
    }


def test_every_nested_list_has_an_order() -> None:
    """Without one a database gives rows as it likes, and the two ways may differ."""
    assert len(nested_models()) > 5
    assert [model.__name__ for model in nested_models() if not model._meta.ordering] == []


def test_every_relation_that_is_shown_says_whether_it_may_be_null() -> None:
    """The schema promises an object where the column may be null, unless the field
    allows it.
    """

    def fields_of(serializer: Any) -> Iterator[tuple[type[models.Model], Any]]:
        for field in serializer.fields.values():
            if isinstance(field, serializers.ListSerializer) and hasattr(field.child, "Meta"):
                yield from fields_of(field.child)
            elif isinstance(field, NestedRelatedField):
                yield serializer.Meta.model, field

    wrong = [
        f"{model.__name__}.{field.field_name}"
        for serializer, _ in RESOURCES
        for model, field in fields_of(serializer())
        if len(field.source_attrs) == 1
        and model._meta.get_field(field.source_attrs[0]).null != bool(field.allow_null)
    ]
    assert wrong == []
