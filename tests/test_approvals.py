"""One amount decides: what the customer saw is what is recorded, and what the ticket
may cost.
"""

from collections import deque
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.test import Client as Browser
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pypdf import PdfReader

from inventory import tax_operations
from inventory.integrity_checks import find_discrepancies as stock_findings
from inventory.taxes import TaxCode
from mechanic_shop.errors import DomainError
from tickets.approvals import operations as approvals
from tickets.approvals import share_links
from tickets.billing import estimates, invoices
from tickets.billing.documents.pdf import render
from tickets.billing.integrity_checks import find_discrepancies as findings
from tickets.desk import requests
from tickets.lifecycle import snapshot
from tickets.models import JobStatus, ServiceTicket, Status
from tickets.pricing.money_format import money as printed
from tickets.work import assignments, job_lines, tickets
from tickets.work import jobs as work_jobs
from tickets.work import parts as work_parts

from .answers import refused
from .conftest import Client
from .factories import CustomerFactory, MechanicFactory, PartFactory, make_ticket, office
from .test_shared import send

pytestmark = pytest.mark.django_db
API = "/api/v1/"


def d(amount: str | int) -> Decimal:
    return Decimal(amount)


def fee(amount: str) -> dict[str, Any]:
    return {"kind": "fee", "description": "Work", "quantity": d("1"), "unit_price": d(amount)}


def tax(rate: str = "10", name: str = "VAT") -> TaxCode:
    return tax_operations.add_tax_code(
        name=name, rate=d(rate), valid_from=date(2020, 1, 1), is_default=name == "VAT", by=None
    )


class Ticket:
    """A ticket with jobs of these prices, and parts outside jobs."""

    def __init__(self, *jobs: str, parts: tuple[str, ...] = (), discount: str = "0") -> None:
        self.customer = CustomerFactory()
        self.row = make_ticket(customer=self.customer)
        self.jobs = [
            work_jobs.add_job(self.row, title=f"Job {number}", lines=[fee(price)], by=office())
            for number, price in enumerate(jobs, 1)
        ]
        self.parts = [PartFactory(price=d(price), stock=5) for price in parts]
        for part in self.parts:
            work_parts.add_part(self.row, part=part, by=office())
        if discount != "0":
            tickets.give_discount(self.row, discount_percent=d(discount), by=office())
        self.row = self.fresh()

    def fresh(self) -> ServiceTicket:
        return ServiceTicket.objects.get(pk=self.row.pk)

    @property
    def api(self) -> str:
        return f"{API}tickets/{self.row.pk}/"

    @property
    def estimate(self) -> dict[str, Any]:
        return estimates.estimate(self.fresh())

    def authorize(self, **said: Any) -> Any:
        return approvals.authorize(self.fresh(), **said, by=office())

    def states(self) -> list[str]:
        lines = self.row.lines.filter(job=None).order_by("pk").values_list("status", flat=True)
        jobs = self.row.jobs.order_by("position", "pk").values_list("status", flat=True)
        return [*jobs, *lines]


# --- what is shown is what is recorded ------------------------------------------------


def test_a_discount_counts_in_what_is_approved(anonymous: Client) -> None:
    tax("8")
    ticket = Ticket("100", "80", discount="10")
    _, token = share_links.share(ticket.row, by=office())
    shown = anonymous.get(f"{API}shared/{token}/").json()
    assert [job["total"] for job in shown["jobs"]] == ["97.20", "77.76"]
    body = {
        "version": shown["version"],
        "expected_total": shown["total"],
        "approve": [ticket.jobs[0].pk],
    }
    said = anonymous.post(f"{API}shared/{token}/authorizations/", body).json()
    assert [each["total"] for each in said["decisions"]] == ["97.20"]
    assert said["approved_total"] == "97.20"
    page = Browser().get(f"/shared/{token}/?done").content.decode()
    assert "You approved $97.20" in page
    assert "Its part of the discount" in page
    assert ticket.fresh().authorized_total == d("97.20")


