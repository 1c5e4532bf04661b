"""check_money adds the money up anew, and finds whatever was changed behind the
operations' back.
"""

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.models import Customer, Vehicle
from inventory.integrity_checks import find_discrepancies as stock_findings
from mechanic_shop.db import triggers
from tickets.billing import invoices as billing_invoices
from tickets.billing.integrity_checks import find_discrepancies as findings
from tickets.desk import requests
from tickets.models import (
    CreditNote,
    CreditNoteLine,
    DocumentSeries,
    Invoice,
    InvoiceAccount,
    InvoiceLine,
    Job,
    Payment,
    ServiceTicket,
    StatusChange,
    TicketPart,
)
from tickets.work import jobs

from .factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket, office
from .test_approvals import Ticket
from .test_reports import credit, d, extra, labor, muddle, pay, sell, tax_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(settings: Any) -> dict[str, Any]:
    """T1's invoice of 240 with tax, paid with a deposit; T2's, of which a part was
    credited; T3's, which was taken back and issued anew.
    """
    settings.SHOP_INVOICE_SERIES, settings.SHOP_CREDIT_NOTE_SERIES = "INV", "CN"
    tax_code()
    paid, open_, wrong = (
        sell(labor(2), paid=100),
        sell(labor(1), extra("fee", 5), parts=[(PartFactory(stock=5), 2)]),
        sell(labor(3)),
    )
    pay(paid, 140)
    credit(open_, lines=[{"line": open_.lines.get(kind="part").position, "quantity": d(1)}])
    pay(open_, 20)
    credit(wrong)
    billing_invoices.issue_invoice(ServiceTicket.objects.get(pk=wrong.ticket_id), by=office())
    return {"t1": paid.ticket.number, "t2": open_.ticket.number, "t3": wrong.ticket.number}


def tamper(model: Any, change: str, where: str) -> None:
    """Raw SQL, with the triggers out of the way: what a person with the owner's rights
    in the database does.
    """
    with triggers.triggers_disabled(connection), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {change} WHERE {where}")
        assert cursor.rowcount == 1
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE" if connection.vendor == "postgresql" else "SELECT 1"
        )


def key(number: str) -> int:
    return Invoice.objects.get(number=number).pk


def test_an_honest_shop_balances(shop: dict[str, Any]) -> None:
    assert findings() == []
    out = StringIO()
    call_command("check_money", stdout=out)
    assert out.getvalue() == "The books balance: 4 invoices, 2 credit notes, 4 payments.\n"


@pytest.mark.parametrize("seed", range(2))
def test_whatever_the_operations_do_balances(settings: Any, seed: int) -> None:
    settings.SHOP_TAX_ROUNDING = ("group", "line")[seed]
    invoices = list(muddle(seed))
    assert findings() == []
    for invoice in invoices[:4]:
        ticket = ServiceTicket.objects.get(pk=invoice.ticket_id)
        if ticket.status != "completed":
            credit(invoice)
        billing_invoices.issue_invoice(ServiceTicket.objects.get(pk=ticket.pk), by=office())
    assert findings() == []


