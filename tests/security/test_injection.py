"""What is sent or stored and must stay text: markup, formulas, SQL, patterns
(API8:2023, API10:2023; requirements 21 to 27; crAPI 6, 12 and 13).
"""

import json
import re
import time
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.urls import reverse

from ..answers import refused
from ..conftest import Client
from ..factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
)
from ..test_matrix import World
from .attacks import API, CALLS, HTML, LISTS, READS, Call, browser_of, do, rows, text_of, there

pytestmark = [pytest.mark.django_db, pytest.mark.wide]

# --- HTML and formulas in stored text, as the pages for people show it ----------------

MARK = "zqmark"
MARKUP = f"""<img src=x onerror={MARK}()>"'`><script>{MARK}()</script>{{{{{MARK}}}}}${{{MARK}}}<svg/onload={MARK}()>"""
FORMULA = f"=HYPERLINK({MARK})"


class Scripts(HTMLParser):
    """Where the mark stands in a page as anything but text."""

    def __init__(self, response: Any) -> None:
        super().__init__(convert_charrefs=True)
        self.alive: list[str] = []
        self.shown = 0
        self.inside = ""
        self.feed(text_of(response))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        if MARK in tag:
            self.alive.append(f"<{tag}>")
        for name, value in attrs:
            # In these the theme's Alpine.js, or the browser, would run what it finds;
            # href and src with a scheme of their own as well.
            runs = name.startswith(("on", "x-", ":", "@", "hx-on")) or name in (
                "style",
                "srcdoc",
                "formaction",
            )
            leads = name in ("href", "src", "action") and (value or "").strip().lower().startswith(
                ("javascript:", "data:")
            )
            if MARK in name or (MARK in (value or "") and (runs or leads)):
                self.alive.append(f"<{tag} {name}={value}>")

    def handle_data(self, data: str) -> None:
        if MARK in data:
            self.shown += 1
            if self.inside == "style":
                self.alive.append(f"{self.inside}: {data[:80]}")
            # JSON in a page is data; a script of ours holds no stored text
            if self.inside == "script":
                json.loads(data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


@pytest.fixture
def poisoned(world: World) -> World:
    """The garage with markup in every column that takes text, past what the API would
    cut.
    """
    fit = {"plate": 17, "vin": 17, "phone": 40, "phone_digits": 40}
    for row in (
        world.customer,
        world.vehicle,
        world.mechanic,
        world.part,
        world.other_part,
        world.ticket,
        world.other_mechanic,
    ):
        for number, column in enumerate(row._meta.concrete_fields):
            kind = column.get_internal_type()
            if (
                kind in ("CharField", "TextField")
                and not column.choices
                and column.name not in fit
                and column.name != "status"
            ):
                text = MARKUP if number % 2 else FORMULA + MARKUP
                text = f"{row.pk}{text}" if column.name == "email" else text  # unique
                setattr(row, column.attname, text[: column.max_length or 200])
        if hasattr(row, "sku"):
            row.sku = f"<b {MARK}={row.pk}>"  # unique
            row.write_key()
        if hasattr(row, "specialties"):
            row.specialties = [MARKUP[:60], FORMULA]
        type(row).objects.filter(pk=row.pk).update(
            **{column.attname: getattr(row, column.attname) for column in row._meta.concrete_fields}
        )
    return world


@pytest.mark.parametrize("actor", ["owner", "assigned", "manager"])
def test_stored_markup_is_text_in_the_browsable_api(
    request: pytest.FixtureRequest, poisoned: World, actor: str
) -> None:
    """Requirement 23 (A1.2, A2.2.1): in lists, objects, forms and refusals, it is shown
    and it does not run.
    """
    client: Client = request.getfixturevalue(actor)
    shown = 0
    for call in READS:
        page = do(client, "GET", there(poisoned, call), HTTP_ACCEPT=HTML)
        found = Scripts(page)
        assert found.alive == [], str(call)
        shown += found.shown
    for query in (
        {"search": MARKUP[:99]},
        {"ordering": MARKUP},
        {MARKUP: "1"},
        {"page": MARKUP},
        {"cursor": MARKUP},
    ):
        assert Scripts(client.get(f"{API}/tickets/", query, HTTP_ACCEPT=HTML)).alive == []
    for room in ("customers", "vehicles", "tickets"):
        assert (
            Scripts(
                client.post(
                    f"{API}/{room}/",
                    {"name": MARKUP * 9, "year": MARKUP, "concern": ""},
                    HTTP_ACCEPT=HTML,
                )
            ).alive
            == []
        )
    assert shown > 10


def admin_pages(world: World) -> list[str]:
    """Every page of the admin about every row that was poisoned, with searches, the
    dashboard and the questions of the buttons.
    """
    pages = [
        reverse("admin:index"),
        f"{reverse('admin:search')}?s={MARK}",
        f"{reverse('admin:search')}?s={MARK}&extended=1",
    ]
    for model, model_admin in admin.site._registry.items():
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages += [
            reverse(f"{base}_changelist"),
            f"{reverse(f'{base}_changelist')}?q={quote(MARKUP)}",
        ]
        for row in model._default_manager.all()[:3]:
            pages += [
                reverse(f"{base}_{name}", args=[row.pk]) for name in ("change", "history", "delete")
            ]
        row = model._default_manager.first()
        buttons = [
            pattern.name
            for pattern in model_admin.get_urls()
            if pattern.name and pattern.name.startswith(base.removeprefix("admin:"))
        ]
        for name in buttons if row else []:
            if not name.endswith(
                ("_changelist", "_add", "_change", "_history", "_delete", "_autocomplete")
            ):
                pages.append(reverse(f"admin:{name}", args=[row.pk]))
    return pages


def test_stored_markup_is_text_in_the_admin(poisoned: World) -> None:
    """The same where eval is allowed: in no attribute that Alpine.js reads, in no
    message, no title, no history.
    """
    root = UserFactory(email="root@example.com", is_staff=True, is_superuser=True)
    browser = browser_of(root)
    shown = 0
    for page in admin_pages(poisoned):
        response = browser.get(page, follow=True)
        assert response.status_code in (200, 403), page
        if response["Content-Type"] == "application/pdf":
            continue
        found = Scripts(response)
        assert found.alive == [], page
        shown += found.shown
    assert shown > 50
    for model in ("customer", "vehicle"):
        query = {
            "app_label": "tickets",
            "model_name": "serviceticket",
            "field_name": model,
            "term": MARK,
        }
        answer = browser.get(reverse("admin:autocomplete"), query)
        assert answer["Content-Type"] == "application/json"


def test_a_refused_form_of_the_admin_shows_what_was_typed_as_text(poisoned: World) -> None:
    browser = browser_of(UserFactory(is_staff=True, is_superuser=True))
    for row in (
        poisoned.customer,
        poisoned.vehicle,
        poisoned.part,
        poisoned.mechanic,
        poisoned.ticket,
    ):
        address = reverse(
            f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]
        )
        typed = dict.fromkeys(
            (
                "name",
                "email",
                "plate",
                "vin",
                "sku",
                "price",
                "concern",
                "customer",
                "specialties",
                "year",
                "unit",
            ),
            MARKUP,
        )
        for page in (address, re.sub(r"\d+/change/$", "add/", address)):
            assert Scripts(browser.post(page, typed)).alive == [], page
    for name in ("move", "add_part", "assign_mechanic"):
        address = reverse(f"admin:tickets_serviceticket_{name}", args=[poisoned.ticket.pk])
        assert (
            Scripts(
                browser.post(
                    address,
                    dict.fromkeys(("to", "reason", "part", "quantity", "mechanic", "role"), MARKUP),
                )
            ).alive
            == []
        ), name


