"""The front desk's way through a ticket, by clicks: from the estimate to the paid
invoice.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from inventory import tax_operations
from tickets.approvals import operations as approvals
from tickets.billing import invoices, payments
from tickets.desk import requests
from tickets.models import CannedJob, Invoice, Job, JobStatus, LaborRate, ServiceTicket, Status
from tickets.work import canned_jobs, jobs, parts, tickets

from ..factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
    office,
)
from .conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ticket(transactional_db: Any) -> ServiceTicket:
    """An estimate with two jobs, in a shop that has sold something before."""
    tax = tax_operations.add_tax_code(
        name="Sales tax",
        rate=Decimal("8.81"),
        valid_from=date(2020, 1, 1),
        is_default=True,
        by=None,
    )
    rate = LaborRate.objects.create(name="Standard", hourly=Decimal("120.00"), is_default=True)
    tax_operations.add_tax_code(name="Untaxed", rate=Decimal(0), by=None)
    rate.save_changes(tax_code=tax)
    canned_jobs.write_canned_job(
        CannedJob(),
        name="Oil change",
        lines=[
            {"kind": "labor", "description": "Change oil and filter", "quantity": Decimal("0.5")}
        ],
        by=None,
    )
    for ago, price in ((24, 310), (17, 820), (10, 140), (9, 455), (3, 1210)):
        sold(ago, Decimal(price))
    owner = CustomerFactory(name="Olive Owner", email="olive@example.com", phone="303-555-0147")
    concern = "Grinding noise when braking, and the steering wheel shakes."
    ticket = make_ticket(
        vehicle=VehicleFactory(customer=owner, make="Subaru"),
        concern=concern,
        mechanics=[MechanicFactory(name="Asha")],
    )
    brakes = add_job(
        ticket,
        "Front brakes",
        ("labor", "Replace pads and rotors", "1.8"),
        ("fee", "Disposal of old pads", "1"),
    )
    for sku, name, price, quantity in (
        ("BR-7731", "Brake rotor, front", "84.50", 2),
        ("BP-1187", "Brake pads, ceramic", "62.00", 1),
    ):
        part = PartFactory(sku=sku, name=name, price=Decimal(price), stock=3, reorder_point=2)
        parts.add_part(ticket, part=part, quantity=Decimal(quantity), job=brakes, by=office())
    add_job(ticket, "Wheel alignment", ("labor", "Four-wheel alignment", "1"))
    tickets.give_discount(ticket, discount_percent=Decimal(5), by=office())
    add_job(
        make_ticket(vehicle=VehicleFactory()), "Timing belt", ("labor", "Replace timing belt", "4")
    )
    return ServiceTicket.objects.get(pk=ticket.pk)


def add_job(ticket: ServiceTicket, title: str, *lines: tuple[str, str, str]) -> Job:
    price = {"labor": {}, "fee": {"unit_price": Decimal("7.50")}}
    rows = [
        {"kind": kind, "description": text, "quantity": Decimal(quantity)} | price[kind]
        for kind, text, quantity in lines
    ]
    return jobs.add_job(ticket, title=title, lines=rows, by=office())


def sold(ago: int, price: Decimal) -> None:
    """An invoice of some days ago; some are not paid, or not all of it."""
    line = {"kind": "fee", "description": "Service", "quantity": Decimal(1), "unit_price": price}
    with time_machine.travel(timezone.now() - timedelta(days=ago), tick=False):
        ticket = make_ticket(vehicle=VehicleFactory())
        jobs.add_job(ticket, title="Service", lines=[line], by=office())
        approvals.authorize(ticket, by=office())
        jobs.finish_job(ticket.jobs.get(), by=office())
        ticket.refresh_from_db()
        requests.request_transition(ticket, to=Status.COMPLETED, by=office())
        invoice = invoices.issue_invoice(ticket, by=office())
    if ago < 20:
        payments.pay(invoice, amount=invoice.total if ago != 10 else Decimal(50), by=office())


def press(visit: Visit, name: str, menu: str = "") -> Any:
    """A button of the page's head, in a drop-down where one is named."""
    page = visit.page
    if menu:
        page.locator("li > a").filter(has_text=re.compile(rf"^\s*{menu}\s+chevron_right")).click()
    page.get_by_role("link", name=re.compile(rf"(^|\s){re.escape(name)}$")).last.click()
    page.wait_for_load_state("networkidle")
    return page


def submit(visit: Visit) -> Any:
    with visit.page.expect_navigation():
        visit.page.locator("form button[type=submit]").last.click()
    visit.page.wait_for_load_state("networkidle")
    return visit.page


def test_the_front_desk_brings_a_ticket_to_its_paid_invoice(
    visit: Visit, ticket: ServiceTicket
) -> None:
    UserFactory(role="manager", is_staff=True, email="boss@example.com")
    visit.open("/admin/")
    visit.log_in("boss@example.com", PASSWORD)
    page = visit.open(f"/admin/tickets/serviceticket/{ticket.pk}/change/")
    visit.picture("admin-money-estimate")
    page = press(visit, "Add canned job", menu="Add")
    page.locator("select[name=canned_job]").select_option(label="Oil change", force=True)
    submit(visit)
    assert "Oil change" in page.inner_text("#sheet")
    page = press(visit, "Authorize")
    visit.picture("admin-money-authorize")
    submit(visit)
    page = press(visit, "Finish job")
    page.get_by_label("Front brakes").check()
    page.fill("textarea[name=correction]", "Pads and rotors replaced, bedded in.")
    visit.picture("admin-money-finish")
    submit(visit)
    visit.picture("admin-money-working")
    for title in ("Wheel alignment", "Oil change"):
        press(visit, "Finish job")
        page.get_by_label(title).check()
        submit(visit)
    press(visit, "Complete")
    submit(visit)
    assert ServiceTicket.objects.get(pk=ticket.pk).status == Status.COMPLETED
    press(visit, "Invoice")
    submit(visit)
    visit.picture("admin-money-invoiced")
    visit.open("/admin/")
    visit.picture("admin-money-index")
    page.emulate_media(color_scheme="dark")
    visit.open("/admin/")
    visit.picture("admin-money-index-dark")
    visit.open(f"/admin/tickets/serviceticket/{ticket.pk}/change/")
    visit.picture("admin-money-ticket-dark")
    page.emulate_media(color_scheme="light")
    visit.open(f"/admin/tickets/serviceticket/{ticket.pk}/change/")
    press(visit, "Pay")
    visit.picture("admin-money-pay")
    submit(visit)
    invoice = Invoice.objects.get(ticket=ticket)
    assert (ServiceTicket.objects.get(pk=ticket.pk).status, invoice.account.balance) == (
        Status.CLOSED,
        0,
    )
    assert not ticket.jobs.exclude(status=JobStatus.DONE).exists()
    page.get_by_role("link", name=invoice.number).click()
    page.wait_for_load_state("networkidle")
    visit.picture("admin-money-invoice")
    visit.open("/admin/tickets/invoice/")
    visit.picture("admin-money-invoices")
    visit.open(f"/admin/tickets/invoice/{invoice.pk}/credit/")
    visit.picture("admin-money-credit")
    visit.open(f"/admin/tickets/cannedjob/{CannedJob.objects.get().pk}/change/")
    visit.picture("admin-money-canned-job")