@pytest.mark.parametrize(
    ("model", "change", "where", "found"),
    [
        (
            Invoice,
            "sequence = 9",
            "number = 'INV-000001'",
            [
                "INV-000001 is number 9 of INV, and should be INV-000009.",
                "INV-000001 is missing.",
                "INV-000005 to INV-000008 are missing.",
                "INV has come to 4, but there is a INV-000009.",
            ],
        ),
        (DocumentSeries, "last = 7", "name = 'INV'", ["INV-000005 to INV-000007 are missing."]),
        (
            DocumentSeries,
            "last = 3",
            "name = 'INV'",
            ["INV has come to 3, but there is a INV-000004."],
        ),
        (
            CreditNote,
            "series = 'INV'",
            "number = 'CN-000001'",
            [
                "CN-000001 is number 1 of INV, and should be INV-000001.",
                "CN-000001 is missing.",
                "INV-000001 was given twice.",
            ],
        ),
        (
            Invoice,
            "subtotal = 201",
            "number = 'INV-000001'",
            [
                "INV-000001: its subtotal is 201.00, but its lines come to 200.00.",
                "INV-000001: 201.00 and 40.00 tax are not 240.00.",
                "INV-000001: its subtotal is 201.00, but its document says 200.00.",
            ],
        ),
        (
            Invoice,
            "tax = 39, total = 239",
            "number = 'INV-000001'",
            [
                "INV-000001: its tax is 39.00, but its lines come to 40.00.",
                "INV-000001: its tax is 39.00, but its document says 40.00.",
                "INV-000001: its total is 239.00, but its document says 240.00.",
                "INV-000001: the taxes of its document are not its 39.00.",
                "INV-000001: 0.00 balance, but its documents and payments come to -1.00.",
            ],
        ),
        (
            Invoice,
            "issued_on = '2020-01-01'",
            "number = 'INV-000001'",
            ["INV-000001: its issued_on is 2020-01-01, but its document says {today}."],
        ),
        (
            Invoice,
            "document = '{{}}'",
            "number = 'INV-000001'",
            ["INV-000001: its document cannot be read."],
        ),
        (
            InvoiceAccount,
            "paid = 239",
            "invoice_id = {inv1}",
            ["INV-000001: 239.00 paid, but its documents and payments come to 240.00."],
        ),
        (
            InvoiceAccount,
            "balance = 1",
            "invoice_id = {inv1}",
            ["INV-000001: 1.00 balance, but its documents and payments come to 0.00."],
        ),
        (
            Payment,
            "amount = 139, effect = 139",
            "kind = 'payment' AND invoice_id = {inv1}",
            [
                "INV-000001: 240.00 paid, but its documents and payments come to 239.00.",
                "INV-000001: 0.00 balance, but its documents and payments come to 1.00.",
                "{t1} is closed, but 1.00 of INV-000001 are not paid.",
            ],
        ),
        (
            Payment,
            "amount = 99, effect = 99",
            "kind = 'deposit'",
            ["{t1}: 1.00 more was counted on its invoices than was paid in advance."],
        ),
        (
            ServiceTicket,
            "status = 'closed'",
            "id = {ticket2}",
            ["{t2} is closed, but 129.99 of INV-000002 are not paid."],
        ),
        (
            ServiceTicket,
            "status = 'completed'",
            "id = {ticket2}",
            ["{t2} is completed, but INV-000002 stands."],
        ),
        (
            ServiceTicket,
            "authorized_total = 500",
            "id = {ticket2}",
            ["{t2} is authorized for 500.00, but 173.98 were approved of what is on it."],
        ),
    ],
)
def test_what_was_tampered_with_is_named(
    shop: dict[str, Any], model: Any, change: str, where: str, found: list[str]
) -> None:
    second = Invoice.objects.get(number="INV-000002")
    names = shop | {
        "inv1": key("INV-000001"),
        "inv2": second.pk,
        "ticket2": second.ticket_id,
        "today": second.issued_on,
    }
    tamper(model, change.format(**names), where.format(**names))
    assert findings() == [line.format(**names) for line in found]


def test_lines_are_compared_with_both_papers(shop: dict[str, Any]) -> None:
    tamper(InvoiceLine, "net = 199", f"invoice_id = {key('INV-000001')}")
    assert findings() == [
        "INV-000001: its subtotal is 200.00, but its lines come to 199.00.",
        "INV-000001: the lines of its document are others than its own.",
    ]


def test_no_more_is_credited_than_there_was(shop: dict[str, Any]) -> None:
    part = Invoice.objects.get(number="INV-000002").lines.get(kind="part")
    tamper(CreditNoteLine, "quantity = 2.5, net = 40.00", f"line_id = {part.pk}")
    assert findings() == [
        "CN-000001: its subtotal is 19.99, but its lines come to 40.00.",
        "CN-000001: the lines of its document are others than its own.",
        f"INV-000002: line {part.position} has 2, of which 2.5 are credited.",
        f"INV-000002: line {part.position} has 39.98 net, of which 40.00 are credited.",
    ]


