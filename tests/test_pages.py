"""The pages around the API: logging in with a browser, Swagger UI, Redoc, the content
policy; nothing from another host.
"""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client as Browser

from mechanic_shop.http.pages import SchemaView

from .answers import refused
from .conftest import Client
from .factories import PASSWORD, UserFactory
from .html import Page
from .races import at_once

pytestmark = pytest.mark.django_db
LOG_IN, LOG_OUT = "/api/v1/session/login/", "/api/v1/session/logout/"
PAGES = [
    "/api/v1/",
    "/api/v1/mechanics/",
    "/api/v1/tickets/",
    "/api/v1/auth/token/",
    LOG_IN,
    "/api/v1/docs/",
    "/api/v1/redoc/",
    "/admin/login/",
]


@pytest.fixture
def browser() -> Browser:
    return Browser(
        enforce_csrf_checks=True, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    )


def log_in(browser: Browser, **fields: str) -> Any:
    token = Page(browser.get(LOG_IN)).csrf_token
    return browser.post(LOG_IN, {"csrfmiddlewaretoken": token, **fields})


# --- logging in and out ---------------------------------------------------------------


def test_somebody_logs_in_and_out(browser: Browser, owner: Client) -> None:
    address = f"/api/v1/customers/{owner.user.customer.pk}/"
    assert f"{LOG_IN}?next={address}" in Page(browser.get(address)).links
    response = log_in(browser, username=owner.user.email.upper(), password=PASSWORD, next=address)
    assert (response.status_code, response["Location"]) == (302, address)
    page = Page(browser.get(address))
    assert "Olive Owner" in page.text
    assert "logout" in page.forms
    response = browser.post(LOG_OUT, {"csrfmiddlewaretoken": page.csrf_token})
    assert (response.status_code, response["Location"]) == (302, "/api/v1/")
    assert browser.get(address).status_code == 401


@pytest.mark.parametrize(
    "fields",
    [{"password": "wrong"}, {"username": "nobody@example.com"}, {"username": "", "password": ""}],
)
def test_a_wrong_log_in_is_told_on_the_page(
    browser: Browser, owner: Client, fields: dict[str, str]
) -> None:
    response = log_in(browser, **{"username": owner.user.email, "password": PASSWORD} | fields)
    assert response.status_code == 200
    page = Page(response)
    assert (
        "No active account has this e-mail and password." in page.text
        or "This field is required." in page.text
    )
    assert PASSWORD not in page.text
    assert browser.get("/api/v1/auth/me/").status_code == 401


def test_too_many_log_ins_are_told_on_the_page(
    browser: Browser, owner: Client, settings: Any
) -> None:
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"login": "2/hour"}
    for _ in range(2):
        log_in(browser, username=owner.user.email, password="wrong")
    assert (
        "Too many attempts"
        in log_in(browser, username=owner.user.email, password=PASSWORD).content.decode()
    )


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example/",
        "http:///evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\thttps://evil.example",
        "http://testserver@evil.example/",
    ],
)
def test_logging_in_and_out_leads_to_no_other_host(
    browser: Browser, owner: Client, there: str
) -> None:
    response = log_in(browser, username=owner.user.email, password=PASSWORD, next=there)
    assert response["Location"] == "/api/v1/"
    token = Page(browser.get("/api/v1/")).csrf_token
    assert (
        browser.post(f"{LOG_OUT}?next={there}", {"csrfmiddlewaretoken": token})["Location"]
        == "/api/v1/"
    )


def test_no_link_logs_anybody_out(browser: Browser, owner: Client) -> None:
    browser.force_login(owner.user)
    assert browser.get(LOG_OUT).status_code == 405
    assert browser.get("/api/v1/auth/me/").status_code == 200


@pytest.mark.parametrize("address", [LOG_IN, LOG_OUT, "/admin/login/"])
def test_a_form_of_another_site_is_refused(browser: Browser, address: str) -> None:
    response = browser.post(
        address,
        {"username": "a@example.com", "password": "x"},
        headers={"Accept": "application/json"},
    )
    assert response.status_code == 403


