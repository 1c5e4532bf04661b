"""The pages as a browser shows them: nothing from another host, nothing against the
content policy, no script error.
"""

from typing import Any

import pytest

from tickets.models import ServiceTicket

from ..factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
)
from .conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ticket(transactional_db: Any) -> ServiceTicket:
    vehicle = VehicleFactory(
        customer=CustomerFactory(login=True, name="Olive Owner", email="olive@example.com")
    )
    mechanic = MechanicFactory(name="Asha Assigned", specialties=["brakes", "engines"])
    return make_ticket(
        "approved",
        vehicle=vehicle,
        mechanics=[mechanic],
        parts=[(PartFactory(stock=4, name="Brake pads"), 1)],
    )


@pytest.fixture
def advisor(transactional_db: Any) -> Any:
    return UserFactory(role="advisor", is_staff=True, email="desk@example.com")


def test_a_visitor_looks_around_and_signs_up(visit: Visit, ticket: ServiceTicket) -> None:
    page = visit.open("/")
    assert page.title() == "API – Demo Garage"
    visit.picture("root")
    page.click("a:has-text('/api/v1/mechanics/popular/')")
    page.wait_for_load_state("networkidle")
    page.click("ul.rows >> text=Asha Assigned")
    page.wait_for_selector("h1:has-text('Mechanic')")
    visit.picture("mechanic")
    page = visit.open("/api/v1/customers/")
    page.click("text=HTML form")
    page.fill("#post-object-form input[name=name]", "Nina New")
    page.fill("#post-object-form input[name=email]", "nina@example.com")
    page.fill("#post-object-form input[name=password]", "short")
    visit.picture("sign-up")
    page.click("#post-object-form button:has-text('POST')")
    page.wait_for_selector("text=HTTP 400")
    assert page.input_value("#post-object-form input[name=name]") == "Nina New"
    assert page.input_value("#post-object-form input[name=password]") == ""
    visit.picture("sign-up-refused")
    page.fill("#post-object-form input[name=password]", PASSWORD)
    page.click("#post-object-form button:has-text('POST')")
    page.wait_for_selector("text=HTTP 201")


def test_filters_search_and_ordering_work(visit: Visit, ticket: ServiceTicket) -> None:
    MechanicFactory(name="Zoe Zealous", is_active=False)
    page = visit.open("/api/v1/mechanics/")
    page.click("text=Search and filters")
    page.wait_for_selector("#filtersModal input[name=search]")
    page.wait_for_timeout(500)  # it slides in
    visit.picture("filters")
    page.fill("#filtersModal input[name=search]", "asha")
    page.click("#filtersModal button:has-text('Search')")
    page.wait_for_selector("text=HTTP 200")
    assert page.locator("ul.rows li").all_inner_texts() == ["Asha Assigned"]
    page = visit.open("/api/v1/mechanics/")
    page.click("text=Search and filters")
    page.select_option("#filtersModal select[name=is_active]", "false")
    page.click("#filtersModal button:has-text('Submit')")
    page.wait_for_url("**is_active=false**")
    assert page.locator("ul.rows li").all_inner_texts() == ["Zoe Zealous"]
    page.click("text=Search and filters")
    page.click("#filtersModal a:has-text('name - descending')")
    page.wait_for_url("**ordering=-name**")
    assert "is_active=false" in page.url


def test_the_front_desk_puts_a_part_on_a_ticket(
    visit: Visit, ticket: ServiceTicket, advisor: Any
) -> None:
    part = PartFactory(stock=2, name="Brake disc")
    address = f"/api/v1/tickets/{ticket.pk}/"
    page = visit.open(address)
    page.click("text=Log in")
    visit.log_in(advisor.email, "wrong")
    assert "No active account" in page.inner_text("[role=alert]")
    visit.picture("log-in-refused")
    visit.log_in(advisor.email, PASSWORD)
    assert page.url == visit.root + address
    visit.picture("ticket")
    page.click("text=Actions")
    page.click("text=Add part")
    page.wait_for_load_state("networkidle")
    visit.picture("add-part")

    form = "#put-object-form"
    page.click("text=HTML form")
    page.fill(f"{form} input[name=part]", str(part.pk))
    page.fill(f"{form} input[name=quantity]", "3")
    page.click(f"{form} button:has-text('PUT')")
    page.wait_for_selector("text=insufficient_stock")
    assert page.input_value(f"{form} input[name=quantity]") == "3"
    visit.picture("add-part-refused")
    page.fill(f"{form} input[name=quantity]", "1")
    page.click(f"{form} button:has-text('PUT')")
    page.wait_for_selector("text=HTTP 200")
    assert page.input_value(f"{form} input[name=part]") == ""  # ready for the next part
    assert ticket.lines.get(part=part).quantity == 1

    page.click("text=Raw data")
    page.fill("#put-generic-content-form textarea", f'{{"part": {part.pk}}}')
    with page.expect_response(lambda response: response.request.method == "PUT") as answer:
        page.click("#put-generic-content-form button:has-text('PUT')")
    assert answer.value.status == 200
    visit.picture("add-part-done")
    assert ticket.lines.get(part=part).quantity == 2
    page.click("text=Log out")
    page.wait_for_selector("text=Log in")


