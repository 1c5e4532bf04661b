"""Chromium, watched: what it asks for, what it complains about, what it looks like."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

HOST = "shop.test"  # not localhost: some scripts behave only there
SCREENSHOTS = Path(__file__).resolve().parent.parent.parent / "var" / "screenshots"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND",
)
NO_COMPLAINTS = (
    # a page may be a refusal (405, 409); a script or a picture that is one is seen by
    # its status
    "Failed to load resource",
    "The Cross-Origin-Opener-Policy header has been ignored",  # it asks for https
)
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} refused ${e.blockedURI} ${e.sample}`));
"""


def refuse(why: str) -> None:
    """Where browser tests were asked for, a missing browser is a failure, not a skip."""
    if os.environ.get("CI") == "true" or os.environ.get("SHOP_BROWSER_TESTS") == "1":
        pytest.fail(f"The browser tests cannot run: {why}.", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None or not Path(path).exists():
        refuse(
            "there is no Chromium: install Debian's package chromium, or name its "
            "program in CHROMIUM"
        )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        refuse("Playwright is missing: pip install -r requirements-dev.txt")
    # Playwright's loop runs in this thread, which makes Django refuse the ORM here;
    # nothing in these tests is async.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """The shop, which serves static files without their being collected."""
    with override_settings(WHITENOISE_AUTOREFRESH=True, WHITENOISE_USE_FINDERS=True):
        server = LiveServer("localhost")
    yield server
    server.stop()


class Visit:
    """A page of the shop in a browser of its own, and everything that was wrong with
    it.
    """

    def __init__(self, page: Any, root: str) -> None:
        self.page, self.root = page, root
        self.complaints: list[str] = []
        page.on("request", self.saw_request)
        page.on("response", self.saw_response)
        page.on("console", self.saw_message)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))

    def saw_request(self, request: Any) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != HOST:
            self.complaints.append(f"asked another host: {request.url}")

    def saw_response(self, response: Any) -> None:
        if response.status >= 400 and response.request.resource_type not in (
            "document",
            "xhr",
            "fetch",
        ):
            self.complaints.append(f"{response.status} for {response.url}")

    def saw_message(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(NO_COMPLAINTS):
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self, path: str) -> Any:
        self.page.goto(self.root + path, wait_until="networkidle")
        return self.page

    def picture(self, name: str, whole: bool = True) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

    def log_in(self, email: str, password: str) -> None:
        self.page.fill("input[name=username]", email)
        self.page.fill("input[name=password]", password)
        self.page.click("button:has-text('Log in')")
        self.page.wait_for_load_state("networkidle")


@pytest.fixture
def visit(
    chromium: Any, transactional_db: Any, live_server: LiveServer, settings: Any
) -> Iterator[Visit]:
    settings.ALLOWED_HOSTS = [HOST]
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(15_000)
    context.add_init_script(REPORT_VIOLATIONS)
    visit = Visit(context.new_page(), f"http://{HOST}:{live_server.thread.port}")
    yield visit
    context.close()
    assert not visit.complaints, "\n".join(visit.complaints)
