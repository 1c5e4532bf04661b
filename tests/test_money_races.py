"""Races for money and for the customer's word, each of which is lost without its lock;
on SQLite and on PostgreSQL.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from inventory import operations as stock
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from mechanic_shop.errors import DomainError
from tickets.approvals import operations as approvals
from tickets.billing import invoices as issuing
from tickets.billing import payments
from tickets.desk import requests
from tickets.models import (
    CreditNote,
    Invoice,
    InvoiceAccount,
    Job,
    JobStatus,
    Payment,
    ServiceTicket,
    TicketPart,
)
from tickets.pricing import arithmetic, sums
from tickets.work import jobs as work_jobs
from tickets.work import part_edits, parts
from tickets.work.authorized_amounts import total_of

from .conftest import Client
from .factories import PartFactory, VehicleFactory, make_ticket, office
from .races import at_once
from .test_jobs import authorize, job_on
from .test_money import API, credit, done_ticket, issue, pay, read, refund, status_of
from .test_races import again, fresh, statuses

pytestmark = pytest.mark.django_db(transaction=True)
LABOR = {
    "kind": "labor",
    "description": "Replace front pads",
    "quantity": "1.5",
    "unit_price": "100.00",
}


def balanced(invoice_id: int) -> InvoiceAccount:
    """The invoice's account, which is what its rows come to."""
    account = InvoiceAccount.objects.select_related("invoice__ticket").get(pk=invoice_id)
    rows = list(
        Payment.objects.filter(invoice=invoice_id).values_list("kind", "reverses__kind", "effect")
    )
    refunds = arithmetic.add(
        -effect for kind, reversed_kind, effect in rows if "refund" in (kind, reversed_kind)
    )
    paid = arithmetic.add(
        effect for kind, reversed_kind, effect in rows if "refund" not in (kind, reversed_kind)
    )
    credited = arithmetic.add(
        CreditNote.objects.filter(invoice=invoice_id).values_list("total", flat=True)
    )
    assert (account.paid, account.refunded, account.credited) == (paid, refunds, credited)
    assert account.balance == sums.balance(
        account.invoice.total, credited=credited, paid=paid, refunded=refunds
    )
    return account


def test_sixteen_requests_give_one_invoice(advisor: Client) -> None:
    ticket = done_ticket()
    found = statuses(
        at_once(
            *[
                lambda c=again(advisor): c.post(f"{API}tickets/{ticket.pk}/invoice/")
                for _ in range(16)
            ]
        )
    )
    assert found == {201: 1, 409: 15}
    assert Invoice.objects.get().number.endswith("-000001")


def test_numbers_have_no_gap_and_no_twin_though_half_of_them_fail(
    advisor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [done_ticket(parts=0) for _ in range(16)]
    write = issuing.write_lines

    def fail_sometimes(invoice: Invoice, bill: Any) -> None:
        write(invoice, bill)
        if invoice.ticket_id % 2:
            raise DomainError("injected", "The machine fails after the number was taken.")

    monkeypatch.setattr(issuing, "write_lines", fail_sometimes)
    found = statuses(
        at_once(
            *[
                lambda c=again(advisor), t=ticket: c.post(f"{API}tickets/{t.pk}/invoice/")
                for ticket in tickets
            ]
        )
    )
    monkeypatch.undo()
    assert found == {201: 8, 409: 8}
    rest = [ticket for ticket in tickets if status_of(ticket) == "completed"]
    statuses(
        at_once(
            *[
                lambda c=again(advisor), t=ticket: c.post(f"{API}tickets/{t.pk}/invoice/")
                for ticket in rest
            ]
        )
    )
    assert sorted(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 17))


def test_payments_at_once_are_all_counted(advisor: Client) -> None:
    ticket = done_ticket()
    invoice = issue(advisor, ticket)
    assert statuses(
        at_once(
            *[lambda c=again(advisor): pay(c, invoice, "36", keep_as_credit=True) for _ in range(8)]
        )
    ) == {201: 8}  # the last one is enough
    assert balanced(invoice["id"]).balance == Decimal("-0.02")
    assert status_of(ticket) == "closed"


