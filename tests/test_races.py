"""Races, each of which is lost without its lock or guard; on SQLite and on PostgreSQL."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from inventory import operations as stock
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from mechanic_shop.errors import DomainError
from tickets.approvals import operations as approvals
from tickets.desk import requests
from tickets.models import ServiceTicket, StatusChange, TicketMechanic, TicketPart
from tickets.work import jobs as work_jobs
from tickets.work import parts

from .conftest import Client, client_of
from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    make_ticket,
    office,
)
from .races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def again(client: Client) -> Client:
    """The same user in another client: one per thread."""
    return client_of(client.user)


def fresh(ticket: ServiceTicket) -> ServiceTicket:
    return ServiceTicket.objects.get(pk=ticket.pk)


def statuses(responses: list[Any]) -> Counter[int]:
    assert not [found for found in responses if isinstance(found, Exception)], responses
    return Counter(response.status_code for response in responses)


def test_ten_parts_are_sold_ten_times(advisor: Client) -> None:
    part = PartFactory(stock=10)
    tickets = [make_ticket("approved") for _ in range(20)]
    calls = [
        lambda client=again(advisor), ticket=ticket: client.put(
            f"/api/v1/tickets/{ticket.pk}/add-part/", {"part": part.pk}
        )
        for ticket in tickets
    ] * 2

    found = statuses(at_once(*calls))

    assert found == {200: 10, 409: 30}
    part.refresh_from_db()
    assert (part.on_hand, part.allocated) == (10, 10)
    assert sum(line.allocated for line in TicketPart.objects.all()) == 10
    assert find_discrepancies() == []


def test_a_mechanic_assigned_by_sixteen_at_once_is_once_on_the_ticket(advisor: Client) -> None:
    ticket, mechanic = make_ticket(), MechanicFactory()
    found = statuses(
        at_once(
            *[
                lambda c=again(advisor): c.put(
                    f"/api/v1/tickets/{ticket.pk}/assign-mechanic/", {"mechanic": mechanic.pk}
                )
                for _ in range(16)
            ]
        )
    )
    assert found == {200: 16}
    assert TicketMechanic.objects.count() == 1


def test_of_two_moves_one_wins(advisor: Client) -> None:
    part = PartFactory(stock=5)
    ticket = make_ticket("approved", parts=[(part, 2)])
    address = f"/api/v1/tickets/{ticket.pk}/transitions/"
    moves = [
        lambda c=again(advisor), to=to: c.post(address, {"to": to})
        for to in ("completed", "cancelled") * 4
    ]
    found = statuses(at_once(*moves))
    assert found == {200: 1, 409: 7}
    assert StatusChange.objects.filter(from_status="approved").count() == 1
    assert find_discrepancies() == []


def test_a_part_removed_by_many_goes_back_once(advisor: Client) -> None:
    part = PartFactory(stock=5)
    ticket = make_ticket("completed", parts=[(part, 3)])
    requests.request_transition(ticket, to="in_progress", by=office())
    found = statuses(
        at_once(
            *[
                lambda c=again(advisor): c.put(
                    f"/api/v1/tickets/{ticket.pk}/remove-part/", {"part": part.pk}
                )
                for _ in range(8)
            ]
        )
    )
    assert found == {200: 1, 409: 7}
    part.refresh_from_db()
    assert part.on_hand == 5
    assert find_discrepancies() == []


def test_a_part_added_by_many_has_one_line_in_each_job(advisor: Client) -> None:
    part, ticket = PartFactory(stock=50), make_ticket("approved")
    jobs = [work_jobs.add_job(ticket, title=title, by=office()).pk for title in ("Front", "Rear")]
    approvals.authorize(fresh(ticket), by=office())
    address = f"/api/v1/tickets/{ticket.pk}/add-part/"
    calls = [
        lambda c=again(advisor), job=job: c.put(address, {"part": part.pk, "job": job})
        for job in [*jobs, None] * 4
    ]
    assert statuses(at_once(*calls)) == {200: 12}
    assert sorted(TicketPart.objects.values_list("job", "quantity"), key=str) == sorted(
        [(job, 4) for job in [*jobs, None]], key=str
    )
    assert find_discrepancies() == []


def test_a_part_added_while_the_ticket_is_cancelled_is_not_held_for_ever(advisor: Client) -> None:
    part = PartFactory(stock=50)
    for _ in range(5):
        ticket = make_ticket("approved", parts=[(part, 1)])
        address = f"/api/v1/tickets/{ticket.pk}/"
        at_once(
            lambda c=again(advisor), a=address: c.post(a + "transitions/", {"to": "cancelled"}),
            *[
                lambda c=again(advisor), a=address: c.put(a + "add-part/", {"part": part.pk})
                for _ in range(5)
            ],
        )
    part.refresh_from_db()
    assert (part.on_hand, part.allocated) == (50, 0)
    assert find_discrepancies() == []


def test_a_delivery_and_a_completion_do_not_lose_each_others_counts() -> None:
    by = office()
    part, other = PartFactory(stock=4), PartFactory(stock=4)
    for _ in range(4):
        tickets = [make_ticket("approved", parts=[(part, 2), (other, 1)]) for _ in range(4)]
        at_once(
            *[
                lambda t=fresh(ticket): requests.request_transition(t, to="completed", by=by)
                for ticket in tickets
            ],
            *[
                lambda p=p: stock.receive(Part.objects.get(pk=p.pk), quantity=Decimal(3), by=by)
                for p in (part, other)
            ],
            lambda t=fresh(tickets[0]): requests.request_transition(t, to="cancelled", by=by),
        )
        assert find_discrepancies() == []


def test_nobody_waits_while_there_is_stock() -> None:
    """A ticket that backorders in the moment of a delivery must not be overlooked."""
    by = office()
    for _ in range(6):
        part = PartFactory()
        tickets = [make_ticket("approved") for _ in range(3)]
        at_once(
            *[
                lambda t=fresh(ticket), p=part: parts.add_part(
                    t, part=p, quantity=Decimal(2), backorder=True, by=by
                )
                for ticket in tickets
            ],
            lambda p=part: stock.receive(p, quantity=Decimal(3), by=by),
        )
        part.refresh_from_db()
        assert (part.on_hand, part.allocated, part.available) == (3, 3, 0)
    assert find_discrepancies() == []


def test_opposite_orders_do_not_deadlock() -> None:
    by = office()
    one, two = PartFactory(stock=100), PartFactory(stock=100)
    tickets = [
        make_ticket(parts=order)
        for order in ([(one, 1), (two, 1)], [(two, 1), (one, 1)])
        for _ in range(6)
    ]
    found = at_once(
        *[
            lambda t=fresh(ticket): requests.request_transition(t, to="approved", by=by)
            for ticket in tickets
        ]
    )
    assert found == [None] * 12
    found = at_once(
        *[
            lambda t=fresh(ticket): requests.request_transition(t, to="cancelled", by=by)
            for ticket in tickets
        ]
    )
    assert found == [None] * 12
    assert find_discrepancies() == []


def test_counting_while_issuing_keeps_the_ledger_true() -> None:
    by = office()
    part = PartFactory(stock=20)
    tickets = [make_ticket("approved", parts=[(part, 1)]) for _ in range(6)]
    found = at_once(
        *[
            lambda t=fresh(ticket): requests.request_transition(t, to="completed", by=by)
            for ticket in tickets
        ],
        *[
            lambda n=n: stock.count(Part.objects.get(pk=part.pk), counted=Decimal(n), by=by)
            for n in (12, 15, 18)
        ],
        lambda: stock.adjust(
            Part.objects.get(pk=part.pk), quantity=Decimal(-2), reason="scrap", note="bent", by=by
        ),
    )
    assert all(
        error is None or not isinstance(error, Exception) or isinstance(error, DomainError)
        for error in found
    ), found
    assert find_discrepancies() == []


def test_a_rename_during_an_issue_keeps_the_stock(manager: Client) -> None:
    part = PartFactory(stock=10)
    ticket = make_ticket("approved", parts=[(part, 4)])
    for turn in range(5):
        at_once(
            lambda c=again(manager), n=turn: c.patch(
                f"/api/v1/parts/{part.pk}/", {"name": f"Pad {n}"}
            ),
            lambda t=fresh(ticket): requests.request_transition(
                t, to="completed" if t.status == "in_progress" else "in_progress", by=office()
            ),
        )
    assert find_discrepancies() == []


def test_sixteen_sign_ups_with_one_mailbox_make_one_account() -> None:
    spellings = [
        "same@example.com",
        "SAME@example.com",
        " same@Example.com",
        "ｓame@example.com",
    ] * 4
    body = {"name": "Sam", "password": "a-long-enough-1"}
    found = statuses(
        at_once(
            *[
                lambda e=email: Client().post("/api/v1/customers/", body | {"email": e})
                for email in spellings
            ]
        )
    )
    assert found == {201: 1, 400: 15}


def test_sixteen_parts_with_one_sku_make_one_part(manager: Client) -> None:
    body = {"name": "Pad", "price": 1}
    found = statuses(
        at_once(
            *[
                lambda c=again(manager), s=s: c.post("/api/v1/parts/", body | {"sku": s})
                for s in ("pad-1", "PAD-1") * 8
            ]
        )
    )
    assert found == {201: 1, 400: 15}


def test_a_customer_who_asks_while_being_deleted_is_kept_or_gone(manager: Client) -> None:
    for turn in range(4):
        customer = CustomerFactory(
            user=UserFactory(email=f"gone{turn}@example.com"), email=f"gone{turn}@example.com"
        )
        client = client_of(customer.user)
        asked, deleted = at_once(
            lambda c=client: c.post("/api/v1/tickets/", {"concern": "Brakes"}),
            lambda c=again(manager), k=customer.pk: c.delete(f"/api/v1/customers/{k}/"),
        )
        fine = {(201, 409), (401, 204), (403, 204), (409, 204), (400, 204)}
        assert (asked.status_code, deleted.status_code) in fine, (asked.content, deleted.content)
