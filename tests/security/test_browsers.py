"""What another site can make a visitor's browser do, and what pages tell it (API8:2023;
requirements 20, 28 and 30 to 33).
"""

from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import Client as Browser
from django.urls import reverse

from ..answers import refused
from ..conftest import Client
from ..factories import PASSWORD, MechanicFactory, UserFactory
from ..html import Page
from ..test_matrix import World
from .attacks import API, CALLS, HTML, READS, WRITES, Call, browser_of, make, rows, there

pytestmark = [pytest.mark.django_db, pytest.mark.wide]
EVIL = "https://evil.example"
LOG_IN, ADMIN_LOG_IN = f"{API}/session/login/", "/admin/login/"
DOORS = [
    "/",
    "/healthz/",
    "/readyz/",
    f"{API}/",
    LOG_IN,
    f"{API}/docs/",
    f"{API}/redoc/",
    f"{API}/schema/",
    ADMIN_LOG_IN,
    "/admin/",
]
STATIC = "/static/shop/icon.svg"


def ask(client: Any, path: str, method: str = "GET", **headers: Any) -> Any:
    """The answer; of a static file, read to its end."""
    response = client.generic(method, path, **headers)
    response.read_text = b"".join(response).decode(errors="replace")
    return response


# --- CSRF -----------------------------------------------------------------------------


# Routes that ask for no session: where the body, or the token in the address, is all
# that counts.
SESSIONLESS = ("auth-token", "auth-password-reset", "shared")