def test_no_more_is_refunded_than_was_paid(manager: Client) -> None:
    ticket = done_ticket()
    invoice = issue(manager, ticket)
    pay(manager, invoice, "100")
    assert statuses(
        at_once(*[lambda c=again(manager): refund(c, invoice, "50") for _ in range(8)])
    ) == {201: 2, 409: 6}
    assert balanced(invoice["id"]).refunded == 100


def test_no_more_deposit_is_paid_back_than_there_is(manager: Client) -> None:
    ticket = make_ticket()
    payments.deposit(ticket, amount=Decimal(100), by=office())
    address, body = f"{API}tickets/{ticket.pk}/refund-deposit/", {"amount": "60", "method": "cash"}
    assert statuses(
        at_once(*[lambda c=again(manager): c.post(address, body) for _ in range(6)])
    ) == {201: 1, 409: 5}


def test_a_payment_is_reversed_once(manager: Client) -> None:
    invoice = issue(manager, done_ticket())
    payment = pay(manager, invoice, "100").json()
    address = f"{API}payments/{payment['id']}/reverse/"
    assert statuses(
        at_once(*[lambda c=again(manager): c.post(address, {"note": "bounced"}) for _ in range(8)])
    ) == {201: 1, 409: 7}
    assert balanced(invoice["id"]).paid == 0


def test_a_credit_note_against_payments(manager: Client) -> None:
    for _ in range(4):
        ticket = done_ticket()
        invoice = issue(manager, ticket)
        found = at_once(
            lambda c=again(manager), i=invoice: credit(c, i),
            *[lambda c=again(manager), i=invoice: pay(c, i, "100") for _ in range(3)],
        )
        assert found[0].status_code == 201, found[0].json()
        assert {response.status_code for response in found[1:]} <= {201, 409}
        account = balanced(invoice["id"])
        assert account.paid == 100 * [response.status_code for response in found[1:]].count(201)
        assert (status_of(ticket), read(manager, invoice)["state"]) == ("completed", "credited")


def test_a_line_is_credited_once(manager: Client) -> None:
    ticket = done_ticket()
    invoice = issue(manager, ticket)
    body = {"lines": [{"line": 2, "quantity": 1, "restock": True}]}
    assert statuses(
        at_once(*[lambda c=again(manager): credit(c, invoice, **body) for _ in range(8)])
    ) == {201: 2, 409: 6}
    assert sorted(CreditNote.objects.values_list("sequence", flat=True)) == [1, 2]
    assert find_discrepancies() == []
    balanced(invoice["id"])


def test_an_invoice_and_a_reopening_of_its_ticket(manager: Client) -> None:
    for _ in range(4):
        ticket = done_ticket()
        at_once(
            lambda c=again(manager), t=ticket: c.post(f"{API}tickets/{t.pk}/invoice/"),
            lambda c=again(manager), t=ticket: c.post(
                f"{API}tickets/{t.pk}/transitions/", {"to": "in_progress"}
            ),
        )
        assert ticket.invoices.count() == (status_of(ticket) == "invoiced")


def test_a_deposit_while_the_invoice_is_issued_counts_on_it_or_is_refused(manager: Client) -> None:
    for _ in range(4):
        ticket = done_ticket()
        issued, paid = at_once(
            lambda c=again(manager), t=ticket: c.post(f"{API}tickets/{t.pk}/invoice/"),
            lambda c=again(manager), t=ticket: c.post(
                f"{API}tickets/{t.pk}/deposits/", {"amount": "50", "method": "cash"}
            ),
        )
        assert issued.status_code == 201
        assert balanced(issued.json()["id"]).paid == (50 if paid.status_code == 201 else 0)