def test_json_is_never_a_page(poisoned: World, manager: Client) -> None:
    """And only reports are tables for a spreadsheet, in which tests/test_reports.py
    shows that text never is a formula.
    """
    for call in READS:
        response = do(manager, "GET", there(poisoned, call))
        if call.route not in ("docs", "redoc", "schema"):
            assert response["Content-Type"] == (
                "application/pdf" if call.route.endswith("-pdf") else "application/json"
            ), str(call)
        assert response["X-Content-Type-Options"] == "nosniff"
        is_report = call.room == "report" or call.route == "customer-statement"
        for accept in (
            "application/vnd.ms-excel",
            "application/xml",
            *(() if is_report else ("text/csv",)),
        ):
            assert (
                call.route in ("docs", "redoc")
                or do(manager, "GET", there(poisoned, call), HTTP_ACCEPT=accept).status_code == 406
            )


# --- SQL, patterns and odd values in every parameter ----------------------------------

SQL = [
    *(
        "'",
        '"',
        "';--",
        "' OR '1'='1",
        "1 OR 1=1",
        "1; DROP TABLE customers_customer",
        "') UNION SELECT password FROM accounts_user--",
        "\\'",
        "\\",
    ),
    *(
        "1/**/OR/**/1=1",
        "%27%20OR%201=1",
        "$$",
        "pg_sleep(5)",
        "'||pg_sleep(5)||'",
        "1 AND SLEEP(5)",
        "randomblob(1000000000)",
        "/*",
        "--",
        "\x00'",
    ),
]
DATABASE_WORDS = (
    "sqlite",
    "psycopg",
    "syntax error",
    "traceback",
    "operationalerror",
    "programmingerror",
    "dataerror",
    "site-packages",
    "/tmp/",
)


