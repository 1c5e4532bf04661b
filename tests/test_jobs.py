"""Jobs: labor, parts, sublet work and fees under one heading, and the customer's word
on them.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import operations as stock
from inventory import tax_operations
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from tickets.lifecycle import locking
from tickets.models import Authorization, CannedJob, Job, LaborRate, ServiceTicket, TicketPart
from tickets.work import jobs

from .answers import refused
from .conftest import Client
from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    VehicleFactory,
    make_ticket,
    office,
)

pytestmark = pytest.mark.django_db
API = "/api/v1/"
LABOR = {
    "kind": "labor",
    "description": "Replace front pads",
    "quantity": "1.5",
    "unit_price": "100.00",
}


def d(number: str) -> Decimal:
    return Decimal(number)


def job_on(ticket: ServiceTicket, client: Client, **details: Any) -> dict[str, Any]:
    response = client.post(f"{API}jobs/", {"ticket": ticket.pk, "title": "Front brakes", **details})
    assert response.status_code == 201, response.json()
    return response.json()


def put(client: Client, path: str, **body: Any) -> Any:
    return client.put(f"{API}{path}", body)


def authorize(client: Client, ticket: ServiceTicket, **body: Any) -> Any:
    return client.post(f"{API}tickets/{ticket.pk}/authorizations/", body)


def status_of(job: dict[str, Any]) -> str:
    return Job.objects.get(pk=job["id"]).status


def line(ticket: ServiceTicket, part: Any) -> TicketPart:
    return TicketPart.objects.get(ticket=ticket, part=part)


# --- writing --------------------------------------------------------------------------


def test_a_job_with_its_lines(advisor: Client) -> None:
    rate = LaborRate.objects.create(name="Mechanical", hourly=d("120.00"), is_default=True)
    mechanic, ticket = MechanicFactory(), make_ticket()
    lines = [
        {"kind": "labor", "description": "Diagnose", "quantity": "0.5"},
        {
            "kind": "labor",
            "description": "Fit",
            "quantity": 2,
            "rate": {"id": rate.pk},
            "mechanic": mechanic.pk,
            "unit_price": "90",
        },
        {"kind": "sublet", "description": "Turn the discs", "unit_price": "45.50"},
        {"kind": "fee", "description": "Disposal", "quantity": 4, "unit_price": "2.25"},
    ]

    job = job_on(ticket, advisor, lines=lines, concern="Squeals")

    assert [row["line_total"] for row in job["lines"]] == ["60.00", "180.00", "45.50", "9.00"]
    assert (job["total"], job["status"], job["authorized_total"]) == ("294.50", "proposed", None)
    assert job["ticket"] == {"id": ticket.pk, "number": ticket.number}
    assert job["lines"][1]["mechanic"] == {"id": mechanic.pk, "name": mechanic.name}
    assert advisor.get(f"{API}jobs/{job['id']}/").json() == job
    assert advisor.get(f"{API}jobs/?ticket={ticket.pk}&status=proposed").json()["results"] == [job]


def test_what_was_read_can_be_sent_back(advisor: Client) -> None:
    job = job_on(make_ticket(), advisor, lines=[LABOR])
    response = put(advisor, f"jobs/{job['id']}/", **job | {"title": "All brakes"})
    assert response.status_code == 200
    assert response.json() == job | {
        "title": "All brakes",
        "updated_at": response.json()["updated_at"],
    }


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "magic"}, "lines.0.kind"),
        ({"quantity": "0"}, "lines.0.quantity"),
        ({"quantity": "1.555"}, "quantity"),
        ({"quantity": "10000"}, "quantity"),
        ({"unit_price": "-1"}, "lines.0.unit_price"),
        ({"unit_price": None, "kind": "fee"}, "lines.0.unit_price"),
        ({"mechanic": 999_999}, "lines.0.mechanic"),
        ({"discount_percent": "101"}, "lines.0.discount_percent"),
        ({"discount_percent": "5", "discount_amount": "5"}, "discount_amount"),
        ({"description": ""}, "lines.0.description"),
        ({"description": "x\x00"}, "lines.0.description"),
        ({"quantity": "1", "unit_price": "99999999999"}, "lines.0.unit_price"),
    ],
)
def test_a_line_that_cannot_be(advisor: Client, wrong: dict[str, Any], field: str) -> None:
    ticket = make_ticket()
    response = advisor.post(
        f"{API}jobs/", {"ticket": ticket.pk, "title": "x", "lines": [LABOR | wrong]}
    )
    assert [error["field"] for error in refused(response, 400)["errors"]] == [field]
    assert not Job.objects.exists()


def test_labor_without_a_rate_needs_a_price(advisor: Client) -> None:
    ticket = make_ticket()
    response = advisor.post(
        f"{API}jobs/",
        {"ticket": ticket.pk, "title": "x", "lines": [{"kind": "labor", "description": "y"}]},
    )
    assert refused(response, 400)["errors"][0]["field"] == "rate"


def test_lines_come_change_and_go(advisor: Client) -> None:
    job = job_on(make_ticket(), advisor)
    job = put(advisor, f"jobs/{job['id']}/add-line/", **LABOR).json()
    key = job["lines"][0]["id"]
    job = put(
        advisor, f"jobs/{job['id']}/edit-line/", line=key, quantity="2", discount_percent="10"
    ).json()
    assert (job["lines"][0]["line_total"], job["total"]) == ("180.00", "180.00")
    job = put(advisor, f"jobs/{job['id']}/edit-line/", line=key, discount_amount="25").json()
    assert (job["lines"][0]["discount_percent"], job["lines"][0]["line_total"]) == (
        "0.00",
        "175.00",
    )
    refused(put(advisor, f"jobs/{job['id']}/edit-line/", line=key, kind="fee"), 400)
    refused(put(advisor, f"jobs/{job['id']}/remove-line/", line=key + 1), 400)
    assert put(advisor, f"jobs/{job['id']}/remove-line/", line=key).json()["lines"] == []


def test_a_mechanic_writes_jobs_of_assigned_tickets_and_gives_no_discount(
    assigned: Client, unassigned: Client
) -> None:
    ticket = make_ticket(mechanics=[assigned.user.mechanic])
    refused(unassigned.post(f"{API}jobs/", {"ticket": ticket.pk, "title": "x"}), 403)
    LaborRate.objects.create(name="Mechanical", hourly=d("100.00"), is_default=True)
    cheap = LaborRate.objects.create(name="Cheap", hourly=d("1.00"))
    free = tax_operations.add_tax_code(name="Free", rate=d("0"), by=None)
    hours = {"kind": "labor", "description": "Fit", "quantity": "1.5"}
    job = job_on(ticket, assigned, lines=[hours])
    line = job["lines"][0]
    refused(put(unassigned, f"jobs/{job['id']}/add-line/", **hours), 403)
    assert (
        put(assigned, f"jobs/{job['id']}/add-line/", **hours, rate=cheap.pk).status_code == 200
    ), "a rate is a rate"
    assert (
        put(
            assigned,
            f"jobs/{job['id']}/add-line/",
            kind="fee",
            description="Towing",
            unit_price="80",
        ).status_code
        == 200
    )
    for more in (
        {"discount_percent": "5"},
        {"discount_amount": "5"},
        {"unit_price": "99"},
        {"tax_code": free.pk},
    ):
        refused(put(assigned, f"jobs/{job['id']}/add-line/", **hours | more), 403)
    for change in ({"unit_price": "1"}, {"rate": cheap.pk}, {"tax_code": free.pk}):
        refused(put(assigned, f"jobs/{job['id']}/edit-line/", line=line["id"], **change), 403)
    sent_back = {
        name: line[name] for name in ("unit_price", "rate", "discount_percent", "description")
    }
    assert (
        put(
            assigned, f"jobs/{job['id']}/edit-line/", line=line["id"], **sent_back, quantity="2"
        ).status_code
        == 200
    )


def test_who_and_what_is_no_longer_used_is_on_no_line(advisor: Client) -> None:
    job = job_on(make_ticket(), advisor)
    gone = LaborRate.objects.create(name="Old", hourly=d("100.00"), is_active=False)
    refused(
        put(advisor, f"jobs/{job['id']}/add-line/", **LABOR, rate=gone.pk),
        409,
        "labor_rate_inactive",
    )
    refused(
        put(
            advisor,
            f"jobs/{job['id']}/add-line/",
            **LABOR,
            mechanic=MechanicFactory(is_active=False).pk,
        ),
        409,
        "mechanic_inactive",
    )


def test_what_sublet_work_costs_is_for_those_who_may_see_it(
    advisor: Client, manager: Client
) -> None:
    ticket = make_ticket()
    job = job_on(
        ticket,
        manager,
        lines=[{"kind": "sublet", "description": "Towing", "unit_price": "80", "unit_cost": "55"}],
    )
    assert job["lines"][0]["unit_cost"] == "55.00"
    assert "unit_cost" not in advisor.get(f"{API}jobs/{job['id']}/").json()["lines"][0]


def test_a_job_is_deleted_until_somebody_decided(advisor: Client) -> None:
    ticket, part = make_ticket(), PartFactory()
    job = job_on(ticket, advisor, lines=[LABOR])
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, job=job["id"])
    assert advisor.delete(f"{API}jobs/{job['id']}/").status_code == 204
    assert not ticket.lines.exists()
    job = job_on(ticket, advisor, lines=[LABOR])
    authorize(advisor, ticket, decline=[job["id"]])
    refused(advisor.delete(f"{API}jobs/{job['id']}/"), 409, "job_in_use")
    refused(advisor.delete(f"{API}tickets/{ticket.pk}/"), 403)


def test_a_ticket_with_jobs_and_parts_is_erased_with_them(manager: Client) -> None:
    ticket = make_ticket()
    job = job_on(ticket, manager, lines=[LABOR])
    put(manager, f"tickets/{ticket.pk}/add-part/", part=PartFactory().pk, job=job["id"])
    assert manager.delete(f"{API}tickets/{ticket.pk}/").status_code == 204
    assert not Job.objects.exists()


def test_a_ticket_with_the_customers_word_stays(manager: Client) -> None:
    ticket = make_ticket()
    job = job_on(ticket, manager, lines=[LABOR])
    authorize(manager, ticket, decline=[job["id"]])
    refused(manager.delete(f"{API}tickets/{ticket.pk}/"), 409, "ticket_in_use")


@pytest.mark.parametrize("status", ["completed", "invoiced", "closed", "cancelled"])
def test_a_locked_ticket_takes_no_jobs(manager: Client, status: str) -> None:
    ticket = make_ticket(status)
    refused(manager.post(f"{API}jobs/", {"ticket": ticket.pk, "title": "x"}), 409, "ticket_locked")


# --- the customer's word --------------------------------------------------------------


def test_the_first_yes_approves_the_ticket_and_holds_what_was_approved(advisor: Client) -> None:
    ticket = make_ticket(vehicle=VehicleFactory())
    yes, no, later, loose = (PartFactory(stock=10) for _ in range(4))
    jobs = [
        job_on(ticket, advisor, title=title, lines=[LABOR])
        for title in ("Yes", "No", "Later", "Undecided")
    ]
    for job, part in zip(jobs, (yes, no, later), strict=False):
        put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, quantity=2, job=job["id"])
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=loose.pk)

    response = authorize(
        advisor,
        ticket,
        approve=[jobs[0]["id"]],
        decline=[jobs[1]["id"]],
        defer=[jobs[2]["id"]],
        channel="phone",
        note="Called at 10",
    )

    record = response.json()
    assert response.status_code == 201, record
    assert [(row["job"], row["decision"], row["total"]) for row in record["decisions"]] == [
        (jobs[0]["id"], "approved", "189.98"),
        (jobs[1]["id"], "declined", "189.98"),
        (jobs[2]["id"], "deferred", "189.98"),
    ]
    assert (record["channel"], record["note"], record["approved_total"]) == (
        "phone",
        "Called at 10",
        "189.98",
    )
    assert [status_of(job) for job in jobs] == ["approved", "declined", "deferred", "proposed"]
    assert Job.objects.get(pk=jobs[0]["id"]).authorized_total == d("189.98")
    ticket.refresh_from_db()
    assert ticket.status == "approved"
    assert [line(ticket, part).allocated for part in (yes, no, later, loose)] == [2, 0, 0, 0]
    assert line(ticket, loose).status == "proposed"
    assert find_discrepancies() == []
    assert advisor.get(f"{API}tickets/{ticket.pk}/authorizations/").json()["results"] == [record]


def test_approving_the_ticket_approves_what_is_proposed(owner: Client, advisor: Client) -> None:
    ticket = make_ticket(customer=owner.user.customer)
    part = PartFactory(stock=5)
    first, second = job_on(ticket, advisor, lines=[LABOR]), job_on(ticket, advisor, lines=[LABOR])
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, quantity=3, job=first["id"])
    authorize(owner, ticket, decline=[second["id"]])

    assert (
        owner.post(f"{API}tickets/{ticket.pk}/transitions/", {"to": "approved"}).status_code == 200
    )

    assert (status_of(first), status_of(second)) == ("approved", "declined")
    assert line(ticket, part).allocated == 3
    assert [(record.channel, record.by) for record in ticket.authorizations.all()] == [
        ("portal", owner.user),
        ("portal", owner.user),
    ]


def test_no_names_approve_all_and_nothing_to_decide_is_told(advisor: Client) -> None:
    ticket = make_ticket()
    refused(authorize(advisor, ticket), 409, "nothing_to_decide")
    job = job_on(ticket, advisor, lines=[LABOR])
    assert authorize(advisor, ticket).status_code == 201
    assert status_of(job) == "approved"


def test_a_customer_decides_their_own_and_only_what_is_open(
    owner: Client, stranger: Client, assigned: Client, advisor: Client
) -> None:
    ticket = make_ticket(customer=owner.user.customer, mechanics=[assigned.user.mechanic])
    job = job_on(ticket, advisor, lines=[LABOR])
    refused(authorize(stranger, ticket), 404)
    refused(authorize(assigned, ticket), 403)
    refused(
        authorize(owner, ticket, approve=[job["id"]], channel="phone"),
        400,
        "read_only_field",
        "channel",
    )
    record = authorize(owner, ticket, approve=[job["id"]], channel="portal")
    assert record.json()["channel"] == "portal", "a customer's word comes by the portal"
    refused(authorize(owner, ticket, decline=[job["id"]]), 409, "job_decided")
    assert authorize(advisor, ticket, decline=[job["id"]]).status_code == 201, (
        "the office may take a yes back"
    )
    assert authorize(owner, ticket, approve=[job["id"]]).status_code == 201, (
        "and the customer changes their mind"
    )


def test_decisions_that_cannot_be(advisor: Client) -> None:
    ticket, other = make_ticket(), make_ticket()
    job, elsewhere = job_on(ticket, advisor, lines=[LABOR]), job_on(other, advisor)
    assert (
        refused(authorize(advisor, ticket, approve=[elsewhere["id"]]), 400)["errors"][0]["field"]
        == "approve"
    )
    assert (
        refused(authorize(advisor, ticket, approve=[job["id"]], defer=[job["id"]]), 400)["errors"][
            0
        ]["code"]
        == "decided_twice"
    )
    refused(authorize(advisor, ticket, approve=["x"]), 400)
    assert not Authorization.objects.exists()
    assert status_of(job) == "proposed"


def test_a_decision_on_an_estimate_that_changed_is_refused(owner: Client, advisor: Client) -> None:
    ticket = make_ticket(customer=owner.user.customer)
    job = job_on(ticket, advisor, lines=[LABOR])
    seen = owner.get(f"{API}tickets/{ticket.pk}/estimate/").json()["version"]
    put(advisor, f"jobs/{job['id']}/add-line/", **LABOR)
    refused(authorize(owner, ticket, version=seen), 409, "estimate_changed")
    seen = owner.get(f"{API}tickets/{ticket.pk}/estimate/").json()["version"]
    assert authorize(owner, ticket, version=seen).status_code == 201


def test_the_dearest_ticket_there_can_be(manager: Client) -> None:
    """No sum of what single lines may come to is too large for its column."""
    ticket = make_ticket()
    dear = {"kind": "fee", "description": "Gold", "unit_price": "9999999999.99"}
    jobs = [job_on(ticket, manager, lines=[dear] * 200) for _ in range(2)]
    assert authorize(manager, ticket).json()["approved_total"] == "3999999999996.00"
    assert (
        manager.get(f"{API}jobs/{jobs[0]['id']}/").json()["authorized_total"] == "1999999999998.00"
    )
    for job in jobs:
        put(manager, f"jobs/{job['id']}/finish/")
    manager.post(f"{API}tickets/{ticket.pk}/transitions/", {"to": "completed"})
    invoice = manager.post(f"{API}tickets/{ticket.pk}/invoice/").json()
    assert (invoice["total"], invoice["balance"]) == ("3999999999996.00",) * 2
    assert manager.get(f"{API}invoices/{invoice['id']}/pdf/").status_code == 200


# --- scope ----------------------------------------------------------------------------


def approved_job(advisor: Client, quantity: int = 2) -> tuple[ServiceTicket, dict[str, Any], Any]:
    ticket, part = make_ticket(), PartFactory(stock=20)
    job = job_on(ticket, advisor, lines=[LABOR])
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, quantity=quantity, job=job["id"])
    authorize(advisor, ticket)
    return ServiceTicket.objects.get(pk=ticket.pk), job, part


GROWTH = {
    "a line": lambda call, job, ticket, part: call(f"jobs/{job['id']}/add-line/", **LABOR),
    "a free line": lambda call, job, ticket, part: call(
        f"jobs/{job['id']}/add-line/", **LABOR | {"unit_price": "0"}
    ),
    "more hours": lambda call, job, ticket, part: call(
        f"jobs/{job['id']}/edit-line/", line=job["lines"][0]["id"], quantity="1.6"
    ),
    "a higher price": lambda call, job, ticket, part: call(
        f"jobs/{job['id']}/edit-line/", line=job["lines"][0]["id"], unit_price="100.01"
    ),
    "more of a part": lambda call, job, ticket, part: call(
        f"tickets/{ticket.pk}/add-part/", part=part.pk, job=job["id"]
    ),
    "a dearer part": lambda call, job, ticket, part: call(
        f"tickets/{ticket.pk}/edit-part/", part=part.pk, unit_price="20.00"
    ),
    "another part": lambda call, job, ticket, part: call(
        f"tickets/{ticket.pk}/add-part/", part=PartFactory(stock=1).pk, job=job["id"]
    ),
}


@pytest.mark.parametrize("growth", GROWTH)
def test_an_approved_job_that_grows_goes_back_to_the_customer(advisor: Client, growth: str) -> None:
    ticket, job, part = approved_job(advisor)
    assert line(ticket, part).allocated == 2

    response = GROWTH[growth](lambda path, **body: put(advisor, path, **body), job, ticket, part)

    assert response.status_code == 200, response.json()
    assert status_of(job) == "proposed"
    assert line(ticket, part).allocated == 0, "stock is held for approved jobs only"
    assert find_discrepancies() == []
    authorize(advisor, ticket)
    assert line(ticket, part).allocated == line(ticket, part).quantity


def test_a_job_that_shrinks_stays_approved(advisor: Client) -> None:
    ticket, job, part = approved_job(advisor)
    put(
        advisor,
        f"jobs/{job['id']}/edit-line/",
        line=job["lines"][0]["id"],
        quantity="1",
        discount_percent="5",
    )
    put(advisor, f"tickets/{ticket.pk}/remove-part/", part=part.pk, quantity=1)
    assert status_of(job) == "approved"
    assert line(ticket, part).allocated == 1


def test_within_the_tolerance_a_job_may_grow(advisor: Client, settings: Any) -> None:
    settings.SHOP_APPROVAL_TOLERANCE = d("10")
    ticket, job, part = approved_job(advisor)  # 189.98
    # 204.98
    assert (
        put(advisor, f"jobs/{job['id']}/add-line/", **LABOR | {"unit_price": "10"}).json()["status"]
        == "approved"
    )
    # 224.97: too much
    assert (
        put(
            advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, quantity=1, job=job["id"]
        ).status_code
        == 200
    )
    assert status_of(job) == "proposed"


def test_within_the_tolerance_a_part_is_held_at_once_or_refused(
    advisor: Client, settings: Any
) -> None:
    settings.SHOP_APPROVAL_TOLERANCE = d("100")
    ticket, job, _ = approved_job(advisor)
    cheap = PartFactory(stock=1, price=d("1"))
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=cheap.pk, job=job["id"])
    assert line(ticket, cheap).allocated == 1
    refused(
        put(advisor, f"tickets/{ticket.pk}/add-part/", part=cheap.pk, job=job["id"]),
        409,
        "insufficient_stock",
    )
    assert line(ticket, cheap).quantity == 1, "a refusal leaves nothing behind"
    assert status_of(job) == "approved"


def test_a_part_moves_between_jobs_and_its_stock_with_it(advisor: Client) -> None:
    ticket, job, part = approved_job(advisor)
    other = job_on(ticket, advisor, title="Other")
    assert (
        put(advisor, f"tickets/{ticket.pk}/edit-part/", part=part.pk, job=other["id"]).status_code
        == 200
    )
    assert (line(ticket, part).job_id, line(ticket, part).allocated) == (other["id"], 0)
    assert status_of(job) == "approved"
    put(advisor, f"tickets/{ticket.pk}/edit-part/", part=part.pk, job=None)
    # no way around the customer
    assert (line(ticket, part).job_id, line(ticket, part).allocated) == (
        None,
        0,
    )
    elsewhere = job_on(make_ticket(), advisor)
    refused(put(advisor, f"tickets/{ticket.pk}/edit-part/", part=part.pk, job=elsewhere["id"]), 400)
    assert find_discrepancies() == []


def test_a_backorder_of_a_declined_job_takes_nothing(advisor: Client) -> None:
    part = PartFactory()
    ticket = make_ticket()
    job = job_on(ticket, advisor, lines=[LABOR])
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, quantity=2, job=job["id"])
    other = job_on(ticket, advisor, title="Other", lines=[LABOR])
    authorize(advisor, ticket, approve=[other["id"]], decline=[job["id"]])
    stock.receive(part, quantity=d("5"), by=office())
    assert line(ticket, part).allocated == 0
    authorize(advisor, ticket, approve=[job["id"]])
    assert line(ticket, part).allocated == 2


# --- work -----------------------------------------------------------------------------


def test_a_ticket_is_complete_when_every_approved_job_is_done_or_cancelled(advisor: Client) -> None:
    ticket, job, part = approved_job(advisor)
    second = job_on(ticket, advisor, title="Second", lines=[LABOR])
    authorize(advisor, ticket)
    move = f"{API}tickets/{ticket.pk}/transitions/"
    assert refused(advisor.post(move, {"to": "completed"}), 409, "jobs_unfinished")["jobs"] == [
        job["id"],
        second["id"],
    ]
    assert (
        put(advisor, f"jobs/{job['id']}/finish/", correction="New pads").json()["correction"]
        == "New pads"
    )
    assert put(advisor, f"jobs/{second['id']}/cancel/").json()["status"] == "cancelled"
    assert advisor.post(move, {"to": "completed"}).status_code == 200
    assert line(ticket, part).issued == 2
    refused(put(advisor, f"jobs/{job['id']}/reopen/"), 409, "ticket_locked")


def test_a_job_that_grows_leaves_in_the_car_what_is_fitted(advisor: Client) -> None:
    ticket, job, part = approved_job(advisor)
    put(advisor, f"jobs/{job['id']}/finish/")
    for to in ("completed", "in_progress"):
        advisor.post(f"{API}tickets/{ticket.pk}/transitions/", {"to": to})
    assert put(advisor, f"jobs/{job['id']}/add-line/", **LABOR).json()["status"] == "proposed"
    assert line(ticket, part).issued == 2
    put(advisor, f"jobs/{job['id']}/cancel/")
    assert line(ticket, part).issued == 0, "nobody wants it any more"
    assert find_discrepancies() == []


def test_nothing_more_is_put_into_a_job_that_was_declined(
    advisor: Client, assigned: Client
) -> None:
    ticket = make_ticket(mechanics=[assigned.user.mechanic])
    part = PartFactory(stock=9)
    job = job_on(ticket, advisor, lines=[LABOR])
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, job=job["id"])
    authorize(advisor, ticket, decline=[job["id"]])
    refused(
        put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, quantity=3, job=job["id"]),
        409,
        "job_ended",
    )
    refused(put(assigned, f"tickets/{ticket.pk}/edit-part/", part=part.pk, job=None), 403)
    assert (
        put(advisor, f"tickets/{ticket.pk}/edit-part/", part=part.pk, job=None).status_code == 200
    )


def test_a_customers_word_is_not_handed_over_with_the_ticket(manager: Client) -> None:
    ticket = make_ticket()
    job = job_on(ticket, manager, lines=[LABOR])
    authorize(manager, ticket, decline=[job["id"]], note="Called at 555-1111")
    refused(
        manager.patch(f"{API}tickets/{ticket.pk}/", {"customer": CustomerFactory().pk}),
        409,
        "ticket_in_use",
    )


def test_a_job_on_a_ticket_that_is_deleted_in_this_moment_is_404(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket()
    real = locking.lock_open

    def deleted(found: ServiceTicket) -> None:
        ServiceTicket.objects.filter(pk=found.pk).delete()
        real(found)

    monkeypatch.setattr(jobs, "lock_open", deleted)
    refused(manager.post(f"{API}jobs/", {"ticket": ticket.pk, "title": "x"}), 404)


def test_a_job_that_was_not_approved_is_not_finished(advisor: Client) -> None:
    ticket = make_ticket()
    job = job_on(ticket, advisor)
    refused(put(advisor, f"jobs/{job['id']}/finish/"), 409, "job_status")
    put(advisor, f"jobs/{job['id']}/cancel/")
    refused(put(advisor, f"jobs/{job['id']}/add-line/", **LABOR), 409, "job_ended")
    assert put(advisor, f"jobs/{job['id']}/reopen/").json()["status"] == "proposed"


def test_cancelling_a_job_gives_its_stock_back(advisor: Client) -> None:
    ticket, job, part = approved_job(advisor)
    put(advisor, f"jobs/{job['id']}/cancel/")
    assert line(ticket, part).allocated == 0
    assert find_discrepancies() == []


# --- canned jobs and recommendations --------------------------------------------------


def canned(manager: Client, **more: Any) -> dict[str, Any]:
    body = {
        "name": "Oil change",
        "lines": [
            {"kind": "labor", "description": "Drain and fill", "quantity": "0.5"},
            {"kind": "fee", "description": "Disposal", "unit_price": "3"},
        ],
        "parts": [{"part": PartFactory(unit="litre", price=d("12.00")).pk, "quantity": "4.5"}],
    }
    response = manager.post(f"{API}canned-jobs/", body | more)
    assert response.status_code == 201, response.json()
    return response.json()


def test_a_canned_job_is_put_on_a_ticket_at_the_prices_of_the_day(manager: Client) -> None:
    rate = LaborRate.objects.create(name="Mechanical", hourly=d("100.00"), is_default=True)
    template, ticket = canned(manager), make_ticket()
    rate.save_changes(hourly=d("110.00"))
    response = put(manager, f"tickets/{ticket.pk}/add-canned-job/", canned_job=template["id"])
    assert response.status_code == 200, response.json()
    job = manager.get(f"{API}jobs/?ticket={ticket.pk}").json()["results"][0]
    assert (job["title"], job["total"]) == ("Oil change", "112.00")
    assert [row["line_total"] for row in job["lines"]] == ["55.00", "3.00"]
    assert job["parts"][0]["line_total"] == "54.00"


def test_canned_jobs_are_written_whole(manager: Client, advisor: Client) -> None:
    template = canned(manager)
    address = f"{API}canned-jobs/{template['id']}/"
    assert manager.get(address).json() == template
    again = manager.put(address, template).json()
    assert [row["description"] for row in again["lines"]] == ["Drain and fill", "Disposal"]
    assert manager.patch(address, {"lines": []}).json()["lines"] == []
    assert manager.patch(address, {"is_active": False}).json()["parts"] == again["parts"]
    ticket = make_ticket()
    refused(
        put(manager, f"tickets/{ticket.pk}/add-canned-job/", canned_job=template["id"]),
        409,
        "canned_job_inactive",
    )
    refused(advisor.patch(address, {"is_active": True}), 403)
    refused(manager.post(f"{API}canned-jobs/", {"name": "oil CHANGE"}), 400)
    refused(
        manager.post(
            f"{API}canned-jobs/", {"name": "x", "lines": [{"kind": "fee", "description": "y"}]}
        ),
        400,
    )
    assert manager.delete(address).status_code == 204
    assert not CannedJob.objects.exists()


def test_a_part_that_was_declined_is_recommended_until_it_is_taken_up(
    owner: Client, stranger: Client, advisor: Client
) -> None:
    car, wipers, bulb, filter_ = (
        VehicleFactory(customer=owner.user.customer),
        *PartFactory.create_batch(3, stock=5),
    )
    ticket = make_ticket(vehicle=car, parts=[(wipers, 2), (bulb, 1), (filter_, 1)])
    said = {"decline_parts": [wipers.pk], "defer_parts": [bulb.pk], "approve_parts": [filter_.pk]}
    assert advisor.post(f"{API}tickets/{ticket.pk}/authorizations/", said).status_code == 201
    address = f"{API}vehicles/{car.pk}/recommended-parts/"
    lines = owner.get(address).json()["results"]
    assert [(line["part"]["id"], line["status"], line["quantity"]) for line in lines] == [
        (bulb.pk, "deferred", "1.000"),
        (wipers.pk, "declined", "2.000"),
    ]
    assert lines[1]["ticket"] == {"id": ticket.pk, "number": ticket.number}
    assert (lines[1]["unit_price"], lines[1]["line_total"]) == ("19.99", "39.98")
    assert stranger.get(address).status_code == 404

    later, wanted = make_ticket(vehicle=car), {"part_line": lines[1]["id"]}
    take = f"tickets/{later.pk}/add-recommendation/"
    Part.objects.filter(pk=wipers.pk).update(price=Decimal(25))
    assert put(advisor, take, **wanted).status_code == 200
    line = later.lines.get()
    assert (line.part, line.quantity, line.unit_price, line.status, line.job) == (
        wipers,
        2,
        Decimal(25),
        "proposed",
        None,
    )
    assert [line["part"]["id"] for line in owner.get(address).json()["results"]] == [bulb.pk]
    refused(put(advisor, take, **wanted), 409, "not_recommended")
    refused(
        put(advisor, f"tickets/{ticket.pk}/add-recommendation/", part_line=lines[0]["id"]),
        409,
        "not_recommended",
    )
    refused(
        put(
            advisor,
            f"tickets/{make_ticket(vehicle=VehicleFactory()).pk}/add-recommendation/",
            part_line=lines[0]["id"],
        ),
        409,
        "not_recommended",
    )
    refused(put(advisor, take), 400)
    refused(put(advisor, take, job=1, **wanted), 400)

    put(advisor, f"tickets/{later.pk}/remove-part/", part=wipers.pk)
    assert len(owner.get(address).json()["results"]) == 2, "what was taken off is open again"
    put(advisor, take, **wanted)
    assert (
        advisor.post(
            f"{API}tickets/{later.pk}/authorizations/", {"decline_parts": [wipers.pk]}
        ).status_code
        == 201
    )
    assert [line["ticket"]["id"] for line in owner.get(address).json()["results"]] == [
        later.pk,
        ticket.pk,
    ], "the newer no is what counts"
    advisor.post(f"{API}tickets/{later.pk}/transitions/", {"to": "cancelled"})
    assert [line["ticket"]["id"] for line in owner.get(address).json()["results"]] == [
        ticket.pk,
        ticket.pk,
    ], "what a cancelled ticket took up is open again, once"


def test_a_part_that_was_fitted_since_is_recommended_by_the_ticket_that_was_cancelled_after(
    advisor: Client,
) -> None:
    car, wipers = VehicleFactory(), PartFactory(stock=9)

    def refuse() -> ServiceTicket:
        ticket = make_ticket(vehicle=car, parts=[(wipers, 1)])
        said = advisor.post(
            f"{API}tickets/{ticket.pk}/authorizations/", {"decline_parts": [wipers.pk]}
        )
        assert said.status_code == 201
        return ticket

    refuse()
    make_ticket("approved", vehicle=car, parts=[(wipers, 1)])
    last = refuse()
    advisor.post(f"{API}tickets/{last.pk}/transitions/", {"to": "cancelled"})
    lines = advisor.get(f"{API}vehicles/{car.pk}/recommended-parts/").json()["results"]
    assert [line["ticket"]["id"] for line in lines] == [last.pk]


def test_a_part_that_is_not_used_any_more_is_not_recommended(advisor: Client) -> None:
    car, wipers = VehicleFactory(), PartFactory(stock=5)
    ticket = make_ticket(vehicle=car, parts=[(wipers, 2)])
    advisor.post(f"{API}tickets/{ticket.pk}/authorizations/", {"decline_parts": [wipers.pk]})
    (line,) = advisor.get(f"{API}vehicles/{car.pk}/recommended-parts/").json()["results"]
    Part.objects.filter(pk=wipers.pk).update(is_active=False)
    assert advisor.get(f"{API}vehicles/{car.pk}/recommended-parts/").json()["results"] == []
    answer = refused(
        put(
            advisor,
            f"tickets/{make_ticket(vehicle=car).pk}/add-recommendation/",
            part_line=line["id"],
        ),
        409,
        "not_recommended",
    )
    assert "put on a ticket since" in answer["detail"]


def test_what_was_declined_is_recommended_until_it_is_taken_up(
    owner: Client, advisor: Client
) -> None:
    car = VehicleFactory(customer=owner.user.customer)
    ticket, part = make_ticket(vehicle=car), PartFactory(stock=3)
    jobs = [
        job_on(ticket, advisor, title=title, lines=[LABOR]) for title in ("Brakes", "Tyres", "Oil")
    ]
    put(advisor, f"tickets/{ticket.pk}/add-part/", part=part.pk, job=jobs[0]["id"])
    authorize(
        advisor, ticket, decline=[jobs[0]["id"]], defer=[jobs[1]["id"]], approve=[jobs[2]["id"]]
    )
    address = f"{API}vehicles/{car.pk}/recommendations/"
    assert [job["title"] for job in owner.get(address).json()["results"]] == ["Tyres", "Brakes"]

    later = make_ticket(vehicle=car)
    body = {"job": jobs[0]["id"]}
    assert put(advisor, f"tickets/{later.pk}/add-recommendation/", **body).status_code == 200
    job = advisor.get(f"{API}jobs/?ticket={later.pk}").json()["results"][0]
    assert (job["title"], job["status"], job["total"]) == ("Brakes", "proposed", "169.99")
    assert [job["title"] for job in owner.get(address).json()["results"]] == ["Tyres"]
    refused(put(advisor, f"tickets/{later.pk}/add-recommendation/", **body), 409, "not_recommended")
    other = make_ticket(vehicle=VehicleFactory())
    refused(
        put(advisor, f"tickets/{other.pk}/add-recommendation/", job=jobs[1]["id"]),
        409,
        "not_recommended",
    )
    put(advisor, f"jobs/{job['id']}/cancel/")
    assert [job["title"] for job in owner.get(address).json()["results"]] == ["Tyres", "Brakes"], (
        "what was cancelled is open again"
    )
    put(advisor, f"jobs/{job['id']}/reopen/")
    said = advisor.post(f"{API}tickets/{later.pk}/authorizations/", {"decline": [job["id"]]})
    assert said.status_code == 201
    advisor.post(f"{API}tickets/{later.pk}/transitions/", {"to": "cancelled"})
    assert [job["title"] for job in owner.get(address).json()["results"]] == ["Tyres", "Brakes"], (
        "what a cancelled ticket took up is open again, once"
    )


def test_the_history_of_a_ticket_tells_of_its_jobs(advisor: Client) -> None:
    ticket, job, _ = approved_job(advisor)
    told = advisor.get(f"{API}tickets/{ticket.pk}/history/").json()["results"]
    of_job = [row for row in told if row["kind"] == "job"]
    assert {row["about"]["id"] for row in of_job} == {job["id"]}
    assert {"field": "status", "from": "proposed", "to": "approved"} in [
        change for row in of_job for change in row["changes"]
    ]


# --- rates and taxes ------------------------------------------------------------------


def test_labor_rates(manager: Client, advisor: Client, owner: Client) -> None:
    rate = manager.post(
        f"{API}labor-rates/", {"name": "Diagnostic", "hourly": "140", "is_default": True}
    ).json()
    assert (rate["hourly"], rate["tax_code"]) == ("140.00", None)
    refused(manager.post(f"{API}labor-rates/", {"name": "diagnostic", "hourly": "1"}), 400)
    assert (
        refused(
            manager.post(
                f"{API}labor-rates/", {"name": "Other", "hourly": "1", "is_default": True}
            ),
            400,
        )["errors"][0]["code"]
        == "default_taken"
    )
    refused(advisor.patch(f"{API}labor-rates/{rate['id']}/", {"hourly": "1"}), 403)
    refused(owner.get(f"{API}labor-rates/"), 403)
    job_on(
        make_ticket(), advisor, lines=[{"kind": "labor", "description": "x", "rate": rate["id"]}]
    )
    refused(manager.delete(f"{API}labor-rates/{rate['id']}/"), 409, "in_use")


def test_tax_codes_and_their_rates(manager: Client, advisor: Client) -> None:
    code = manager.post(
        f"{API}tax-codes/",
        {"name": "VAT", "rate": "19", "valid_from": "2020-01-01", "is_default": True},
    ).json()
    assert code["rates"] == [{"rate": "19.000", "valid_from": "2020-01-01", "parts": []}]
    code = put(
        manager, f"tax-codes/{code['id']}/set-rate/", rate="20.5", valid_from="2026-01-01"
    ).json()
    assert code["rates"] == [
        {"rate": "19.000", "valid_from": "2020-01-01", "parts": []},
        {"rate": "20.500", "valid_from": "2026-01-01", "parts": []},
    ]
    assert (
        manager.patch(f"{API}tax-codes/{code['id']}/", {"name": "Value added tax"}).json()["name"]
        == "Value added tax"
    )
    assert put(manager, f"tax-codes/{code['id']}/", **code).status_code == 200
    refused(put(manager, f"tax-codes/{code['id']}/set-rate/", rate="101"), 400)
    refused(put(advisor, f"tax-codes/{code['id']}/set-rate/", rate="1"), 403)
    refused(manager.post(f"{API}tax-codes/", {"name": "No rate"}), 400)
    part = PartFactory()
    assert manager.patch(f"{API}parts/{part.pk}/", {"tax_code": code["id"]}).json()["tax_code"] == {
        "id": code["id"],
        "name": "VAT",
    }
    refused(manager.delete(f"{API}tax-codes/{code['id']}/"), 409, "in_use")


# --- the estimate ---------------------------------------------------------------------


def test_the_estimate(manager: Client, owner: Client, stranger: Client) -> None:
    vat = tax_operations.add_tax_code(
        name="VAT", rate=d("20"), valid_from=date(2020, 1, 1), is_default=True, by=None
    )
    none = tax_operations.add_tax_code(
        name="None", rate=d("0"), valid_from=date(2020, 1, 1), by=None
    )
    ticket = make_ticket(customer=owner.user.customer)
    job = job_on(
        ticket,
        manager,
        lines=[
            LABOR,
            {"kind": "fee", "description": "Test", "unit_price": "40", "tax_code": none.pk},
        ],
    )
    declined = job_on(ticket, manager, title="Not now", lines=[LABOR])
    part = PartFactory(price=d("10.00"), tax_code=vat)
    put(manager, f"tickets/{ticket.pk}/add-part/", part=part.pk, quantity=5)
    put(manager, f"tickets/{ticket.pk}/give-discount/", discount_percent="10")
    authorize(manager, ticket, decline=[declined["id"]])

    estimate = owner.get(f"{API}tickets/{ticket.pk}/estimate/").json()

    assert [(row["title"], row["status"], row["total"]) for row in estimate["jobs"]] == [
        ("Front brakes", "proposed", "198.00"),
        ("Not now", "declined", "162.00"),
    ]
    assert estimate["taxes"] == [
        {"name": "None", "rate": "0.000", "number": "", "base": "36.00", "amount": "0.00"},
        {"name": "VAT", "rate": "20.000", "number": "", "base": "180.00", "amount": "36.00"},
    ]
    assert (estimate["discount"], estimate["subtotal"], estimate["tax"], estimate["total"]) == (
        "24.00",
        "216.00",
        "36.00",
        "252.00",
    )
    assert estimate["authorized"] == {"subtotal": "0.00", "tax": "0.00", "total": "0.00"}
    assert estimate["lines"][0]["net"] == "45.00"
    assert "unit_cost" not in str(estimate)
    refused(stranger.get(f"{API}tickets/{ticket.pk}/estimate/"), 404)
    pdf = owner.get(f"{API}tickets/{ticket.pk}/estimate/?format=pdf")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    refused(owner.get(f"{API}tickets/{ticket.pk}/estimate/?format=xls"), 400)
    assert job["id"] == estimate["jobs"][0]["id"]


def test_an_exempt_customer_pays_no_tax(manager: Client) -> None:
    tax_operations.add_tax_code(
        name="VAT", rate=d("20"), valid_from=date(2020, 1, 1), is_default=True, by=None
    )
    customer = CustomerFactory()
    assert (
        manager.patch(
            f"{API}customers/{customer.pk}/", {"tax_exempt": True, "tax_certificate": "X-77"}
        ).json()["tax_exempt"]
        is True
    )
    ticket = make_ticket(customer=customer)
    job_on(ticket, manager, lines=[LABOR])
    estimate = manager.get(f"{API}tickets/{ticket.pk}/estimate/").json()
    assert (estimate["tax"], estimate["total"], estimate["taxes"]) == ("0.00", "150.00", [])
    assert estimate["customer"]["tax_certificate"] == "X-77"


def test_a_customer_says_nothing_about_their_tax(owner: Client) -> None:
    owner.patch(f"{API}customers/{owner.user.customer.pk}/", {"tax_exempt": True})
    owner.user.customer.refresh_from_db()
    assert owner.user.customer.tax_exempt is False
    assert "tax_exempt" not in owner.get(f"{API}customers/{owner.user.customer.pk}/").json()


def test_shop_supplies_and_prices_with_tax(manager: Client, settings: Any) -> None:
    settings.SHOP_SUPPLIES, settings.SHOP_SUPPLIES_CAP, settings.SHOP_SUPPLIES_TAX = (
        (d("10"), d("0")),
        d("12"),
        "vat",
    )
    settings.SHOP_PRICES_INCLUDE_TAX = True
    tax_operations.add_tax_code(
        name="VAT", rate=d("20"), valid_from=date(2020, 1, 1), is_default=True, by=None
    )
    ticket = make_ticket()
    job_on(ticket, manager, lines=[LABOR])
    estimate = manager.get(f"{API}tickets/{ticket.pk}/estimate/").json()
    assert (estimate["lines"][-1]["kind"], estimate["lines"][-1]["total"]) == ("supplies", "12.00")
    assert (estimate["total"], estimate["tax"], estimate["subtotal"]) == (
        "162.00",
        "27.00",
        "135.00",
    )


def test_the_estimate_takes_the_same_number_of_queries_for_any_ticket(manager: Client) -> None:
    counted = []
    for size in (1, 6):
        ticket = make_ticket()
        for _ in range(size):
            job = job_on(ticket, manager, lines=[LABOR] * size)
            put(manager, f"tickets/{ticket.pk}/add-part/", part=PartFactory().pk, job=job["id"])
        with CaptureQueriesContext(connection) as queries:
            manager.get(f"{API}tickets/{ticket.pk}/estimate/")
        counted.append(len(queries))
    assert counted[0] == counted[1]