def test_approving_against_an_edit_never_approves_what_was_not_seen(advisor: Client) -> None:
    for _ in range(6):
        ticket, part = make_ticket(), PartFactory(stock=10)
        job = job_on(ticket, advisor, lines=[LABOR])
        advisor.put(
            f"{API}tickets/{ticket.pk}/add-part/",
            {"part": part.pk, "quantity": 2, "job": job["id"]},
        )
        seen = advisor.get(f"{API}tickets/{ticket.pk}/estimate/").json()
        line = job["lines"][0]["id"]
        approved, edited = at_once(
            lambda c=again(advisor), t=ticket, v=seen["version"]: authorize(c, t, version=v),
            lambda c=again(advisor), j=job, at=line: c.put(
                f"{API}jobs/{j['id']}/edit-line/", {"line": at, "unit_price": "500"}
            ),
        )
        assert edited.status_code == 200, edited.json()
        assert approved.status_code in (201, 409), approved.json()
        row = Job.objects.get(pk=job["id"])
        assert row.status == JobStatus.PROPOSED, (
            "approved first it outgrew that, edited first it was another estimate"
        )
        if approved.status_code == 201:
            assert approved.json()["decisions"][0]["total"] == "189.98"
        assert TicketPart.objects.get(ticket=ticket).allocated == 0
        assert find_discrepancies() == []


def test_opposite_decisions_leave_the_stock_as_the_job_has_it(advisor: Client) -> None:
    part = PartFactory(stock=10)
    for _ in range(4):
        ticket = make_ticket()
        job = job_on(ticket, advisor, lines=[LABOR])
        advisor.put(
            f"{API}tickets/{ticket.pk}/add-part/",
            {"part": part.pk, "quantity": 2, "job": job["id"]},
        )
        requests.request_transition(fresh(ticket), to="approved", by=office())
        at_once(
            *[
                lambda c=again(advisor), t=ticket, j=job: authorize(c, t, decline=[j["id"]])
                for _ in range(2)
            ],
            *[
                lambda c=again(advisor), t=ticket, j=job: authorize(c, t, approve=[j["id"]])
                for _ in range(2)
            ],
            lambda c=again(advisor), j=job: c.put(f"{API}jobs/{j['id']}/finish/"),
        )
        row = Job.objects.get(pk=job["id"])
        held = TicketPart.objects.get(ticket=ticket).allocated
        assert held == (2 if row.status in (JobStatus.APPROVED, JobStatus.DONE) else 0)
        assert find_discrepancies() == []


def test_a_recommendation_is_taken_up_once(advisor: Client) -> None:
    car = VehicleFactory()
    ticket = make_ticket(vehicle=car)
    job = job_on(ticket, advisor, lines=[LABOR])
    authorize(advisor, ticket, decline=[job["id"]])
    later = [make_ticket(vehicle=car) for _ in range(6)]
    found = statuses(
        at_once(
            *[
                lambda c=again(advisor), t=each: c.put(
                    f"{API}tickets/{t.pk}/add-recommendation/", {"job": job["id"]}
                )
                for each in later
            ]
        )
    )
    assert found == {200: 1, 409: 5}


def test_a_recommended_part_is_taken_up_once(advisor: Client) -> None:
    car, part = VehicleFactory(), PartFactory()
    ticket = make_ticket(vehicle=car, parts=[(part, 1)])
    approvals.authorize(ticket, decline_parts=[part.pk], by=office())
    line, later = ticket.lines.get(), [make_ticket(vehicle=car) for _ in range(6)]
    found = statuses(
        at_once(
            *[
                lambda c=again(advisor), t=each: c.put(
                    f"{API}tickets/{t.pk}/add-recommendation/", {"part_line": line.pk}
                )
                for each in later
            ]
        )
    )
    assert found == {200: 1, 409: 5}


# --- with one of two held up at the worst moment --------------------------------------


