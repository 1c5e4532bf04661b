"""The browsable API: pages for people, with a form for whatever this user may do, and
for nothing else.
"""

import io
import json
from typing import Any

import pytest
from django.test import Client as Browser
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from customers.models import Customer
from mechanics.models import Mechanic

from .conftest import Client
from .factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    VehicleFactory,
    make_ticket,
)
from .html import Page
from .test_matrix import ACTORS, MATRIX, World

pytestmark = pytest.mark.django_db
HTML = {"HTTP_ACCEPT": "text/html"}
# Links of customers are for programs and have a page of their own; papers are PDFs.
OTHER_DOORS = {
    "schema",
    "docs",
    "redoc",
    "shared",
    "shared-authorizations",
    "invoice-pdf",
    "creditnote-pdf",
    "payment-pdf",
}
ROUTES = sorted({call.split()[1] for call in MATRIX} - OTHER_DOORS)
POST, PUT, RAW_POST, RAW_PUT = (
    "post-object-form",
    "put-object-form",
    "post-generic-content-form",
    "put-generic-content-form",
)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    return World(request)


def browser_of(user: Any) -> Browser:
    """A browser in which somebody logged in, on a server that looks at CSRF tokens."""
    browser = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    browser.force_login(user)
    return browser


def put_form(browser: Browser, address: str, token: str, **fields: Any) -> Any:
    """What the page's script does with a PUT form."""
    return browser.put(
        address,
        encode_multipart(BOUNDARY, fields),
        MULTIPART_CONTENT,
        headers={"X-CSRFToken": token},
    )


# --- every page -----------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES)
def test_every_address_is_a_page(request: pytest.FixtureRequest, world: World, route: str) -> None:
    CustomerFactory(name="Secret Somebody")
    address = reverse(route, args=world.key(route))
    for actor in ACTORS:
        response = request.getfixturevalue(actor).get(address, **HTML)

        if f"GET {route}" in MATRIX:
            assert response.status_code == MATRIX[f"GET {route}"][ACTORS.index(actor)], actor
        else:
            is_open = route in (
                "auth-token",
                "auth-token-refresh",
                "auth-token-blacklist",
                "auth-password-reset",
                "auth-password-reset-confirm",
            )
            assert response.status_code == (401 if actor == "anonymous" and not is_open else 405), (
                actor
            )
        assert response["Content-Type"] == "text/html; charset=utf-8"
        page = Page(response)
        assert page.outside == []
        assert page.inline == []
        if actor in ("anonymous", "owner", "stranger"):
            assert "Secret Somebody" not in page.text
        # Who may see them reads the names in the answer; in a form they never stand.
        assert "Secret Somebody" not in json.dumps(page.forms)


def test_the_root_leads_everywhere(anonymous: Client) -> None:
    page = Page(anonymous.get("/api/v1/", **HTML))
    single = {"auth-token", "api-root"}
    lists = [
        name
        for name in ROUTES
        if name.endswith("-list")
        or name in single | {"mechanic-popular", "serviceticket-mine", "part-low-stock", "auth-me"}
    ]
    for name in (*lists, "schema", "docs", "redoc"):
        assert (
            f"http://testserver{reverse(name)}" in page.addresses or reverse(name) in page.addresses
        ), name


def test_a_list_links_to_its_rows(advisor: Client) -> None:
    ticket = make_ticket()
    assert (
        f"http://testserver/api/v1/tickets/{ticket.pk}/"
        in Page(advisor.get("/api/v1/tickets/", **HTML)).links
    )


def test_a_walk_by_cursor_goes_on_from_page_to_page(advisor: Client) -> None:
    tickets = sorted(make_ticket().pk for _ in range(3))
    first = Page(advisor.get("/api/v1/tickets/?cursor=&page_size=2", **HTML))
    following = [
        link
        for link in first.links
        if "cursor=" in link and not link.endswith("cursor=&page_size=2")
    ]
    assert len(set(following)) == 1
    second = Page(advisor.get(following[0], **HTML))
    seen = [
        {pk for pk in tickets if f"http://testserver/api/v1/tickets/{pk}/" in page.links}
        for page in (first, second)
    ]
    assert [len(found) for found in seen] == [2, 1]
    assert seen[0] | seen[1] == set(tickets)


