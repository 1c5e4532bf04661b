"""The workflow: every move that exists, every one that does not, and what each means
for the stock.
"""

from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError

from inventory import operations as stock
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from inventory.quantities import Reason
from mechanic_shop.errors import DomainError, NotAllowed
from tickets.approvals import operations as approvals
from tickets.desk import requests
from tickets.lifecycle.workflow import MOVES, always
from tickets.models import ServiceTicket, Status, TicketPart
from tickets.models.ticket import ServiceTicketQuerySet
from tickets.work import parts

from .conftest import Client
from .factories import PATHS, MechanicFactory, PartFactory, make_ticket, office

pytestmark = pytest.mark.django_db

ALLOWED = {
    "estimate": {"approved", "cancelled"},
    "approved": {"in_progress", "completed", "cancelled"},
    "in_progress": {"completed", "cancelled"},
    "completed": {"in_progress", "invoiced"},
    "invoiced": {"closed"},
    "closed": set(),
    "cancelled": set(),
}


def transitions(ticket: ServiceTicket) -> str:
    return f"/api/v1/tickets/{ticket.pk}/transitions/"


def counts(part: Part) -> tuple[Decimal, Decimal]:
    part.refresh_from_db()
    return part.on_hand, part.allocated


@pytest.mark.parametrize("to", Status.values)
@pytest.mark.parametrize("start", Status.values)
def test_every_move_is_allowed_or_refused_as_the_contract_says(
    manager: Client, start: str, to: str
) -> None:
    ticket = make_ticket(start)

    response = manager.post(transitions(ticket), {"to": to, "reason": "as agreed"})

    ticket.refresh_from_db()
    if (start, to) == ("invoiced", "closed"):
        assert (response.status_code, response.json()["code"]) == (409, "balance_due")
    elif to in ALLOWED[start]:
        assert (response.status_code, ticket.status) == (200, to)
        last = ticket.history.last()
        assert last is not None
        assert (last.from_status, last.to_status, last.by, last.reason) == (
            start,
            to,
            manager.user,
            "as agreed",
        )
    else:
        assert (response.status_code, response.json()["code"], ticket.status) == (
            409,
            "transition_not_allowed",
            start,
        )
        assert set(response.json()["possible"]) == ALLOWED[start]


OWNER_MAY = {("estimate", "approved"), ("estimate", "cancelled")}
MECHANIC_MAY = {
    ("approved", "in_progress"),
    ("approved", "completed"),
    ("in_progress", "completed"),
}


@pytest.mark.parametrize(
    ("start", "to"),
    [
        each
        for each, move in MOVES.items()
        if move.exists is always and each != ("invoiced", "closed")
    ],
)
@pytest.mark.parametrize(
    ("actor", "may"),
    [
        ("owner", OWNER_MAY),
        ("assigned", MECHANIC_MAY),
        ("unassigned", set()),
        ("advisor", set(MOVES)),
    ],
)
def test_whose_move_it_is(
    request: pytest.FixtureRequest,
    owner: Client,
    assigned: Client,
    actor: str,
    may: set[Any],
    start: str,
    to: str,
) -> None:
    ticket = make_ticket(start, customer=owner.user.customer, mechanics=[assigned.user.mechanic])
    client = request.getfixturevalue(actor)
    offered = {option["to"]: option for option in client.get(transitions(ticket)).json()["next"]}

    response = client.post(transitions(ticket), {"to": to})

    assert response.status_code == (200 if (start, to) in may else 403)
    assert offered[to]["allowed"] is ((start, to) in may)
    assert [reason["code"] for reason in offered[to]["blocked_by"]] == (
        [] if (start, to) in may else ["permission_denied"]
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": "open"},
        {"to": None},
        {"to": 1},
        {"to": "approved", "reason": "x" * 501},
        {"to": ["approved"]},
        [],
    ],
)
def test_a_move_that_is_not_understood_is_400(manager: Client, body: Any) -> None:
    assert manager.post(transitions(make_ticket()), body).status_code == 400