def test_flat_supplies_are_approved_once(settings: Any) -> None:
    settings.SHOP_SUPPLIES = (d("0"), d("12.50"))
    ticket = Ticket()
    labor = {"kind": "labor", "description": "Work", "quantity": d("1"), "unit_price": d("120")}
    ticket.jobs = [
        work_jobs.add_job(ticket.row, title="Work", lines=[labor], by=office()) for _ in range(3)
    ]
    assert ticket.estimate["total"] == "372.50"
    records = [ticket.authorize(approve=[job.pk]) for job in ticket.jobs]
    assert [record.approved_total for record in records] == [d("132.50"), d("120"), d("120")]
    assert [each["total"] for each in records[0].decisions] == ["120.00", "12.50"]
    assert ticket.fresh().authorized_total == d("372.50")


def test_a_currency_without_cents_shows_none(settings: Any) -> None:
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = "JPY", 0
    ticket = Ticket("375")
    record = ticket.authorize()
    assert record.decisions[0]["total"] == "375"
    _, token = share_links.share(ticket.row, by=office())
    assert "375.00" not in Browser().get(f"/shared/{token}/").content.decode()


CURRENCIES = {0: "JPY", 2: "USD", 3: "KWD"}
prices = st.integers(1, 90_000)  # minor units
off = st.sampled_from([{}, {}, {"discount_percent": d("12.5")}, {"discount_amount": 40}])
lines = st.tuples(
    prices,
    st.booleans(),
    st.sampled_from(["labor", "sublet", "fee"]),
    st.sampled_from(["1", "0.75", "3"]),
    off,
)
shops = st.fixed_dictionaries(
    {
        "places": st.sampled_from(list(CURRENCIES)),
        "rounding": st.sampled_from(["group", "line"]),
        "inclusive": st.booleans(),
        "supplies": st.sampled_from([(0, 0), ("7.5", 0), (0, 1250)]),
        "cap": st.sampled_from([None, None, 900]),
        "discount": st.sampled_from([(0, 0), ("12.5", 0), (0, 3000)]),
        "jobs": st.lists(st.lists(lines, min_size=1, max_size=3), min_size=1, max_size=4),
        "parts": st.lists(st.tuples(prices, st.booleans()), max_size=3),
        "trade_ins": st.lists(st.tuples(prices, st.sampled_from([None, 0, 1]), st.booleans()), max_size=2),
    }
)  # fmt: skip


def build(shop: dict[str, Any], codes: list[TaxCode]) -> ServiceTicket:
    def money(units: int) -> Decimal:
        return Decimal(units).scaleb(-shop["places"])

    ticket = make_ticket()
    for rows in shop["jobs"]:
        made = [
            {
                "kind": kind,
                "description": "x",
                "quantity": d(quantity),
                "unit_price": money(price),
                "tax_code": codes[second],
                **{
                    name: money(value) if name == "discount_amount" else value
                    for name, value in discount.items()
                },
            }
            for price, second, kind, quantity, discount in rows
        ]
        work_jobs.add_job(ticket, title="Work", lines=made, by=office())
    for price, second in shop["parts"]:
        part = PartFactory(price=money(price), tax_code=codes[second], stock=1)
        work_parts.add_part(ticket, part=part, by=office())
    percent, amount = shop["discount"]
    tickets.give_discount(
        ticket, discount_percent=d(percent), discount_amount=money(amount), by=office()
    )
    for price, code, alone in shop["trade_ins"]:
        take_in(ticket, money(price), None if code is None else codes[code], alone=alone)
    return ServiceTicket.objects.get(pk=ticket.pk)


def both_taxes() -> TaxCode:
    """Two taxes, of which the second is due on the first, too."""
    parts = [
        {"name": "GST", "rate": d("5"), "number": ""},
        {"name": "PST", "rate": d("9.975"), "number": "", "on_top": True},
    ]
    return tax_operations.add_tax_code(
        name="Both", parts=parts, valid_from=date(2020, 1, 1), by=None
    )