def parameters(call: Call) -> set[str]:
    """Every parameter that a list knows."""
    view = call.view.cls
    filterset = call.view.initkwargs.get("filterset_class", view.filterset_class)
    return set(filterset.base_filters if filterset else ()) | {
        "search",
        "ordering",
        "page",
        "page_size",
        "cursor",
        "format",
    }


@pytest.mark.parametrize("call", LISTS, ids=str)
def test_sql_in_a_parameter_is_a_value_or_400(world: World, manager: Client, call: Call) -> None:
    """Requirement 13 of crAPI's list: in each parameter alone, in its name, and as a
    second one; nothing of the database comes back.
    """
    path, before = there(world, call), rows()
    everything = manager.get(path).json()["count"]
    start = time.monotonic()
    for name in sorted(parameters(call)):
        for text in SQL:
            response = manager.get(path, {name: text})
            assert response.status_code in (200, 400, 404), (name, text)
            told = response.content.decode().lower().replace(text.lower(), "")
            assert [word for word in DATABASE_WORDS if word in told] == [], (name, text)
            if response.status_code == 200 and name not in (
                "format",
                "ordering",
                "cursor",
                "page",
                "page_size",
            ):
                assert response.json()["count"] < everything or everything == 0, (name, text)
    for text in SQL:
        assert manager.get(path, {text: "1"}).status_code == 400
    assert time.monotonic() - start < 30
    assert rows() == before


@pytest.mark.parametrize("call", [call for call in CALLS if call.keyed], ids=str)
def test_sql_in_a_key_is_404(world: World, manager: Client, call: Call) -> None:
    """Requirement 25, for every route and action."""
    before = rows()
    path = call.address(123456789)
    for text in [
        *SQL,
        "0",
        "01",
        "-1",
        "1.0",
        "1e0",
        "0x1",
        "١",
        "１",
        "1%0a",
        "1%20",
        "%001",
        "null",
        "true",
        "..",
        "9" * 19,
        str(10**22),
        "1,2",
        "[1]",
    ]:
        response = manager.generic(
            call.method, path.replace("123456789", quote(text, safe="%")), "{}", "application/json"
        )
        refused(response, 404, "not_found")
    assert rows() == before


QUERIES = [
    *(
        "page=0",
        "page=-1",
        "page=1.5",
        "page=x",
        "page=",
        "page=١",
        "page=999999999999999999999",
        "page=1&page=2",
        "page=1e0",
        "page[]=1",
        "page=null",
    ),
    *(
        "page_size=0",
        "page_size=-1",
        "page_size=1000000000",
        "page_size=x",
        "page_size=1.5",
        "page_size=99999999999999999999999",
        "limit=1000000",
        "offset=-1",
    ),
    *(
        "ordering=password",
        "ordering=user__password",
        "ordering=-",
        "ordering=,,,",
        "ordering=%00",
        "ordering=?",
        "ordering=" + "name," * 500,
        "ordering=RANDOM()",
    ),
    *(
        "search=%00",
        "search=" + "x" * 101,
        "search=%ff%fe",
        "search=%ed%a0%80",
        "search[]=x",
        "search=" + "(a+)+" * 15,
        "search=.*",
        "search=%25%25%25",
    ),
    *(
        "id__in=1,2",
        "pk=1",
        "name__regex=^a",
        "user__password__startswith=md5",
        "customer__user__email=x",
        "or=1",
        "__class__=x",
        "%00=1",
        "=",
        "&&&&",
        "?",
        ";",
    ),
    *(
        "customer=1&customer=2",
        "format=xml",
        "format=json",
        "fields=password",
        "include=user",
        "expand=user",
        "q=x",
        "callback=alert",
        "_method=DELETE",
    ),
    *(
        "updated_after=0001-01-01T00:00:00%2B23:59",
        "updated_after=9999-12-31",
        "updated_after=now",
        "updated_after=2024-02-30T00:00:00Z",
        "status=%27",
    ),
    *("&".join(f"a{n}=1" for n in range(900)), "x=" + "y" * 5000),
]