def test_status_is_never_written_by_patch_or_put(manager: Client) -> None:
    ticket = make_ticket()
    for call in (manager.patch, manager.put):
        call(f"/api/v1/tickets/{ticket.pk}/", {"status": "closed", "concern": "x"})
    ticket.refresh_from_db()
    assert ticket.status == "estimate"


def test_the_second_of_two_moves_finds_the_status_changed() -> None:
    ticket = make_ticket()
    stale = ServiceTicket.objects.get(pk=ticket.pk)
    requests.request_transition(ticket, to="approved", by=office())
    with pytest.raises(DomainError) as refusal:
        requests.request_transition(stale, to="cancelled", by=office())
    assert refusal.value.code == "status_changed"
    assert ServiceTicket.objects.get().status == "approved"


def test_moments_are_kept(manager: Client) -> None:
    ticket = make_ticket("closed")
    assert ticket.opened_at < ticket.completed_at < ticket.closed_at
    reopened = make_ticket("completed")
    requests.request_transition(reopened, to="in_progress", by=manager.user)
    assert ServiceTicket.objects.get(pk=reopened.pk).completed_at is None


@pytest.mark.parametrize("to", ["completed", "cancelled"])
def test_work_that_ended_waits_for_nothing(manager: Client, to: str) -> None:
    ticket = make_ticket("in_progress", on_hold=True, hold_reason="parts")
    assert manager.post(transitions(ticket), {"to": to}).json()["on_hold"] is False


# --- stock ----------------------------------------------------------------------------


def test_a_part_on_an_estimate_is_a_quote() -> None:
    part = PartFactory(stock=3)
    make_ticket("estimate", parts=[(part, 5)])
    assert counts(part) == (3, 0)


def test_approving_allocates_what_is_there_and_backorders_the_rest(manager: Client) -> None:
    part = PartFactory(stock=3)
    ticket = make_ticket("approved", parts=[(part, 5)])
    line = TicketPart.objects.get()
    assert (counts(part), line.allocated, line.backordered) == ((3, 3), 3, 2)
    blocked = next(
        option
        for option in manager.get(transitions(ticket)).json()["next"]
        if option["to"] == "completed"
    )
    assert (blocked["allowed"], blocked["blocked_by"][0]["code"]) == (False, "backorder_unfilled")


@pytest.mark.parametrize("status", ["approved", "in_progress"])
def test_adding_to_a_ticket_in_work_allocates_at_once(advisor: Client, status: str) -> None:
    part = PartFactory(stock=3)
    ticket = make_ticket(status)
    address = f"/api/v1/tickets/{ticket.pk}/add-part/"

    assert advisor.put(address, {"part": part.pk, "quantity": 2}).status_code == 200
    refused = advisor.put(address, {"part": part.pk, "quantity": 2})
    assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (
        409,
        "insufficient_stock",
        "1.000",
    )
    assert (counts(part), TicketPart.objects.get().quantity) == ((3, 2), 2)
    taken = advisor.put(address, {"part": part.pk, "quantity": 2, "backorder": True}).json()[
        "parts"
    ][0]
    assert (taken["quantity"], taken["allocated"], counts(part)) == ("4.000", "3.000", (3, 3))


def test_adding_again_keeps_the_price_of_the_first_day(advisor: Client) -> None:
    part = PartFactory(price=Decimal("10.00"))
    ticket = make_ticket(parts=[(part, 1)])
    part.save_changes(price=Decimal("99.00"))
    line = advisor.put(f"/api/v1/tickets/{ticket.pk}/add-part/", {"part": part.pk}).json()["parts"][
        0
    ]
    assert (line["quantity"], line["unit_price"]) == ("2.000", "10.00")