def after(seconds: float, call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        time.sleep(seconds)
        return call()

    return run


@pytest.fixture
def hold_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a function of operations/parts.py take its time."""

    def slow(name: str) -> None:
        real = getattr(parts, name)

        def waited(*args: Any, **kwargs: Any) -> Any:
            time.sleep(0.6)
            return real(*args, **kwargs)

        monkeypatch.setattr(parts, name, waited)

    return slow


def approved_with_job(*wanted: Part, quantity: int = 1) -> tuple[ServiceTicket, Job]:
    ticket = make_ticket()
    line = {"kind": "fee", "description": "x", "quantity": Decimal(1), "unit_price": Decimal(10)}
    job = work_jobs.add_job(ticket, title="j", lines=[line], by=office())
    for part in wanted:
        parts.add_part(ticket, part=part, quantity=Decimal(quantity), job=job, by=office())
    requests.request_transition(ticket, to="approved", by=office())
    return fresh(ticket), job


def test_a_ticket_that_was_cancelled_meanwhile_does_not_come_back() -> None:
    """The admin reads the ticket before the lock."""
    ticket, by = make_ticket(), office()
    stale = fresh(ticket)
    requests.request_transition(ticket, to="cancelled", by=by)
    with pytest.raises(DomainError) as refusal:
        requests.request_transition(stale, to="approved", by=by)
    assert refusal.value.code == "status_changed"
    assert [step.to_status for step in ticket.history.all()] == ["estimate", "cancelled"]


def test_a_part_added_while_a_delivery_fills_its_backorder_is_held_once(
    hold_up: Callable[[str], None],
) -> None:
    part, by = PartFactory(), office()
    ticket = make_ticket("approved", parts=[(part, 2)])
    hold_up("hold")
    at_once(
        lambda: parts.add_part(ticket, part=part, quantity=Decimal(1), backorder=True, by=by),
        after(0.2, lambda: stock.receive(part, quantity=Decimal(10), by=by)),
    )
    assert find_discrepancies() == []
    assert TicketPart.objects.get().quantity == 3


def test_a_part_added_to_a_job_while_a_delivery_comes_does_not_deadlock(
    hold_up: Callable[[str], None],
) -> None:
    part, by = PartFactory(), office()
    ticket, job = approved_with_job(part, quantity=2)
    hold_up("require_job_reapproval_if_exceeded")
    found = at_once(
        lambda: parts.add_part(
            ticket, part=part, quantity=Decimal(1), job=job, backorder=True, by=by
        ),
        after(0.2, lambda: stock.receive(part, quantity=Decimal(10), by=by)),
    )
    assert [each for each in found if isinstance(each, Exception)] == []
    assert find_discrepancies() == []


def test_a_dearer_part_and_a_cancelled_ticket_do_not_deadlock(
    hold_up: Callable[[str], None],
) -> None:
    first, second, by = PartFactory(stock=10), PartFactory(stock=10), office()
    (ticket, _), (other, _) = approved_with_job(first, second), approved_with_job(first, second)
    hold_up("require_job_reapproval_if_exceeded")
    found = at_once(
        lambda: part_edits.edit_part(ticket, part=second, unit_price=Decimal(99), by=by),
        after(0.2, lambda: requests.request_transition(other, to="cancelled", by=by)),
    )
    assert [each for each in found if isinstance(each, Exception)] == []
    assert find_discrepancies() == []


def test_jobs_that_change_at_once_do_not_deadlock(advisor: Client) -> None:
    ticket = make_ticket()
    jobs = [job_on(ticket, advisor, lines=[LABOR]) for _ in range(2)]
    part = PartFactory(stock=20)
    found = at_once(
        *[
            lambda c=again(advisor), j=job: c.put(f"{API}jobs/{j['id']}/add-line/", LABOR)
            for job in jobs * 3
        ],
        *[
            lambda c=again(advisor), j=job: c.patch(f"{API}jobs/{j['id']}/", {"title": "x"})
            for job in jobs
        ],
        *[
            lambda c=again(advisor): c.put(f"{API}tickets/{ticket.pk}/add-part/", {"part": part.pk})
            for _ in range(4)
        ],
        *[lambda c=again(advisor): authorize(c, ticket) for _ in range(2)],
    )
    assert {response.status_code for response in found} <= {200, 201, 409}, found
    for job in Job.objects.all():
        assert job.lines.count() == 4
        assert job.status == JobStatus.PROPOSED or total_of(job) == job.authorized_total
    assert ServiceTicket.objects.get().status == "approved"
    assert find_discrepancies() == []
