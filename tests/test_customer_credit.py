"""What was paid too much: refused without a word, kept as credit, counted on the next
invoice; and tickets that end without one.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from tickets.billing import payments
from tickets.billing.integrity_checks import find_discrepancies as findings
from tickets.billing.money_buttons import has_deposits
from tickets.desk import requests
from tickets.models import Invoice, Payment, ServiceTicket, Status
from tickets.reports import receivables
from tickets.work import jobs, tickets

from .conftest import Client
from .factories import make_ticket, office
from .races import at_once
from .test_money import API, credit, done_ticket, issue, pay, read, refund, refused
from .test_races import again, statuses

pytestmark = pytest.mark.django_db


def overpaid(client: Client, by: str = "100") -> tuple[Any, dict[str, Any]]:
    """A customer with credit, and the invoice on which it lies."""
    ticket = done_ticket()
    invoice = issue(client, ticket)
    amount = str(Decimal(invoice["balance"]) + Decimal(by))
    assert pay(client, invoice, amount, keep_as_credit=True).status_code == 201
    return ticket.customer, invoice


def apply(client: Client, invoice: dict[str, Any], **body: Any) -> Any:
    return client.put(f"{API}invoices/{invoice['id']}/apply-credit/", body)


def with_used_credit(client: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """The invoice on which 100 too much was paid, and the one on which that counts."""
    customer, first = overpaid(client)
    second = issue(client, done_ticket(customer))
    assert apply(client, second).status_code == 200
    return first, second


def ended_with_deposit(*moves: str) -> ServiceTicket:
    """A ticket that was moved on without an invoice, with 50 paid on it."""
    ticket = make_ticket()
    payments.deposit(ticket, amount=Decimal(50), method="cash", by=office())
    for status in moves:
        requests.request_transition(ticket, to=status, by=office())
    return ticket


def test_more_than_is_due_is_refused_with_what_is_due(advisor: Client) -> None:
    invoice = issue(advisor, done_ticket())
    assert refused(pay(advisor, invoice, "288"), 409, "more_than_due")["due"] == "287.98"
    assert pay(advisor, invoice, "200").status_code == 201
    assert refused(pay(advisor, invoice, "88"), 409, "more_than_due")["due"] == "87.98"
    assert pay(advisor, invoice, "88", keep_as_credit=True).status_code == 201
    assert read(advisor, invoice)["balance"] == "-0.02"


def test_a_deposit_is_no_more_than_the_estimate(advisor: Client) -> None:
    ticket = done_ticket()
    address = f"{API}tickets/{ticket.pk}/deposits/"
    assert advisor.post(address, {"amount": "200", "method": "cash"}).status_code == 201
    facts = refused(
        advisor.post(address, {"amount": "500", "method": "cash"}), 409, "more_than_due"
    )
    assert facts["due"] == "87.98"
    empty = make_ticket()
    body = {"amount": "50", "method": "cash"}
    assert advisor.post(f"{API}tickets/{empty.pk}/deposits/", body).status_code == 201


@pytest.mark.parametrize("days", [-1, 1])
def test_money_is_dated_while_the_ticket_is_there(advisor: Client, days: int) -> None:
    invoice = issue(advisor, done_ticket())
    moment = (timezone.now() + timedelta(days=days)).isoformat()
    refused(pay(advisor, invoice, "10", received_at=moment), 400, field="received_at")
    refused(
        pay(advisor, invoice, "10", received_at="1901-01-01T00:00:00Z"), 400, field="received_at"
    )


def test_credit_counts_on_the_next_invoice(advisor: Client) -> None:
    customer, first = overpaid(advisor)
    second = issue(advisor, done_ticket(customer))
    refused(apply(advisor, second, amount="100.01"), 409, "more_than_due")
    assert apply(advisor, second, amount="30").json()["balance"] == "257.98"
    assert apply(advisor, second).json()["balance"] == "187.98"
    assert read(advisor, first)["balance"] == "0.00"
    refused(apply(advisor, second), 409, "no_credit")
    assert receivables.credit_of(customer) == 0
    statement = advisor.get(f"{API}customers/{customer.pk}/statement/").json()
    assert statement["closing"] == "187.98"
    rows = advisor.get(f"{API}invoices/{second['id']}/payments/").json()["results"]
    assert [(row["kind"], row["effect"]) for row in rows] == [
        ("credit", "30.00"),
        ("credit", "70.00"),
    ]
    assert findings() == []


def test_a_deposit_of_a_cancelled_ticket_counts_elsewhere(manager: Client) -> None:
    ticket = ended_with_deposit("cancelled")
    invoice = issue(manager, done_ticket(ticket.customer))
    assert apply(manager, invoice).json()["balance"] == "237.98"
    address = f"{API}tickets/{ticket.pk}/refund-deposit/"
    refused(manager.post(address, {"amount": "1", "method": "cash"}), 409, "refund_exceeds_paid")
    assert findings() == []


def test_credit_that_covers_all_closes_the_ticket(advisor: Client) -> None:
    customer, _ = overpaid(advisor, "400")
    ticket = done_ticket(customer)
    invoice = issue(advisor, ticket)
    assert apply(advisor, invoice).json()["state"] == "paid"
    assert ServiceTicket.objects.get(pk=ticket.pk).status == Status.CLOSED


def test_nobody_uses_the_credit_of_another_customer(advisor: Client) -> None:
    overpaid(advisor)
    refused(apply(advisor, issue(advisor, done_ticket())), 409, "no_credit")


def reverse(client: Client, row: Any) -> Any:
    return client.post(f"{API}payments/{row['id']}/reverse/", {"note": "the check bounced"})


def rows_of(client: Client, invoice: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    rows = client.get(f"{API}invoices/{invoice['id']}/payments/").json()["results"]
    return [row for row in rows if row["kind"] == kind]


def test_a_cheque_that_bounced_is_reversed_after_the_credit_of_it(manager: Client) -> None:
    first, second = with_used_credit(manager)
    cheque, credit_row = (
        rows_of(manager, first, "payment")[0],
        rows_of(manager, second, "credit")[0],
    )
    assert refused(reverse(manager, cheque), 409, "credit_in_use")["credits"] == [
        credit_row["number"]
    ]
    back = reverse(manager, credit_row)
    assert (back.status_code, back.json()["effect"], back.json()["reverses"]) == (
        201,
        "-100.00",
        credit_row["number"],
    )
    assert (read(manager, first)["balance"], read(manager, second)["balance"]) == (
        "-100.00",
        "287.98",
    )
    refused(reverse(manager, credit_row), 409, "already_reversed")
    refused(reverse(manager, back.json()), 409, "not_reversible")
    assert reverse(manager, cheque).status_code == 201
    assert (read(manager, first)["balance"], read(manager, first)["state"]) == ("287.98", "open")
    assert receivables.credit_of(Invoice.objects.get(pk=first["id"]).customer) == 0
    assert findings() == []


def test_the_half_that_took_the_credit_names_the_other(manager: Client) -> None:
    first, second = with_used_credit(manager)
    half, whole = rows_of(manager, first, "credit")[0], rows_of(manager, second, "credit")[0]
    assert whole["number"] in refused(reverse(manager, half), 409, "not_reversible")["detail"]


def test_credit_of_a_deposit_goes_back_to_the_deposit(manager: Client) -> None:
    ticket = ended_with_deposit("cancelled")
    invoice = issue(manager, done_ticket(ticket.customer))
    apply(manager, invoice)
    assert reverse(manager, rows_of(manager, invoice, "credit")[0]).status_code == 201
    assert (
        manager.post(
            f"{API}tickets/{ticket.pk}/refund-deposit/", {"amount": "50", "method": "cash"}
        ).status_code
        == 201
    )
    assert findings() == []


def test_credit_that_is_reversed_moves_on_to_the_invoice_that_stands(manager: Client) -> None:
    first, second = with_used_credit(manager)
    credit(manager, first, reason="wrong")
    anew = issue(manager, ServiceTicket.objects.get(pk=first["ticket"]["id"]))
    assert reverse(manager, rows_of(manager, second, "credit")[0]).status_code == 201
    assert read(manager, anew)["balance"] == "-100.00"
    assert findings() == []


def test_a_deposit_of_a_ticket_that_closed_without_invoice_counts_elsewhere(
    manager: Client,
) -> None:
    ticket = ended_with_deposit("approved", "completed", "closed")
    assert has_deposits(ticket)
    assert (
        apply(manager, issue(manager, done_ticket(ticket.customer))).json()["balance"] == "237.98"
    )
    assert findings() == []


def test_all_that_was_paid_on_a_cancelled_ticket_counts_elsewhere(manager: Client) -> None:
    """On its invoice, which was credited, and in advance of the next, which never came."""
    ticket = done_ticket()
    first = issue(manager, ticket)
    pay(manager, first, "100")
    credit(manager, first)
    ticket = ServiceTicket.objects.get(pk=ticket.pk)
    requests.request_transition(ticket, to="in_progress", by=office())
    payments.deposit(ticket, amount=Decimal(20), method="cash", by=office())
    requests.request_transition(ticket, to="cancelled", by=office())
    assert (
        apply(manager, issue(manager, done_ticket(ticket.customer))).json()["balance"] == "167.98"
    )
    assert findings() == []


@pytest.mark.django_db(transaction=True)
def test_credit_goes_back_once_though_it_is_reversed_and_paid_back_at_once(manager: Client) -> None:
    for _ in range(3):
        first, second = with_used_credit(manager)
        row = rows_of(manager, second, "credit")[0]
        found = at_once(
            *[lambda c=again(manager), r=row: reverse(c, r) for _ in range(3)],
            lambda c=again(manager), i=second: refund(c, i, "60"),
        )
        assert statuses(found) == {201: 1, 409: 3}
        assert Decimal(read(manager, first)["balance"]) + Decimal(
            read(manager, second)["balance"]
        ) in (Decimal("187.98"), Decimal("247.98"))
        assert findings() == []


@pytest.mark.django_db(transaction=True)
def test_credit_that_is_reversed_while_more_of_it_is_applied_does_not_deadlock(
    manager: Client,
) -> None:
    """Both lock the ticket that the credit came from, which is older than the one on
    which it counts.
    """
    for _ in range(8):
        customer, _ = overpaid(manager)
        second = issue(manager, done_ticket(customer))
        apply(manager, second, amount="30")
        row = rows_of(manager, second, "credit")[0]
        found = at_once(
            lambda c=again(manager), r=row: reverse(c, r),
            *[lambda c=again(manager), i=second: apply(c, i, amount="10") for _ in range(3)],
        )
        assert statuses(found) == {201: 1, 200: 3}
        assert findings() == []


def test_a_clock_that_is_ahead_by_seconds_is_not_the_future(advisor: Client) -> None:
    invoice = issue(advisor, done_ticket())
    payment = pay(
        advisor, invoice, "10", received_at=(timezone.now() + timedelta(seconds=20)).isoformat()
    )
    assert payment.status_code == 201
    assert Payment.objects.get().received_at <= timezone.now()


def test_money_of_now_is_taken_though_the_ticket_was_opened_by_a_clock_ahead(
    advisor: Client,
) -> None:
    ticket = make_ticket()
    ServiceTicket.objects.filter(pk=ticket.pk).update(opened_at=timezone.now() + timedelta(days=2))
    assert (
        advisor.post(
            f"{API}tickets/{ticket.pk}/deposits/", {"amount": "5", "method": "cash"}
        ).status_code
        == 201
    )


def test_the_transitions_say_that_nothing_is_to_be_invoiced(manager: Client) -> None:
    ticket = make_ticket()
    for status in ("approved", "completed"):
        requests.request_transition(ticket, to=status, by=office())
    options = manager.get(f"{API}tickets/{ticket.pk}/transitions/").json()
    found = {
        option["to"]: [block["code"] for block in option["blocked_by"]]
        for option in options["next"]
    }
    assert (found["invoiced"], found["closed"]) == (["nothing_to_invoice"], [])


@pytest.mark.django_db(transaction=True)
def test_credit_is_used_once_though_it_is_refunded_and_applied_at_once(manager: Client) -> None:
    for _ in range(3):
        customer, first = overpaid(manager)
        others = [issue(manager, done_ticket(customer)) for _ in range(2)]
        found = at_once(
            lambda c=again(manager), i=first: refund(c, i, "100"),
            *[lambda c=again(manager), i=other: apply(c, i) for other in others],
            *[lambda c=again(manager), i=other: apply(c, i, amount="60") for other in others],
        )
        assert 201 in statuses(found) or 200 in statuses(found)
        used = sum(Decimal("287.98") - Decimal(read(manager, other)["balance"]) for other in others)
        refunds = Decimal(read(manager, first)["refunded"])
        assert Decimal(read(manager, first)["balance"]) == used + refunds - 100
        assert used <= 100
        assert findings() == []


@pytest.mark.django_db(transaction=True)
def test_two_invoices_that_draw_on_each_other_do_not_deadlock(manager: Client) -> None:
    customer, _ = overpaid(manager)
    invoices = [issue(manager, done_ticket(customer)) for _ in range(4)]
    found = at_once(
        *[lambda c=again(manager), i=each: apply(c, i, amount="20") for each in reversed(invoices)]
    )
    assert statuses(found) == {200: 4}


# --- nothing to invoice ---------------------------------------------------------------


def test_a_ticket_without_work_is_not_invoiced_but_closed(advisor: Client) -> None:
    ticket = make_ticket()
    for to in ("approved", "completed"):
        requests.request_transition(ticket, to=to, by=office())
    refused(advisor.post(f"{API}tickets/{ticket.pk}/invoice/"), 409, "nothing_to_invoice")
    options = advisor.get(f"{API}tickets/{ticket.pk}/transitions/").json()["next"]
    assert {option["to"] for option in options} == {"in_progress", "invoiced", "closed"}
    assert (
        advisor.post(f"{API}tickets/{ticket.pk}/transitions/", {"to": "closed"}).status_code == 200
    )
    assert findings() == []


def test_work_for_nothing_is_invoiced_and_credited(manager: Client) -> None:
    ticket = done_ticket()
    tickets.give_discount(ticket, discount_percent=Decimal(100), by=office())
    invoice = issue(manager, ticket)
    assert (invoice["total"], ServiceTicket.objects.get(pk=ticket.pk).status) == ("0.00", "closed")
    assert credit(manager, invoice).status_code == 201
    assert findings() == []


def test_an_old_invoice_of_nothing_that_was_credited_does_not_stand(
    manager: Client, monkeypatch: Any
) -> None:
    """As earlier versions wrote it."""
    ticket = done_ticket()
    monkeypatch.setattr("tickets.lifecycle.snapshot.TicketSnapshot.items", lambda self, units: [])
    monkeypatch.setattr(
        "tickets.billing.invoices.ensure_something_to_invoice", lambda ticket, bill: None
    )
    invoice = issue(manager, ticket)
    assert credit(manager, invoice).status_code == 201
    monkeypatch.undo()
    assert findings() == []


def test_a_ticket_that_was_credited_and_emptied_ends_without_an_invoice(manager: Client) -> None:
    ticket = done_ticket(parts=0)
    invoice = issue(manager, ticket)
    assert credit(manager, invoice).status_code == 201
    address = f"{API}tickets/{ticket.pk}/transitions/"
    assert manager.post(address, {"to": "in_progress"}).status_code == 200
    jobs.cancel_job(ticket.jobs.get(), by=office())
    for to in ("completed", "closed", "completed"):
        assert manager.post(address, {"to": to}).status_code == 200, to
        assert findings() == []


def test_a_finished_job_without_lines_is_nothing_to_invoice(manager: Client) -> None:
    ticket = make_ticket()
    job = jobs.add_job(ticket, title="Look at it", by=office())
    requests.request_transition(ticket, to="approved", by=office())
    jobs.finish_job(job, by=office())
    requests.request_transition(ticket, to="completed", by=office())
    refused(manager.post(f"{API}tickets/{ticket.pk}/invoice/"), 409, "nothing_to_invoice")
    answer = manager.post(f"{API}tickets/{ticket.pk}/transitions/", {"to": "closed"})
    assert answer.status_code == 200
    assert findings() == []