def test_what_people_wrote_is_never_a_link(advisor: Client) -> None:
    ticket = make_ticket(
        concern=(
            'See "http://testserver/api/v1/" or "http://evil.example/" '
            "</pre><script>alert(1)</script>"
        )
    )
    page = Page(advisor.get(f"/api/v1/tickets/{ticket.pk}/", **HTML))
    assert page.outside == []
    assert page.inline == []
    assert "<script>alert" not in page.text


def test_a_page_is_never_taken_from_a_browsers_cache(advisor: Client, manager: Client) -> None:
    """The tag is of the data, which both may see; the forms are not the same."""
    address = f"/api/v1/parts/{PartFactory().pk}/"
    tag = manager.get(address)["ETag"]
    response = manager.get(address, HTTP_IF_NONE_MATCH=tag, **HTML)
    assert response.status_code == 200
    assert not response.has_header("ETag")
    assert response["Cache-Control"] == "private, no-cache"


# --- whose forms ----------------------------------------------------------------------

NOTHING: set[str] = set()
FORMS = {
    # route                    actor: what of a form to create, a form to change and a
    # button to delete is there
    "customer-list": {
        "anonymous": {POST},
        "owner": NOTHING,
        "unassigned": NOTHING,
        "advisor": {POST},
    },
    "customer-detail": {
        "anonymous": NOTHING,
        "owner": {PUT, "delete"},
        "stranger": NOTHING,
        "advisor": {PUT},
        "manager": {PUT, "delete"},
    },
    "vehicle-list": {
        "anonymous": NOTHING,
        "owner": {POST},
        "unassigned": NOTHING,
        "advisor": {POST},
    },
    "mechanic-list": {
        "anonymous": NOTHING,
        "owner": NOTHING,
        "advisor": NOTHING,
        "manager": {POST},
    },
    "mechanic-detail": {
        "anonymous": NOTHING,
        "owner": NOTHING,
        "advisor": NOTHING,
        "manager": {PUT, "delete"},
    },
    "part-list": {"owner": NOTHING, "assigned": NOTHING, "manager": {POST}},
    "part-receive": {"assigned": NOTHING, "advisor": {PUT}, "manager": {PUT}},
    "part-count": {"assigned": NOTHING, "advisor": NOTHING, "manager": {PUT}},
    "part-movements": {"manager": NOTHING},
    "serviceticket-list": {"owner": {POST}, "unassigned": NOTHING, "advisor": {POST}},
    "serviceticket-detail": {
        "owner": {PUT, "delete"},
        "stranger": NOTHING,
        "assigned": {PUT},
        "unassigned": NOTHING,
        "advisor": {PUT},
    },
    "serviceticket-assign-mechanic": {"owner": NOTHING, "assigned": NOTHING, "advisor": {PUT}},
    "serviceticket-add-part": {
        "owner": NOTHING,
        "stranger": NOTHING,
        "assigned": {PUT},
        "unassigned": NOTHING,
        "advisor": {PUT},
    },
    "serviceticket-transitions": {"owner": {POST}, "stranger": NOTHING, "advisor": {POST}},
    "serviceticket-history": {"advisor": NOTHING},
    "auth-token": {"anonymous": {POST}, "owner": {POST}},
    "auth-password": {"anonymous": NOTHING, "owner": {POST}},
}


@pytest.mark.parametrize(
    ("route", "actor"), [(route, actor) for route, forms in FORMS.items() for actor in forms]
)
def test_a_page_has_the_forms_that_its_user_may_use(
    request: pytest.FixtureRequest, world: World, route: str, actor: str
) -> None:
    page = Page(request.getfixturevalue(actor).get(reverse(route, args=world.key(route)), **HTML))
    found = {form for form in (POST, PUT) if f'id="{form}"' in page.text} | (
        {"delete"} if 'id="deleteModal"' in page.text else set()
    )
    assert found == FORMS[route][actor]
    assert (f'id="{RAW_POST}"' in page.text, f'id="{RAW_PUT}"' in page.text) == (
        POST in found,
        PUT in found,
    )


