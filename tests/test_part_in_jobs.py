"""One part in several jobs of a ticket: a line for each job, and one on the ticket
itself.
"""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from inventory import operations as stock
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from tickets.approvals import operations as approvals
from tickets.billing import credit_notes, invoices
from tickets.desk import requests
from tickets.models import CannedJob, Job, ServiceTicket, TicketPart
from tickets.work import canned_jobs, jobs

from .answers import refused
from .conftest import Client
from .factories import PartFactory, make_ticket, office

pytestmark = pytest.mark.django_db
API = "/api/v1/"


class Garage:
    """A ticket with two jobs, and brake cleaner for both of them and for the ticket
    itself.
    """

    def __init__(
        self, client: Client, *, quantities: tuple[int, ...] = (1, 2, 3), **details: Any
    ) -> None:
        self.client = client
        self.ticket = make_ticket()
        titles = ("Front brakes", "Rear brakes")
        self.front, self.rear = (
            jobs.add_job(self.ticket, title=title, by=office()) for title in titles
        )
        self.cleaner = PartFactory(**{"stock": 10, "price": Decimal("5.00")} | details)
        for job, quantity in zip((self.front, self.rear, None), quantities, strict=False):
            self.add(job, quantity)

    def put(self, action: str, **body: Any) -> Any:
        return self.client.put(
            f"{API}tickets/{self.ticket.pk}/{action}/", {"part": self.cleaner.pk, **body}
        )

    def add(self, job: Job | None, quantity: int) -> Any:
        response = self.put("add-part", job=job and job.pk, quantity=quantity)
        assert response.status_code == 200, response.json()
        return response.json()

    def move(self, to: str) -> None:
        requests.request_transition(
            ServiceTicket.objects.get(pk=self.ticket.pk), to=to, by=office()
        )

    def finish(self) -> None:
        for job in (self.front, self.rear):
            jobs.finish_job(Job.objects.get(pk=job.pk), by=office())
        self.move("completed")

    def lines(self, column: str = "quantity") -> dict[str | None, int]:
        rows = TicketPart.objects.filter(ticket=self.ticket).order_by("pk")
        return {title: int(value) for title, value in rows.values_list("job__title", column)}

    @property
    def shelf(self) -> tuple[int, int]:
        part = Part.objects.get(pk=self.cleaner.pk)
        return int(part.on_hand), int(part.allocated)


def test_each_job_has_its_line_and_the_ticket_shows_which(advisor: Client) -> None:
    garage = Garage(advisor)
    shown = garage.add(garage.rear, 4)["parts"]
    assert [(row["job"], row["quantity"]) for row in shown] == [
        ({"id": garage.front.pk, "title": "Front brakes"}, "1.000"),
        ({"id": garage.rear.pk, "title": "Rear brakes"}, "6.000"),
        (None, "3.000"),
    ]
    found = advisor.get(f"{API}tickets/?part={garage.cleaner.pk}").json()
    assert (found["count"], len(found["results"])) == (1, 1)


def test_stock_follows_the_sum_of_the_lines(advisor: Client) -> None:
    garage = Garage(advisor)
    garage.move("approved")
    assert garage.shelf == (10, 6)
    approvals.authorize(garage.ticket, decline=[garage.rear.pk], by=office())
    assert (garage.shelf, garage.lines("allocated")["Rear brakes"]) == ((10, 4), 0)
    garage.move("cancelled")
    assert garage.shelf == (10, 0)
    assert find_discrepancies() == []


def test_a_delivery_fills_the_lines_that_wait_one_after_the_other(
    advisor: Client, django_capture_on_commit_callbacks: Any
) -> None:
    garage = Garage(advisor, stock=None)
    garage.move("approved")
    version = ServiceTicket.objects.get(pk=garage.ticket.pk).version
    with django_capture_on_commit_callbacks(execute=True):
        stock.receive(garage.cleaner, quantity=Decimal(4), by=office())
    assert garage.lines("allocated") == {"Front brakes": 1, "Rear brakes": 2, None: 1}
    assert ServiceTicket.objects.get(pk=garage.ticket.pk).version == version + 1
    assert find_discrepancies() == []


# --- which line is meant --------------------------------------------------------------


@pytest.mark.parametrize("action", ["remove-part", "edit-part"])
def test_where_a_part_stands_in_several_jobs_the_job_has_to_be_named(
    advisor: Client, action: str
) -> None:
    garage = Garage(advisor)
    body = {"unit_price": "1.00"} if action == "edit-part" else {}
    before = list(TicketPart.objects.order_by("pk").values())
    error = refused(garage.put(action, **body), 409, "part_in_several_jobs")
    assert error["jobs"] == [garage.front.pk, garage.rear.pk, None]
    assert "Front brakes" in error["detail"]
    assert list(TicketPart.objects.order_by("pk").values()) == before


def test_the_named_line_is_taken_off_and_no_other(advisor: Client) -> None:
    garage = Garage(advisor)
    garage.put("remove-part", job=garage.front.pk)
    garage.put("remove-part", job=None, quantity=1)
    assert garage.lines() == {"Rear brakes": 2, None: 2}
    refused(garage.put("remove-part", job=garage.front.pk), 409, "part_not_on_ticket")
    garage.put("remove-part", job=None)
    assert garage.put("remove-part").status_code == 200, (
        "where it stands once, no job need be named"
    )
    assert garage.lines() == {}


