"""Trade-ins: lines of their own kind that lower what is to pay, never below nothing."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client as Browser

from inventory import tax_operations
from inventory.taxes import TaxCode
from mechanic_shop.errors import DomainError
from tickets.approvals import operations as approvals
from tickets.billing import estimates
from tickets.desk import requests
from tickets.models import Job, JobLine, ServiceTicket
from tickets.work import job_lines, jobs, tickets

from .answers import refused
from .conftest import Client
from .factories import CustomerFactory, PartFactory, make_ticket, office
from .test_admin import press

pytestmark = pytest.mark.django_db
API = "/api/v1/"
CODE = "trade_in_exceeds_total"


def d(amount: str) -> Decimal:
    return Decimal(amount)


def vat(rate: str = "20") -> TaxCode:
    return tax_operations.add_tax_code(
        name="VAT", rate=d(rate), valid_from=date(2020, 1, 1), is_default=True, by=None
    )


def fee(amount: str) -> dict[str, Any]:
    return {"kind": "fee", "description": "Work", "quantity": d("1"), "unit_price": d(amount)}


def core(amount: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "trade_in",
        "description": "Old battery",
        "quantity": d("1"),
        "unit_price": d(amount),
    } | more


def job(ticket: ServiceTicket, *lines: dict[str, Any], title: str = "Battery") -> Job:
    return jobs.add_job(ticket, title=title, lines=lines, by=office())


def fresh(ticket: ServiceTicket) -> ServiceTicket:
    return ServiceTicket.objects.get(pk=ticket.pk)


def estimate(ticket: ServiceTicket) -> dict[str, Any]:
    return estimates.estimate(fresh(ticket))


def authorize(ticket: ServiceTicket, **said: Any) -> Any:
    return approvals.authorize(fresh(ticket), **said, by=office())


# --- what it is -----------------------------------------------------------------------


def test_its_price_is_positive_and_its_total_negative(advisor: Client) -> None:
    body = {
        "ticket": make_ticket().pk,
        "title": "Battery",
        "lines": [fee("100"), core("12.50", quantity="2")],
    }
    made = advisor.post(f"{API}jobs/", body).json()
    assert [(line["unit_price"], line["line_total"]) for line in made["lines"]] == [
        ("100.00", "100.00"),
        ("12.50", "-25.00"),
    ]
    assert made["total"] == "75.00"
    (read,) = advisor.get(f"{API}jobs/?ticket={body['ticket']}").json()["results"]
    assert (read["lines"], read["total"]) == (made["lines"], "75.00")


def test_a_negative_price_is_still_refused(advisor: Client) -> None:
    own = job(make_ticket(), fee("100"))
    refused(
        advisor.put(f"{API}jobs/{own.pk}/add-line/", core("-25")), 400, "min_value", "unit_price"
    )


@pytest.mark.parametrize("name", ["discount_percent", "discount_amount"])
def test_it_has_no_discount_of_its_own(advisor: Client, name: str) -> None:
    own = job(make_ticket(), fee("100"))
    refused(
        advisor.put(f"{API}jobs/{own.pk}/add-line/", core("25", **{name: "5"})),
        400,
        "discount_of_a_trade_in",
        name,
    )


def test_the_tickets_discount_leaves_it_alone() -> None:
    ticket = make_ticket()
    job(ticket, fee("100"), core("40"))
    tickets.give_discount(ticket, discount_percent=d("50"), by=office())
    assert estimate(ticket)["total"] == "10.00"


def test_no_supplies_are_counted_on_it(settings: Any) -> None:
    settings.SHOP_SUPPLIES = (d("10"), d("0"))
    ticket = make_ticket()
    job(
        ticket,
        {"kind": "labor", "description": "Work", "quantity": d("1"), "unit_price": d("100")},
        core("40"),
    )
    assert estimate(ticket)["total"] == "70.00"


@pytest.mark.parametrize(("named", "tax"), [(False, "20.00"), (True, "12.00")])
def test_its_own_tax_code_says_whether_it_lowers_the_tax(named: bool, tax: str) -> None:
    ticket, code = make_ticket(), vat()
    job(ticket, fee("100"), core("40", tax_code=code if named else None))
    assert estimate(ticket)["tax"] == tax


def test_of_who_pays_no_tax_it_lowers_none() -> None:
    ticket = make_ticket(customer=CustomerFactory(tax_exempt=True))
    job(ticket, fee("100"), core("40", tax_code=vat()))
    assert (estimate(ticket)["tax"], estimate(ticket)["total"]) == ("0.00", "60.00")


# --- whose it is ----------------------------------------------------------------------

MECHANIC: dict[str, Callable[[Client, Job], Any]] = {
    "add": lambda client, own: client.put(f"{API}jobs/{own.pk}/add-line/", core("1")),
    "propose": lambda client, own: client.post(
        f"{API}jobs/", {"ticket": own.ticket_id, "title": "More", "lines": [core("1")]}
    ),
    "edit": lambda client, own: client.put(
        f"{API}jobs/{own.pk}/edit-line/", {"line": own.lines.last().pk, "quantity": "2"}
    ),
    "remove": lambda client, own: client.put(
        f"{API}jobs/{own.pk}/remove-line/", {"line": own.lines.last().pk}
    ),
}


@pytest.mark.parametrize("name", MECHANIC)
def test_a_mechanic_does_not_write_it(assigned: Client, name: str) -> None:
    ticket = make_ticket(mechanics=[assigned.user.mechanic])
    own = job(ticket, fee("100"), core("40"))
    refused(MECHANIC[name](assigned, own), 403, "permission_denied")
    assert estimate(ticket)["total"] == "60.00"


def test_a_mechanic_uses_a_canned_job_with_one(assigned: Client, manager: Client) -> None:
    lines = [
        {"kind": "fee", "description": "Battery", "unit_price": "100"},
        {"kind": "trade_in", "description": "Core", "unit_price": "15"},
    ]
    canned = manager.post(f"{API}canned-jobs/", {"name": "Battery", "lines": lines}).json()
    ticket = make_ticket(mechanics=[assigned.user.mechanic])
    assert (
        assigned.put(
            f"{API}tickets/{ticket.pk}/add-canned-job/", {"canned_job": canned["id"]}
        ).status_code
        == 200
    )
    assert estimate(ticket)["total"] == "85.00"


# --- never below nothing --------------------------------------------------------------


def two_jobs() -> ServiceTicket:
    """60.00: work of 100.00 and a part of 20.00, and what is given for the old one."""
    ticket = make_ticket(parts=[(PartFactory(price=d("20"), stock=5), 1)])
    job(ticket, fee("50"), fee("50"), title="Work")
    job(ticket, core("60"), title="Core")
    return fresh(ticket)


def work(ticket: ServiceTicket) -> Job:
    return ticket.jobs.get(title="Work")


def remove_all_lines(ticket: ServiceTicket) -> None:
    for line in work(ticket).lines.all():
        job_lines.remove_line(work(ticket), line=line.pk, by=office())


TOO_MUCH: dict[str, Callable[[ServiceTicket], Any]] = {
    "a trade-in": lambda t: job_lines.add_line(work(t), **core("60.01"), by=office()),
    "a job of one": lambda t: job(t, core("60.01")),
    "more of it": lambda t: job_lines.edit_line(
        t.jobs.get(title="Core"),
        line=t.jobs.get(title="Core").lines.get().pk,
        quantity=d("3"),
        by=office(),
    ),
    "a line that leaves": remove_all_lines,
    "a lower price": lambda t: [
        job_lines.edit_line(work(t), line=line.pk, unit_price=d("1"), by=office())
        for line in work(t).lines.all()
    ],
    "a discount": lambda t: tickets.give_discount(t, discount_percent=d("60"), by=office()),
    "a cancelled job": lambda t: jobs.cancel_job(work(t), by=office()),
    "a deleted job": lambda t: jobs.delete_job(work(t), by=office()),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_nothing_brings_the_estimate_below_nothing(name: str) -> None:
    ticket = two_jobs()
    with pytest.raises(DomainError) as refusal:
        TOO_MUCH[name](ticket)
    assert refusal.value.code == CODE
    assert d(refusal.value.facts["total"]) < 0
    assert d(estimate(ticket)["total"]) >= 0


def test_a_part_that_leaves_does_not_either(advisor: Client) -> None:
    part = PartFactory(price=d("20"), stock=5)
    ticket = make_ticket(parts=[(part, 1)])
    job(ticket, core("20"))
    facts = refused(
        advisor.put(f"{API}tickets/{ticket.pk}/remove-part/", {"part": part.pk}), 409, CODE
    )
    assert (facts["subtotal"], facts["tax"], facts["total"]) == ("-20.00", "0.00", "-20.00")
    refused(
        advisor.put(
            f"{API}tickets/{ticket.pk}/edit-part/", {"part": part.pk, "unit_price": "19.99"}
        ),
        409,
        CODE,
    )


def test_no_tax_comes_to_less_than_nothing() -> None:
    ticket, code = make_ticket(), vat()
    untaxed = tax_operations.add_tax_code(
        name="None", rate=d("0"), valid_from=date(2020, 1, 1), by=None
    )
    own = job(ticket, fee("100") | {"tax_code": untaxed})
    with pytest.raises(DomainError, match=r"-5\.00 tax"):
        job_lines.add_line(own, **core("25", tax_code=code), by=office())


def test_a_trade_in_is_never_approved_without_its_work(owner: Client) -> None:
    ticket = make_ticket(customer=owner.user.customer)
    first, second = job(ticket, fee("100")), job(ticket, core("60"))
    address = f"{API}tickets/{ticket.pk}/authorizations/"
    refused(owner.post(address, {"approve": [second.pk]}), 409, CODE)
    refused(owner.post(address, {"approve": [second.pk], "decline": [first.pk]}), 409, CODE)
    assert (
        owner.post(address, {"approve": [first.pk, second.pk]}).json()["approved_total"] == "40.00"
    )


def test_a_no_always_counts_and_the_work_is_not_completed_until_the_trade_in_is_off() -> None:
    ticket = two_jobs()
    extra = job(ticket, fee("10"))
    authorize(ticket)
    authorize(ticket, decline=[work(ticket).pk])
    for own in (extra, ticket.jobs.get(title="Core")):
        jobs.finish_job(own, by=office())
    assert fresh(ticket).authorized_total == d("-30.00")
    with pytest.raises(DomainError) as refusal:
        requests.request_transition(fresh(ticket), to="completed", by=office())
    assert refusal.value.code == CODE
    jobs.cancel_job(ticket.jobs.get(title="Core"), by=office())
    authorize(ticket)  # it is dearer without it
    jobs.finish_job(extra, by=office())
    assert estimate(ticket)["authorized"]["total"] == "30.00"
    requests.request_transition(fresh(ticket), to="completed", by=office())


def test_from_below_nothing_every_step_up_is_free() -> None:
    ticket = make_ticket()
    first, second = job(ticket, fee("100")), job(ticket, core("60"), core("30"))
    authorize(ticket, decline=[first.pk])
    for line in second.lines.all():
        job_lines.remove_line(second, line=line.pk, by=office())
    assert estimate(ticket)["total"] == "0.00"


# --- the admin ------------------------------------------------------------------------


def test_a_button_of_the_admin_adds_it(advisor: Client) -> None:
    own, desk = job(ticket := make_ticket(), fee("100")), Browser()
    desk.force_login(advisor.user)
    typed = {
        "job": own.pk,
        "kind": "trade_in",
        "description": "Old battery",
        "quantity": "1",
        "unit_price": "25",
    }
    assert press(desk, ticket, "add_line", **typed).status_code == 302
    assert JobLine.objects.get(kind="trade_in").line_total == d("-25.00")
