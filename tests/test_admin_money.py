"""Jobs and money in the admin: the buttons do what the API does and refuse what it
refuses; papers are read and never written.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory import tax_operations
from inventory.taxes import TaxCode
from tickets.approvals import operations as approvals
from tickets.billing import credit_notes, invoices, payments, reversals
from tickets.desk import requests
from tickets.models import (
    Authorization,
    CannedJob,
    CreditNote,
    Invoice,
    Job,
    JobLine,
    JobStatus,
    LaborRate,
    Payment,
    ServiceTicket,
    Status,
)
from tickets.reports import chart, daily_sales
from tickets.work import canned_jobs, job_lines, jobs, tickets
from tickets.work import parts as work_parts

from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
    office,
)
from .test_admin import at, browser, complaints, filled, page_of, press, save

User = get_user_model()
pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(advisor: Any) -> Client:
    return browser(advisor.user)


@pytest.fixture
def chief(manager: Any) -> Client:
    return browser(manager.user)


@pytest.fixture
def rate(db: Any) -> LaborRate:
    tax_operations.add_tax_code(
        name="VAT", rate=Decimal(20), valid_from=date(2020, 1, 1), is_default=True, by=None
    )
    return LaborRate.objects.create(name="Standard", hourly=Decimal(100), is_default=True)


def fee(price: str = "50.00", quantity: str = "1") -> dict[str, Any]:
    return {
        "kind": "fee",
        "description": "Inspection",
        "quantity": Decimal(quantity),
        "unit_price": Decimal(price),
    }


def with_job(
    status: str = Status.ESTIMATE, *lines: dict[str, Any], **details: Any
) -> tuple[ServiceTicket, Job]:
    """A ticket that came to ``status`` by the operations, and its job of 50.00."""
    ticket = make_ticket(**details)
    job = jobs.add_job(ticket, title="Front brakes", lines=lines or [fee()], by=office())
    if status != Status.ESTIMATE:
        approvals.authorize(ticket, by=office())
    if status not in (Status.ESTIMATE, Status.APPROVED):
        job.refresh_from_db()
        jobs.finish_job(job, by=office())
        ticket = fresh(ticket)
        requests.request_transition(ticket, to=Status.COMPLETED, by=office())
    if status == Status.INVOICED:
        invoices.issue_invoice(fresh(ticket), by=office())
    return fresh(ticket), fresh(job)


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def invoiced(*lines: dict[str, Any], **details: Any) -> Invoice:
    return with_job(Status.INVOICED, *lines, **details)[0].invoices.get()


def buttons(client: Client, row: Any) -> dict[str, str]:
    """{button: variant} of a page, those in drop-downs with them."""
    entries = [
        each
        for entry in client.get(page_of(row)).context["actions_detail"]
        for each in entry.get("items") or [entry]
    ]
    return {
        entry["path"].rstrip("/").rsplit("/", 1)[1]: entry["variant"].value for entry in entries
    }


def lead(client: Client, row: Any) -> list[str]:
    return [name for name, variant in buttons(client, row).items() if variant == "primary"]


def told(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


# --- the whole way --------------------------------------------------------------------


def test_a_ticket_goes_from_the_customers_word_to_the_paid_invoice_by_its_leading_buttons(
    desk, advisor, rate
):
    ticket = make_ticket(vehicle=VehicleFactory())
    assert lead(desk, ticket) == ["add-job"]
    assert (
        press(
            desk, ticket, "add_job", title="Front brakes", concern="Squeal", hours="1.5"
        ).status_code
        == 302
    )
    job = ticket.jobs.get()
    assert (job.status, job.lines.get().line_total, job.concern) == (
        JobStatus.PROPOSED,
        Decimal("150.00"),
        "Squeal",
    )
    assert (
        press(
            desk,
            ticket,
            "add_part",
            part=PartFactory(stock=2, price=Decimal("10.00")).pk,
            quantity="2",
            job=job.pk,
        ).status_code
        == 302
    )
    assert lead(desk, ticket) == ["authorize"]
    assert (
        press(
            desk, ticket, "authorize", **{f"job_{job.pk}": "approve"}, channel="phone", note="Olive"
        ).status_code
        == 302
    )
    word = Authorization.objects.get()
    assert (word.by, word.channel, word.note, word.approved_total) == (
        advisor.user,
        "phone",
        "Olive",
        Decimal("204.00"),
    )
    assert lead(desk, ticket) == ["finish-job"]
    assert press(desk, ticket, "finish_job", job=job.pk, correction="New pads").status_code == 302
    assert (fresh(job).status, fresh(job).correction) == (JobStatus.DONE, "New pads")
    assert lead(desk, ticket) == ["complete"]
    assert press(desk, ticket, "complete").status_code == 302
    assert lead(desk, ticket) == ["invoice"]
    assert press(desk, ticket, "invoice").status_code == 302
    assert lead(desk, ticket) == ["pay"]
    page = desk.get(page_of(ticket, "pay"))
    assert page.context["form"]["amount"].value() == Decimal("204.00")
    assert (
        press(desk, ticket, "pay", amount="204.00", method="card", reference="4711").status_code
        == 302
    )
    assert (fresh(ticket).status, lead(desk, ticket)) == (Status.CLOSED, [])
    assert (
        Payment.objects.get().by,
        Payment.objects.get().reference,
        Invoice.objects.get().state,
    ) == (advisor.user, "4711", "paid")
    html = desk.get(page_of(ticket)).content.decode()
    assert page_of(Invoice.objects.get()) in html
    assert "$204.00" in html


def test_the_page_shows_jobs_lines_and_what_they_come_to(desk, rate):
    ticket, _ = with_job(
        Status.APPROVED,
        fee("50.00"),
        {
            "kind": "labor",
            "description": "Pads",
            "quantity": Decimal(2),
            "discount_percent": Decimal(10),
        },
    )
    work_parts.add_part(
        ticket,
        part=PartFactory(name="Loose bulb", price=Decimal("3.00"), stock=9),
        quantity=Decimal(1),
        by=office(),
    )
    tickets.give_discount(fresh(ticket), discount_amount=Decimal("3.00"), by=office())
    payments.deposit(fresh(ticket), amount=Decimal("40.00"), by=office())
    panel = desk.get(page_of(ticket)).context["panel"]
    (shown,) = panel["jobs"]
    assert (shown["title"], shown["total"], shown["authorized"]) == ("Front brakes", "$230.00", "")
    assert [
        (line["quantity"], line["unit_price"], line["discount"], line["amount"])
        for line in shown["lines"]
    ] == [
        ("1", "$50.00", "", "$50.00"),
        ("2 h", "$100.00", "-$20.00", "$180.00"),
    ]
    assert [line["description"] for line in panel["lines"]] == ["Loose bulb"]
    assert [(line["label"], line["amount"]) for line in panel["sums"]] == [
        ("Discount", "-$3.00"),
        ("Subtotal", "$230.00"),
        ("VAT 20%", "$46.00"),
        ("Total", "$276.00"),
        (
            "Authorized",
            "$276.00",
        ),  # the job as it was approved, before the discount; the bulb waits
        ("Deposits", "$40.00"),
    ]


def test_a_job_that_grew_shows_what_was_authorized(desk, rate):
    ticket, job = with_job(Status.APPROVED)
    job_lines.add_line(job, **fee("7.00"), by=office())
    (shown,) = desk.get(page_of(ticket)).context["panel"]["jobs"]
    assert (shown["total"], shown["authorized"]) == ("$57.00", "$50.00")
    assert lead(desk, ticket) == ["authorize"]


def test_an_invoiced_ticket_keeps_its_tax(desk, rate):
    ticket = invoiced().ticket
    tax_operations.set_rate(TaxCode.objects.get(), rate=Decimal(50), by=None)
    assert [
        (line["label"], line["amount"])
        for line in desk.get(page_of(ticket)).context["panel"]["sums"]
    ][:3] == [
        ("Subtotal", "$50.00"),
        ("VAT 20%", "$10.00"),
        ("Total", "$60.00"),
    ]


def test_part_lines_name_their_job(desk):
    ticket, job = with_job()
    work_parts.add_part(ticket, part=PartFactory(), quantity=Decimal(1), job=job, by=office())
    assert re.search(
        r"PART-.*?Front brakes",
        desk.get(page_of(ticket)).content.decode().split('id="lines-group"')[1],
        re.DOTALL,
    )


# --- what the buttons of the work do --------------------------------------------------


def test_a_canned_job_comes_with_its_lines(desk, rate):
    canned = canned_jobs.write_canned_job(
        CannedJob(),
        name="Oil change",
        lines=[{"kind": "labor", "description": "Drain", "quantity": Decimal("0.5")}],
        by=None,
    )
    ticket = make_ticket()
    assert press(desk, ticket, "add_canned_job", canned_job=canned.pk).status_code == 302
    assert ticket.jobs.get().lines.get().line_total == 50
    canned.save_changes(is_active=False)
    assert "no longer offered" in complaints(
        press(desk, ticket, "add_canned_job", canned_job=canned.pk)
    )


@pytest.mark.parametrize(
    ("typed", "total"),
    [
        ({"kind": "labor", "quantity": "1.25"}, "125.00"),
        ({"kind": "labor", "quantity": "2", "unit_price": "90"}, "180.00"),
        (
            {"kind": "fee", "quantity": "1", "unit_price": "12.50", "discount_percent": "10"},
            "11.25",
        ),
        ({"kind": "sublet", "quantity": "1", "unit_price": "80", "discount_amount": "5"}, "75.00"),
    ],
)
def test_a_line_goes_into_its_job(desk, rate, typed, total):
    ticket, job = with_job()
    assert (
        press(desk, ticket, "add_line", job=job.pk, description="More", **typed).status_code == 302
    )
    assert JobLine.objects.get(description="More").line_total == Decimal(total)


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"kind": "fee", "quantity": "1"}, "Say what it costs"),
        (
            {
                "kind": "fee",
                "quantity": "1",
                "unit_price": "1",
                "discount_percent": "5",
                "discount_amount": "1",
            },
            "not both",
        ),
        ({"kind": "fee", "quantity": "1", "unit_price": "-1"}, "0"),
        ({"kind": "labor", "quantity": "1.125"}, "two decimals"),
        ({"kind": "labor", "quantity": "0"}, "0.001"),
        ({"kind": "labor", "quantity": "1", "discount_percent": "101"}, "100"),
        ({"kind": "part", "quantity": "1"}, "valid choice"),
    ],
)
def test_a_line_that_the_api_refuses_is_refused(desk, rate, typed, complaint):
    ticket, job = with_job()
    assert complaint in complaints(
        press(desk, ticket, "add_line", job=job.pk, description="More", **typed)
    )
    assert job.lines.count() == 1


def test_only_who_may_see_costs_is_asked_for_one(desk, chief, rate):
    ticket, job = with_job()
    typed = {
        "job": job.pk,
        "kind": "sublet",
        "description": "Machine shop",
        "quantity": "1",
        "unit_price": "80",
        "unit_cost": "33.17",
    }
    assert "unit_cost" not in desk.get(page_of(ticket, "add_line")).content.decode()
    assert press(desk, ticket, "add_line", **typed).status_code == 302
    assert JobLine.objects.get(kind="sublet").unit_cost == 0
    assert press(chief, ticket, "add_line", **typed).status_code == 302
    assert JobLine.objects.filter(unit_cost=Decimal("33.17")).exists()
    assert "33.17" not in desk.get(page_of(ticket)).content.decode()


def test_a_line_is_taken_out(desk):
    ticket, job = with_job()
    line = job.lines.get()
    assert press(desk, ticket, "remove_line", line=line.pk).status_code == 302
    assert not job.lines.exists()
    assert "valid choice" in complaints(press(desk, ticket, "remove_line", line=line.pk))


def test_a_job_of_another_ticket_is_no_choice(desk):
    ticket, other = with_job()[0], with_job()[1]
    assert "valid choice" in complaints(press(desk, ticket, "finish_job", job=other.pk))
    assert "valid choice" in complaints(
        press(desk, ticket, "remove_line", line=other.lines.get().pk)
    )


def test_each_job_has_its_own_word(desk):
    ticket, job = with_job()
    second, third = (
        jobs.add_job(ticket, title=title, lines=[fee()], by=office())
        for title in ("Alignment", "Wipers")
    )
    answers = {
        f"job_{job.pk}": "approve",
        f"job_{second.pk}": "decline",
        f"job_{third.pk}": "defer",
    }
    assert press(desk, ticket, "authorize", **answers, channel="in_person").status_code == 302
    assert [fresh(each).status for each in (job, second, third)] == [
        JobStatus.APPROVED,
        JobStatus.DECLINED,
        JobStatus.DEFERRED,
    ]
    assert fresh(ticket).status == Status.APPROVED
    # the office takes a yes back
    assert (
        press(
            desk, ticket, "authorize", **{f"job_{job.pk}": "decline"}, channel="phone"
        ).status_code
        == 302
    )
    assert fresh(job).status == JobStatus.DECLINED


def test_a_word_about_nothing_is_no_yes_to_all(desk):
    ticket, job = with_job()
    assert "Say what the customer decided" in complaints(
        press(desk, ticket, "authorize", **{f"job_{job.pk}": ""}, channel="phone")
    )
    assert not Authorization.objects.exists()


def test_a_word_is_about_the_estimate_that_was_shown(desk):
    ticket, job = with_job()
    shown = desk.get(page_of(ticket, "authorize")).context["form"]["version"].value()
    job_lines.add_line(job, **fee("900"), by=office())
    answer = press(
        desk, ticket, "authorize", **{f"job_{job.pk}": "approve"}, channel="phone", version=shown
    )
    assert "changed since it was read" in complaints(answer)
    assert fresh(job).status == JobStatus.PROPOSED


def test_jobs_are_cancelled_and_opened_again(desk):
    ticket, job = with_job(Status.APPROVED)
    assert press(desk, ticket, "cancel_job", job=job.pk).status_code == 302
    assert fresh(job).status == JobStatus.CANCELLED
    assert "only one that is" in complaints(press(desk, ticket, "finish_job", job=job.pk))
    assert press(desk, ticket, "reopen_job", job=job.pk).status_code == 302
    assert fresh(job).status == JobStatus.PROPOSED


def test_a_part_that_was_put_off_is_taken_up_on_the_next_visit(desk):
    vehicle, part = VehicleFactory(), PartFactory(name="Wiper blades")
    earlier = make_ticket(vehicle=vehicle, parts=[(part, 2)])
    approvals.authorize(earlier, defer_parts=[part.pk], by=office())
    ticket, line = make_ticket(vehicle=vehicle), earlier.lines.get()
    assert "add-recommendation" in buttons(desk, ticket)
    assert "add-recommendation" not in buttons(desk, earlier)
    assert "Wiper blades" in desk.get(page_of(ticket, "add_recommendation")).content.decode()
    assert "one of them" in complaints(press(desk, ticket, "add_recommendation"))
    assert press(desk, ticket, "add_recommendation", part_line=line.pk).status_code == 302
    assert [(each.part, each.quantity, each.status) for each in ticket.lines.all()] == [
        (part, 2, JobStatus.PROPOSED)
    ]
    assert "put on a ticket since" in complaints(
        press(desk, ticket, "add_recommendation", part_line=line.pk)
    )


def test_what_was_put_off_is_taken_up_on_the_next_visit(desk):
    vehicle = VehicleFactory()
    earlier, job = with_job(vehicle=vehicle)
    approvals.authorize(earlier, defer=[job.pk], by=office())
    ticket = make_ticket(vehicle=vehicle)
    assert "add-recommendation" in buttons(desk, ticket)
    assert "add-recommendation" not in buttons(desk, make_ticket(vehicle=VehicleFactory()))
    assert press(desk, ticket, "add_recommendation", job=job.pk).status_code == 302
    assert ticket.jobs.get().continues == job
    assert "later ticket already" in complaints(
        press(desk, ticket, "add_recommendation", job=job.pk)
    )


def test_a_ticket_is_not_complete_before_its_jobs_are(desk):
    ticket, _ = with_job(Status.APPROVED)
    assert "complete" not in buttons(desk, ticket)
    assert "Not done yet" in complaints(press(desk, ticket, "complete"))
    assert any(
        "Not done yet" in note for note in desk.get(page_of(ticket, "move")).context["form"].notes()
    )


LOCKED = {
    "add_job": {"title": "x"},
    "add_line": {"kind": "fee", "description": "x", "quantity": "1", "unit_price": "1"},
    "finish_job": {},
    "cancel_job": {},
    "reopen_job": {},
    "authorize": {"channel": "phone"},
    "take_deposit": {"amount": "1", "method": "cash"},
    "give_discount": {"discount_percent": "5"},
    "invoice": {},
}


@pytest.mark.parametrize("name", LOCKED)
def test_a_sealed_ticket_refuses_and_shows_no_such_button(desk, name):
    ticket, job = with_job(Status.INVOICED)
    assert name.replace("_", "-") not in buttons(desk, ticket)
    before = ticket.version
    assert "invoice" in complaints(press(desk, ticket, name, **LOCKED[name], job=job.pk))
    assert fresh(ticket).version == before


# --- what the buttons of the money do -------------------------------------------------


def test_a_discount_is_given_and_taken_back(desk):
    ticket, _ = with_job()
    assert press(desk, ticket, "give_discount", discount_percent="10").status_code == 302
    assert fresh(ticket).discount_percent == 10
    assert "not both" in complaints(
        press(desk, ticket, "give_discount", discount_percent="10", discount_amount="1")
    )
    assert press(desk, ticket, "give_discount").status_code == 302
    assert (fresh(ticket).discount_percent, fresh(ticket).discount_amount) == (0, 0)


def test_a_deposit_counts_on_the_invoice_and_may_be_paid_back_before(desk, chief):
    ticket, _ = with_job(Status.COMPLETED)
    assert (
        press(
            desk,
            ticket,
            "take_deposit",
            amount="20.00",
            method="cash",
            received_at_0=str(timezone.localdate()),
            received_at_1="00:00",
        ).status_code
        == 302
    )
    assert Payment.objects.get().received_at.hour == 0
    assert press(desk, ticket, "refund_deposit", amount="5", method="cash").status_code == 403
    assert press(chief, ticket, "refund_deposit", amount="5", method="cash").status_code == 302
    assert "Only 15.00" in complaints(
        press(chief, ticket, "refund_deposit", amount="16", method="cash")
    )
    assert press(desk, ticket, "invoice").status_code == 302
    assert Invoice.objects.get().account.balance == 35


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"amount": "0"}, "0.01"),
        ({"amount": "1.005"}, "2 decimal"),
        ({"amount": "NaN"}, "number"),
        ({"amount": "5", "method": "beans"}, "valid choice"),
        ({"amount": "5", "received_at_0": "2199-01-01", "received_at_1": "10:00"}, "in the future"),
    ],
)
@pytest.mark.parametrize("on", ["ticket", "invoice"])
def test_money_that_the_api_refuses_is_refused(desk, typed, complaint, on):
    invoice = invoiced()
    row = invoice if on == "invoice" else invoice.ticket
    assert complaint in complaints(press(desk, row, "pay", **{"method": "cash"} | typed))
    assert not Payment.objects.exists()


def test_a_ticket_without_an_invoice_is_not_paid(desk):
    assert "has no invoice yet" in complaints(
        press(desk, with_job()[0], "pay", amount="5", method="cash")
    )


def test_a_ticket_is_invoiced_once_and_not_before_it_is_complete(desk):
    assert "complete it first" in complaints(press(desk, with_job()[0], "invoice"))
    assert "has its invoice" in complaints(press(desk, invoiced().ticket, "invoice"))


def test_a_manager_pays_back_and_reverses(chief):
    invoice = invoiced()
    assert lead(chief, invoice) == ["pay"]
    assert press(chief, invoice, "pay", amount="50.00", method="cheque").status_code == 302
    assert set(buttons(chief, invoice)) == {"pdf", "email", "credit", "refund"}
    assert press(chief, invoice, "refund", amount="20", method="cash").status_code == 302
    assert "Only 30.00" in complaints(press(chief, invoice, "refund", amount="31", method="cash"))
    payment, refund = Payment.objects.order_by("pk")
    assert "Only 30.00" in complaints(press(chief, payment, "reverse", note="bounced"))
    assert press(chief, refund, "reverse", note="mistake").status_code == 302
    assert press(chief, payment, "reverse", note="bounced").status_code == 302
    assert "already" in complaints(press(chief, payment, "reverse", note="again"))
    assert "required" in complaints(press(chief, payment, "reverse"))
    assert "reverse" not in buttons(chief, payment)
    assert fresh(invoice).account.balance == 50


def test_an_invoice_is_credited_in_full(chief):
    part = PartFactory(stock=2)
    ticket = make_ticket(Status.INVOICED, parts=[(part, 2)])
    invoice = ticket.invoices.get()
    assert (
        press(chief, invoice, "credit", reason="Wrong car", what="all", restock="on").status_code
        == 302
    )
    note = CreditNote.objects.get()
    assert (note.total, note.reason, fresh(part).on_hand, fresh(ticket).status) == (
        invoice.total,
        "Wrong car",
        2,
        Status.COMPLETED,
    )
    assert "credit" not in buttons(chief, invoice)
    assert "in full already" in complaints(
        press(chief, invoice, "credit", reason="Again", what="all")
    )
    assert "was credited in full" in complaints(
        press(chief, invoice, "pay", amount="1", method="cash")
    )


def test_lines_of_an_invoice_are_credited_by_quantity(chief):
    invoice = invoiced(fee("10.00", "3"), fee("7.00"))
    assert (
        press(chief, invoice, "credit", reason="Goodwill", what="lines", line_1="2").status_code
        == 302
    )
    assert CreditNote.objects.get().subtotal == 20
    assert "1 of line 1 are left" in complaints(
        press(chief, invoice, "credit", reason="More", what="lines", line_1="2")
    )
    assert "1 of 3 left" in chief.get(page_of(invoice, "credit")).content.decode()


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"reason": "", "what": "all"}, "required"),
        ({"reason": "x", "what": "lines"}, "Say how many"),
        ({"reason": "x", "what": "all", "line_1": "1"}, "Choose one"),
        ({"reason": "x", "what": "lines", "line_1": "-1"}, "0.001"),
        ({"reason": "x", "what": "lines", "line_1": "0.5"}, "whole number"),
        ({"reason": "x", "what": "lines", "line_1": "1", "line_2": "0.5"}, "whole number"),
    ],
)
def test_a_credit_that_the_api_refuses_is_refused(chief, typed, complaint):
    invoice = make_ticket(
        Status.INVOICED, parts=[(PartFactory(stock=2), 2), (PartFactory(stock=2), 2)]
    ).invoices.get()
    response = press(chief, invoice, "credit", **typed)
    assert complaint in complaints(response)
    if complaint in ("0.001", "whole number"):
        assert response.context["form"].errors.keys() == {
            max(name for name in typed if name.startswith("line_"))
        }
    assert not CreditNote.objects.exists()


def test_papers_go_by_mail(desk, django_capture_on_commit_callbacks):
    ticket, _ = with_job()
    invoice = invoiced()
    with django_capture_on_commit_callbacks(execute=True):
        assert press(desk, ticket, "email_estimate").status_code == 302
        assert press(desk, invoice, "email", to="other@example.com").status_code == 302
    assert {message.to[0] for message in mail.outbox} == {
        ticket.customer.email,
        "other@example.com",
    }


def test_nobody_is_mailed_without_an_address(desk):
    invoice = invoiced(customer=CustomerFactory(email=None))
    assert "name an address" in complaints(press(desk, invoice, "email"))
    assert "valid e" in complaints(press(desk, invoice, "email", to="nonsense")).lower()


# --- papers ---------------------------------------------------------------------------


def papers() -> dict[str, str]:
    """{address in the admin: that of the API} of one of each."""
    invoice = invoiced()
    payment = payments.pay(invoice, amount=Decimal(5), by=office())
    note = credit_notes.credit(invoice, reason="Goodwill", by=office())
    return {
        page_of(invoice, "pdf"): f"/api/v1/invoices/{invoice.pk}/pdf/",
        page_of(note, "pdf"): f"/api/v1/credit-notes/{note.pk}/pdf/",
        page_of(payment, "pdf"): f"/api/v1/payments/{payment.pk}/pdf/",
        page_of(
            invoice.ticket, "estimate_pdf"
        ): f"/api/v1/tickets/{invoice.ticket_id}/estimate/?format=pdf",
    }


def test_papers_are_the_same_bytes_as_the_apis_and_need_a_log_in(desk, advisor, owner, assigned):
    for address, api in papers().items():
        paper, same = desk.get(address), advisor.get(api)
        assert (paper["Content-Type"], paper.content) == ("application/pdf", same.content), address
        assert paper["Content-Disposition"] == same["Content-Disposition"]
        assert "no-store" in paper["Cache-Control"]
        for nobody in (Client(), browser(owner.user), browser(assigned.user)):
            assert nobody.get(address).status_code == 302, address


def test_a_paper_that_is_not_there_is_no_failure(desk):
    for key in ("0", "abc", "9" * 30):
        assert desk.get(at("tickets_invoice_pdf", key)).status_code in (302, 404)


ROWS = {
    "invoice": Invoice,
    "creditnote": CreditNote,
    "payment": Payment,
    "authorization": Authorization,
}


@pytest.mark.parametrize("model", ROWS)
def test_what_is_written_once_is_written_by_no_page(model):
    root = browser(UserFactory(is_staff=True, is_superuser=True))
    papers()
    row = ROWS[model].objects.order_by("pk").first()
    before = ROWS[model].objects.count()
    for address in (page_of(row), page_of(row, "delete"), at(f"tickets_{model}_add")):
        assert (
            root.post(
                address, {"post": "yes", "number": "X", "amount": "1", "total": "1", "note": "x"}
            ).status_code
            == 403
        ), address
    root.post(
        at(f"tickets_{model}_changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    assert [
        field
        for field in row._meta.concrete_fields
        if getattr(fresh(row), field.attname) != getattr(row, field.attname)
    ] == []
    assert ROWS[model].objects.count() == before


def test_an_invoices_page_shows_its_account(desk, rate):
    invoice = invoiced()
    payments.pay(invoice, amount=Decimal(5), by=office())
    credit_notes.credit(
        invoice,
        reason="Goodwill for Olive",
        lines=[{"line": 1, "quantity": Decimal("0.5")}],
        by=office(),
    )
    response = desk.get(page_of(invoice))
    assert [(line["label"], line["amount"]) for line in response.context["panel"]["sums"]] == [
        ("Subtotal", "$50.00"),
        ("VAT 20%", "$10.00"),
        ("Total", "$60.00"),
        ("Paid", "$5.00"),
        ("Credited", "$30.00"),
        ("Balance", "$25.00"),
    ]
    html = response.content.decode()
    assert "Goodwill for Olive" in html
    assert page_of(Payment.objects.get()) in html
    assert page_of(CreditNote.objects.get()) in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=unpaid", {"open", "overdue"}),
        ("state=overdue", {"overdue"}),
        ("state=paid", {"paid"}),
        ("state=credited", {"credited"}),
        ("state=nonsense", {"open", "overdue", "paid", "credited"}),
        ("q={number}", {"paid"}),
        ("q={ticket}", {"paid"}),
        ("customer__id__exact={customer}", {"paid"}),
    ],
)
def test_invoices_are_found(desk, query, expected):
    with time_machine.travel(timezone.now() - timedelta(days=100), tick=False):
        found = {"overdue": invoiced()}
    found |= {name: invoiced() for name in ("open", "paid", "credited")}
    payments.pay(found["paid"], amount=Decimal(50), by=office())
    credit_notes.credit(found["credited"], reason="x", by=office())
    paid = found["paid"]
    asked = query.format(number=paid.number, ticket=paid.ticket.number, customer=paid.customer_id)
    response = desk.get(f"{at('tickets_invoice_changelist')}?{asked}")
    assert {row.pk for row in response.context["cl"].result_list} == {
        found[name].pk for name in expected
    }


# --- who may --------------------------------------------------------------------------


def test_the_front_desk_gives_no_money_back(desk):
    invoice = invoiced()
    payment = payments.pay(invoice, amount=Decimal(50), by=office())
    for row, name in ((invoice, "refund"), (invoice, "credit"), (payment, "reverse")):
        assert name not in buttons(desk, row)
        assert (
            press(
                desk, row, name, amount="1", method="cash", reason="x", note="x", what="all"
            ).status_code
            == 403
        )
    assert (Payment.objects.count(), CreditNote.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("permission", "name", "status"),
    [
        ("add_invoice", "invoice", Status.COMPLETED),
        ("add_payment", "take_deposit", Status.APPROVED),
        ("move_serviceticket", "authorize", Status.ESTIMATE),
        ("change_serviceticket", "add_job", Status.ESTIMATE),
        ("change_serviceticket", "give_discount", Status.ESTIMATE),
    ],
)
def test_a_button_needs_what_the_api_asks_for(advisor, desk, permission, name, status):
    ticket, _ = with_job(status)
    assert name.replace("_", "-") in buttons(desk, ticket)
    advisor.user.groups.get().permissions.remove(
        *advisor.user.groups.get().permissions.filter(codename=permission)
    )
    assert name.replace("_", "-") not in buttons(desk, ticket)
    assert press(desk, ticket, name, title="x", amount="1").status_code == 403


def test_who_may_not_see_money_sees_none(advisor, desk):
    invoice = invoiced()
    payments.pay(invoice, amount=Decimal("13.37"), by=office())
    group = advisor.user.groups.get()
    group.permissions.remove(
        *group.permissions.filter(codename__in=("view_invoice", "view_payment", "view_creditnote"))
    )
    html = desk.get(page_of(invoice.ticket)).content.decode()
    assert "13.37" not in html
    assert invoice.number not in html
    index = desk.get(at("index"))
    assert "sales" not in index.context
    assert invoice.number not in index.content.decode()
    for page in ("invoice", "payment", "creditnote"):
        assert desk.get(at(f"tickets_{page}_changelist")).status_code == 403


# --- what the shop offers -------------------------------------------------------------


def rows(prefix: str, *typed: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """A formset as a browser sends it."""
    found = {f"{prefix}-TOTAL_FORMS": len(typed), f"{prefix}-INITIAL_FORMS": initial}
    return found | {
        f"{prefix}-{place}-{name}": value
        for place, row in enumerate(typed)
        for name, value in row.items()
    }


LINE = {"kind": "labor", "description": "Drain", "quantity": "0.5"}


def test_a_canned_job_is_written_with_its_lines_and_parts(chief, rate):
    part = PartFactory()
    sent = {"name": "Oil change", "is_active": "on", "concern": "", "cause": "", "correction": ""}
    sent |= rows(
        "lines",
        LINE,
        {"kind": "fee", "description": "Disposal", "quantity": "1", "unit_price": "5"},
    ) | rows("parts", {"part": part.pk, "quantity": "4"})
    assert chief.post(at("tickets_cannedjob_add"), sent).status_code == 302
    canned = CannedJob.objects.get()
    assert list(canned.lines.values_list("kind", "quantity", "unit_price")) == [
        ("labor", Decimal("0.5"), None),
        ("fee", 1, 5),
    ]
    assert canned.parts.get().quantity == 4
    _, kept = canned.lines.all()
    page = filled(chief.get(page_of(canned)))
    assert (
        save(
            chief,
            canned,
            page,
            **{"lines-0-DELETE": "on", "lines-1-unit_price": "6", "name": "Oil service"},
        ).status_code
        == 302
    )
    assert (
        fresh(canned).name,
        fresh(kept).unit_price,
        canned.lines.count(),
        canned.parts.count(),
    ) == ("Oil service", 6, 1, 1)


@pytest.mark.parametrize(
    ("lines", "parts", "complaint"),
    [
        ([{"kind": "fee", "description": "x", "quantity": "1"}], [], "needs a unit_price"),
        ([LINE | {"quantity": "0"}], [], "0.001"),
        ([LINE | {"kind": "part"}], [], "valid choice"),
        ([], ["1.5"], "whole number"),
        ([], ["1", "2"], "duplicate"),
    ],
)
def test_a_canned_job_that_the_api_refuses_is_refused(chief, lines, parts, complaint):
    part = PartFactory()
    canned = canned_jobs.write_canned_job(CannedJob(), name="Oil change", by=None)
    sent = (
        {"name": "Oil change", "is_active": "on"}
        | rows("lines", *lines)
        | rows("parts", *({"part": part.pk, "quantity": text} for text in parts))
    )
    response = chief.post(page_of(canned), sent)
    assert response.status_code == 200
    said = [
        [*formset.formset.non_form_errors(), *map(str, formset.formset.errors)]
        for formset in response.context["inline_admin_formsets"]
    ]
    assert complaint in str(said)
    assert (canned.lines.count(), canned.parts.count()) == (0, 0)


def test_a_rate_and_its_default(chief, rate):
    assert save(chief, rate, hourly="120.00").status_code == 302
    assert fresh(rate).hourly == 120
    sent = {"name": "standard", "hourly": "1", "is_active": "on"}
    assert "has this name" in complaints(chief.post(at("tickets_laborrate_add"), sent))
    assert "is the default" in complaints(
        chief.post(at("tickets_laborrate_add"), sent | {"name": "Other", "is_default": "on"})
    )


def test_a_tax_code_comes_with_its_rate_and_gets_new_ones(chief, desk):
    assert (
        chief.post(
            at("inventory_taxcode_add"), {"name": "VAT", "rate": "19", "is_default": "on"}
        ).status_code
        == 302
    )
    code = TaxCode.objects.get()
    assert (code.is_default, code.rates.get().rate, code.rates.get().valid_from) == (
        True,
        19,
        timezone.localdate(),
    )
    assert press(chief, code, "set_rate", rate="21.5", valid_from="2030-01-01").status_code == 302
    assert press(chief, code, "set_rate", rate="20").status_code == 302
    assert list(code.rates.values_list("rate", flat=True)) == [20, Decimal("21.5")]
    assert "100" in complaints(press(chief, code, "set_rate", rate="101"))
    assert save(chief, code, name="Sales tax").status_code == 302
    assert fresh(code).name == "Sales tax"
    assert "20 %" in desk.get(page_of(code)).content.decode()
    assert press(desk, code, "set_rate", rate="1").status_code == 403


def test_parts_have_a_tax_code_and_customers_an_exemption(chief, desk):
    code, part, customer = (
        tax_operations.add_tax_code(name="Reduced", rate=Decimal(5), by=None),
        PartFactory(),
        CustomerFactory(),
    )
    assert save(chief, part, tax_code=code.pk).status_code == 302
    assert fresh(part).tax_code == code
    assert save(desk, customer, tax_exempt="on", tax_certificate="EX-1").status_code == 302
    assert (fresh(customer).tax_exempt, fresh(customer).tax_certificate) == (True, "EX-1")


# --- the first page -------------------------------------------------------------------


def tables(client: Client) -> dict[str, str]:
    return {
        table["title"]: str(table["rows"]) for table in client.get(at("index")).context["tables"]
    }


def test_the_day_shows_who_is_to_be_called_and_who_is_to_pay(desk):
    with time_machine.travel(timezone.now() - timedelta(days=100), tick=False):
        overdue = invoiced()
    ticket, paid, unpaid = with_job()[0], invoiced(), invoiced()
    payments.pay(paid, amount=Decimal(50), by=office())
    found = tables(desk)
    assert ticket.number in found["Waiting for the customer's approval"]
    assert "Front brakes" in found["Waiting for the customer's approval"]
    assert paid.number not in found["Unpaid invoices"]
    assert found["Unpaid invoices"].index(overdue.number) < found["Unpaid invoices"].index(
        unpaid.number
    )
    waiting = (
        desk.get(f"{at('tickets_serviceticket_changelist')}?waits=word").context["cl"].result_list
    )
    assert [row.pk for row in waiting] == [ticket.pk]


def test_sales_are_exact_and_of_the_shops_days(desk, settings):
    settings.TIME_ZONE = "America/Denver"
    timezone.get_default_timezone.cache_clear()
    # 22:30 of the day before in Denver
    with time_machine.travel("2026-03-02T05:30:00Z", tick=False):
        for price in ("0.10", "0.20", "19.99"):
            invoiced(fee(price))
        credit_notes.credit(invoiced(fee("0.07")), reason="x", by=office())
        days = dict(daily_sales.by_day(timezone.localdate(), 30))
        drawn = desk.get(at("index")).context["sales"]
    timezone.get_default_timezone.cache_clear()
    assert (len(days), days[date(2026, 3, 1)], sum(days.values())) == (
        30,
        Decimal("20.29"),
        Decimal("20.29"),
    )
    assert drawn["total"] == "$20.29"
    assert drawn["chart"]["bars"][-1]["amount"] == "$20.29"


def test_a_shop_that_sold_nothing_says_so(desk):
    html = desk.get(at("index")).content.decode()
    assert "No invoice was issued in these days" in html
    assert "<svg" not in html


def test_the_chart_is_told_to_who_does_not_see_it(desk):
    invoiced()
    html = desk.get(at("index")).content.decode()
    drawing = html[html.index("<svg viewBox") : html.index("</svg>")]
    assert 'role="img"' in drawing
    assert "<title id=" in drawing
    assert "<desc id=" in drawing
    assert "style=" not in drawing
    table = html[html.index("As a table") :]
    assert table.count('<th scope="row"') == 30
    assert "$50.00" in table


@pytest.mark.parametrize(
    "amounts", [["5"], ["-5"], ["0.01"], ["1200", "-300", "0"], ["99999999.99"], ["10", "10"]]
)
def test_bars_stay_within_the_drawing(amounts):
    days = [
        (date(2026, 1, 1) + timedelta(days=place), Decimal(amount))
        for place, amount in enumerate(amounts)
    ]
    drawn = chart.bars(days, str)
    for bar in drawn["bars"]:
        assert float(bar["y"]) >= chart.TOP - 0.1
        assert float(bar["y"]) + float(bar["height"]) <= chart.HEIGHT - chart.BOTTOM + 1.1
    assert 2 <= len(drawn["lines"]) <= 8


# --- as many queries for much as for little -------------------------------------------


def queries(client: Client, page: str) -> int:
    client.get(page)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    return len(asked)


def test_a_page_with_twenty_rows_asks_no_more_than_one_with_one(chief, rate):
    pages = [sized(1), sized(20)]
    few, many = ([queries(chief, page_of(row)) for row in found] for found in pages)
    assert many == few
    assert max(few) <= 32
    forms = (
        "add_line",
        "authorize",
        "finish_job",
        "cancel_job",
        "remove_line",
        "add_recommendation",
    )
    few, many = ([queries(chief, page_of(found[0], name)) for name in forms] for found in pages)
    assert many == few


def sized(count: int) -> tuple[ServiceTicket, Invoice, CreditNote, CannedJob, TaxCode]:
    """A ticket, an invoice, a credit note, a canned job and a tax code with so many
    rows of each kind.
    """
    parts = [PartFactory(stock=5) for _ in range(count)]
    vehicle = VehicleFactory()
    earlier = make_ticket(vehicle=vehicle)
    put_off = [
        jobs.add_job(earlier, title="Later", lines=[fee()], by=office()).pk for _ in range(count)
    ]
    approvals.authorize(earlier, defer=put_off, by=office())
    ticket = make_ticket(vehicle=vehicle)
    for part in parts:
        labor = {
            "kind": "labor",
            "description": "Work",
            "quantity": Decimal(1),
            "mechanic": MechanicFactory(),
        }
        job = jobs.add_job(ticket, title="Job", lines=[labor, fee()], by=office())
        work_parts.add_part(ticket, part=part, quantity=Decimal(1), job=job, by=office())
    for job in ticket.jobs.all():
        approvals.authorize(ticket, approve=[job.pk], by=office())
    payments.deposit(ticket, amount=Decimal(1), by=office())
    invoice = invoiced(*(fee() for _ in range(count + 1)))
    for place in range(count):
        payments.pay(invoice, amount=Decimal("0.01"), by=office())
        note = credit_notes.credit(invoice, reason="x", lines=[{"line": place + 1}], by=office())
    labor = {
        "kind": "labor",
        "description": "Work",
        "quantity": Decimal(1),
        "rate": LaborRate.objects.get(),
    }
    canned = canned_jobs.write_canned_job(
        CannedJob(),
        name=f"Canned {count}",
        lines=[labor] * count,
        parts=[{"part": part} for part in parts],
        by=None,
    )
    code = tax_operations.add_tax_code(name=f"Code {count}", rate=Decimal(1), by=None)
    for place in range(count):
        tax_operations.set_rate(
            code, rate=Decimal(2), valid_from=date(2030, 1, 1) + timedelta(days=place), by=None
        )
    return fresh(ticket), invoice, note, canned, code


def test_kinds_of_payments_have_a_page_each(chief):
    invoice = invoiced()
    payments.pay(invoice, amount=Decimal(50), by=office())
    reversals.reverse(
        payments.refund(invoice, amount=Decimal(5), by=office()), note="x", by=office()
    )
    for payment in Payment.objects.all():
        assert chief.get(page_of(payment)).status_code == 200