def test_an_invoice_that_vanished_leaves_a_gap(shop: dict[str, Any]) -> None:
    last = Invoice.objects.get(number="INV-000004")
    with triggers.triggers_disabled(connection), connection.cursor() as cursor:
        cursor.execute(
            (
                "DELETE FROM tickets_invoicelinetax WHERE line_id IN (SELECT id FROM "
                "tickets_invoiceline WHERE invoice_id = %s)"
            ),
            [last.pk],
        )
        for model, column in (
            (InvoiceAccount, "invoice_id"),
            (InvoiceLine, "invoice_id"),
            (Invoice, "id"),
        ):
            cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE {column} = %s", [last.pk])
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE" if connection.vendor == "postgresql" else "SELECT 1"
        )
    assert findings() == [
        "INV-000004 is missing.",
        f"{shop['t3']} is invoiced, but has no invoice that stands.",
    ]


def test_an_account_that_vanished_is_missed(shop: dict[str, Any]) -> None:
    InvoiceAccount.objects.filter(pk=key("INV-000002")).delete()
    assert findings() == ["INV-000002 has no account."]


def test_a_ticket_has_one_invoice_at_a_time(shop: dict[str, Any]) -> None:
    """The credit note of T3's first invoice is said to be of a line of another."""
    other = Invoice.objects.get(number="INV-000002").lines.get(position=1)
    tamper(CreditNoteLine, f"line_id = {other.pk}", "net = 300")
    assert f"{shop['t3']} is invoiced, but has INV-000003, INV-000004 at once." in findings()


def test_a_ticket_closed_by_hand_has_no_invoice(shop: dict[str, Any]) -> None:
    ticket = make_ticket("completed")
    tamper(ServiceTicket, "status = 'closed'", f"id = {ticket.pk}")
    assert findings() == [f"{ticket.number} is closed, but has no invoice that stands."]


def test_what_was_closed_before_there_were_invoices_needs_none(shop: dict[str, Any]) -> None:
    """Nor when it is closed only now: it was invoiced on paper."""
    ticket = make_ticket("completed")
    tamper(ServiceTicket, "status = 'invoiced'", f"id = {ticket.pk}")
    StatusChange.objects.create(
        ticket=ticket, from_status="completed", to_status="invoiced", by=office()
    )
    MigrationRecorder.Migration.objects.filter(app="tickets", name="0002_jobs_and_money").update(
        applied=timezone.now()
    )
    assert findings() == []
    requests.request_transition(ServiceTicket.objects.get(pk=ticket.pk), to="closed", by=office())
    assert findings() == []


def test_wrong_books_end_with_status_1_and_a_line_for_each_finding(shop: dict[str, Any]) -> None:
    InvoiceAccount.objects.filter(pk=key("INV-000002")).update(paid=Decimal(21))
    out = StringIO()
    with pytest.raises(CommandError, match="1 found") as refused:
        call_command("check_money", stdout=out)
    assert refused.value.returncode == 1
    assert (
        out.getvalue() == "INV-000002: 21.00 paid, but its documents and payments come to 20.00.\n"
    )


def test_the_number_of_queries_does_not_grow_with_the_shop(shop: dict[str, Any]) -> None:
    counts = []
    for rows in (0, 4):
        for _ in range(rows):
            credit(sell(labor(1), labor(2)), lines=[{"line": 1}])
        with CaptureQueriesContext(connection) as captured:
            assert findings() == []
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 34


def test_both_checks_compare_the_customers_of_tickets_cars_and_money(shop: dict[str, Any]) -> None:
    """What the race of two edits left: a ticket with the car, or the money, of somebody
    else.
    """
    ticket = Invoice.objects.get(number="INV-000002").ticket
    other = CustomerFactory()
    ServiceTicket.objects.filter(pk=ticket.pk).update(customer=other)
    named = [f"is of customer {ticket.customer_id}, but {ticket.number} is of customer {other.pk}."]
    found = [each for each in findings() if "customer" in each]
    assert found
    assert all(named[0] in each for each in found)
    assert [each for each in stock_findings() if "customer" in each] == found


