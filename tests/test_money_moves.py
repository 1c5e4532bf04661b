"""Money that moves on from invoice to invoice, and what is told of it."""

from decimal import Decimal
from typing import Any

import pytest

from mechanic_shop.errors import DomainError, NotAllowed
from tickets.approvals import operations as approvals
from tickets.billing import invoices, payments, reversals
from tickets.billing.integrity_checks import find_discrepancies as findings
from tickets.desk import requests
from tickets.lifecycle import workflow
from tickets.models import Invoice, InvoiceAccount, Payment, ServiceTicket, Status
from tickets.work import jobs

from .factories import UserFactory, make_ticket, office
from .test_check_money import tamper
from .test_reports import credit, d, labor, pay, sell

pytestmark = pytest.mark.django_db


def again(invoice: Invoice) -> Invoice:
    """Take an invoice back, and issue it anew."""
    credit(invoice)
    return invoices.issue_invoice(ServiceTicket.objects.get(pk=invoice.ticket_id), by=office())


def account(invoice: Invoice) -> tuple[Decimal, ...]:
    found = InvoiceAccount.objects.get(pk=invoice.pk)
    return found.paid, found.refunded, found.balance


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def test_a_new_invoice_says_what_was_paid_on_the_one_that_it_replaces() -> None:
    first = sell(labor(1), paid=30)
    pay(first, 50)
    second = again(first)
    assert (second.deposits, second.document["deposits"], second.document["due"]) == (
        80,
        "80.00",
        "20.00",
    )
    assert account(second) == (80, 0, 20)


def test_a_cheque_bounces_after_its_money_moved_to_a_new_invoice() -> None:
    first = sell(labor(1))
    cheque = pay(first, 100)
    second = again(first)
    third = again(second)
    assert fresh(third.ticket).status == Status.CLOSED
    row = reversals.reverse(fresh(cheque), note="bounced", by=office())
    assert row.invoice == third
    assert [account(invoice) for invoice in (first, second, third)] == [
        (0, 0, -0),
        (0, 0, 0),
        (0, 0, 100),
    ]
    assert fresh(third.ticket).status == Status.INVOICED
    assert findings() == []


def test_a_deposit_bounces_after_it_moved_twice() -> None:
    first = sell(labor(1), paid=60)
    deposit = Payment.objects.get(kind="deposit")
    second = again(first)
    assert reversals.reverse(deposit, note="bounced", by=office()).invoice == second
    assert account(second) == (0, 0, 100)
    assert findings() == []


def test_a_refund_of_a_deposit_that_never_happened_counts_on_the_invoice() -> None:
    ticket = make_ticket("approved")
    root = office()
    job = jobs.add_job(ticket, title="Work", lines=[labor(1)], by=root)
    payments.deposit(ticket, amount=d(100), by=root)
    refund = payments.refund_deposit(ticket, amount=d(70), by=root)
    approvals.authorize(ticket, by=root)
    jobs.finish_job(job, by=root)
    requests.request_transition(ticket, to="completed", by=root)
    invoice = invoices.issue_invoice(ticket, by=root)
    assert account(invoice) == (30, 0, 70)
    reversals.reverse(refund, note="The customer never came for it", by=root)
    assert account(invoice) == (100, 0, 0)
    assert fresh(ticket).status == Status.CLOSED
    assert findings() == []


def test_a_refund_on_the_old_invoice_that_never_happened_counts_on_the_new_one() -> None:
    first = sell(labor(1))
    pay(first, 100)
    refund = payments.refund(fresh(first), amount=d(40), by=office())
    second = again(first)
    assert account(second) == (60, 0, 40)
    reversals.reverse(fresh(refund), note="The customer never came for it", by=office())
    assert (account(first)[2], account(second)) == (0, (100, 0, 0))
    assert fresh(second.ticket).status == Status.CLOSED
    assert findings() == []


def settled_on_paper(status: str, ticket: ServiceTicket) -> ServiceTicket:
    """As the release before money left it."""
    tamper(ServiceTicket, f"status = '{status}'", f"id = {ticket.pk}")
    return fresh(ticket)


def bare_ticket() -> ServiceTicket:
    ticket = make_ticket()
    for to in ("approved", "completed"):
        requests.request_transition(ticket, to=to, by=office())
    return ticket


@pytest.mark.parametrize("status", ["invoiced", "closed"])
@pytest.mark.parametrize(
    "then", ["then it is invoiced.", "then its work is added and approved, and it is invoiced."]
)
def test_what_was_invoiced_before_the_shop_wrote_invoices_refuses_in_words(
    status: str, then: str
) -> None:
    ticket = settled_on_paper(
        status, bare_ticket() if "added" in then else make_ticket("completed")
    )
    for ask in (
        lambda: invoices.issue_invoice(fresh(ticket), by=office()),
        lambda: payments.deposit(fresh(ticket), amount=d(1), by=office()),
    ):
        with pytest.raises(DomainError) as refused:
            ask()
        assert (refused.value.code, refused.value.facts) == ("already_invoiced", {"invoice": None})
        assert refused.value.message == (
            f"{ticket.number} is {status} without an invoice: a manager moves it back to "
            f"completed, and {then}"
        )


def refusal_of_a_job(ticket: ServiceTicket) -> str:
    with pytest.raises(DomainError, match="nothing on it changes") as refused:
        jobs.add_job(fresh(ticket), title="One more", lines=[], by=office())
    return refused.value.message.partition(": ")[2]


@pytest.mark.parametrize("status", ["invoiced", "closed"])
def test_only_what_has_an_invoice_that_stands_asks_for_a_credit_note(status: str) -> None:
    assert refusal_of_a_job(make_ticket(status)).startswith("issue a credit note")
    for ticket in (bare_ticket(), make_ticket("completed")):
        assert (
            refusal_of_a_job(settled_on_paper(status, ticket))
            == "a manager moves it back to completed first, or open a new ticket."
        )


def test_an_invoice_that_was_taken_back_is_not_credited_once_more() -> None:
    """The ticket was closed without another: its work was cancelled since."""
    invoice = sell(labor(1))
    credit(invoice)
    ticket = fresh(invoice.ticket)
    requests.request_transition(ticket, to="in_progress", by=office())
    jobs.cancel_job(ticket.jobs.get(), by=office())
    for to in ("completed", "closed"):
        requests.request_transition(ticket, to=to, by=office())
    with pytest.raises(
        DomainError, match="closed without an invoice: a manager moves it back"
    ) as refused:
        invoices.issue_invoice(ticket, by=office())
    assert refused.value.facts == {"invoice": None}


def test_the_front_desk_is_not_sent_to_the_front_desk() -> None:
    ticket = settled_on_paper("closed", make_ticket("completed"))
    (back,) = workflow.options(ticket, UserFactory(role="advisor"))
    assert back["blocked_by"][0]["detail"] == "This move is not yours to make: ask a manager."
    for role, whom in (
        ("advisor", "a manager"),
        ("mechanic", "the front desk"),
        (None, "the front desk"),
    ):
        with pytest.raises(NotAllowed, match=f"is not yours to do: ask {whom}"):
            requests.request_transition(fresh(ticket), to="completed", by=UserFactory(role=role))