def test_actions_are_offered_to_whom_they_are_for(world: World, advisor: Client) -> None:
    def offered(client: Client) -> set[str]:
        page = Page(client.get(f"/api/v1/tickets/{world.ticket.pk}/", **HTML))
        return {
            link.split("/")[-2] for link in page.links if f"/tickets/{world.ticket.pk}/" in link
        } - {str(world.ticket.pk)}

    everybody = {"transitions", "history", "estimate", "authorizations"}
    assert offered(world.owner) == everybody | {"deposits"}
    assert offered(world.assigned) == everybody | {
        "add-part",
        "edit-part",
        "remove-part",
        "add-canned-job",
        "add-recommendation",
    }
    office = {
        "assign-mechanic",
        "remove-mechanic",
        "edit-mechanics",
        "give-discount",
        "invoice",
        "deposits",
        "email-estimate",
        "share",
        "revoke-share",
    }
    assert offered(advisor) == offered(world.assigned) | office


def test_the_sign_up_form_asks_for_what_a_sign_up_needs(anonymous: Client) -> None:
    page = Page(anonymous.get("/api/v1/customers/", **HTML))
    assert page.fields(POST) == {"name", "email", "phone", "address", "password"}
    assert set(json.loads(page.forms[RAW_POST]["_content"])) == page.fields(POST)


# --- what is in a form ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "form", "fields"),
    [
        ("serviceticket-add-part", PUT, {"part", "quantity", "backorder", "job"}),
        ("serviceticket-remove-part", PUT, {"part", "job", "quantity"}),
        (
            "serviceticket-edit-part",
            PUT,
            {"part", "from_job", "job", "unit_price", "discount_percent", "discount_amount"},
        ),
        ("serviceticket-assign-mechanic", PUT, {"mechanic", "role"}),
        ("serviceticket-edit-mechanics", PUT, {"add", "remove"}),
        ("serviceticket-transitions", POST, {"to", "reason", "version", "expected_total"}),
        ("part-receive", PUT, {"quantity", "unit_cost", "note"}),
        ("part-adjust", PUT, {"quantity", "reason", "note"}),
        ("part-count", PUT, {"counted", "note"}),
        ("auth-password", POST, {"current_password", "new_password"}),
    ],
)
def test_an_action_has_its_own_form(
    world: World, manager: Client, route: str, form: str, fields: set[str]
) -> None:
    page = Page(manager.get(reverse(route, args=world.key(route)), **HTML))
    assert page.fields(form) == fields
    raw = page.forms[RAW_PUT if form == PUT else RAW_POST]["_content"]
    assert set(json.loads(raw)) <= fields


def typed(form: dict[str, str]) -> dict[str, str]:
    """The boxes that people see."""
    return {name: value for name, value in form.items() if name != "form_key"}


def test_an_empty_form_starts_with_the_defaults(world: World, manager: Client) -> None:
    page = Page(manager.get(f"/api/v1/tickets/{world.ticket.pk}/add-part/", **HTML))
    # a box's value, which is not ticked
    assert typed(page.forms[PUT]) == {
        "part": "",
        "quantity": "1",
        "backorder": "true",
        "job": "",
    }
    assert json.loads(page.forms[RAW_PUT]["_content"]) == {
        "part": None,
        "quantity": "1",
        "backorder": False,
        "job": None,
    }
    new_part = manager.get("/api/v1/parts/", **HTML).content.decode()
    assert '<input type="checkbox" name="is_active" value="true" checked>' in new_part


def test_relations_are_asked_for_by_their_id(world: World, advisor: Client) -> None:
    page = Page(advisor.get(f"/api/v1/tickets/{world.ticket.pk}/", **HTML))
    assert (page.forms[PUT]["customer"], page.forms[PUT]["vehicle"]) == (
        str(world.customer.pk),
        str(world.vehicle.pk),
    )
    # which is asked, and never shown
    assert set(json.loads(page.forms[RAW_PUT]["_content"])) == page.fields(PUT) - {
        "confirm_odometer"
    }


def test_a_customer_is_asked_only_for_what_a_customer_writes(world: World) -> None:
    page = Page(world.owner.get(f"/api/v1/tickets/{world.ticket.pk}/", **HTML))
    assert page.fields(PUT) == {"concern", "vehicle", "service_date"}


def test_filters_name_nobody(world: World, advisor: Client) -> None:
    """Not even to those who may see every customer: a garage has thousands."""
    page = Page(world.owner.get("/api/v1/tickets/", **HTML))
    filters = page.forms["filtersModal"]
    assert {"customer", "vehicle", "mechanic", "part", "status", "search"} <= set(filters)
    other = CustomerFactory(name="Secret Somebody")
    modal = (
        advisor.get("/api/v1/tickets/", **HTML).content.decode().partition('id="filtersModal"')[2]
    )
    assert other.name not in modal
    assert "<select" in modal