def test_a_car_that_was_sold_stays_on_its_tickets(shop: dict[str, Any]) -> None:
    car, buyer = VehicleFactory(), CustomerFactory()
    ticket = make_ticket(vehicle=car)
    car.save_changes(customer=buyer)
    assert findings() == stock_findings() == []
    foreign = VehicleFactory(customer=buyer)
    ServiceTicket.objects.filter(pk=ticket.pk).update(vehicle=foreign)
    assert findings() == stock_findings() == [foreign_vehicle(ticket, foreign, buyer)]


def foreign_vehicle(ticket: ServiceTicket, vehicle: Vehicle, owner: Customer) -> str:
    belonged = (
        f"its vehicle {vehicle.pk} belonged to customer {owner.pk} when it was put on the ticket"
    )
    return f"{ticket.number} is of customer {ticket.customer_id}, but {belonged}."


def test_a_car_that_was_sold_before_belongs_on_no_ticket_of_its_former_owner(
    shop: dict[str, Any],
) -> None:
    """Nor does it help that they owned it at another time."""
    seller, buyer, last = CustomerFactory(), CustomerFactory(), CustomerFactory()
    car, ticket = VehicleFactory(customer=seller), make_ticket(customer=seller)
    now = timezone.now()
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        car.save_changes(customer=buyer)
    with time_machine.travel(now + timedelta(hours=2), tick=False):
        ServiceTicket.objects.filter(pk=ticket.pk).update(vehicle=car)
    assert findings() == stock_findings() == [foreign_vehicle(ticket, car, buyer)]
    for hours, owner in ((3, seller), (4, last)):
        with time_machine.travel(now + timedelta(hours=hours), tick=False):
            car.save_changes(customer=owner)
    assert findings() == stock_findings() == [foreign_vehicle(ticket, car, buyer)]


def test_both_checks_find_money_and_parts_of_another_ticket(shop: dict[str, Any]) -> None:
    invoice, other = Invoice.objects.get(number="INV-000002"), make_ticket()
    here, there = f"is of {other.number}", f"is of {invoice.ticket.number}."
    moved = [Payment.objects.filter(invoice=invoice).earliest("pk"), invoice.creditnotes.get()]
    for row in moved:
        tamper(
            type(row),
            f"ticket_id = {other.pk}, customer_id = {other.customer_id}",
            f"id = {row.pk}",
        )
    job, line = (
        jobs.add_job(other, title="Elsewhere", by=office()),
        TicketPart.objects.get(ticket=invoice.ticket_id),
    )
    tamper(TicketPart, f"job_id = {job.pk}", f"id = {line.pk}")
    wrong = {f"{row.number} {here}, but its invoice {invoice.number} {there}" for row in moved}
    wrong.add(f"Part line {line.pk} {there[:-1]}, but its job {job.pk} {here}.")
    assert wrong <= set(findings())
    assert wrong <= set(stock_findings())


def test_a_job_is_approved_for_what_its_record_says() -> None:
    ticket = Ticket("100")
    ticket.authorize()
    Job.objects.update(approved_amount=101)
    ServiceTicket.objects.update(authorized_total=101)
    assert findings() == [
        f'{ticket.row.number}: the job "Job 1" is approved for 101.00, but its record says 100.00.'
    ]


def test_a_job_and_a_part_are_approved_by_a_record() -> None:
    ticket = Ticket("100", parts=("50",))
    ticket.authorize(decline=[ticket.jobs[0].pk], decline_parts=[ticket.parts[0].pk])
    TicketPart.objects.update(status="approved", approved_amount=50)
    ServiceTicket.objects.update(authorized_total=50)
    sku = ticket.parts[0].sku
    assert findings() == [
        f"{ticket.row.number}: {sku} is approved for 50.00, but its record says 0.00."
    ]
    Job.objects.update(status="approved")
    assert f'{ticket.row.number}: the job "Job 1" is approved, but by no record.' in findings()


def test_a_ticket_without_a_record_names_no_amount() -> None:
    ticket = make_ticket("approved")
    ServiceTicket.objects.filter(pk=ticket.pk).update(authorized_total=0)
    assert findings() == [f"{ticket.number} is authorized for 0.00, but by no record."]
