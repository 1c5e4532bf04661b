"""The stock, played at random: whatever the shop does, in whatever order, the books
balance (hypothesis, stateful).
"""

from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from inventory import operations as stock
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from mechanic_shop.errors import DomainError
from tickets.approvals import operations as approvals
from tickets.desk import requests
from tickets.models import Job, ServiceTicket, Status, TicketPart
from tickets.work import jobs, part_edits, parts

from .factories import PartFactory, make_ticket, office

wholes = st.integers(1, 5).map(Decimal)
places = st.integers(0, 2)
pieces = st.integers(1, 5000).map(lambda n: Decimal(n) / 1000)


class Shop(RuleBasedStateMachine):
    """One garage; a refusal by its rules is a fine answer, as long as it changes
    nothing.
    """

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.by = office()
        self.parts = [PartFactory(stock=3), PartFactory(unit="litre", stock="0.3"), PartFactory()]
        self.value = self.worth()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    def attempt(self, operation: Any, *args: Any, **kwargs: Any) -> None:
        before = self.worth()
        try:
            with transaction.atomic():
                operation(*args, **kwargs, by=self.by)
        except DomainError:
            assert self.worth() == before

    def worth(self) -> list[Any]:
        return [
            *Part.objects.order_by("pk").values_list("on_hand", "allocated"),
            *TicketPart.objects.order_by("pk").values_list(),
        ]

    def part(self, index: int) -> Part:
        return Part.objects.get(pk=self.parts[index].pk)

    def amount(self, index: int, data: Any) -> Decimal:
        return data.draw(pieces if index == 1 else wholes)

    @rule(target=tickets)
    def open_a_ticket(self) -> int:
        ticket = make_ticket()
        for title in ("Front", "Rear"):
            jobs.add_job(ticket, title=title, by=self.by)
        return ticket.pk

    def job(self, ticket: int, place: int) -> Job | None:
        """One of the ticket's two jobs; the third place is the ticket itself."""
        return [*Job.objects.filter(ticket=ticket).order_by("pk"), None][place]

    @rule(
        ticket=tickets,
        index=st.integers(0, 2),
        place=places,
        backorder=st.booleans(),
        data=st.data(),
    )
    def add_part(self, ticket: int, index: int, place: int, backorder: bool, data: Any) -> None:
        how = {
            "quantity": self.amount(index, data),
            "backorder": backorder,
            "job": self.job(ticket, place),
        }
        self.attempt(
            parts.add_part, ServiceTicket.objects.get(pk=ticket), part=self.part(index), **how
        )

    @rule(
        ticket=tickets,
        index=st.integers(0, 2),
        place=places,
        everything=st.booleans(),
        data=st.data(),
    )
    def remove_part(self, ticket: int, index: int, place: int, everything: bool, data: Any) -> None:
        how = {
            "quantity": None if everything else self.amount(index, data),
            "job": self.job(ticket, place),
        }
        self.attempt(
            parts.remove_part,
            ServiceTicket.objects.get(pk=ticket),
            part=self.part(index),
            **how,
        )

    @rule(ticket=tickets, index=st.integers(0, 2), start=places, to=places)
    def move_part(self, ticket: int, index: int, start: int, to: int) -> None:
        how = {"from_job": self.job(ticket, start), "job": self.job(ticket, to)}
        self.attempt(
            part_edits.edit_part, ServiceTicket.objects.get(pk=ticket), part=self.part(index), **how
        )

    @rule(
        ticket=tickets,
        place=st.integers(0, 1),
        said=st.sampled_from(("approve", "decline", "defer")),
    )
    def decide(self, ticket: int, place: int, said: str) -> None:
        job = self.job(ticket, place)
        self.attempt(
            approvals.authorize, ServiceTicket.objects.get(pk=ticket), **{said: [job and job.pk]}
        )

    @rule(ticket=tickets, place=st.integers(0, 1))
    def finish(self, ticket: int, place: int) -> None:
        self.attempt(jobs.finish_job, self.job(ticket, place))

    @rule(ticket=tickets, to=st.sampled_from(Status.values))
    def move(self, ticket: int, to: str) -> None:
        self.attempt(requests.request_transition, ServiceTicket.objects.get(pk=ticket), to=to)

    @rule(index=st.integers(0, 2), data=st.data())
    def receive(self, index: int, data: Any) -> None:
        self.attempt(stock.receive, self.part(index), quantity=self.amount(index, data))

    @rule(index=st.integers(0, 2), sign=st.sampled_from((-1, 1)), data=st.data())
    def adjust(self, index: int, sign: int, data: Any) -> None:
        self.attempt(
            stock.adjust,
            self.part(index),
            quantity=sign * self.amount(index, data),
            reason="adjustment",
            note="found",
        )

    @rule(index=st.integers(0, 2), data=st.data())
    def count(self, index: int, data: Any) -> None:
        self.attempt(stock.count, self.part(index), counted=self.amount(index, data))

    @invariant()
    def the_books_balance(self) -> None:
        assert find_discrepancies() == []

    @invariant()
    def nobody_waits_while_there_is_stock(self) -> None:
        for part in Part.objects.all():
            assert part.available == 0 or not part.ticket_lines.backordered().exists()


class StockLedgerTest(Shop.TestCase, TestCase):  # type: ignore[name-defined,misc]
    settings = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def setUp(self) -> None:
        pass
