"""A trade-in in the customer's word, on papers, in credit notes and reports."""

from io import BytesIO
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone
from pypdf import PdfReader

from mechanic_shop.errors import DomainError
from tickets.approvals import share_links
from tickets.billing import credit_notes, invoices
from tickets.billing.documents.pdf import render
from tickets.billing.integrity_checks import find_discrepancies as findings
from tickets.desk import requests
from tickets.models import Invoice, InvoiceLine, ServiceTicket
from tickets.pricing.money_format import money as printed
from tickets.reports.sales import sales
from tickets.reports.tax_report import taxes
from tickets.work import job_lines, jobs, recommendations

from .answers import refused
from .conftest import Client
from .factories import CustomerFactory, VehicleFactory, make_ticket, office
from .test_trade_in import (
    API,
    CODE,
    authorize,
    core,
    d,
    estimate,
    fee,
    fresh,
    job,
    two_jobs,
    vat,
    work,
)

pytestmark = pytest.mark.django_db


def completed(*lines: dict[str, Any], **details: Any) -> ServiceTicket:
    ticket = make_ticket(**details)
    own = job(ticket, *lines)
    authorize(ticket)
    jobs.finish_job(own, by=office())
    requests.request_transition(ticket := fresh(ticket), to="completed", by=office())
    return ticket


def invoiced(*lines: dict[str, Any], **details: Any) -> Invoice:
    return invoices.issue_invoice(completed(*lines, **details), by=office())


def pdf(document: dict[str, Any]) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(render(document))).pages)


# --- the customer's word --------------------------------------------------------------


def test_a_trade_in_that_leaves_asks_the_customer_again() -> None:
    ticket = two_jobs()
    authorize(ticket)
    jobs.cancel_job(ticket.jobs.get(title="Core"), by=office())
    assert work(ticket).status == "proposed"


def test_less_for_it_asks_the_customer_again() -> None:
    ticket = two_jobs()
    authorize(ticket)
    own = ticket.jobs.get(title="Core")
    job_lines.edit_line(own, line=own.lines.get().pk, unit_price=d("50"), by=office())
    own.refresh_from_db()
    assert own.status == "proposed"


def test_work_that_grows_is_approved_again_beside_its_trade_in() -> None:
    ticket = two_jobs()
    authorize(ticket)
    job_lines.add_line(work(ticket), **fee("5"), by=office())
    assert estimate(ticket)["authorized"]["total"] == "-40.00"
    authorize(ticket)
    assert fresh(ticket).authorized_total == d(estimate(ticket)["total"]) == d("65.00")


def test_a_tolerance_does_not_ask_about_what_stayed(settings: Any) -> None:
    settings.SHOP_APPROVAL_TOLERANCE = d("10")
    ticket = two_jobs()
    authorize(ticket)
    own = ticket.jobs.get(title="Core")
    job_lines.edit_line(own, line=own.lines.get().pk, description="Starter", by=office())
    own.refresh_from_db()
    assert own.status == "approved"


def test_the_page_behind_a_link_shows_and_records_it() -> None:
    ticket = two_jobs()
    _, token = share_links.share(ticket, by=office())
    page = Browser().get(f"/shared/{token}/").content.decode()
    assert "-$60.00" in page
    record = authorize(ticket, approve=[own.pk for own in ticket.jobs.all()])
    assert [each["total"] for each in record.decisions] == ["100.00", "-60.00"]


def test_a_deferred_trade_in_is_taken_up_with_its_work() -> None:
    vehicle = VehicleFactory()
    first, later = make_ticket(vehicle=vehicle), make_ticket(vehicle=vehicle)
    whole, alone = job(first, fee("100"), core("60")), job(first, core("20"))
    authorize(first, defer=[whole.pk, alone.pk])
    with pytest.raises(DomainError, match="take trade-ins off"):
        recommendations.add_recommendation(later, job=alone, by=office())
    recommendations.add_recommendation(later, job=whole, by=office())
    assert estimate(later)["total"] == "40.00"