def test_a_session_ends_with_the_password(browser: Browser, owner: Client) -> None:
    browser.force_login(owner.user)
    owner.post(
        "/api/v1/auth/password/",
        {"current_password": PASSWORD, "new_password": "another-long-one-2"},
    )
    assert browser.get("/api/v1/auth/me/").status_code == 401


def test_the_first_page_is_the_apis_root(browser: Browser) -> None:
    assert browser.get("/")["Location"] == "/api/v1/"


# --- what a page is made of -----------------------------------------------------------


@pytest.mark.parametrize("address", PAGES)
def test_a_page_takes_nothing_from_another_host(browser: Browser, address: str) -> None:
    assert Page(browser.get(address)).outside == []


@pytest.mark.parametrize("address", PAGES)
def test_everything_that_a_page_asks_for_is_there(browser: Browser, address: str) -> None:
    files = [
        found for found in Page(browser.get(address)).addresses if found.startswith("/static/")
    ]
    assert files
    assert [
        name for name in files if finders.find(urlsplit(name).path.removeprefix("/static/")) is None
    ] == []


@pytest.mark.parametrize("address", ["/api/v1/", LOG_IN, "/api/v1/docs/", "/admin/login/"])
def test_a_page_carries_the_shops_name(browser: Browser, settings: Any, address: str) -> None:
    settings.SHOP_NAME = "Brakes <&> Co"
    text = browser.get(address).content.decode()
    assert "Brakes &lt;&amp;&gt; Co" in text or address == "/admin/login/"
    assert "Brakes <&> Co" not in text
    assert "Django REST framework" not in text


def directives(response: Any) -> dict[str, list[str]]:
    return {
        part.split()[0]: part.split()[1:] for part in response["Content-Security-Policy"].split(";")
    }


@pytest.fixture
def manager_pages(manager: Client) -> list[Any]:
    browser = Browser()
    browser.force_login(manager.user)
    return [
        browser.get(address, headers={"Accept": "text/html"})
        for address in (*PAGES, "/api/v1/nothing/", "/static/nothing", "/healthz/")
    ]


def test_no_page_of_the_api_may_run_what_is_written_into_it(manager_pages: list[Any]) -> None:
    for response in manager_pages:
        address, policy = response.wsgi_request.path, directives(response)
        is_admin, is_redoc = address.startswith("/admin/"), address == "/api/v1/redoc/"
        assert policy["default-src"] == ["'self'"], address
        assert policy["script-src"] == (["'self'", "'unsafe-eval'"] if is_admin else ["'self'"]), (
            address
        )
        assert policy["style-src"] == (
            ["'self'", "'unsafe-inline'"] if is_admin or is_redoc else ["'self'"]
        ), address
        assert policy.get("worker-src") == (["blob:"] if is_redoc else None), address
        assert policy["frame-ancestors"] == policy["object-src"] == ["'none'"], address
        assert policy["form-action"] == policy["base-uri"] == ["'self'"], address


