"""Money that moves on from invoice to invoice, and what is told of it."""

from decimal import Decimal
from typing import Any

import pytest

from mechanic_shop.errors import DomainError
from tickets import operations
from tickets.books import findings
from tickets.models import Invoice, InvoiceAccount, Payment, ServiceTicket, Status

from .factories import make_ticket, office
from .test_check_money import tamper
from .test_reports import credit, d, labor, pay, sell

pytestmark = pytest.mark.django_db


def again(invoice: Invoice) -> Invoice:
    """Take an invoice back, and issue it anew."""
    credit(invoice)
    return operations.issue_invoice(ServiceTicket.objects.get(pk=invoice.ticket_id), by=office())


def account(invoice: Invoice) -> tuple[Decimal, ...]:
    found = InvoiceAccount.objects.get(pk=invoice.pk)
    return found.paid, found.refunded, found.balance


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def test_a_new_invoice_says_what_was_paid_on_the_one_that_it_replaces() -> None:
    first = sell(labor(1), paid=30)
    pay(first, 50)
    second = again(first)
    assert (second.deposits, second.document["deposits"], second.document["due"]) == (80, "80.00", "20.00")
    assert account(second) == (80, 0, 20)


def test_a_cheque_bounces_after_its_money_moved_to_a_new_invoice() -> None:
    first = sell(labor(1))
    cheque = pay(first, 100)
    second = again(first)
    third = again(second)
    assert fresh(third.ticket).status == Status.CLOSED
    row = operations.reverse(fresh(cheque), note="bounced", by=office())
    assert row.invoice == third
    assert [account(invoice) for invoice in (first, second, third)] == [(0, 0, -0), (0, 0, 0), (0, 0, 100)]
    assert fresh(third.ticket).status == Status.INVOICED
    assert findings() == []


def test_a_deposit_bounces_after_it_moved_twice() -> None:
    first = sell(labor(1), paid=60)
    deposit = Payment.objects.get(kind="deposit")
    second = again(first)
    assert operations.reverse(deposit, note="bounced", by=office()).invoice == second
    assert account(second) == (0, 0, 100)
    assert findings() == []


def test_a_refund_of_a_deposit_that_never_happened_counts_on_the_invoice() -> None:
    ticket = make_ticket("approved")
    root = office()
    job = operations.add_job(ticket, title="Work", lines=[labor(1)], by=root)
    operations.deposit(ticket, amount=d(100), by=root)
    refund = operations.refund_deposit(ticket, amount=d(70), by=root)
    operations.authorize(ticket, by=root)
    operations.finish_job(job, by=root)
    operations.move(ticket, to="completed", by=root)
    invoice = operations.issue_invoice(ticket, by=root)
    assert account(invoice) == (30, 0, 70)
    operations.reverse(refund, note="The customer never came for it", by=root)
    assert account(invoice) == (100, 0, 0)
    assert fresh(ticket).status == Status.CLOSED
    assert findings() == []


def test_a_refund_on_the_old_invoice_that_never_happened_counts_on_the_new_one() -> None:
    first = sell(labor(1))
    pay(first, 100)
    refund = operations.refund(fresh(first), amount=d(40), by=office())
    second = again(first)
    assert account(second) == (60, 0, 40)
    operations.reverse(fresh(refund), note="The customer never came for it", by=office())
    assert (account(first)[2], account(second)) == (0, (100, 0, 0))
    assert fresh(second.ticket).status == Status.CLOSED
    assert findings() == []


@pytest.mark.parametrize("status", ["invoiced", "closed"])
def test_what_was_invoiced_before_the_shop_wrote_invoices_refuses_in_words(status: str) -> None:
    ticket = make_ticket("completed")
    tamper(ServiceTicket, f"status = '{status}'", f"id = {ticket.pk}")
    for ask in (
        lambda: operations.issue_invoice(fresh(ticket), by=office()),
        lambda: operations.deposit(fresh(ticket), amount=d(1), by=office()),
    ):
        with pytest.raises(DomainError) as refused:
            ask()
        assert (refused.value.code, refused.value.facts) == ("already_invoiced", {"invoice": None})