def test_the_named_line_changes_its_price_and_no_other(advisor: Client) -> None:
    garage = Garage(advisor)
    assert garage.put("edit-part", from_job=garage.rear.pk, unit_price="7.00").status_code == 200
    assert garage.put("edit-part", from_job=None, discount_percent="10").status_code == 200
    rows = TicketPart.objects.order_by("pk").values_list("unit_price", "discount_percent")
    assert list(rows) == [(5, 0), (7, 0), (5, 10)]


def test_the_admin_takes_off_the_line_that_was_chosen(advisor: Client, client: Any) -> None:
    garage = Garage(advisor)
    client.force_login(office_login())
    chosen = TicketPart.objects.get(ticket=garage.ticket, job=garage.rear)
    address = f"/admin/tickets/serviceticket/{garage.ticket.pk}/remove-part/"
    assert "each in Rear brakes" in client.get(address).content.decode()
    assert client.post(address, {"line": chosen.pk}).status_code == 302
    assert garage.lines() == {"Front brakes": 1, None: 3}
    assert "no longer on the ticket" in client.post(address, {"line": chosen.pk}).content.decode()


def office_login() -> Any:
    user = office()
    user.is_staff = True
    user.save()
    return user


# --- from one job to another ----------------------------------------------------------


def test_a_line_that_moves_to_a_job_with_the_part_is_added_to_its_line(advisor: Client) -> None:
    garage = Garage(advisor)
    garage.move("approved")
    garage.finish()
    garage.move("in_progress")  # three lines, all fitted
    assert garage.put("edit-part", from_job=None, job=garage.rear.pk).status_code == 200
    assert (garage.lines(), garage.lines("issued")) == (
        {"Front brakes": 1, "Rear brakes": 5},
        {"Front brakes": 1, "Rear brakes": 5},
    )
    assert Job.objects.get(pk=garage.rear.pk).status == "proposed", (
        "it has more in it than the customer approved"
    )
    assert find_discrepancies() == []


def test_lines_at_different_prices_are_not_added_up(advisor: Client) -> None:
    garage = Garage(advisor, quantities=(1, 2))
    garage.put("edit-part", from_job=garage.rear.pk, unit_price="7.00")
    before = list(TicketPart.objects.order_by("pk").values())
    error = refused(
        garage.put("edit-part", from_job=garage.front.pk, job=garage.rear.pk),
        409,
        "part_at_other_price",
    )
    assert (error["job"], error["unit_price"]) == (garage.rear.pk, "7.00")
    assert list(TicketPart.objects.order_by("pk").values()) == before
    assert (
        garage.put(
            "edit-part", from_job=garage.front.pk, job=garage.rear.pk, unit_price="7.00"
        ).status_code
        == 200
    )
    assert TicketPart.objects.get().line_total == 21


def test_discounts_of_an_amount_are_added_up_too(advisor: Client) -> None:
    garage = Garage(advisor, quantities=(1, 2))
    garage.put("edit-part", from_job=garage.front.pk, discount_amount="1.50")
    garage.put("edit-part", from_job=garage.front.pk, job=garage.rear.pk)
    assert TicketPart.objects.get().line_total == Decimal("13.50")


# --- jobs from elsewhere, and paper ---------------------------------------------------


def test_a_canned_job_is_put_on_a_ticket_twice(advisor: Client) -> None:
    ticket, part = make_ticket(), PartFactory(stock=5)
    parts = [{"part": part, "quantity": Decimal(1)}]
    canned = canned_jobs.write_canned_job(CannedJob(), name="Oil", parts=parts, by=office())
    for _ in range(2):
        assert (
            advisor.put(
                f"{API}tickets/{ticket.pk}/add-canned-job/", {"canned_job": canned.pk}
            ).status_code
            == 200
        )
    assert [line.job.title for line in ticket.lines.all()] == ["Oil", "Oil"]


def test_a_credit_note_puts_back_what_its_own_line_fitted(advisor: Client) -> None:
    garage = Garage(advisor)
    garage.move("approved")
    garage.finish()
    invoice = invoices.issue_invoice(ServiceTicket.objects.get(pk=garage.ticket.pk), by=office())
    assert [(row.job_title, row.quantity) for row in invoice.lines.all()] == [
        ("Front brakes", 1),
        ("Rear brakes", 2),
        ("", 3),
    ]
    credit_notes.credit(
        invoice,
        reason="Not used",
        restock=True,
        lines=[{"line": 2}, {"line": 3, "quantity": Decimal(1)}],
        by=office(),
    )
    assert garage.lines("issued") == {"Front brakes": 1, "Rear brakes": 0, None: 2}
    assert garage.shelf == (7, 0)
    assert find_discrepancies() == []


def test_an_empty_box_of_the_browsable_api_names_no_job(advisor: Client) -> None:
    garage = Garage(advisor, quantities=(1,))
    form = {"part": garage.cleaner.pk, "job": ""}
    for action, more in (
        ("edit-part", {"from_job": "", "unit_price": "6.00"}),
        ("remove-part", {"quantity": "1"}),
    ):
        address = f"{API}tickets/{garage.ticket.pk}/{action}/"
        response = advisor.put(address, form | more, format="multipart", HTTP_ACCEPT="text/html")
        assert response.status_code == 200, response.content
    assert garage.lines() == {}


@pytest.mark.parametrize("job", ["front", None])
def test_the_database_refuses_a_second_line_in_one_place(advisor: Client, job: str | None) -> None:
    garage = Garage(advisor)
    again = TicketPart(
        ticket=garage.ticket, part=garage.cleaner, job=job and garage.front, unit_price=1
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()