def test_the_front_desk_changes_a_ticket(
    visit: Visit, ticket: ServiceTicket, advisor: Any, settings: Any
) -> None:
    """What the form shows is what it sends: words, relations and moments come back as
    they were.
    """
    settings.TIME_ZONE = "America/Denver"
    ticket.save_changes(promised_at="2026-07-01T15:30:00Z")
    page = visit.open(f"/api/v1/session/login/?next=/api/v1/tickets/{ticket.pk}/")
    visit.log_in(advisor.email, PASSWORD)
    page.click("text=HTML form")
    assert page.input_value("#put-object-form input[name=promised_at]") == "2026-07-01T09:30"
    page.fill("#put-object-form textarea[name=cause]", "Worn pads")
    visit.picture("change-ticket")
    with page.expect_response(lambda response: response.request.method == "PUT") as answer:
        page.click("#put-object-form button:has-text('PUT')")
    assert answer.value.status == 200
    changed = ServiceTicket.objects.get(pk=ticket.pk)
    assert changed.cause == "Worn pads"
    assert (changed.customer, changed.vehicle) == (ticket.customer, ticket.vehicle)
    assert changed.promised_at.isoformat() == "2026-07-01T15:30:00+00:00"
    page = visit.open(f"/api/v1/tickets/{ticket.pk}/edit-mechanics/")
    second, first = MechanicFactory(), ticket.assignments.get().mechanic
    page.click("text=HTML form")
    page.fill("#put-object-form input[name=add]", str(second.pk))
    page.fill("#put-object-form input[name=remove]", str(first.pk))
    page.click("#put-object-form button:has-text('PUT')")
    page.wait_for_selector("text=HTTP 200")
    assert ticket.assignments.get().mechanic == second


def test_a_customer_deletes_a_vehicle(visit: Visit, ticket: ServiceTicket) -> None:
    vehicle = VehicleFactory(customer=ticket.customer)
    page = visit.open(f"/api/v1/session/login/?next=/api/v1/vehicles/{vehicle.pk}/")
    visit.log_in("olive@example.com", PASSWORD)
    page.click("text=DELETE")
    page.click("#deleteModal button:has-text('Delete')")
    page.wait_for_selector("text=HTTP 204")
    assert not type(vehicle).objects.filter(pk=vehicle.pk).exists()


def test_swagger_ui_shows_the_operations_and_tries_one(visit: Visit, ticket: ServiceTicket) -> None:
    page = visit.open("/api/v1/docs/")
    page.wait_for_selector(".opblock")
    assert page.locator(".opblock").count() > 40
    visit.picture("swagger", whole=False)
    page.click("#operations-mechanics-mechanics_list")
    page.click("text=Try it out")
    page.click("text=Execute")
    page.wait_for_selector(".live-responses-table >> text=Asha Assigned")


def test_redoc_shows_the_operations_and_searches(visit: Visit, ticket: ServiceTicket) -> None:
    page = visit.open("/api/v1/redoc/")
    page.wait_for_selector("h1:has-text('Mechanic shop API')")
    page.fill("input[placeholder*='Search']", "stock")
    page.wait_for_selector("[data-role='search:results'] li")
    visit.picture("redoc", whole=False)


def test_the_admin_works_under_its_own_policy(visit: Visit, ticket: ServiceTicket) -> None:
    UserFactory(role="manager", is_staff=True, email="boss@example.com")
    page = visit.open("/admin/")
    visit.picture("admin-log-in")
    visit.log_in("boss@example.com", PASSWORD)
    assert page.url == f"{visit.root}/admin/"
    visit.picture("admin")
    for link in page.locator("a[href^='/admin/']").evaluate_all(
        "all => [...new Set(all.map(a => a.getAttribute('href')))]"
    ):
        if "logout" not in link:
            assert page.goto(visit.root + link, wait_until="networkidle").status == 200, link
    page = visit.open("/admin/tickets/serviceticket/")
    assert ticket.number in page.inner_text("#result_list")
    visit.picture("admin-tickets")
    page = visit.open(f"/admin/tickets/serviceticket/{ticket.pk}/change/")
    assert ticket.number in page.inner_text("body")
    visit.picture("admin-ticket")