def test_completing_issues_and_reopening_issues_only_what_came_since() -> None:
    part = PartFactory(stock=10)
    ticket = make_ticket("completed", parts=[(part, 4)])
    assert counts(part) == (6, 0)
    movement = part.movements.first()
    assert (movement.reason, movement.quantity, movement.reference, movement.on_hand_after) == (
        Reason.ISSUE,
        -4,
        ticket.number,
        6,
    )
    requests.request_transition(ticket, to="in_progress", by=office())
    assert counts(part) == (6, 0)
    parts.add_part(ticket, part=part, quantity=Decimal(1), by=office())
    with pytest.raises(DomainError, match="waits for the customer"):
        requests.request_transition(ticket, to="completed", by=office())
    approvals.authorize(ticket, by=office())
    requests.request_transition(ticket, to="completed", by=office())
    assert counts(part) == (5, 0)
    assert [movement.quantity for movement in part.movements.filter(reason=Reason.ISSUE)] == [
        -1,
        -4,
    ]


def test_an_unfilled_backorder_blocks_completing_until_a_delivery_fills_it(manager: Client) -> None:
    part = PartFactory(stock=1)
    ticket = make_ticket("in_progress", parts=[(part, 3)])
    refused = manager.post(transitions(ticket), {"to": "completed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "backorder_unfilled")
    assert refused.json()["parts"] == [{"id": part.pk, "sku": part.sku, "missing": "2.000"}]
    manager.put(f"/api/v1/parts/{part.pk}/receive/", {"quantity": 2})
    assert counts(part) == (3, 3)
    assert manager.post(transitions(ticket), {"to": "completed"}).status_code == 200
    assert counts(part) == (0, 0)


def test_cancelling_gives_everything_back_and_fills_who_waits() -> None:
    part = PartFactory(stock=5)
    first = make_ticket("completed", parts=[(part, 2)])
    requests.request_transition(first, to="in_progress", by=office())
    parts.add_part(first, part=part, quantity=Decimal(3), by=office())
    approvals.authorize(first, by=office())
    waiting = make_ticket("approved", parts=[(part, 4)])
    assert (counts(part), waiting.lines.get().allocated) == ((3, 3), 0)
    requests.request_transition(first, to="cancelled", by=office())
    assert (counts(part), waiting.lines.get().allocated) == ((5, 4), 4)
    line = first.lines.get()
    assert (line.quantity, line.allocated, line.issued) == (5, 0, 0)
    assert find_discrepancies() == []


@pytest.mark.parametrize(("removed", "left"), [(1, (4, 3, 1)), (2, (3, 2, 1)), (4, (1, 0, 1))])
def test_removing_takes_what_is_to_come_then_what_is_held_then_what_was_fitted(
    advisor: Client, removed: int, left: tuple[int, ...]
) -> None:
    part = PartFactory(stock=1)
    ticket = make_ticket("completed", parts=[(part, 1)])
    requests.request_transition(ticket, to="in_progress", by=office())
    stock.receive(part, quantity=Decimal(3), by=office())
    parts.add_part(ticket, part=part, quantity=Decimal(4), backorder=True, by=office())
    approvals.authorize(ticket, by=office())

    advisor.put(f"/api/v1/tickets/{ticket.pk}/remove-part/", {"part": part.pk, "quantity": removed})

    line = TicketPart.objects.get()
    assert (line.quantity, line.allocated, line.issued) == left
    assert counts(part) == (3, left[1])
    advisor.put(f"/api/v1/tickets/{ticket.pk}/remove-part/", {"part": part.pk})
    assert (counts(part), TicketPart.objects.exists()) == ((4, 0), False)
    assert part.movements.first().reason == Reason.RETURN_TO_STOCK
    assert find_discrepancies() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [({"quantity": 3}, "more_than_on_ticket"), ({"part": "other"}, "part_not_on_ticket")],
)
def test_what_is_not_on_the_ticket_is_not_removed(
    advisor: Client, body: dict[str, Any], code: str
) -> None:
    part, other = PartFactory(stock=5), PartFactory(stock=5)
    ticket = make_ticket("approved", parts=[(part, 2)])
    response = advisor.put(
        f"/api/v1/tickets/{ticket.pk}/remove-part/",
        {"part": part.pk} | body | ({"part": other.pk} if "part" in body else {}),
    )
    assert (response.status_code, response.json()["code"]) == (409, code)
    assert counts(part) == (5, 2)


QUANTITIES: list[Any] = [
    0,
    -1,
    1.5,
    "1.5",
    True,
    None,
    "",
    "x",
    1e400,
    10**12,
    "NaN",
    "Infinity",
    [],
    {},
    "0.0001",
    2**63,
]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=str)
def test_a_quantity_that_cannot_be_is_400(advisor: Client, quantity: Any) -> None:
    part = PartFactory(stock=5)
    ticket = make_ticket("approved", parts=[(part, 2)])
    body = {"part": part.pk, "quantity": quantity}
    if quantity == 1e400:
        response = advisor.generic(
            "PUT",
            f"/api/v1/tickets/{ticket.pk}/add-part/",
            f'{{"part": {part.pk}, "quantity": 1e400}}',
            "application/json",
        )
    else:
        response = advisor.put(f"/api/v1/tickets/{ticket.pk}/add-part/", body)
    assert response.status_code == 400, response.content
    assert (counts(part), TicketPart.objects.get().quantity) == ((5, 2), 2)