def test_json_carries_the_policy_too(anonymous: Client) -> None:
    assert directives(anonymous.get("/api/v1/mechanics/")) == {
        "default-src": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_no_page_but_redoc_and_the_admin_is_styled_inline(manager_pages: list[Any]) -> None:
    for response in manager_pages:
        if response["Content-Type"].startswith(
            "text/html"
        ) and not response.wsgi_request.path.startswith("/admin/"):
            assert Page(response).inline == [], response.wsgi_request.path


@pytest.mark.parametrize(
    "address",
    ["/api/v1/docs/", "/api/v1/docs/?script=", "/api/v1/redoc/", "/api/v1/schema/", LOG_IN],
)
def test_no_shared_cache_keeps_a_page(browser: Browser, address: str) -> None:
    """The scripts of Swagger UI carry a CSRF token, for one."""
    assert "private" in browser.get(address)["Cache-Control"]


# --- Swagger UI and Redoc -------------------------------------------------------------


def test_swagger_ui_is_told_where_the_schema_is(browser: Browser) -> None:
    script = browser.get("/api/v1/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    text = script.content.decode()
    assert 'url: "/api/v1/schema/"' in text
    assert '"validatorUrl": null' in text  # else it sends the schema's address to another host


@pytest.mark.parametrize(
    "query",
    [
        "?url=https://evil.example/",
        "?configUrl=https://evil.example/",
        "?lang=%22%3E%3Cscript%3E",
        "?script=&lang=%22;alert(1)//",
    ],
)
@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_query_string_writes_nothing_into_the_documentation(
    browser: Browser, page: str, query: str
) -> None:
    response = browser.get(f"/api/v1/{page}/{query}")
    assert response.status_code == 200
    text = response.content.decode()
    assert '"><script>' not in text
    assert '";alert(1)' not in text
    assert "https://evil.example/" not in [
        address for address in Page(response).addresses if not address.startswith("/")
    ]


def test_redoc_is_told_where_the_schema_is(browser: Browser) -> None:
    assert "/api/v1/schema/" in Page(browser.get("/api/v1/redoc/")).addresses


# --- as it is installed ---------------------------------------------------------------


def test_the_pages_find_their_files_under_the_names_that_collectstatic_gives_them(
    browser: Browser, settings: Any, tmp_path: Any
) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    call_command("collectstatic", verbosity=0, interactive=False)
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    for address in (*PAGES, "/admin/"):
        response = browser.get(address)
        assert response.status_code in (200, 302, 405), address
        for name in Page(response).addresses:
            if name.startswith("/static/"):
                assert (tmp_path / urlsplit(name).path.removeprefix("/static/")).is_file(), name


@pytest.mark.django_db(transaction=True)
def test_the_schema_is_made_once_however_many_ask_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SchemaView, "made", {})
    answers = at_once(*[lambda: Client().get("/api/v1/schema/") for _ in range(8)])
    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 8
    assert len({answer.content for answer in answers}) == len(SchemaView.made) == 1


@pytest.mark.parametrize("query", ["version=%0a", "version=2", "lang=xx", "format=nonsense"])
def test_what_is_asked_of_the_schema_in_passing_changes_nothing(
    anonymous: Client, query: str
) -> None:
    assert anonymous.get(f"/api/v1/schema/?{query}").status_code in (200, 404)


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["schema/", "docs/", "docs/?script", "redoc/"])
def test_a_document_refuses_with_problem_details_whatever_was_asked_for(
    anonymous: Client, settings: Any, path: str
) -> None:
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"anon": "1/hour"}
    refused(anonymous.get(f"/api/v1/{path}", HTTP_ACCEPT="image/png"), 406, "not_acceptable")
    assert anonymous.get(f"/api/v1/{path}").status_code == 200
    for accept in (
        "*/*",
        "text/html",
        "application/json",
        "application/vnd.oai.openapi",
        "application/vnd.oai.openapi+json",
    ):
        answer = anonymous.get(f"/api/v1/{path}", HTTP_ACCEPT=accept)
        refused(
            answer,
            answer.status_code,
            {406: "not_acceptable", 429: "throttled"}[answer.status_code],
        )
        assert ("Retry-After" in answer) == (answer.status_code == 429)
    refused(anonymous.get(f"/api/v1/{path}"), 429, "throttled")


def test_a_paper_and_a_report_refuse_with_problem_details_too(manager: Client) -> None:
    refused(
        manager.get("/api/v1/tickets/999/estimate/", HTTP_ACCEPT="application/pdf"),
        404,
        "not_found",
    )
    refused(manager.get("/api/v1/reports/sales/?by=decade", HTTP_ACCEPT="text/csv"), 400)