def test_a_session_alone_writes_nothing_through_the_api(world: World, manager: Client) -> None:
    """Requirement 33 (A3.5.1): without the page's token, with a wrong one, and as each
    kind of form that a foreign page can send.
    """
    browser = browser_of(manager.user, enforce_csrf_checks=True)
    world.prepare(*map(str, CALLS))
    before = rows()
    for call in [call for call in WRITES if not call.route.startswith(SESSIONLESS)]:
        for content_type in (
            "application/json",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ):
            for headers in (
                {},
                {"HTTP_X_CSRFTOKEN": "x" * 32},
                {"HTTP_ORIGIN": EVIL, "HTTP_REFERER": f"{EVIL}/"},
                {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"},
            ):
                response = browser.generic(
                    call.method, there(world, call), "{}", content_type, **headers
                )
                refused(response, 403, "csrf_failed")
        assert rows() == before, str(call)


def test_the_token_of_a_page_works_on_this_host_alone(owner: Client) -> None:
    """A stolen token is worth nothing to another origin: over TLS the Origin or the
    Referer must be ours.
    """
    browser = browser_of(owner.user, enforce_csrf_checks=True)
    path = f"{API}/customers/{owner.user.customer.pk}/"
    token = Page(browser.get(path, HTTP_ACCEPT=HTML)).csrf_token
    sent: dict[str, Any] = {
        "data": b'{"phone":"1"}',
        "content_type": "application/json",
        "HTTP_X_CSRFTOKEN": token,
    }
    for origin in (EVIL, "null", "http://testserver.evil.example", "https://testserver:444"):
        refused(browser.generic("PATCH", path, **sent, HTTP_ORIGIN=origin), 403, "csrf_failed")
    refused(browser.generic("PATCH", path, **sent, secure=True), 403, "csrf_failed")
    refused(
        browser.generic("PATCH", path, **sent, secure=True, HTTP_REFERER=f"{EVIL}/testserver"),
        403,
        "csrf_failed",
    )
    assert (
        browser.generic("PATCH", path, **sent, HTTP_ORIGIN="http://testserver").status_code == 200
    )


def test_nobody_is_logged_in_by_another_site(owner: Client) -> None:
    """Log-in CSRF: the victim would go on in the attacker's account."""
    for path in (LOG_IN, ADMIN_LOG_IN):
        for accept in (HTML, "*/*", "application/json"):
            browser = Browser(enforce_csrf_checks=True, headers={"Accept": accept})
            response = browser.post(path, {"username": owner.user.email, "password": PASSWORD})
            assert response.status_code == 403
            assert "sessionid" not in browser.cookies


def test_a_log_in_gets_a_new_session(owner: Client) -> None:
    """Fixation: a session id that an attacker planted is nobody's afterwards."""
    browser = Browser(headers={"Accept": HTML})
    browser.cookies["sessionid"] = "planted-by-an-attacker-0123456789"
    assert (
        browser.post(LOG_IN, {"username": owner.user.email, "password": PASSWORD}).status_code
        == 302
    )
    assert browser.cookies["sessionid"].value != "planted-by-an-attacker-0123456789"


# --- open redirects -------------------------------------------------------------------

ELSEWHERE = [
    *(
        f"{EVIL}/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:evil.example",
        "https:/evil.example",
    ),
    *(
        "javascript:alert(1)",
        "data:text/html,x",
        "\thttps://evil.example",
        "https://testserver@evil.example/",
        "http://testserver.evil.example/",
    ),
    *(
        "https://testserver:pass@evil.example",
        "//testserver\\@evil.example",
        " //evil.example",
        "%2f%2fevil.example",
        "/%09/evil.example",
    ),
]


@pytest.mark.parametrize("there", ELSEWHERE)
@pytest.mark.parametrize("page", [LOG_IN, ADMIN_LOG_IN])
def test_logging_in_leads_to_no_other_host(page: str, there: str) -> None:
    """Requirement 33: by the address and by the form."""
    user = UserFactory(role="manager", is_staff=True)
    for query, form in (
        ({"next": there}, {}),
        ({}, {"next": there}),
        ({"next": there}, {"next": there}),
    ):
        browser = Browser(headers={"Accept": HTML})
        response = browser.post(
            page, {"username": user.email, "password": PASSWORD} | form, query_params=query
        )
        assert response.status_code == 302
        for base in ("http://testserver", "https://testserver"):
            # as browsers read it
            landed = urlsplit(urljoin(base + page, response["Location"].replace("\\", "/").strip()))
            assert (landed.scheme, landed.netloc) == tuple(base.split("://")), response["Location"]


def test_the_admin_leads_to_no_address_of_a_row(manager: Client) -> None:
    """ "View on site" redirects to the host of a row's address; the shop's rows have
    none.
    """
    row = MechanicFactory()
    response = browser_of(manager.user).get(
        reverse("admin:view_on_site", args=[ContentType.objects.get_for_model(row).pk, row.pk])
    )
    assert response.status_code == 404
    assert "Location" not in response


# --- headers --------------------------------------------------------------------------


@pytest.fixture
def everywhere(world: World, manager: Client, anonymous: Client, settings: Any) -> list[Any]:
    """An answer of every read, to people and to programs, of every other door, of what
    is refused and of what is not there.
    """
    browser, programs = browser_of(manager.user), (manager, anonymous)
    found = [
        client.get(there(world, call), HTTP_ACCEPT=accept)
        for client in programs
        for call in READS
        for accept in ("application/json", HTML)
    ]
    found += [
        ask(client, path)
        for client in (browser, Browser())
        for path in [*DOORS, STATIC, "/nothing", f"{API}/nothing/", "/static/nothing"]
    ]
    found += [
        anonymous.post(f"{API}/auth/token/", {}),
        browser.post(f"{API}/parts/", {}),
        anonymous.generic("TRACE", "/"),
    ]
    found += [
        Browser().get("/", HTTP_HOST="evil.example"),
        anonymous.post(f"{API}/parts/", "x" * 1_100_000, content_type="text/plain"),
    ]
    return found


def test_every_answer_carries_the_headers_of_security(everywhere: list[Any]) -> None:
    """Requirements 30 and 35 (A3.3, A3.4): programs, pages, static files, refusals."""
    assert len(everywhere) > 100
    for response in everywhere:
        path = response.wsgi_request.path if hasattr(response, "wsgi_request") else "?"
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in response["Content-Security-Policy"].split(";")
        )
        assert policy["frame-ancestors"] == "'none'", path
        assert policy["default-src"] in ("'none'", "'self'"), path
        assert response["X-Content-Type-Options"] == "nosniff", path
        assert response["Referrer-Policy"] == (
            "no-referrer" if "/shared/" in path else "same-origin"
        ), path
        assert response["X-Request-ID"], path
        assert response["X-Frame-Options"] == "DENY", path
        assert "Server" not in response, path
        assert "X-Powered-By" not in response, path