def take_in(ticket: ServiceTicket, price: Decimal, code: TaxCode | None, *, alone: bool) -> None:
    """A trade-in, alone in a job or in the first one; less of it where the ticket comes
    to less.
    """
    line = {
        "kind": "trade_in",
        "description": "Core",
        "quantity": d("1"),
        "unit_price": price,
        "tax_code": code,
    }
    try:
        if alone:
            work_jobs.add_job(ticket, title="Core", lines=[line], by=office())
        else:
            job_lines.add_line(ticket.jobs.first(), **line, by=office())
    except DomainError as refusal:
        if refusal.code != "trade_in_exceeds_total":
            raise
        if less := snapshot.shop_rules.rounding().round(price / 3):
            take_in(ticket, less, code, alone=alone)


@examples(
    max_examples=24,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(shop=shops, order=st.randoms(use_true_random=False))
def test_single_approvals_add_up_to_the_estimate_and_the_invoice(
    settings: Any, shop: Any, order: Any
) -> None:
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = (
        CURRENCIES[shop["places"]],
        shop["places"],
    )
    settings.SHOP_TAX_ROUNDING, settings.SHOP_PRICES_INCLUDE_TAX = (
        shop["rounding"],
        shop["inclusive"],
    )
    percent, flat = shop["supplies"]
    settings.SHOP_SUPPLIES = (d(percent), Decimal(flat).scaleb(-shop["places"]))
    settings.SHOP_SUPPLIES_CAP = (
        None if shop["cap"] is None else Decimal(shop["cap"]).scaleb(-shop["places"])
    )
    codes = (
        TaxCode.objects.order_by("pk")[:2]
        if TaxCode.objects.exists()
        else [tax("8.25"), both_taxes()]
    )
    whole, single = (build(shop, list(codes)) for _ in range(2))
    document = estimates.estimate(whole)
    every = approvals.authorize(whole, expected_total=d(document["total"]), by=office())
    shown = [row["total"] for row in document["jobs"]]
    shown += [line["total"] for line in document["lines"] if line["kind"] == "part"]
    recorded = [each["total"] for each in every.decisions if each["kind"] != "supplies"]
    assert recorded == shown
    assert sum(map(d, (each["total"] for each in every.decisions))) == every.approved_total
    assert every.approved_total == d(document["total"]) == whole.authorized_total
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(render(document))).pages)
    region = document.get("region", "")
    for amount in (*shown, document["total"]):
        assert printed(amount, settings.SHOP_CURRENCY, region) in text

    units = [("approve", job.pk) for job in single.jobs.all()]
    units += [("approve_parts", line.part_id) for line in single.lines.filter(job=None)]
    order.shuffle(units)
    total, refused_in_a_row = d("0"), 0
    waiting = deque(units)
    while waiting:
        field, key = waiting.popleft()
        seen = estimates.estimate(ServiceTicket.objects.get(pk=single.pk))
        try:
            record = approvals.authorize(single, **{field: [key]}, by=office())
        except DomainError as refusal:
            refused_in_a_row += 1
            if refusal.code != "trade_in_exceeds_total" or refused_in_a_row > len(waiting) + 1:
                raise
            waiting.append((field, key))  # a trade-in, before the work on which it counts
            continue
        refused_in_a_row = 0
        total += record.approved_total
        kind, name = ("jobs", "id") if field == "approve" else ("lines", "part")
        (row,) = [
            row
            for row in seen[kind]
            if (row[name] and row[name]["id"] if kind == "lines" else row[name]) == key
        ]
        assert record.decisions[0]["total"] == row["total"]
        assert not snapshot.load_snapshot(single).exceeds_authorized()
    assert total == d(document["total"])

    for job in single.jobs.all():
        work_jobs.finish_job(job, by=office())
    requests.request_transition(single, to="completed", by=office())
    assert invoices.issue_invoice(single, by=office()).total == total
    assert findings() == stock_findings() == []