def test_what_is_measured_comes_in_pieces(advisor: Client) -> None:
    oil = PartFactory(unit="litre", stock="4.7")
    ticket = make_ticket("approved")
    for quantity in ("0.1", "0.2", "4.4"):
        assert (
            advisor.put(
                f"/api/v1/tickets/{ticket.pk}/add-part/", {"part": oil.pk, "quantity": quantity}
            ).status_code
            == 200
        )
    assert counts(oil) == (Decimal("4.7"), Decimal("4.7"))


def test_a_part_that_is_no_longer_fitted_is_refused(advisor: Client) -> None:
    part = PartFactory(stock=5, is_active=False)
    response = advisor.put(f"/api/v1/tickets/{make_ticket().pk}/add-part/", {"part": part.pk})
    assert (response.status_code, response.json()["code"]) == (409, "part_inactive")


def test_a_delivery_fills_the_oldest_ticket_first() -> None:
    part = PartFactory()
    old, new = (
        make_ticket("approved", parts=[(part, 2)]),
        make_ticket("approved", parts=[(part, 2)]),
    )
    stock.receive(part, quantity=Decimal(3), by=office())
    assert (old.lines.get().allocated, new.lines.get().allocated) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_a_ticket_that_got_its_parts_shows_as_changed() -> None:
    part = PartFactory()
    ticket = make_ticket("approved", parts=[(part, 2)])
    stock.receive(part, quantity=Decimal(2), by=office())
    changed = ServiceTicket.objects.get(pk=ticket.pk)
    assert changed.updated_at > ticket.updated_at
    assert changed.version > ticket.version


def test_nobody_else_moves_a_ticket() -> None:
    with pytest.raises(NotAllowed):
        requests.request_transition(
            make_ticket("approved"), to="completed", by=MechanicFactory(login=True).user
        )


def test_the_paths_of_the_factory_reach_every_status() -> None:
    assert set(PATHS) == set(Status)
    assert all(make_ticket(status).status == status for status in Status)


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_the_commit_is_not_told_of_a_write_that_is_done(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that was told "try again" would receive the delivery twice."""
    part = PartFactory()
    make_ticket("approved", parts=[(part, 2)])

    def fails(tickets: Any) -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr(ServiceTicketQuerySet, "increment_version", fails)
    assert manager.put(f"/api/v1/parts/{part.pk}/receive/", {"quantity": 3}).status_code == 200
    assert counts(part) == (3, 2)