def test_only_the_admin_and_redoc_need_more_than_the_strict_policy(everywhere: list[Any]) -> None:
    """Issue 4.6: no inline script anywhere, no eval but in the admin's theme, no source
    but ourselves.
    """
    for response in everywhere:
        path, policy = response.wsgi_request.path, response["Content-Security-Policy"]
        assert "http:" not in policy
        assert "https:" not in policy
        assert "*" not in policy
        assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
        assert ("unsafe" in policy) is (path.startswith(("/admin/", f"{API}/redoc/"))), path


def test_no_page_can_be_framed(everywhere: list[Any]) -> None:
    """Clickjacking: every page that has a form is among those looked at."""
    pages = [
        response for response in everywhere if response["Content-Type"].startswith("text/html")
    ]
    assert len(pages) > 30
    assert all(
        response["X-Frame-Options"] == "DENY"
        and "frame-ancestors 'none'" in response["Content-Security-Policy"]
        for response in pages
    )


def test_cookies_are_locked_down(owner: Client) -> None:
    """Requirement 30: no script reads them, no other site sends them along, none
    outlives a working day but the CSRF token's.
    """
    browser = Browser(headers={"Accept": HTML})
    browser.get(LOG_IN)
    browser.post(LOG_IN, {"username": owner.user.email, "password": PASSWORD})
    assert set(browser.cookies) == {"csrftoken", "sessionid"}
    for cookie in browser.cookies.values():
        assert cookie["httponly"] is True
        assert cookie["samesite"] == "Lax"
        assert cookie["domain"] == ""
    assert int(browser.cookies["sessionid"]["max-age"]) <= 12 * 3600


