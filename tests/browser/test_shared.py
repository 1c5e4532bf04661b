"""The estimate behind a link, as a customer sees it on a phone: without scripts,
without cookies, and on paper.
"""

from decimal import Decimal
from typing import Any

import pytest

from inventory.taxes import TaxCode, TaxRate
from tickets.approvals import operations as approvals
from tickets.approvals import share_links
from tickets.models import JobStatus, ServiceTicket
from tickets.work import jobs, parts

from ..factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket, office
from .conftest import HOST, SCREENSHOTS, Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def labor(description: str, hours: str, price: str = "120.00") -> dict[str, Any]:
    return {
        "kind": "labor",
        "description": description,
        "quantity": Decimal(hours),
        "unit_price": Decimal(price),
    }


@pytest.fixture
def ticket(transactional_db: Any, settings: Any) -> ServiceTicket:
    settings.SHOP_PHONE, settings.SHOP_EMAIL = "+1 555 0100", "desk@example.com"
    settings.SHOP_ADDRESS, settings.SHOP_NAME = (
        "12 Foundry Lane, Denver, CO 80205",
        "Foundry Lane Garage",
    )
    settings.SHOP_SUPPLIES = (Decimal(5), Decimal(0))
    code, _ = TaxCode.objects.update_or_create(name="Sales tax", defaults={"is_default": True})
    TaxRate.objects.create(code=code, rate=Decimal("8.81"), valid_from="2020-01-01")
    vehicle = VehicleFactory(
        customer=CustomerFactory(name="Olive Owner"), plate="ABC 1234", vin="1HGCM82633A004352"
    )
    ticket = make_ticket(
        vehicle=vehicle,
        concern=(
            "Brakes squeal when stopping, worse in the morning.\nPlease check the noise at "
            "the front left."
        ),
    )
    by = office()
    brakes = jobs.add_job(
        ticket,
        title="Front brakes",
        cause="Pads at 2 mm, both discs scored.",
        lines=[labor("Replace pads and discs, front axle", "1.5")],
        by=by,
    )
    for name, price, quantity in (
        ("Brake pads, front, ceramic", "68.40", 1),
        ("Brake disc, front", "54.90", 2),
    ):
        parts.add_part(
            ticket,
            part=PartFactory(stock=4, name=name, price=Decimal(price)),
            quantity=Decimal(quantity),
            job=brakes,
            by=by,
        )
    jobs.add_job(
        ticket,
        title="Wheel alignment",
        cause="Inner edge of both front tyres is worn.",
        lines=[
            labor("Four-wheel alignment", "1", "1129.00"),
            {"kind": "fee", "description": "Disposal", "unit_price": Decimal("4.50")},
        ],
        by=by,
    )
    jobs.add_job(ticket, title="Replace wiper blades", lines=[labor("Fit blades", "0.2")], by=by)
    done = jobs.add_job(
        ticket,
        title="Diagnosis",
        cause="Noise is the heat shield.",
        lines=[labor("Road test and inspection", "0.5")],
        by=by,
    )
    late = jobs.add_job(ticket, title="Cabin filter", lines=[labor("Replace filter", "0.3")], by=by)
    approvals.authorize(ticket, approve=[done.pk], decline=[late.pk], channel="phone", by=by)
    return ServiceTicket.objects.get(pk=ticket.pk)


@pytest.fixture
def phone(visit: Visit, chromium: Any) -> Any:
    """A page on a phone that runs no scripts, watched like every other."""
    context = chromium.new_context(
        viewport=PHONE, java_script_enabled=False, has_touch=True, is_mobile=True
    )
    context.set_default_timeout(15_000)
    other = Visit(context.new_page(), visit.root)
    other.complaints = visit.complaints
    yield other
    context.close()


def link_to(ticket: ServiceTicket) -> str:
    return f"/shared/{share_links.share(ticket, by=office())[1]}/"


def test_a_customer_decides_on_a_phone_without_scripts(phone: Visit, ticket: ServiceTicket) -> None:
    page = phone.open(link_to(ticket))
    phone.picture("shared-phone")
    brakes, alignment, wipers = ticket.jobs.filter(status=JobStatus.PROPOSED).order_by("pk")
    page.check(f"input[name=job-{brakes.pk}][value=approve]")
    page.check(f"input[name=job-{alignment.pk}][value=defer]")
    page.click("button:has-text('Send my answer')")  # the browser says what is missing
    assert ticket.authorizations.count() == 1
    page.check(f"input[name=job-{wipers.pk}][value=decline]")
    page.fill("textarea", "Thank you! <b>Call me</b> before noon.")
    phone.picture("shared-phone-chosen")
    page.click("button:has-text('Send my answer')")
    page.wait_for_url("**?done")
    assert "Thank you, your answer is saved" in page.inner_text("[role=status]")
    phone.picture("shared-phone-thanks")
    for job, status in ((brakes, "approved"), (alignment, "deferred"), (wipers, "declined")):
        job.refresh_from_db()
        assert job.status == status
    assert page.context.cookies() == []


def test_a_customer_is_told_that_the_estimate_changed(phone: Visit, ticket: ServiceTicket) -> None:
    page = phone.open(link_to(ticket))
    for job in ticket.jobs.filter(status=JobStatus.PROPOSED):
        page.check(f"input[name=job-{job.pk}][value=approve]")
    jobs.add_job(ticket, title="And the clutch", lines=[labor("Clutch", "6")], by=office())
    page.click("button:has-text('Send my answer')")
    assert "changed this estimate" in page.inner_text("[role=alert]")
    phone.picture("shared-phone-changed")
    assert ticket.authorizations.count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_at_any_width(visit: Visit, ticket: ServiceTicket, scheme: str) -> None:
    """And what a finger has to hit is as large as a finger."""
    page = visit.page
    page.emulate_media(color_scheme=scheme)
    for width in (320, 360, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        visit.open(link_to(ticket))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = (
            "all => all.filter(a => a.getBoundingClientRect().height < 44).map(a => a.outerHTML)"
        )
        assert page.locator("a, button, label.choice, textarea").evaluate_all(small) == []
        visit.picture(f"shared-{scheme}-{width}")


def test_it_reads_well_on_paper(visit: Visit, ticket: ServiceTicket) -> None:
    page = visit.open(link_to(ticket))
    page.emulate_media(media="print")
    assert not page.is_visible("text=Send my answer")
    page.pdf(path=SCREENSHOTS / "shared.pdf", format="Letter", prefer_css_page_size=True)


def test_a_link_that_has_ended_says_so_in_the_same_look(
    visit: Visit, ticket: ServiceTicket
) -> None:
    page = visit.open("/shared/not-a-link/")
    assert page.inner_text("h1") == "This link is no longer valid"
    visit.picture("shared-gone")
    assert HOST in page.url
