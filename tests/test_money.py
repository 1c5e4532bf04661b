"""From a completed ticket to a paid invoice, a credit note and a refund; to the cent,
at every door, and never changed afterwards.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from inventory import tax_operations
from inventory.integrity_checks import find_discrepancies
from inventory.models import StockMovement
from inventory.taxes import TaxCode
from tickets.approvals import operations as approvals
from tickets.billing import invoices as issuing
from tickets.desk import requests
from tickets.models import (
    CreditNote,
    DocumentSeries,
    Invoice,
    InvoiceAccount,
    JobStatus,
    Payment,
    ServiceTicket,
)
from tickets.work import job_lines
from tickets.work import jobs as work_jobs
from tickets.work import parts as work_parts
from tickets.work import tickets as work_tickets

from .answers import refused
from .conftest import Client, client_of
from .factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket, office

pytestmark = pytest.mark.django_db
API = "/api/v1/"


def d(number: str) -> Decimal:
    return Decimal(number)


def done_ticket(
    customer: Any = None, *, parts: int = 2, tax: str | None = "20", **details: Any
) -> ServiceTicket:
    """Completed: two hours at 100.00 in a job, and ``parts`` of 19.99."""
    if tax and not TaxCode.objects.exists():
        tax_operations.add_tax_code(
            name="VAT", rate=d(tax), valid_from=date(2020, 1, 1), is_default=True, by=None
        )
    customer = customer or CustomerFactory()
    ticket = make_ticket(vehicle=VehicleFactory(customer=customer), **details)
    job = work_jobs.add_job(
        ticket,
        title="Front brakes",
        lines=[
            {
                "kind": "labor",
                "description": "Replace pads",
                "quantity": d("2"),
                "unit_price": d("100.00"),
            }
        ],
        by=office(),
    )
    if parts:
        work_parts.add_part(
            ticket, part=PartFactory(stock=10), quantity=d(str(parts)), job=job, by=office()
        )
    requests.request_transition(ticket, to="approved", by=office())
    job.refresh_from_db()
    work_jobs.finish_job(job, by=office())
    requests.request_transition(ticket, to="completed", by=office())
    return ServiceTicket.objects.get(pk=ticket.pk)


def issue(client: Client, ticket: ServiceTicket) -> dict[str, Any]:
    response = client.post(f"{API}tickets/{ticket.pk}/invoice/")
    assert response.status_code == 201, response.json()
    return response.json()


def pay(client: Client, invoice: dict[str, Any], amount: str, **more: Any) -> Any:
    return client.post(
        f"{API}invoices/{invoice['id']}/payments/", {"amount": amount, "method": "card", **more}
    )


def refund(client: Client, invoice: dict[str, Any], amount: str) -> Any:
    return client.post(
        f"{API}invoices/{invoice['id']}/refunds/", {"amount": amount, "method": "card"}
    )


def credit(client: Client, invoice: dict[str, Any], **body: Any) -> Any:
    return client.post(
        f"{API}invoices/{invoice['id']}/credit-notes/", {"reason": "Goodwill", **body}
    )


def read(client: Client, invoice: dict[str, Any]) -> dict[str, Any]:
    return client.get(f"{API}invoices/{invoice['id']}/").json()


def status_of(ticket: ServiceTicket) -> str:
    return ServiceTicket.objects.values_list("status", flat=True).get(pk=ticket.pk)


def sums(invoice: dict[str, Any]) -> tuple[str, ...]:
    return tuple(invoice[name] for name in ("credited", "paid", "refunded", "balance", "state"))


# --- invoices -------------------------------------------------------------------------


def test_an_invoice_says_all_and_moves_its_ticket(advisor: Client, owner: Client) -> None:
    ticket = done_ticket(owner.user.customer)

    invoice = issue(advisor, ticket)

    year = timezone.localdate().year
    assert (invoice["number"], invoice["ticket"]) == (
        f"INV-{year}-000001",
        {"id": ticket.pk, "number": ticket.number},
    )
    assert (invoice["subtotal"], invoice["tax"], invoice["total"]) == ("239.98", "48.00", "287.98")
    assert sums(invoice) == ("0.00", "0.00", "0.00", "287.98", "open")
    assert [
        (line["position"], line["kind"], line["net"], line["tax"]) for line in invoice["lines"]
    ] == [
        (1, "labor", "200.00", "40.00"),
        (2, "part", "39.98", "8.00"),
    ]
    assert status_of(ticket) == "invoiced"
    assert owner.get(f"{API}invoices/").json()["results"] == [invoice] == [read(owner, invoice)]
    document = owner.get(f"{API}invoices/{invoice['id']}/document/").json()
    assert (document["kind"], document["total"], document["due"], document["deposits"]) == (
        "invoice",
        "287.98",
        "287.98",
        "0.00",
    )
    assert document["jobs"][0]["total"] == "287.98"
    assert document["customer"]["name"] == "Olive Owner"


def test_the_paper_is_always_the_same(advisor: Client, manager: Client) -> None:
    ticket = done_ticket()
    invoice = issue(advisor, ticket)
    address = f"{API}invoices/{invoice['id']}/pdf/"
    paper = advisor.get(address)
    assert (paper["Content-Type"], paper["Content-Disposition"]) == (
        "application/pdf",
        f'inline; filename="{invoice["number"]}.pdf"',
    )
    pay(advisor, invoice, "287.98")
    manager.patch(f"{API}customers/{ticket.customer_id}/", {"name": "Renamed"})
    tax_operations.set_rate(TaxCode.objects.get(), rate=d("25"), by=None)
    assert advisor.get(address).content == paper.content
    assert advisor.get(address, HTTP_IF_NONE_MATCH=paper["ETag"]).status_code == 304
    for accepted in (f"{API}invoices/{invoice['id']}/document/", address):
        assert advisor.get(accepted, HTTP_ACCEPT="application/pdf").content == paper.content
    refused(
        advisor.get(f"{API}invoices/{invoice['id'] + 1}/pdf/", HTTP_ACCEPT="application/pdf"), 404
    )


@pytest.mark.parametrize("status", ["estimate", "approved", "in_progress", "cancelled"])
def test_only_a_completed_ticket_is_invoiced(advisor: Client, status: str) -> None:
    ticket = make_ticket(status)
    refused(advisor.post(f"{API}tickets/{ticket.pk}/invoice/"), 409, "ticket_not_completed")
    assert not DocumentSeries.objects.filter(last__gt=0).exists()


def test_a_ticket_has_one_invoice(advisor: Client) -> None:
    ticket = done_ticket()
    invoice = issue(advisor, ticket)
    assert (
        refused(advisor.post(f"{API}tickets/{ticket.pk}/invoice/"), 409, "already_invoiced")[
            "invoice"
        ]
        == invoice["number"]
    )


def test_the_move_to_invoiced_issues_the_invoice(advisor: Client) -> None:
    ticket = done_ticket()
    assert (
        advisor.post(
            f"{API}tickets/{ticket.pk}/transitions/", {"to": "invoiced", "reason": "Car is washed"}
        ).status_code
        == 200
    )
    assert Invoice.objects.get().ticket == ticket
    assert ticket.history.last().reason == "Car is washed"
    assert (
        refused(
            advisor.post(f"{API}tickets/{ticket.pk}/transitions/", {"to": "closed"}),
            409,
            "balance_due",
        )["balance"]
        == "287.98"
    )


def test_what_was_not_approved_is_not_on_the_invoice(advisor: Client) -> None:
    ticket = make_ticket()
    jobs = [
        work_jobs.add_job(
            ticket,
            title=title,
            lines=[
                {"kind": "fee", "description": title, "unit_price": d("10"), "quantity": d("1")}
            ],
            by=office(),
        )
        for title in ("Done", "Declined", "Proposed later", "Cancelled")
    ]
    approvals.authorize(ticket, approve=[jobs[0].pk, jobs[3].pk], decline=[jobs[1].pk], by=office())
    work_jobs.finish_job(jobs[0], by=office())
    work_jobs.cancel_job(jobs[3], by=office())
    requests.request_transition(
        ServiceTicket.objects.get(pk=ticket.pk), to="completed", by=office()
    )
    invoice = issue(advisor, ticket)
    assert [line["description"] for line in invoice["lines"]] == ["Done"]
    assert set(ticket.jobs.values_list("status", flat=True)) == {
        JobStatus.DONE,
        JobStatus.DECLINED,
        JobStatus.PROPOSED,
        JobStatus.CANCELLED,
    }


def test_numbers_have_no_gaps_and_each_year_begins_anew(advisor: Client, settings: Any) -> None:
    settings.SHOP_INVOICE_SERIES = "F{year}"
    tickets = [done_ticket(parts=0) for _ in range(4)]
    with time_machine.travel("2026-12-31T12:00:00Z"):
        numbers = [issuing.issue_invoice(ticket, by=office()).number for ticket in tickets[:2]]
    with time_machine.travel("2027-01-01T12:00:00Z"):
        numbers += [issuing.issue_invoice(ticket, by=office()).number for ticket in tickets[2:]]
    assert numbers == ["F2026-000001", "F2026-000002", "F2027-000001", "F2027-000002"]


def test_an_issue_that_fails_takes_its_number_back(
    advisor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = done_ticket()

    def fail(*args: Any) -> None:
        raise IntegrityError("injected")

    with monkeypatch.context() as patched:
        patched.setattr(issuing, "write_lines", fail)
        refused(advisor.post(f"{API}tickets/{ticket.pk}/invoice/"), 409)
    assert (Invoice.objects.count(), status_of(ticket)) == (0, "completed")
    assert issue(advisor, ticket)["number"].endswith("-000001")


@pytest.mark.parametrize(("rounding", "tax"), [("group", "115.60"), ("line", "115.61")])
def test_the_rounding_of_the_day_is_frozen_on_the_invoice(
    manager: Client, settings: Any, rounding: str, tax: str
) -> None:
    settings.SHOP_TAX_ROUNDING = rounding
    ticket = done_ticket(parts=0)
    requests.request_transition(ticket, to="in_progress", by=office())
    job = ticket.jobs.get()
    job_lines.edit_line(
        job, line=job.lines.get().pk, quantity=d("1"), unit_price=d("99.34"), by=office()
    )
    for price in ("299.33", "179.33"):
        job_lines.add_line(
            job, kind="fee", description=price, quantity=d("1"), unit_price=d(price), by=office()
        )
    approvals.authorize(ticket, by=office())
    work_jobs.finish_job(job, by=office())
    requests.request_transition(
        ServiceTicket.objects.get(pk=ticket.pk), to="completed", by=office()
    )
    invoice = issue(manager, ticket)
    settings.SHOP_TAX_ROUNDING = "group"
    assert (invoice["subtotal"], invoice["tax"], invoice["tax_rounding"]) == (
        "578.00",
        tax,
        rounding,
    )
    assert credit(manager, invoice).json()["tax"] == tax


def test_nothing_of_an_invoiced_ticket_changes(manager: Client) -> None:
    ticket = done_ticket()
    job, part = ticket.jobs.get(), PartFactory(stock=3)
    issue(manager, ticket)
    calls: list[Callable[[], Any]] = [
        lambda: manager.patch(f"{API}tickets/{ticket.pk}/", {"concern": "x"}),
        lambda: manager.put(f"{API}tickets/{ticket.pk}/add-part/", {"part": part.pk}),
        lambda: manager.put(f"{API}tickets/{ticket.pk}/give-discount/", {"discount_percent": "5"}),
        lambda: manager.put(
            f"{API}tickets/{ticket.pk}/remove-part/", {"part": ticket.lines.get().part_id}
        ),
        lambda: manager.put(
            f"{API}tickets/{ticket.pk}/edit-part/",
            {"part": ticket.lines.get().part_id, "unit_price": "1"},
        ),
        lambda: manager.patch(f"{API}jobs/{job.pk}/", {"title": "x"}),
        lambda: manager.put(
            f"{API}jobs/{job.pk}/edit-line/", {"line": job.lines.get().pk, "quantity": "1"}
        ),
        lambda: manager.put(f"{API}jobs/{job.pk}/cancel/"),
        lambda: manager.delete(f"{API}jobs/{job.pk}/"),
        lambda: manager.post(f"{API}jobs/", {"ticket": ticket.pk, "title": "x"}),
        lambda: manager.post(f"{API}tickets/{ticket.pk}/authorizations/", {"decline": [job.pk]}),
    ]
    for call in calls:
        refused(call(), 409, "ticket_locked")
    refused(manager.delete(f"{API}tickets/{ticket.pk}/"), 409, "ticket_in_use")


# --- append-only ----------------------------------------------------------------------


def everything_written(client: Client) -> dict[str, Any]:
    """A row of each table that is written once."""
    ticket = done_ticket()
    client.post(f"{API}tickets/{ticket.pk}/deposits/", {"amount": "10", "method": "cash"})
    invoice = issue(client, ticket)
    pay(client, invoice, "50")
    credit(client, invoice, lines=[{"line": 2, "quantity": 1}])
    return {
        "invoice": Invoice.objects.get(),
        "invoice line": Invoice.objects.get().lines.first(),
        "credit note": CreditNote.objects.get(),
        "credit note line": CreditNote.objects.get().lines.get(),
        "payment": Payment.objects.first(),
        "authorization": ticket.authorizations.get(),
    }


WRITTEN = ["invoice", "invoice line", "credit note", "credit note line", "payment", "authorization"]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_once_no_code_changes_or_deletes(manager: Client, name: str) -> None:
    row = everything_written(manager)[name]
    for change in (
        row.save,
        row.delete,
        type(row).objects.all().delete,
        lambda: type(row).objects.update(pk=row.pk),
    ):
        with pytest.raises(TypeError, match="append-only"):
            change()


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_once_no_statement_changes_or_deletes(manager: Client, name: str) -> None:
    row = everything_written(manager)[name]
    table = row._meta.db_table
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.parametrize("route", ["invoices", "credit-notes", "payments"])
def test_no_route_writes_on_papers(manager: Client, route: str) -> None:
    everything_written(manager)
    address = f"{API}{route}/{manager.get(f'{API}{route}/').json()['results'][0]['id']}/"
    for response in (
        manager.post(f"{API}{route}/", {}),
        manager.put(address, {}),
        manager.patch(address, {}),
        manager.delete(address),
    ):
        refused(response, 405)


# --- payments -------------------------------------------------------------------------


def test_payments_settle_an_invoice_and_close_the_ticket(advisor: Client) -> None:
    ticket = done_ticket()
    invoice = issue(advisor, ticket)
    first = pay(
        advisor, invoice, "100", reference="slip 7", received_at=f"{timezone.localdate()}T00:00:00Z"
    ).json()
    assert (first["number"], first["amount"], first["kind"], first["reference"]) == (
        f"R-{first['id']:06}",
        "100.00",
        "payment",
        "slip 7",
    )
    assert sums(read(advisor, invoice)) == ("0.00", "100.00", "0.00", "187.98", "open")
    assert status_of(ticket) == "invoiced"
    pay(advisor, invoice, "187.98", method="cash")
    assert sums(read(advisor, invoice)) == ("0.00", "287.98", "0.00", "0.00", "paid")
    assert status_of(ticket) == "closed"
    assert [
        row["amount"]
        for row in advisor.get(f"{API}invoices/{invoice['id']}/payments/").json()["results"]
    ] == ["100.00", "187.98"]


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "0", "method": "cash"},
        {"amount": "-5", "method": "cash"},
        {"amount": "0.001", "method": "cash"},
        {"amount": "1e9", "method": "cash"},
        {"amount": "NaN", "method": "cash"},
        {"amount": "10"},
        {"amount": "10", "method": "gold"},
        {"amount": "10", "method": "cash", "received_at": "2099-01-01T00:00:00Z"},
        {"amount": True, "method": "cash"},
        {},
    ],
)
def test_payments_that_cannot_be(advisor: Client, body: dict[str, Any]) -> None:
    invoice = issue(advisor, done_ticket())
    refused(advisor.post(f"{API}invoices/{invoice['id']}/payments/", body), 400)
    assert not Payment.objects.exists()


def test_an_overpayment_is_the_customers_credit_and_can_be_refunded(manager: Client) -> None:
    ticket = done_ticket()
    invoice = issue(manager, ticket)
    pay(manager, invoice, "300", keep_as_credit=True)
    assert sums(read(manager, invoice)) == ("0.00", "300.00", "0.00", "-12.02", "paid")
    assert status_of(ticket) == "closed"
    assert refund(manager, invoice, "12.02").json()["effect"] == "-12.02"
    assert sums(read(manager, invoice))[3] == "0.00"
    assert refused(refund(manager, invoice, "288"), 409, "refund_exceeds_paid")["paid"] == "287.98"
    assert status_of(ticket) == "closed"
    refund(manager, invoice, "1")
    assert (status_of(ticket), read(manager, invoice)["balance"]) == ("invoiced", "1.00"), (
        "something is due again"
    )


def test_a_payment_is_reversed_once_by_another_row(manager: Client, advisor: Client) -> None:
    ticket = done_ticket()
    invoice = issue(manager, ticket)
    cheque = pay(manager, invoice, "287.98", method="cheque").json()
    address = f"{API}payments/{cheque['id']}/reverse/"
    refused(advisor.post(address, {"note": "Bounced"}), 403)
    refused(manager.post(address, {}), 400)
    row = manager.post(address, {"note": "Bounced"}).json()
    assert (row["kind"], row["effect"], row["reverses"]) == (
        "reversal",
        "-287.98",
        cheque["number"],
    )
    assert sums(read(manager, invoice)) == ("0.00", "0.00", "0.00", "287.98", "open")
    assert status_of(ticket) == "invoiced"
    refused(manager.post(address, {"note": "Again"}), 409, "already_reversed")
    refused(
        manager.post(f"{API}payments/{row['id']}/reverse/", {"note": "No"}), 409, "not_reversible"
    )


def test_a_refund_can_be_reversed_and_a_refunded_payment_cannot(manager: Client) -> None:
    invoice = issue(manager, done_ticket())
    payment = pay(manager, invoice, "287.98").json()
    back = refund(manager, invoice, "287.98").json()
    refused(
        manager.post(f"{API}payments/{payment['id']}/reverse/", {"note": "x"}),
        409,
        "refund_exceeds_paid",
    )
    manager.post(f"{API}payments/{back['id']}/reverse/", {"note": "typed twice"})
    assert sums(read(manager, invoice)) == ("0.00", "287.98", "0.00", "0.00", "paid")


def test_a_deposit_counts_on_the_invoice(manager: Client) -> None:
    ticket = done_ticket()
    address = f"{API}tickets/{ticket.pk}/deposits/"
    first = manager.post(address, {"amount": "100", "method": "card"}).json()
    manager.post(address, {"amount": "50", "method": "cash"})
    refused(
        manager.post(
            f"{API}tickets/{ticket.pk}/refund-deposit/", {"amount": "151", "method": "cash"}
        ),
        409,
        "refund_exceeds_paid",
    )
    manager.post(f"{API}tickets/{ticket.pk}/refund-deposit/", {"amount": "30", "method": "cash"})
    invoice = issue(manager, ticket)
    assert (invoice["deposits"], *sums(invoice)) == (
        "120.00",
        "0.00",
        "120.00",
        "0.00",
        "167.98",
        "open",
    )
    document = manager.get(f"{API}invoices/{invoice['id']}/document/").json()
    assert (document["deposits"], document["due"]) == ("120.00", "167.98")
    refused(manager.post(address, {"amount": "1", "method": "cash"}), 409, "already_invoiced")
    manager.post(f"{API}payments/{first['id']}/reverse/", {"note": "Bounced"})
    assert sums(read(manager, invoice)) == ("0.00", "20.00", "0.00", "267.98", "open")
    assert [row["effect"] for row in manager.get(address).json()["results"]] == [
        "100.00",
        "50.00",
        "-30.00",
    ]


def test_a_deposit_that_covers_all_closes_the_ticket_at_once(manager: Client) -> None:
    ticket = done_ticket()
    manager.post(
        f"{API}tickets/{ticket.pk}/deposits/",
        {"amount": "300", "method": "card", "keep_as_credit": True},
    )
    invoice = issue(manager, ticket)
    assert (read(manager, invoice)["balance"], status_of(ticket)) == ("-12.02", "closed")
    assert manager.get(f"{API}invoices/{invoice['id']}/document/").json()["due"] == "0.00"


def test_a_deposit_of_a_cancelled_ticket_can_be_paid_back(manager: Client) -> None:
    ticket = make_ticket()
    manager.post(f"{API}tickets/{ticket.pk}/deposits/", {"amount": "40", "method": "cash"})
    refused(
        manager.patch(f"{API}tickets/{ticket.pk}/", {"customer": CustomerFactory().pk}),
        409,
        "ticket_has_payments",
    )
    refused(manager.delete(f"{API}tickets/{ticket.pk}/"), 409, "ticket_in_use")
    requests.request_transition(ticket, to="cancelled", by=office())
    refused(
        manager.post(f"{API}tickets/{ticket.pk}/deposits/", {"amount": "40", "method": "cash"}),
        409,
        "ticket_locked",
    )
    assert (
        manager.post(
            f"{API}tickets/{ticket.pk}/refund-deposit/", {"amount": "40", "method": "cash"}
        ).status_code
        == 201
    )


def test_a_receipt(advisor: Client, owner: Client, stranger: Client) -> None:
    invoice = issue(advisor, done_ticket(owner.user.customer))
    payment = pay(advisor, invoice, "100").json()
    paper = owner.get(f"{API}payments/{payment['id']}/pdf/")
    assert paper["Content-Disposition"] == f'inline; filename="{payment["number"]}.pdf"'
    assert paper.content == owner.get(f"{API}payments/{payment['id']}/pdf/").content
    refused(stranger.get(f"{API}payments/{payment['id']}/pdf/"), 404)


# --- credit notes ---------------------------------------------------------------------


def test_a_credit_note_by_lines_takes_tax_pro_rata_and_restocks_by_choice(manager: Client) -> None:
    ticket = done_ticket()
    part = ticket.lines.get().part
    invoice = issue(manager, ticket)
    pay(manager, invoice, "287.98")

    note = credit(
        manager,
        invoice,
        lines=[{"line": 2, "quantity": 1, "restock": True}, {"line": 1, "quantity": "0.5"}],
    ).json()

    year = timezone.localdate().year
    assert note["number"] == f"CN-{year}-000001"
    assert [
        (line["position"], line["net"], line["tax"], line["restocked"]) for line in note["lines"]
    ] == [
        (2, "19.99", "4.00", True),
        (1, "50.00", "10.00", False),
    ]
    assert (note["subtotal"], note["tax"], note["total"]) == ("69.99", "14.00", "83.99")
    assert sums(read(manager, invoice)) == ("83.99", "287.98", "0.00", "-83.99", "paid")
    part.refresh_from_db()
    assert part.on_hand == 9
    assert StockMovement.objects.filter(part=part).latest("pk").reference == note["number"]
    assert find_discrepancies() == []
    assert status_of(ticket) == "closed"
    refund(manager, invoice, "83.99")
    assert read(manager, invoice)["balance"] == "0.00"
    document = manager.get(f"{API}credit-notes/{note['id']}/document/").json()
    assert (document["total"], document["invoice"]["number"], document["reason"]) == (
        "83.99",
        invoice["number"],
        "Goodwill",
    )
    assert manager.get(f"{API}credit-notes/{note['id']}/pdf/")["Content-Type"] == "application/pdf"


def test_bit_by_bit_an_invoice_is_credited_exactly(manager: Client) -> None:
    ticket = done_ticket(parts=3)
    invoice = issue(manager, ticket)
    for _ in range(3):
        assert credit(manager, invoice, lines=[{"line": 2, "quantity": 1}]).status_code == 201
    assert credit(manager, invoice, lines=[{"line": 1, "quantity": "0.333"}]).status_code == 201
    refused(credit(manager, invoice, lines=[{"line": 2}]), 409, "more_than_invoiced")
    assert status_of(ticket) == "invoiced"
    assert credit(manager, invoice).status_code == 201
    assert sums(read(manager, invoice)) == (invoice["total"], "0.00", "0.00", "0.00", "credited")
    assert status_of(ticket) == "completed"
    refused(credit(manager, invoice), 409, "nothing_to_credit")


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ({"lines": [{"line": 9}]}, 400, "lines.0.line"),
        ({"lines": [{"line": 2}, {"line": 2}]}, 400, "lines.1.line"),
        ({"lines": [{"line": 2, "quantity": "0.5"}]}, 400, "lines.0.quantity"),
        ({"lines": [{"line": 2, "quantity": 3}]}, 409, "more_than_invoiced"),
        ({"lines": [{"line": 2, "quantity": 0}]}, 400, "lines.0.quantity"),
        ({"reason": ""}, 400, "reason"),
        ({"lines": "all"}, 400, "lines"),
    ],
)
def test_credit_notes_that_cannot_be(
    manager: Client, body: dict[str, Any], status: int, what: str
) -> None:
    invoice = issue(manager, done_ticket())
    response = credit(manager, invoice, **body)
    if status == 400:
        assert refused(response, 400)["errors"][0]["field"].startswith(what)
    else:
        refused(response, 409, what)
    assert not CreditNote.objects.exists()
    assert not DocumentSeries.objects.filter(name__startswith="CN").exists()


def test_after_a_full_credit_note_the_ticket_is_invoiced_anew_with_what_was_paid(
    manager: Client,
) -> None:
    ticket = done_ticket()
    first = issue(manager, ticket)
    pay(manager, first, "287.98")
    credit(manager, first)
    assert (status_of(ticket), sums(read(manager, first))) == (
        "completed",
        ("287.98", "287.98", "0.00", "-287.98", "credited"),
    )
    refused(pay(manager, first, "1"), 409, "invoice_credited")
    work_tickets.give_discount(
        ServiceTicket.objects.get(pk=ticket.pk), discount_amount=d("39.98"), by=office()
    )

    second = issue(manager, ticket)

    assert (second["total"], second["number"][-6:]) == ("240.00", "000002")
    assert sums(read(manager, second)) == ("0.00", "287.98", "0.00", "-47.98", "paid")
    assert sums(read(manager, first)) == ("287.98", "0.00", "0.00", "0.00", "credited")
    assert status_of(ticket) == "closed"
    refund(manager, second, "47.98")
    assert read(manager, second)["balance"] == "0.00"


def test_what_went_back_on_the_shelf_is_not_sold_again_before_it_is_fitted(manager: Client) -> None:
    ticket = done_ticket()
    credit(manager, issue(manager, ticket), restock=True)
    assert ticket.lines.get().issued == 0
    assert find_discrepancies() == []
    refused(manager.post(f"{API}tickets/{ticket.pk}/invoice/"), 409, "parts_not_fitted")
    ticket.refresh_from_db()
    requests.request_transition(ticket, to="in_progress", by=office())
    assert ticket.lines.get().allocated == 2, "it lies there, so it is held again"
    manager.put(f"{API}tickets/{ticket.pk}/remove-part/", {"part": ticket.lines.get().part_id})
    requests.request_transition(
        ServiceTicket.objects.get(pk=ticket.pk), to="completed", by=office()
    )
    assert issue(manager, ticket)["total"] == "240.00"
    assert find_discrepancies() == []


def test_an_invoice_of_nothing_is_credited_by_its_lines(manager: Client) -> None:
    ticket = done_ticket(parts=0, tax=None)
    work_tickets.give_discount(ticket, discount_percent=d("100"), by=office())
    invoice = issue(manager, ticket)
    assert (invoice["total"], invoice["state"], status_of(ticket)) == ("0.00", "paid", "closed"), (
        "nothing is due"
    )
    credit(manager, invoice, lines=[{"line": 1, "quantity": 1}])
    assert (read(manager, invoice)["state"], status_of(ticket)) == ("paid", "closed")
    credit(manager, invoice)
    assert (read(manager, invoice)["state"], status_of(ticket)) == ("credited", "completed")


def test_an_invoice_of_no_lines_can_be_taken_back(manager: Client) -> None:
    ticket = make_ticket("completed")
    invoice = issue(manager, ticket)
    assert status_of(ticket) == "invoiced"
    assert credit(manager, invoice).status_code == 201
    assert (status_of(ticket), read(manager, invoice)["state"]) == ("completed", "credited")
    refused(credit(manager, invoice), 409, "nothing_to_credit")


def test_the_tax_of_supplies_is_that_of_its_code_however_it_is_spelt(
    manager: Client, settings: Any
) -> None:
    settings.SHOP_SUPPLIES, settings.SHOP_SUPPLIES_TAX = (d("0"), d("10.03")), "vat"
    invoice = issue(manager, done_ticket(parts=0, tax="19"))
    document = manager.get(f"{API}invoices/{invoice['id']}/document/").json()
    assert document["taxes"] == [
        {"name": "VAT", "rate": "19.000", "number": "", "base": "210.03", "amount": "39.91"}
    ]


def test_whoever_may_not_issue_invoices_may_not_by_a_move(advisor: Client) -> None:
    ticket = done_ticket()
    Group.objects.get(name="advisor").permissions.remove(
        Permission.objects.get(codename="add_invoice")
    )
    client = client_of(type(advisor.user).objects.get(pk=advisor.user.pk))
    refused(client.post(f"{API}tickets/{ticket.pk}/transitions/", {"to": "invoiced"}), 403)
    refused(client.post(f"{API}tickets/{ticket.pk}/invoice/"), 403)


def test_money_is_settled_before_a_customer_is_forgotten(manager: Client) -> None:
    customer = CustomerFactory()
    invoice = issue(manager, done_ticket(customer))
    pay(manager, invoice, "300", keep_as_credit=True)
    assert (
        refused(manager.post(f"{API}customers/{customer.pk}/erase/"), 409, "customer_has_balance")[
            "balance"
        ]
        == "-12.02"
    )
    refund(manager, invoice, "12.02")
    assert manager.post(f"{API}customers/{customer.pk}/erase/").status_code == 204


def test_an_advisor_issues_no_credit_notes_and_pays_nothing_back(advisor: Client) -> None:
    invoice = issue(advisor, done_ticket())
    pay(advisor, invoice, "10")
    refused(credit(advisor, invoice), 403)
    refused(refund(advisor, invoice, "1"), 403)


# --- lists, states and mail -----------------------------------------------------------


def test_lists_are_filtered_by_state_date_and_customer(manager: Client) -> None:
    customer = CustomerFactory()
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        late = Invoice.objects.get(pk=issuing.issue_invoice(done_ticket(customer), by=office()).pk)
    invoices = {"overdue": late.number}
    for state in ("open", "paid", "credited"):
        invoice = issue(manager, done_ticket())
        invoices[state] = invoice["number"]
        if state == "paid":
            pay(manager, invoice, invoice["total"])
        if state == "credited":
            credit(manager, invoice)

    def found(query: str) -> set[str]:
        return {row["number"] for row in manager.get(f"{API}invoices/?{query}").json()["results"]}

    for state, number in invoices.items():
        assert found(f"state={state}") == {number}
        assert {
            row["state"] for row in manager.get(f"{API}invoices/?state={state}").json()["results"]
        } == {state}
    assert found("state=open&state=overdue") == {invoices["open"], invoices["overdue"]}
    assert (
        found(f"customer={customer.pk}")
        == {late.number}
        == found(f"issued_to={late.issued_on}")
        == found(f"ticket={late.ticket_id}")
    )
    assert late.number not in found(f"issued_from={timezone.localdate()}")
    assert found(f"search={late.number}") == {late.number} == found(f"search={late.ticket.number}")
    refused(manager.get(f"{API}invoices/?state=lost"), 400)
    refused(manager.get(f"{API}payments/?kind=gift"), 400)


def test_a_mechanic_sees_no_money(assigned: Client, manager: Client) -> None:
    invoice = issue(manager, done_ticket(mechanics=[assigned.user.mechanic]))
    assert assigned.get(f"{API}invoices/").json()["results"] == []
    refused(assigned.get(f"{API}invoices/{invoice['id']}/"), 404)
    refused(assigned.get(f"{API}invoices/{invoice['id']}/payments/"), 404)
    assert assigned.get(f"{API}payments/").json()["results"] == []


@pytest.mark.parametrize("paper", ["invoice", "credit note", "estimate"])
def test_papers_are_mailed(
    manager: Client, paper: str, django_capture_on_commit_callbacks: Any
) -> None:
    ticket = done_ticket()
    invoice = issue(manager, ticket)
    note = credit(manager, invoice, lines=[{"line": 1}]).json()
    address = {
        "invoice": f"{API}invoices/{invoice['id']}/email/",
        "credit note": f"{API}credit-notes/{note['id']}/email/",
        "estimate": f"{API}tickets/{ticket.pk}/email-estimate/",
    }[paper]
    with django_capture_on_commit_callbacks(execute=True):
        response = manager.post(address, {})
    assert (response.status_code, response.json()) == (202, {"to": ticket.customer.email})
    (sent,) = mail.outbox
    assert sent.to == [ticket.customer.email]
    ((name, content, kind),) = sent.attachments
    assert (name.endswith(".pdf"), content[:5], kind) == (True, b"%PDF-", "application/pdf")
    with django_capture_on_commit_callbacks(execute=True):
        assert manager.post(address, {"to": "accounts@example.com"}).json() == {
            "to": "accounts@example.com"
        }
    refused(manager.post(address, {"to": "a\nb@example.com"}), 400)


def test_mail_to_nobody_is_refused(manager: Client) -> None:
    invoice = issue(manager, done_ticket(CustomerFactory(email=None)))
    assert (
        refused(manager.post(f"{API}invoices/{invoice['id']}/email/", {}), 400)["errors"][0]["code"]
        == "no_email"
    )


def test_retries_pay_once(manager: Client) -> None:
    invoice = issue(manager, done_ticket())
    body = {"amount": "10", "method": "cash"}
    answers = [
        manager.post(f"{API}invoices/{invoice['id']}/payments/", body, HTTP_IDEMPOTENCY_KEY="k-1")
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert Payment.objects.count() == 1


def test_an_erased_customers_money_is_not_touched(manager: Client) -> None:
    customer = CustomerFactory()
    invoice = issue(manager, done_ticket(customer))
    pay(manager, invoice, "287.98")
    assert manager.post(f"{API}customers/{customer.pk}/erase/").status_code == 204
    for response in (
        credit(manager, invoice),
        refund(manager, invoice, "1"),
        pay(manager, invoice, "1", keep_as_credit=True),
    ):
        refused(response, 409, "customer_erased")
    assert InvoiceAccount.objects.get().balance == 0