# --- papers ---------------------------------------------------------------------------


def test_an_invoice_says_it_with_a_minus() -> None:
    code = vat()
    invoice = invoiced(fee("100"), core("12.50", quantity=d("2"), tax_code=code))
    assert (invoice.subtotal, invoice.tax, invoice.total) == (d("75.00"), d("15.00"), d("90.00"))
    line = InvoiceLine.objects.get(kind="trade_in")
    assert (line.unit_price, line.net, line.tax) == (d("-12.50"), d("-25.00"), d("-5.00"))
    text = pdf(invoice.document)
    for amount in ("-12.50", "-25.00", "90.00"):
        assert printed(amount, "USD") in text
    assert findings() == []


def test_an_invoice_may_have_a_net_below_nothing() -> None:
    """The work is taxed in full, and what is given for the old part lies between its
    net and its total.
    """
    vat()
    invoice = invoiced(fee("100"), core("110"))
    assert (invoice.subtotal, invoice.tax, invoice.total) == (d("-10.00"), d("20.00"), d("10.00"))
    assert findings() == []


def test_an_invoice_is_not_issued_below_nothing() -> None:
    """The price fell on a completed ticket: its customer pays no tax any more."""
    vat()
    ticket = completed(fee("100"), core("110"), customer=CustomerFactory())
    ticket.customer.save_changes(tax_exempt=True)
    with pytest.raises(DomainError) as refusal:
        invoices.issue_invoice(fresh(ticket), by=office())
    assert (refusal.value.code, refusal.value.facts["total"]) == (CODE, "-10.00")


def test_an_invoice_of_nothing_to_pay_is_paid() -> None:
    invoice = invoiced(fee("100"), core("100"))
    assert (invoice.total, invoice.state, fresh(invoice.ticket).status) == (0, "paid", "closed")


def test_all_of_it_is_credited() -> None:
    code = vat()
    invoice = invoiced(fee("100"), core("25", tax_code=code))
    note = credit_notes.credit(invoice, reason="Wrong", by=office())
    assert (note.subtotal, note.tax, note.total) == (d("75.00"), d("15.00"), d("90.00"))
    assert printed("-25.00", "USD") in pdf(note.document)
    assert findings() == []


def test_it_is_credited_bit_by_bit_with_its_work() -> None:
    invoice = invoiced(
        fee("100") | {"quantity": d("3"), "unit_price": d("33.33")},
        core("10", quantity=d("3"), tax_code=vat("7.7")),
    )
    for _ in range(3):
        credit_notes.credit(
            invoice,
            reason="A third",
            lines=[{"line": 1, "quantity": d("1")}, {"line": 2, "quantity": d("1")}],
            by=office(),
        )
        assert findings() == []
    assert Invoice.objects.with_account().get().account.balance == 0


@pytest.mark.parametrize(("line", "total"), [(2, "-25.00"), (1, "-25.00")])
def test_it_is_credited_neither_alone_nor_last(manager: Client, line: int, total: str) -> None:
    invoice = invoiced(fee("100"), core("25"))
    facts = refused(
        manager.post(
            f"{API}invoices/{invoice.pk}/credit-notes/", {"reason": "x", "lines": [{"line": line}]}
        ),
        409,
        CODE,
    )
    assert facts["total"] == total


@pytest.mark.parametrize("told", [("sales", "-25.00"), ("taxes", "15.00")])
def test_reports_count_it(told: tuple[str, str]) -> None:
    invoiced(fee("100"), core("25", tax_code=vat()))
    today = timezone.localdate()
    found = {
        "sales": sales(today, today, "day")["totals"]["net_of"]["trade_in"],
        "taxes": taxes(today, today)["totals"]["tax"],
    }
    assert found[told[0]] == d(told[1])