@pytest.mark.parametrize("call", LISTS, ids=str)
def test_a_hostile_query_is_answered_in_the_one_shape_and_at_most_a_page(
    world: World, manager: Client, call: Call
) -> None:
    """Requirement 26 (T4): 62 query strings for each list."""
    path, start = there(world, call), time.monotonic()
    for query in QUERIES:
        response = manager.generic("GET", path, QUERY_STRING=query)
        assert response.status_code in (200, 400, 404), query
        if response.status_code == 200:
            assert len(response.json()["results"]) <= 100
        else:
            refused(response, response.status_code)
    assert time.monotonic() - start < 1.5 * len(QUERIES)


WILD = [
    "%",
    "_",
    "%%",
    "_____",
    ".*",
    "^",
    "$",
    "\\d",
    "[a-z]",
    "(?i)olive",
    "*",
    "?",
    "\\",
    "Oliv_",
    "Ol%e",
    "O.ive",
]


@pytest.mark.parametrize("call", [call for call in LISTS if not call.keyed], ids=str)
def test_a_search_and_a_filter_take_each_character_as_itself(
    world: World, manager: Client, call: Call
) -> None:
    """Requirement 27 (A1.2.9, A1.3.12): a wildcard finds nothing but itself."""
    CustomerFactory(name="Olive Other", email="other@example.com")
    path = there(world, call)
    for name in parameters(call) & {
        "search",
        "email",
        "plate",
        "vin",
        "make",
        "sku",
        "bin",
        "barcode",
    }:
        for term in WILD:
            response = manager.get(path, {name: term})
            assert response.status_code == 200, (name, term)
            assert response.json()["count"] == 0, (name, term)


@pytest.mark.parametrize(
    "term",
    [
        "%" * 100,
        "_" * 100,
        "a " * 50,
        "1 " * 50,
        "ab12 " * 20,
        "\\" * 100,
        "'" * 100,
        "😀" * 100,
        "é" * 100,
        "(a+)+$" * 16,
        "x" * 100,
    ],
)
def test_a_costly_search_is_quick(manager: Client, term: str) -> None:
    """Requirement 27, crAPI 6: 300 rows with long texts, five lists, 1.5 seconds each."""
    PartFactory.create_batch(200, description="ab12 é a " * 200)
    MechanicFactory.create_batch(50, bio="ab12 é a " * 200)
    for _ in range(20):
        make_ticket(vehicle=VehicleFactory(make="ab12" * 10), concern="ab12 " * 200)
    for room in ("customers", "vehicles", "mechanics", "parts", "tickets"):
        start, worked = time.monotonic(), time.process_time()  # a busy machine makes nothing costly
        assert manager.get(f"{API}/{room}/", {"search": term[:100]}).status_code == 200
        assert time.process_time() - worked < 1.5
        assert time.monotonic() - start < 15


# --- bodies ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        call
        for call in CALLS
        if call.method in ("POST", "PUT", "PATCH") and call.route != "auth-password"
    ],
    ids=str,
)
def test_a_body_that_is_sql_or_an_operator_is_400_or_text(
    world: World, manager: Client, call: Call
) -> None:
    """crAPI 12 and 13: each field of the body of every route as SQL, as an operator and
    as a list.
    """
    body = world.body(str(call), manager) or {}
    for field in body:
        for odd in (
            {"$ne": ""},
            {"$gt": 0},
            ["1", "2"],
            {"__raw__": "1=1"},
            "' OR '1'='1",
            "1; DROP TABLE customers_customer;--",
        ):
            response = do(manager, call.method, there(world, call), body | {field: odd})
            assert response.status_code in (200, 201, 202, 400, 401, 404, 409), (
                field,
                odd,
                response.content[:200],
            )
            told = response.content.decode().lower().replace(str(odd).lower(), "")
            assert [word for word in DATABASE_WORDS if word in told] == [], (field, odd)