# --- nothing costs more without a question --------------------------------------------


def raise_discount(ticket: Ticket) -> None:
    tickets.give_discount(ticket.fresh(), by=office())


def add_line(ticket: Ticket) -> None:
    job_lines.add_line(ticket.jobs[0], **fee("1"), by=office())


def raise_price(ticket: Ticket) -> None:
    line = ticket.jobs[0].lines.get()
    job_lines.edit_line(ticket.jobs[0], line=line.pk, unit_price=d("101"), by=office())


@pytest.mark.parametrize("change", [raise_discount, add_line, raise_price])
def test_what_grew_goes_back_to_the_customer(change: Callable[[Ticket], None]) -> None:
    ticket = Ticket("100", discount="50")
    ticket.authorize()
    assert ticket.states() == ["approved"]
    change(ticket)
    assert ticket.states() == ["proposed"]
    assert ticket.fresh().authorized_total == 0
    record = ticket.authorize()
    assert ticket.fresh().authorized_total == record.approved_total == d(ticket.estimate["total"])


def test_a_part_on_an_approved_ticket_waits_for_the_customer(advisor: Client) -> None:
    ticket = Ticket("100")
    ticket.authorize()
    part = PartFactory(price=d("33.95"), stock=3)
    answer = advisor.put(f"{ticket.api}add-part/", {"part": part.pk})
    assert (answer.status_code, answer.json()["parts"][0]["allocated"]) == (200, "0.000")
    assert ticket.states() == ["approved", "proposed"]
    assert ticket.estimate["authorized"]["total"] == "100.00"
    body = {"approve_parts": [part.pk], "channel": "phone"}
    said = advisor.post(f"{ticket.api}authorizations/", body).json()
    assert (said["approved_total"], said["decisions"][0]["part"]) == ("33.95", part.pk)
    assert ticket.states() == ["approved", "approved"]
    assert ticket.fresh().lines.get().allocated == 1


def test_within_the_tolerance_a_part_is_held_at_once(settings: Any) -> None:
    settings.SHOP_APPROVAL_TOLERANCE = d("10")
    ticket = Ticket("100")
    ticket.authorize()
    small, large = PartFactory(price=d("9"), stock=3), PartFactory(price=d("2"), stock=3)
    for part in (small, large):
        work_parts.add_part(ticket.row, part=part, by=office())
    assert ticket.states() == ["approved", "approved", "proposed"]
    assert [line.allocated for line in ticket.row.lines.order_by("pk")] == [1, 0]


def test_a_ticket_that_was_approved_empty_names_no_amount() -> None:
    ticket, part = make_ticket("approved"), PartFactory(stock=3)
    work_parts.add_part(ticket, part=part, by=office())
    assert ticket.lines.get().allocated == 1
    assert ServiceTicket.objects.get(pk=ticket.pk).authorized_total is None


def test_a_mechanic_moves_no_part_past_the_customer(assigned: Client) -> None:
    ticket = Ticket("10", "20")
    assignments.assign_mechanic(ticket.row, mechanic=assigned.user.mechanic, by=office())
    part = PartFactory(price=d("70"), stock=3)
    work_parts.add_part(ticket.row, part=part, job=ticket.jobs[1], by=office())
    ticket.authorize(approve=[ticket.jobs[0].pk])
    assigned.put(f"{ticket.api}edit-part/", {"part": part.pk, "job": None})
    assert ticket.estimate["authorized"]["total"] == "10.00"
    assert ticket.row.lines.get().allocated == 0