def test_behind_tls_cookies_are_secure_and_the_host_is_pinned(owner: Client, settings: Any) -> None:
    """As ``CSRF_TRUSTED_ORIGINS`` with https sets it (tests/test_settings.py), and only
    where the request came by TLS.
    """
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    browser = Browser(headers={"Accept": HTML})
    page = browser.get(LOG_IN, HTTP_X_FORWARDED_PROTO="https")
    assert page["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in browser.get(LOG_IN)
    browser.post(
        LOG_IN,
        {"username": owner.user.email, "password": PASSWORD},
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_REFERER="https://testserver/",
    )
    assert {name: cookie["secure"] for name, cookie in browser.cookies.items()} == {
        "csrftoken": True,
        "sessionid": True,
    }
    for path in (f"{API}/mechanics/", f"{API}/nothing/", STATIC):
        assert ask(Client(), path, HTTP_X_FORWARDED_PROTO="https")["Strict-Transport-Security"]


def test_programs_get_no_cookies(world: World, manager: Client, anonymous: Client) -> None:
    for client in (manager, anonymous):
        for call in READS:
            if call.route not in ("docs", "redoc"):  # pages, whatever is asked for
                assert not client.get(there(world, call)).cookies, str(call)


# --- CORS -----------------------------------------------------------------------------

ORIGINS = [
    EVIL,
    "null",
    "http://testserver",
    "https://shop.example.com.evil.example",
    "https://evilshop.example.com",
    "http://shop.example.com",
    "*",
    "",
]


@pytest.mark.parametrize("allowed", [[], ["https://shop.example.com"]])
def test_no_stranger_is_granted_anything(
    anonymous: Client, settings: Any, allowed: list[str]
) -> None:
    """Requirement 31 (A3.4.2): not on the API, not in a preflight, not on static files."""
    settings.CORS_ALLOWED_ORIGINS = allowed
    for origin in ORIGINS:
        for path in (f"{API}/mechanics/", f"{API}/customers/", LOG_IN, STATIC, "/admin/login/"):
            for method in ("GET", "OPTIONS"):
                response = ask(
                    Client(),
                    path,
                    method,
                    HTTP_ORIGIN=origin,
                    HTTP_ACCESS_CONTROL_REQUEST_METHOD="DELETE",
                )
                assert [
                    name for name in response.headers if name.startswith("Access-Control-")
                ] == [], (origin, path)


def test_a_friend_is_granted_tokens_and_never_cookies(anonymous: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example.com"]
    for _ in range(2):  # the second from the cache
        response = anonymous.get(f"{API}/mechanics/", HTTP_ORIGIN="https://shop.example.com")
        assert response["Access-Control-Allow-Origin"] == "https://shop.example.com"
        assert "Access-Control-Allow-Credentials" not in response
        assert "origin" in response["Vary"].lower()
        assert "Access-Control-Allow-Origin" not in anonymous.get(
            f"{API}/mechanics/", HTTP_ORIGIN=EVIL
        )


# --- back doors and odd methods -------------------------------------------------------

BACK_DOORS = [
    *(
        "/.git/config",
        "/.git/HEAD",
        "/.env",
        "/.env.example",
        "/.svn/entries",
        "/var/shop.sqlite3",
        "/var/secret_key",
        "/shop.sqlite3",
        "/manage.py",
    ),
    *(
        "/debug/",
        "/__debug__/",
        "/silk/",
        "/server-status",
        "/actuator/health",
        "/phpinfo.php",
        "/wp-login.php",
        "/console",
        "/api/",
        "/api/v0/parts/",
    ),
    *(
        "/api/v2/parts/",
        "/api/v1/users/",
        "/api/v1/admin/",
        "/api/v1/parts.json",
        "/api/v1/parts/1.json",
        "/api-auth/login/",
        "/graphql",
        "/swagger.json",
    ),
    *(
        "/static/",
        "/static/../manage.py",
        "/static/..%2fmanage.py",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/media/",
        "/admin/doc/",
        "/admin/jsi18n/../",
    ),
    *(
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..;/admin/",
        "/backup.zip",
        "/dump.sql",
        "/id_rsa",
        "/requirements.txt",
        "/docker-compose.yml",
    ),
]


@pytest.mark.parametrize("path", BACK_DOORS)
def test_there_is_no_back_door(manager: Client, path: str) -> None:
    """Requirement 20 (T9, A13.4): not for the manager either; and what is not there
    does not say how the shop is built.
    """
    for client in (manager, browser_of(manager.user)):
        response = client.get(path)
        # below /admin/ a stranger is asked to log in, whether there is something or not
        if response.status_code == 302:
            assert response["Location"].startswith("/admin/login/"), path
            continue
        assert response.status_code in (400, 404), path
        text = response.content.decode()
        assert "Traceback" not in text
        assert "urlpatterns" not in text
        assert "DEBUG" not in text


UNKNOWN_METHODS = ["TRACE", "CONNECT", "TRACK", "DEBUG", "PROPFIND", "FOO", "GET\x00", "x" * 200]


@pytest.mark.parametrize("path", [*DOORS, STATIC, "/nothing/", f"{API}/parts/", f"{API}/auth/me/"])
def test_a_method_that_the_shop_does_not_know_is_405_at_every_door(
    manager: Client, path: str
) -> None:
    """Requirement 28 (A4.1.4): plain views and the admin took TRACE for GET."""
    for client in (browser_of(manager.user), manager):
        for method in UNKNOWN_METHODS:
            response = ask(client, path, method, HTTP_X_SECRET="zq-secret")
            assert response.status_code == 405, method
            assert response.get("Allow") or path == STATIC
            assert "zq-secret" not in response.read_text


@pytest.mark.parametrize("call", READS, ids=str)
def test_head_is_get_without_the_body(world: World, manager: Client, call: Call) -> None:
    """Requirement 28: the same status and the same headers, but for Allow, which the
    short way for programs leaves out.
    """
    own = ("X-Request-ID", "Content-Length", "Set-Cookie", "Allow")
    for accept in ("application/json", HTML):
        got, head = (
            make(world, manager, call, HTTP_ACCEPT=accept),
            manager.head(there(world, call), HTTP_ACCEPT=accept),
        )
        assert head.status_code == got.status_code
        assert head.content == b""
        assert {name: value for name, value in head.items() if name not in own} == {
            name: value for name, value in got.items() if name not in own
        }