@pytest.mark.parametrize(
    "route",
    [
        "customer-list",
        "vehicle-list",
        "mechanic-list",
        "mechanic-popular",
        "part-list",
        "part-movements",
        "serviceticket-list",
    ],
)
def test_the_filter_form_can_be_sent_as_it_is(world: World, manager: Client, route: str) -> None:
    """Empty fields mean nothing; every name in the form is known."""
    address = reverse(route, args=world.key(route))
    filters = Page(manager.get(address, **HTML)).forms["filtersModal"]
    # of a list with several choices a browser sends those that were chosen
    chosen = dict.fromkeys(set(filters) - {"status"}, "")
    assert manager.get(address, chosen, **HTML).status_code == 200


def test_the_history_offers_no_filter_that_it_would_refuse(world: World, advisor: Client) -> None:
    assert (
        "filtersModal"
        not in advisor.get(f"/api/v1/tickets/{world.ticket.pk}/history/", **HTML).content.decode()
    )


# --- sending a form -------------------------------------------------------------------


def test_an_action_works_from_its_page(world: World, advisor: Client) -> None:
    browser, address = browser_of(advisor.user), f"/api/v1/tickets/{world.ticket.pk}/add-part/"
    token = Page(browser.get(f"/api/v1/tickets/{world.ticket.pk}/")).csrf_token

    response = put_form(browser, address, token, part=world.other_part.pk, quantity="2")

    assert response.status_code == 200
    assert world.ticket.lines.get(part=world.other_part).quantity == 2
    # ready for the next
    assert typed(Page(response).forms[PUT]) == {
        "part": "",
        "quantity": "1",
        "backorder": "true",
        "job": "",
    }


def test_lists_are_sent_as_ids_with_commas(world: World, advisor: Client) -> None:
    browser, other = browser_of(advisor.user), MechanicFactory()
    address = f"/api/v1/tickets/{world.ticket.pk}/edit-mechanics/"
    token = Page(browser.get("/api/v1/")).csrf_token
    sent = {"add": f"{other.pk}, {world.other_mechanic.pk}", "remove": ""}
    assert put_form(browser, address, token, **sent).status_code == 200
    assert world.ticket.mechanics.count() == 3
    refused = put_form(browser, address, token, add="7, x", remove="")
    assert refused.status_code == 400
    assert Page(refused).forms[PUT]["add"] == "7, x"


def test_a_row_is_made_from_its_page(manager: Client) -> None:
    browser = browser_of(manager.user)
    token = Page(browser.get("/api/v1/mechanics/")).csrf_token
    fields = {
        "csrfmiddlewaretoken": token,
        "name": "Nia New",
        "specialties": "brakes, hybrid cars",
        "is_active": "true",
        "email": "",
        "hourly_cost": "",
    }
    response = browser.post("/api/v1/mechanics/", fields)
    assert response.status_code == 201, response.content
    made = Mechanic.objects.get(name="Nia New")
    assert (made.specialties, made.is_active, made.email, made.hourly_cost) == (
        ["brakes", "hybrid cars"],
        True,
        None,
        None,
    )


def test_what_a_form_shows_can_be_sent_back(manager: Client, settings: Any) -> None:
    """Words, relations and moments, in the time of the shop."""
    settings.TIME_ZONE = "America/Denver"
    browser = browser_of(manager.user)
    ticket = make_ticket(vehicle=VehicleFactory(), promised_at="2026-07-01T15:30:00Z")
    mechanic = MechanicFactory(specialties=["brakes", "engines"])
    for row, address in (
        (ticket, f"/api/v1/tickets/{ticket.pk}/"),
        (mechanic, f"/api/v1/mechanics/{mechanic.pk}/"),
    ):
        before = manager.get(address).json()
        page = Page(browser.get(address))
        form = page.forms[PUT] | ({"on_hold": "false"} if row is ticket else {})
        assert put_form(browser, address, page.csrf_token, **form).status_code == 200
        after = manager.get(address).json()
        assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