def test_taking_back_an_approval_lowers_the_amount() -> None:
    ticket = Ticket("100", "50")
    ticket.authorize()
    ticket.authorize(decline=[ticket.jobs[1].pk])
    assert ticket.fresh().authorized_total == 100
    work_jobs.cancel_job(ticket.jobs[0], by=office())
    assert ticket.fresh().authorized_total == 0


OUTSIDE: dict[str, Callable[[Ticket], None]] = {
    "a rate": lambda t: tax_operations.set_rate(
        TaxCode.objects.get(name="VAT"), rate=d("40"), by=None
    ),
    "an exemption": lambda t: t.customer.save_changes(tax_exempt=False),
    "a tax code": lambda t: t.parts[0].save_changes(tax_code=tax("40", "High")),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_price_that_rises_elsewhere_stops_the_work_until_the_customer_agrees(
    name: str, owner: Client, advisor: Client
) -> None:
    tax("10")
    ticket = Ticket("100", parts=("50",))
    if name == "an exemption":
        ticket.customer.save_changes(tax_exempt=True)
    seen = ticket.estimate
    ticket.authorize()
    for job in ticket.jobs:
        work_jobs.finish_job(job, by=office())
    OUTSIDE[name](ticket)
    now = ticket.estimate
    assert now["reapproval_needed"] is True
    assert now["version"] != seen["version"]
    facts = refused(
        advisor.post(f"{ticket.api}transitions/", {"to": "completed"}), 409, "approval_exceeded"
    )
    assert (facts["authorized"], facts["total"]) == (seen["total"], now["total"])
    for body in ({"version": seen["version"]}, {"expected_total": seen["total"]}):
        facts = refused(advisor.post(f"{ticket.api}authorizations/", body), 409, "estimate_changed")
        assert facts["total"] == now["total"]
    said = advisor.post(f"{ticket.api}authorizations/", {"expected_total": now["total"]})
    assert said.json()["approved_total"] == now["total"]
    assert advisor.post(f"{ticket.api}transitions/", {"to": "completed"}).status_code == 200
    assert invoices.issue_invoice(ticket.fresh(), by=office()).total == d(now["total"])


def test_the_page_refuses_a_decision_at_another_price() -> None:
    code = tax("10")
    ticket = Ticket("100")
    _, token = share_links.share(ticket.row, by=office())
    page = Browser()
    assert 'name="expected_total" value="110.00"' in page.get(f"/shared/{token}/").content.decode()
    form = {
        "version": ticket.estimate["version"],
        "expected_total": "110.00",
        f"job-{ticket.jobs[0].pk}": "approve",
    }
    tax_operations.set_rate(code, rate=d("20"), by=None)
    answer = send(page, f"/shared/{token}/", form)
    assert (answer.status_code, ticket.states()) == (409, ["proposed"])
    assert 'value="120.00"' in answer.content.decode()


def test_a_completed_ticket_becomes_no_dearer() -> None:
    ticket = Ticket("100", discount="50")
    ticket.authorize()
    work_jobs.finish_job(ticket.jobs[0], by=office())
    requests.request_transition(ticket.fresh(), to="completed", by=office())
    with pytest.raises(DomainError, match=r"approved 50\.00"):
        tickets.give_discount(ticket.fresh(), by=office())
    assert ticket.fresh().discount_percent == 50


def test_a_decided_part_is_not_decided_again_by_a_customer(owner: Client) -> None:
    part = PartFactory(stock=2)
    ticket = make_ticket(customer=owner.user.customer, parts=[(part, 1)])
    address = f"{API}tickets/{ticket.pk}/authorizations/"
    assert owner.post(address, {"approve_parts": [part.pk]}).status_code == 201
    refused(owner.post(address, {"decline_parts": [part.pk]}), 409, "job_decided")
    refused(
        owner.post(address, {"approve_parts": [MechanicFactory().pk + 999]}),
        400,
        field="approve_parts",
    )
    ticket.refresh_from_db()
    assert ticket.status == Status.APPROVED
    assert ticket.lines.get().status == JobStatus.APPROVED