def test_a_refused_form_comes_back_as_it_was_sent(anonymous: Client) -> None:
    """With its errors at the fields, and without the password."""
    CustomerFactory(email="known@example.com")
    sent = {
        "name": "Nina",
        "email": "known@example.com",
        "phone": "555-0100",
        "password": "never-show-this-1",
    }
    response = anonymous.post("/api/v1/customers/", sent, format="multipart", **HTML)
    assert response.status_code == 400
    page = Page(response)
    assert page.forms[POST]["name"] == "Nina"
    assert page.forms[POST]["phone"] == "555-0100"
    assert page.forms[POST]["password"] == ""
    assert "never-show-this-1" not in page.text
    assert page.text.count("has-error") == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"concern": "x", "promised_at": "yesterday"},
        {"concern": "x", "promised_at": "9999-12-31T23:59:59Z"},
        {"concern": "x", "customer": "{'id': 1}"},
        {"concern": ["a", "b"], "status": "closed"},
        {"concern": "\x00", "odometer_in": "1e9"},
        {"concern": io.BytesIO(b"a file"), "vehicle": io.BytesIO(b"a file")},
        {},
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_odd_forms_are_refused_and_shown(
    world: World, advisor: Client, sent: dict[str, Any], accept: str
) -> None:
    response = advisor.put(
        f"/api/v1/tickets/{world.ticket.pk}/", sent, format="multipart", HTTP_ACCEPT=accept
    )
    assert response.status_code in (200, 400)


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]", b'"x"', b"{", b'{"part": {"id": {}}}', b'{"part": [], "quantity": {}}', b"\xff"],
)
def test_odd_raw_data_is_refused_and_shown(world: World, advisor: Client, body: bytes) -> None:
    response = advisor.generic(
        "PUT", f"/api/v1/tickets/{world.ticket.pk}/add-part/", body, "application/json", **HTML
    )
    assert response.status_code == 400
    assert f'id="{PUT}"' in response.content.decode()


def test_a_refusal_by_the_shops_rules_is_a_page_too(world: World, advisor: Client) -> None:
    response = advisor.put(
        f"/api/v1/tickets/{world.ticket.pk}/remove-part/",
        {"part": world.other_part.pk},
        format="multipart",
        **HTML,
    )
    assert response.status_code == 409
    assert "part_not_on_ticket" in response.content.decode()
    assert Page(response).forms[PUT]["part"] == str(world.other_part.pk)


def test_a_row_is_deleted_from_its_page(world: World) -> None:
    vehicle, browser = VehicleFactory(customer=world.customer), browser_of(world.owner.user)
    token = Page(browser.get("/api/v1/")).csrf_token
    response = browser.delete(f"/api/v1/vehicles/{vehicle.pk}/", headers={"X-CSRFToken": token})
    # the page itself is 200, or a browser would not show it
    assert "HTTP 204" in response.content.decode()
    assert not world.customer.vehicles.filter(pk=vehicle.pk).exists()


def test_a_customer_may_delete_the_own_account_from_its_page(owner: Client) -> None:
    browser = browser_of(owner.user)
    token = Page(browser.get("/api/v1/")).csrf_token
    response = browser.delete(
        f"/api/v1/customers/{owner.user.customer.pk}/", headers={"X-CSRFToken": token}
    )
    assert response.status_code == 200
    assert not Customer.objects.exists()


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_cookie_alone_cannot_write(owner: Client, method: str, accept: str) -> None:
    browser, customer = browser_of(owner.user), owner.user.customer
    address = "/api/v1/vehicles/" if method == "post" else f"/api/v1/customers/{customer.pk}/"
    response = getattr(browser, method)(
        address, b'{"name": "Mallory"}', content_type="application/json", headers={"Accept": accept}
    )
    assert response.status_code == 403
    assert "csrf_failed" in response.content.decode()
    if accept == "application/json":
        assert response["Content-Type"] == "application/problem+json"
    customer.refresh_from_db()
    assert customer.name == "Olive Owner"


def test_a_form_of_the_page_needs_no_header(owner: Client) -> None:
    browser = browser_of(owner.user)
    token = Page(browser.get("/api/v1/vehicles/")).csrf_token
    assert (
        browser.post(
            "/api/v1/vehicles/", {"csrfmiddlewaretoken": token, "plate": "NEW 77"}
        ).status_code
        == 201
    )


def test_log_in_by_the_tokens_page(owner: Client, anonymous: Client) -> None:
    fields = {"email": owner.user.email, "password": PASSWORD}
    assert (
        "access"
        in anonymous.post(
            "/api/v1/auth/token/", fields, format="multipart", **HTML
        ).content.decode()
    )
