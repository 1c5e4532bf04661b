"""The customer's way in without an account: links, what they show, and decisions that
come by them.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client as Browser
from django.utils import timezone

from inventory.taxes import TaxCode, TaxRate
from mechanic_shop.db.models import AuditEntry, IdempotentAnswer
from mechanic_shop.http import throttling
from mechanic_shop.observability import logs, request_logging
from tickets.approvals import page_context, share_links, views
from tickets.desk import requests
from tickets.lifecycle import snapshot
from tickets.models import Authorization, Channel, Job, JobStatus, ServiceTicket, ShareLink, Status
from tickets.work import assignments, job_lines, jobs, parts, tickets

from .answers import refused
from .conftest import Client
from .factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket, office
from .html import Page
from .races import at_once

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def labor(description: str = "Fit pads", hours: str = "1.5") -> dict[str, Any]:
    return {
        "kind": "labor",
        "description": description,
        "quantity": Decimal(hours),
        "unit_price": Decimal("120.00"),
    }


class Garage:
    """An estimate of two jobs, and a link to it."""

    def __init__(self) -> None:
        code, _ = TaxCode.objects.update_or_create(name="Sales tax", defaults={"is_default": True})
        TaxRate.objects.update_or_create(
            code=code, valid_from="2020-01-01", defaults={"rate": Decimal(10)}
        )
        customer = CustomerFactory(
            name="Olive Owner", phone="555-0171", address="1 Hidden Road", notes="pays late"
        )
        self.ticket = make_ticket(vehicle=VehicleFactory(customer=customer, plate="ABC 123"))
        self.part = PartFactory(
            stock=4, name="Brake pads", price=Decimal("1168.40"), cost=Decimal("83.17")
        )
        self.brakes = jobs.add_job(
            self.ticket, title="Front brakes", cause="Pads at 2 mm", lines=[labor()], by=office()
        )
        parts.add_part(
            self.ticket, part=self.part, quantity=Decimal(1), job=self.brakes, by=office()
        )
        self.wipers = jobs.add_job(
            self.ticket, title="Wipers", lines=[labor("Fit blades", "0.2")], by=office()
        )
        self.link, self.token = share_links.share(self.ticket, by=office())

    @property
    def api(self) -> str:
        return f"/api/v1/shared/{self.token}/"

    @property
    def decide(self) -> str:
        return f"{self.api}authorizations/"

    @property
    def page(self) -> str:
        return f"/shared/{self.token}/"

    @property
    def version(self) -> int:
        return snapshot.load_snapshot(ServiceTicket.objects.get(pk=self.ticket.pk)).version

    def statuses(self) -> list[str]:
        return list(self.ticket.jobs.order_by("pk").values_list("status", flat=True))

    def form(self, brakes: str = "approve", wipers: str = "decline", **more: Any) -> dict[str, Any]:
        return {
            f"job-{self.brakes.pk}": brakes,
            f"job-{self.wipers.pk}": wipers,
            "version": self.version,
            "note": "",
        } | more


@pytest.fixture
def garage(db: Any) -> Garage:
    return Garage()


@pytest.fixture
def browser() -> Browser:
    """One that would be refused without a CSRF token, if any were needed."""
    return Browser(enforce_csrf_checks=True)


def send(browser: Any, path: str, form: dict[str, Any], **headers: str) -> Any:
    from urllib.parse import urlencode

    return browser.post(path, urlencode(form), content_type=FORM, **headers)


# --- links ----------------------------------------------------------------------------


def share_path(garage: Garage) -> str:
    return f"/api/v1/tickets/{garage.ticket.pk}/share/"


def test_the_front_desk_shares_an_estimate(
    garage: Garage, advisor: Client, anonymous: Client
) -> None:
    response = advisor.post(share_path(garage), {"days": 30})
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"id", "url", "token", "expires_at"}
    assert body["url"] == f"http://testserver/shared/{body['token']}/"
    assert response["Cache-Control"] == "no-store"
    link = ShareLink.objects.get(pk=body["id"])
    assert timedelta(days=29) < link.expires_at - timezone.now() <= timedelta(days=30)
    assert anonymous.get(f"/api/v1/shared/{body['token']}/").status_code == 200


def test_a_link_lasts_two_weeks_unless_somebody_says_otherwise(
    garage: Garage, advisor: Client
) -> None:
    body = advisor.post(share_path(garage), {}).json()
    days = ShareLink.objects.get(pk=body["id"]).expires_at - timezone.now()
    assert timedelta(days=13) < days <= timedelta(days=14)


@pytest.mark.parametrize("days", [0, -1, 91, 10**30, "soon", None, True, [], 1.5])
def test_an_odd_number_of_days_is_400(garage: Garage, advisor: Client, days: Any) -> None:
    refused(advisor.post(share_path(garage), {"days": days}), 400, field="days")
    assert ShareLink.objects.count() == 1


def test_only_a_hash_of_the_token_is_in_the_database(garage: Garage, advisor: Client) -> None:
    """Not in the link, not in the answers that are kept for retries, not in the audit
    trail: a copy of the database opens nothing.
    """
    from .security.attacks import rows

    answers = [advisor.post(share_path(garage), {}, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)]
    tokens = [garage.token, *(answer.json()["token"] for answer in answers)]
    assert len(set(tokens)) == 3
    advisor.put(
        f"/api/v1/tickets/{garage.ticket.pk}/revoke-share/",
        {"share": garage.link.pk},
        HTTP_IDEMPOTENCY_KEY="r",
    )
    everything = str(rows())
    for token in tokens:
        assert token not in everything
        assert hashlib.sha256(token.encode()).hexdigest() in everything
    assert IdempotentAnswer.objects.count() == 1  # of the revocation


def test_the_links_of_a_ticket_are_listed_without_tokens(garage: Garage, advisor: Client) -> None:
    make_ticket()
    response = advisor.get(share_path(garage))
    assert response.status_code == 200
    assert garage.token not in response.content.decode()
    (row,) = response.json()["results"]
    assert set(row) == {"id", "created_by", "created_at", "expires_at", "revoked_at"}
    assert (row["id"], row["revoked_at"]) == (garage.link.pk, None)
    assert row["created_by"] == {"id": office().pk, "name": office().display_name}
    assert garage.link.token_hash not in response.content.decode()


def test_a_link_is_revoked_at_once(
    garage: Garage, advisor: Client, anonymous: Client, browser: Browser
) -> None:
    path = f"/api/v1/tickets/{garage.ticket.pk}/revoke-share/"
    response = advisor.put(path, {"share": garage.link.pk})
    assert (response.status_code, response.json()["id"]) == (200, garage.ticket.pk)
    assert advisor.get(share_path(garage)).json()["results"][0]["revoked_at"]
    assert anonymous.get(garage.api).status_code == browser.get(garage.page).status_code == 404
    again = advisor.put(path, {"share": garage.link.pk})  # changes nothing
    assert again.content == response.content


@pytest.mark.parametrize("share", [0, -1, 10**18, 10**30, "x", None, [], {}])
def test_a_link_of_another_ticket_is_not_revoked(
    garage: Garage, advisor: Client, share: Any
) -> None:
    other, _ = share_links.share(make_ticket(), by=office())
    path = f"/api/v1/tickets/{garage.ticket.pk}/revoke-share/"
    refused(advisor.put(path, {"share": other.pk}), 400, "share_of_another_ticket", field="share")
    refused(advisor.put(path, {"share": share}), 400, field="share")
    assert not ShareLink.objects.exclude(revoked_at=None).exists()


def test_a_mechanic_makes_no_link_by_which_he_could_approve_his_own_work(
    garage: Garage, assigned: Client
) -> None:
    assignments.assign_mechanic(garage.ticket, mechanic=assigned.user.mechanic, by=office())
    refused(assigned.post(share_path(garage), {}), 403)


# --- what does not open ---------------------------------------------------------------


def expired(garage: Garage) -> str:
    ShareLink.objects.filter(pk=garage.link.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    return garage.token


def revoked(garage: Garage) -> str:
    share_links.revoke_share(garage.ticket, share=garage.link.pk, by=office())
    return garage.token


def without_a_ticket(garage: Garage) -> str:
    tickets.delete(garage.ticket, by=office())
    return garage.token


CLOSED: dict[str, Callable[[Garage], str]] = {
    "unknown": lambda garage: "A" * 43,
    "expired": expired,
    "revoked": revoked,
    "gone": without_a_ticket,
    "the hash": lambda garage: garage.link.token_hash,
    "another case": lambda garage: garage.token.swapcase(),
    "cut": lambda garage: garage.token[:-1],
    "longer": lambda garage: garage.token + "A",
    "a space": lambda garage: garage.token + "%20",
    "the key": lambda garage: str(garage.link.pk),
    "NUL": lambda garage: "%00",
    "no UTF-8": lambda garage: "%ff%fe",
    "emoji": lambda garage: "😀",
    "SQL": lambda garage: "' OR 1=1 --",
    "very long": lambda garage: "x" * 5000,
}


@pytest.mark.parametrize("how", CLOSED)
def test_what_does_not_open_is_one_and_the_same_404(
    garage: Garage, anonymous: Client, browser: Browser, django_assert_num_queries: Any, how: str
) -> None:
    """By status, body, headers and queries; for whoever reads and whoever decides,
    whatever the body.
    """
    version, token = garage.version, CLOSED[how](garage)
    before = Authorization.objects.count()

    def ask(token: str) -> Iterator[Any]:
        same = {"HTTP_X_REQUEST_ID": "same"}
        path = f"/api/v1/shared/{token}/"
        with django_assert_num_queries(1):
            yield anonymous.get(path, **same)
        with django_assert_num_queries(1):
            yield anonymous.post(f"{path}authorizations/", {"version": version}, **same)
        yield anonymous.post(f"{path}authorizations/", {"nonsense": 1}, **same)
        yield anonymous.post(
            f"{path}authorizations/",
            {"version": version},
            HTTP_IDEMPOTENCY_KEY=token[:9] if token.isalnum() else "k",
            **same,
        )
        with django_assert_num_queries(1):
            yield browser.get(f"/shared/{token}/", **same)
        yield send(browser, f"/shared/{token}/", {"version": version}, **same)

    found = [(answer.status_code, dict(answer.items()), answer.content) for answer in ask(token)]
    assert found == [
        (answer.status_code, dict(answer.items()), answer.content) for answer in ask("B" * 43)
    ]
    assert {status for status, _, _ in found} == {404}
    assert b"This link is no longer valid. Ask the garage for a new one." in found[0][2]
    assert b"This link is no longer valid" in found[4][2]
    assert Authorization.objects.count() == before


def test_a_link_opens_no_other_ticket(garage: Garage, anonymous: Client) -> None:
    other = Garage()
    refused(
        anonymous.post(garage.decide, {"approve": [other.brakes.pk], "version": garage.version}),
        400,
        "job_of_another_ticket",
        field="approve",
    )
    assert anonymous.get(garage.api).json()["ticket"]["number"] == garage.ticket.number
    assert other.statuses() == ["proposed", "proposed"]


def test_a_link_that_is_revoked_while_somebody_decides_decides_nothing(
    garage: Garage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the look, before the lock."""
    lock = share_links.lock

    def slow(ticket: ServiceTicket) -> None:
        lock(ticket)
        ShareLink.objects.filter(pk=garage.link.pk).update(revoked_at=timezone.now())

    monkeypatch.setattr(share_links, "lock", slow)
    assert share_links.authorize_shared(garage.token, version=garage.version) is None
    assert garage.statuses() == ["proposed", "proposed"]


def test_a_ticket_that_is_deleted_while_somebody_decides_is_404(
    garage: Garage, anonymous: Client, browser: Browser, monkeypatch: Any
) -> None:
    version, form, shared = garage.version, garage.form(), share_links.shared

    def too_late(token: str) -> Any:
        link = shared(token)
        ServiceTicket.objects.filter(pk=garage.ticket.pk).delete()
        return link

    monkeypatch.setattr(share_links, "shared", too_late)
    refused(anonymous.post(garage.decide, {"version": version}), 404, "not_found")
    assert send(browser, garage.page, form).status_code == 404


# --- the API --------------------------------------------------------------------------


def test_the_estimate_is_a_list_of_what_a_customer_may_see(
    garage: Garage, anonymous: Client
) -> None:
    response = anonymous.get(garage.api)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {
        *(
            "number",
            "issued_on",
            "version",
            "shop",
            "customer",
            "vehicle",
            "ticket",
            "currency",
            "prices_include_tax",
            "jobs",
            "lines",
        ),
        *("discount", "taxes", "subtotal", "tax", "total", "authorized", "decidable", "expires_at"),
        *("authorized_total", "reapproval_needed"),
    }
    assert body["customer"] == {"name": "Olive Owner"}
    assert (body["total"], body["tax"], body["authorized"]["total"]) == (
        "1509.64",
        "137.24",
        "0.00",
    )
    assert [(job["title"], job["status"], job["total"]) for job in body["jobs"]] == [
        ("Front brakes", "proposed", "1483.24"),
        ("Wipers", "proposed", "26.40"),
    ]
    assert (body["decidable"], body["ticket"]["status"], body["version"]) == (
        True,
        "estimate",
        garage.version,
    )
    told = response.content.decode()
    secrets = (
        "83.17",
        "1 Hidden Road",
        garage.ticket.customer.email,
        "555-0171",
        "pays late",
        "unit_cost",
        "sku",
    )
    assert [secret for secret in secrets if secret in told] == []


def test_an_estimate_that_did_not_change_is_304(garage: Garage, anonymous: Client) -> None:
    tag = anonymous.get(garage.api)["ETag"]
    unchanged = anonymous.get(garage.api, HTTP_IF_NONE_MATCH=tag)
    assert (unchanged.status_code, unchanged.content, unchanged["Cache-Control"]) == (
        304,
        b"",
        "private, no-store",
    )


def test_a_customer_decides_by_the_link(garage: Garage, anonymous: Client) -> None:
    body = {
        "approve": [garage.brakes.pk],
        "defer": [garage.wipers.pk],
        "note": "Call me",
        "version": garage.version,
    }
    response = anonymous.post(garage.decide, body)
    assert response.status_code == 201, response.content
    told = response.json()
    record = Authorization.objects.get(ticket=garage.ticket)
    assert (record.channel, record.by, record.share, record.note) == (
        Channel.PORTAL,
        None,
        garage.link,
        "Call me",
    )
    assert set(told) == {"id", "at", "channel", "note", "decisions", "approved_total"}
    assert (told["id"], told["channel"], told["approved_total"]) == (record.pk, "portal", "1483.24")
    assert [(one["job"], one["decision"]) for one in told["decisions"]] == [
        (garage.brakes.pk, "approved"),
        (garage.wipers.pk, "deferred"),
    ]
    assert garage.statuses() == ["approved", "deferred"]
    garage.ticket.refresh_from_db()
    assert garage.ticket.status == Status.APPROVED
    assert garage.ticket.lines.get().allocated == 1


def test_nobody_named_is_everything_that_is_proposed(garage: Garage, anonymous: Client) -> None:
    assert anonymous.post(garage.decide, {"version": garage.version}).status_code == 201
    assert garage.statuses() == ["approved", "approved"]


@pytest.mark.parametrize(
    "odd", [{"channel": "in_person"}, {"by": 1}, {"share": 1}, {"status": "done"}]
)
def test_whoever_has_a_link_does_not_say_who_they_are(
    garage: Garage, anonymous: Client, odd: dict[str, Any]
) -> None:
    refused(anonymous.post(garage.decide, {"version": garage.version} | odd), 400, "unknown_field")
    assert anonymous.post(garage.decide, {"version": garage.version}).status_code == 201
    record = Authorization.objects.get(ticket=garage.ticket)
    assert (record.channel, record.by, record.share) == (Channel.PORTAL, None, garage.link)


def test_a_log_in_that_comes_along_changes_nothing(
    garage: Garage, manager: Client, stranger: Client
) -> None:
    """The manager's session must not make it the office's word, which may take back a
    yes.
    """
    assert manager.post(garage.decide, {"version": garage.version}).status_code == 201
    assert Authorization.objects.get(ticket=garage.ticket).by is None
    refused(
        manager.post(garage.decide, {"decline": [garage.brakes.pk], "version": garage.version}),
        409,
        "job_decided",
    )
    assert stranger.get(garage.api).status_code == 200
    assert stranger.get(garage.api, HTTP_AUTHORIZATION="Bearer forged").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "version"),
        ({"version": None}, "version"),
        ({"version": 0}, "version"),
        ({"version": 10**30}, "version"),
        ({"version": 1, "approve": "all"}, "approve"),
        ({"version": 1, "approve": [0]}, "approve"),
        ({"version": 1, "approve": [10**30]}, "approve"),
        ({"version": 1, "approve": [[]]}, "approve"),
        ({"version": 1, "approve": list(range(1, 300))}, "approve"),
        ({"version": 1, "note": "x" * 501}, "note"),
        ({"version": 1, "note": "a\x00b"}, "note"),
    ],
)
def test_an_odd_decision_is_400(
    garage: Garage, anonymous: Client, body: dict[str, Any], field: str
) -> None:
    errors = refused(anonymous.post(garage.decide, body), 400)["errors"]
    assert errors[0]["field"].split(".")[0] == field
    assert garage.statuses() == ["proposed", "proposed"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", FORM, "multipart/form-data; boundary=x", "application/xml"]
)
def test_the_api_takes_json_alone(garage: Garage, anonymous: Client, content_type: str) -> None:
    """What a form of another site could send is refused."""
    refused(
        anonymous.generic(
            "POST", garage.decide, f"version={garage.version}", content_type=content_type
        ),
        415,
    )


def test_a_retry_decides_once_and_ends_with_its_link(garage: Garage, anonymous: Client) -> None:
    body = {"version": garage.version}
    first, again = (anonymous.post(garage.decide, body, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))
    assert (first.status_code, again.content, again["Idempotent-Replayed"]) == (
        201,
        first.content,
        "true",
    )
    assert Authorization.objects.count() == 1
    revoked(garage)
    refused(anonymous.post(garage.decide, body, HTTP_IDEMPOTENCY_KEY="k"), 404)


# --- who is faster --------------------------------------------------------------------


def test_nobody_approves_an_estimate_that_changed_since(
    garage: Garage, anonymous: Client, browser: Browser
) -> None:
    seen, form = garage.version, garage.form(note="Please hurry")
    job_lines.add_line(garage.brakes, **labor("And the calipers", "3"), by=office())
    refused(anonymous.post(garage.decide, {"version": seen}), 409, "estimate_changed")
    response = send(browser, garage.page, form)
    assert response.status_code == 409
    text = response.content.decode()
    assert "changed this estimate while you were reading it" in text
    assert "Please hurry" in text  # what was typed is kept
    assert " checked" not in text  # what was chosen at other prices is not
    assert f'name="version" value="{garage.version}"' in text
    assert garage.statuses() == ["proposed", "proposed"]
    assert not Authorization.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_links_that_decide_at_once_one_does() -> None:
    garage = Garage()
    _, second = share_links.share(garage.ticket, by=office())
    body = {"version": garage.version, "approve": [garage.brakes.pk]}
    paths = [garage.decide, f"/api/v1/shared/{second}/authorizations/"] * 3
    answers = at_once(*[lambda path=path: Client().post(path, body) for path in paths])
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert Authorization.objects.count() == 1
    garage.ticket.refresh_from_db()
    assert garage.ticket.status == Status.APPROVED
    assert garage.ticket.lines.get().allocated == 1


# --- limits ---------------------------------------------------------------------------


@pytest.fixture
def limit(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    now = throttling.time.time() // 3600 * 3600 + 1800  # in the middle of an hour
    monkeypatch.setattr(throttling.time, "time", lambda: now)

    def set_rate(rate: str) -> None:
        settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"shared": rate}

    return set_rate


def test_right_and_wrong_tokens_count_towards_one_limit_of_an_address(
    garage: Garage, anonymous: Client, manager: Client, limit: Any
) -> None:
    """By every address and method; a log-in is no way round it."""
    limit("8/hour")
    browser = Browser()
    answers = [
        anonymous.get(garage.api),
        anonymous.get("/api/v1/shared/wrong/"),
        manager.get("/api/v1/shared/wrong/"),
        anonymous.post(garage.decide, {}),
        browser.get(garage.page),
        browser.get("/shared/wrong/"),
        browser.put(garage.page),
        anonymous.options(garage.api),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 400, 200, 404, 405, 200]
    assert [answer["RateLimit-Remaining"] for answer in answers] == list("76543210")
    refused(anonymous.get(garage.api), 429, "throttled")
    page = browser.get(garage.page)
    assert (page.status_code, page["Retry-After"], page["Content-Type"]) == (
        429,
        "1801",
        "text/html; charset=utf-8",
    )
    assert send(browser, garage.page, garage.form()).status_code == 429
    assert garage.statuses() == ["proposed", "proposed"]
    assert anonymous.get(garage.api, REMOTE_ADDR="192.0.2.44").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_forty_guesses_at_once_exactly_the_limit_is_looked_at(limit: Any) -> None:
    limit("10/hour")
    addresses = ["/shared/{}/", "/api/v1/shared/{}/"]
    answers = at_once(
        *[
            lambda number=number: Client().get(addresses[number % 2].format(f"guess-{number}"))
            for number in range(40)
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [404] * 10 + [429] * 30


# --- what is told to whom -------------------------------------------------------------


def test_nothing_keeps_or_passes_on_what_a_link_opens(
    garage: Garage, anonymous: Client, browser: Browser
) -> None:
    answers = [
        anonymous.get(garage.api),
        anonymous.get("/api/v1/shared/wrong/"),
        anonymous.post(garage.decide, {}),
        anonymous.get(garage.api, HTTP_ACCEPT="text/html"),
        browser.get(garage.page),
        browser.get("/shared/wrong/"),
        browser.delete(garage.page),
        browser.options(garage.page),
        send(browser, garage.page, {}),
        send(browser, garage.page, garage.form()),
    ]
    for answer in answers:
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert not answer.cookies
        assert "unsafe" not in answer["Content-Security-Policy"]
    # a page of the API would put the token into the links of its header
    assert answers[3].status_code == 406
    assert not browser.cookies


def test_no_token_is_in_a_log(
    garage: Garage, anonymous: Client, capfd: Any, caplog: Any, monkeypatch: Any
) -> None:
    """Nor in the lines of requests, nor in what Django says of refusals and failures."""
    browser = Browser(raise_request_exception=False)
    anonymous.raise_request_exception = False
    caplog.set_level(logging.DEBUG)
    for line in logs.LINES.values():
        monkeypatch.setattr(request_logging, "line_of", line)
        for path in (
            garage.page,
            garage.api,
            f"{garage.page}%00",
            f"{garage.api}nothing/",
            garage.page.removesuffix("/"),
        ):
            for client in (browser, anonymous):
                (
                    client.get(path),
                    client.put(path),
                    client.post(path, b"\xff", content_type=FORM),
                    client.generic("TRACE", path),
                )
    monkeypatch.setattr(views.estimates, "estimate", lambda ticket: 1 // 0)
    assert browser.get(garage.page).status_code == anonymous.get(garage.api).status_code == 500
    written = capfd.readouterr().err + "".join(
        logs.JSONFormatter().format(record) for record in caplog.records if shown(record)
    )
    assert "/shared/{token}/" in written
    assert "a request failed" in written
    assert garage.token not in written


def shown(record: logging.LogRecord) -> bool:
    """As the handler of the settings filters it."""
    return bool(
        logs.RequestFilter().filter(record) and logs.FixedWords().filter(record)
    ) and not record.name.startswith(("django.db", "faker"))


def test_the_trail_tells_of_links_and_of_decisions_without_a_name(garage: Garage) -> None:
    share_links.authorize_shared(garage.token, version=garage.version)
    told = AuditEntry.objects.filter(object_pk=str(garage.ticket.pk))
    assert garage.token not in str(list(told.values()))
    assert garage.link.token_hash not in str(list(told.values()))


# --- the page -------------------------------------------------------------------------


def test_the_page_says_what_is_asked_and_what_it_costs(
    garage: Garage, browser: Browser, settings: Any
) -> None:
    settings.SHOP_PHONE, settings.SHOP_EMAIL, settings.SHOP_ADDRESS = (
        "+1 (555) 0100",
        "desk@example.com",
        "12 Foundry Lane",
    )
    response = browser.get(garage.page)
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = Page(response)
    for words in (
        *(
            "Demo Garage",
            "12 Foundry Lane",
            "desk@example.com",
            'href="tel:+15550100"',
            "2003 Honda Accord",
            "ABC123",
            "Olive Owner",
        ),
        *(
            "Brakes squeal",
            "Front brakes",
            "Pads at 2 mm",
            "Brake pads",
            "$1,168.40",
            "1.5 h × $120.00",
            "Sales tax 10%",
            "$1,509.64",
        ),
    ):
        assert words in page.text, words
    assert page.inline == []
    assert page.outside == []
    assert "<script" not in page.text
    assert 'lang="en"' in page.text
    assert 'name="viewport"' in page.text
    assert "83.17" not in page.text
    assert "1 Hidden Road" not in page.text
    assert garage.token not in page.text  # nothing on it leads on with the token


def test_nothing_is_chosen_beforehand(garage: Garage, browser: Browser) -> None:
    text = browser.get(garage.page).content.decode()
    assert text.count('type="radio"') == text.count("required") == 6
    assert " checked" not in text


def test_an_answer_is_saved_and_thanked_for(garage: Garage, browser: Browser) -> None:
    response = send(browser, garage.page, garage.form(note="Line one\r\nline two"))
    assert (response.status_code, response["Location"], response.content) == (
        303,
        f"{garage.page}?done",
        b"",
    )
    record = Authorization.objects.get(ticket=garage.ticket)
    assert (record.channel, record.by, record.share, record.note) == (
        Channel.PORTAL,
        None,
        garage.link,
        "Line one\nline two",
    )
    assert garage.statuses() == ["approved", "declined"]
    text = browser.get(response["Location"]).content.decode()
    assert "Thank you, your answer is saved" in text
    assert "You approved $1,483.24" in text
    assert "Not part of this estimate" in text
    again = browser.get(garage.page).content.decode()
    assert "Thank you" not in again
    assert "Last answer by this link" in again


def test_done_alone_thanks_nobody(garage: Garage, browser: Browser) -> None:
    """A link with ?done in it must not say that something was saved."""
    assert "Thank you" not in browser.get(f"{garage.page}?done").content.decode()


@pytest.mark.parametrize("wipers", ["", "perhaps", None])
def test_silence_on_the_page_is_no_yes(
    garage: Garage, browser: Browser, wipers: str | None
) -> None:
    """Unlike the API's: there nobody named means all, and nobody sends that by leaving
    something out.
    """
    form = garage.form()
    del form[f"job-{garage.wipers.pk}"]
    form |= {} if wipers is None else {f"job-{garage.wipers.pk}": wipers}
    response = send(browser, garage.page, form)
    assert response.status_code == 400
    text = response.content.decode()
    assert "Choose what is to become of this job." in text
    assert text.count(" checked") == 1  # what was chosen is kept
    assert send(browser, garage.page, {"version": garage.version}).status_code == 400
    assert garage.statuses() == ["proposed", "proposed"]


def test_people_change_their_minds(garage: Garage, browser: Browser) -> None:
    send(browser, garage.page, garage.form("decline", "defer"))
    text = browser.get(garage.page).content.decode()
    assert text.count("Do this after all") == 2
    form = {f"job-{garage.wipers.pk}": "approve", "version": garage.version, "note": ""}
    assert send(browser, garage.page, form).status_code == 303
    assert garage.statuses() == ["declined", "approved"]


def test_what_was_approved_is_taken_back_by_the_garage_alone(
    garage: Garage, browser: Browser
) -> None:
    send(browser, garage.page, garage.form())
    response = send(browser, garage.page, garage.form("decline", "decline"))
    assert response.status_code == 409
    assert "was decided on in the meantime" in response.content.decode()
    assert garage.statuses() == ["approved", "declined"]


def test_an_answer_when_all_is_decided_is_told_so(garage: Garage, browser: Browser) -> None:
    send(browser, garage.page, garage.form("approve", "approve"))
    response = send(browser, garage.page, {"version": garage.version, "note": ""})
    assert response.status_code == 409
    assert "nothing left to decide on" in response.content.decode()
    assert "<form" not in response.content.decode()


def test_a_ticket_that_is_finished_is_shown_and_takes_no_answer(
    garage: Garage, browser: Browser, anonymous: Client
) -> None:
    form = garage.form()
    requests.request_transition(garage.ticket, to=Status.CANCELLED, by=office())
    text = browser.get(garage.page).content.decode()
    assert "<form" not in text
    assert "The garage has finished with this estimate" in text
    assert anonymous.get(garage.api).json()["decidable"] is False
    response = send(browser, garage.page, form | {"version": garage.version})
    assert response.status_code == 409
    assert "your answer could not be saved" in response.content.decode()


def test_a_mail_program_may_cut_off_the_last_slash(garage: Garage, browser: Browser) -> None:
    assert browser.get(garage.page.removesuffix("/")).status_code == 200
    response = browser.get(f"{garage.page}more/")
    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


XSS = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}{% now 'Y' %}"


def test_markup_is_text_wherever_it_comes_from(
    garage: Garage, browser: Browser, settings: Any
) -> None:
    """Of the customer, of the garage, of the settings and of the form."""
    settings.SHOP_NAME = settings.SHOP_PHONE = settings.SHOP_EMAIL = settings.SHOP_ADDRESS = XSS
    for row in (
        garage.ticket,
        garage.ticket.customer,
        garage.ticket.vehicle,
        garage.brakes,
        garage.part,
        garage.brakes.lines.get(),
    ):
        texts = {
            name: XSS
            for name in (
                "concern",
                "cause",
                "correction",
                "name",
                "title",
                "make",
                "model",
                "description",
            )
            if hasattr(row, name)
        }
        type(row).objects.filter(pk=row.pk).update(
            **{
                name: text[:60] if name in ("make", "model") else text
                for name, text in texts.items()
            }
        )
    form = garage.form(note=XSS, **{XSS: XSS, f"job-{XSS}": "approve"})
    answers = [
        browser.get(garage.page),
        browser.get(f"/shared/{XSS}/"),
        send(browser, garage.page, form),
        browser.get(f"{garage.page}?done={XSS}"),
    ]
    for answer in answers:
        page = Page(answer)
        assert page.inline == []
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "49" not in page.text.replace("1,149", "").partition("{{")[0]
    assert "&lt;script&gt;" in answers[0].content.decode()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_the_page_does_not_know_is_405(
    garage: Garage, browser: Browser, method: str
) -> None:
    response = browser.generic(method, garage.page, b"{}", content_type="application/json")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    assert response["Content-Type"] == "text/html; charset=utf-8"


def test_head_and_options_are_told_without_a_page(garage: Garage, browser: Browser) -> None:
    head, options = browser.head(garage.page), browser.options(garage.page)
    assert (head.status_code, head.content) == (200, b"")
    assert (options.status_code, options["Allow"], options.content) == (
        200,
        "GET, HEAD, POST, OPTIONS",
        b"",
    )


BODIES: list[tuple[str, bytes, int]] = [
    ("application/json", b'{"version": 1}', 415),
    ("text/plain", b"version=1", 415),
    ("", b"version=1", 415),
    ("multipart/form-data", b"version=1", 415),
    ("multipart/form-data; boundary=x", b"--x\r\n", 415),
    (f"{FORM}; charset=utf-16", b"version=1", 400),
    (f"{FORM}; charset=base64", b"version=1", 400),
    (f"{FORM}; charset=nonsense", b"version=1", 409),
    (FORM, b"\xff\xfe\x00", 400),
    (FORM, b"version=%00&note=%00", 400),
    (FORM, b"version=%FF%FE", 400),
    (FORM, b"version=1&job-=approve&job-%00=approve&job-x=decline", 400),
    (FORM, b"version=99999999999999999999999999", 400),
    (FORM, b"&".join(b"a%d=1" % number for number in range(1001)), 400),
    (FORM, b"note=" + b"x" * 2_000_000, 413),
]


@pytest.mark.parametrize(("content_type", "body", "status"), BODIES)
def test_an_odd_body_is_refused_and_saves_nothing(
    garage: Garage, browser: Browser, content_type: str, body: bytes, status: int
) -> None:
    assert (
        browser.generic("POST", garage.page, body, content_type=content_type).status_code == status
    )
    assert garage.statuses() == ["proposed", "proposed"]


@pytest.mark.parametrize("note", ["x" * 501, "a\x00b", "\r\n" * 501])
def test_a_note_that_cannot_be_saved_is_told(garage: Garage, browser: Browser, note: str) -> None:
    response = send(browser, garage.page, garage.form(note="a" + note + "b"))
    assert response.status_code == 400
    assert "Your note is too long, or has characters in it" in response.content.decode()
    assert response.content.decode().count(" checked") == 2


def test_a_job_of_another_ticket_is_refused(garage: Garage, browser: Browser) -> None:
    other = Garage()
    form = garage.form(**{f"job-{other.brakes.pk}": "approve"})
    assert send(browser, garage.page, form).status_code == 400
    assert garage.statuses() == other.statuses() == ["proposed", "proposed"]


def test_a_database_that_does_not_answer_is_told_on_the_page(
    garage: Garage, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(token: str) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(share_links, "shared", fail)
    response = browser.get(garage.page)
    assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (
        503,
        "5",
        "private, no-store",
    )
    assert "Just a moment" in response.content.decode()


def test_a_part_outside_jobs_is_approved_on_the_page_like_a_job(browser: Browser) -> None:
    part, other = PartFactory(stock=2), PartFactory(stock=2, name="Wiper blade")
    ticket = make_ticket(parts=[(part, 1), (other, 2)])
    _, token = share_links.share(ticket, by=office())
    text = browser.get(f"/shared/{token}/").content.decode()
    assert "$19.99" in text
    form = {
        "version": snapshot.load_snapshot(ticket).version,
        "expected_total": "59.97",
        f"part-{part.pk}": "approve",
    }
    assert "Choose one for each" in send(browser, f"/shared/{token}/", form).content.decode()
    answer = send(browser, f"/shared/{token}/", form | {f"part-{other.pk}": "decline"})
    assert answer.status_code == 303
    assert "You approved $19.99" in browser.get(answer["Location"]).content.decode()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.authorized_total) == (Status.APPROVED, Decimal("19.99"))
    lines = ticket.lines.order_by("pk").values_list("status", "allocated")
    assert list(lines) == [("approved", 1), ("declined", 0)]


@pytest.mark.parametrize(
    ("currency", "places", "amount", "shown"),
    [
        ("USD", 2, "1234.50", "$1,234.50"),
        ("JPY", 0, "1234567", "¥1,234,567"),
        ("EUR", 2, "-3.00", "-€3.00"),
    ],
)
def test_money_is_written_for_people(
    settings: Any, currency: str, places: int, amount: str, shown: str
) -> None:
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = currency, places
    assert page_context.money(amount) == shown


def test_the_same_number_of_queries_for_one_job_and_for_many(
    garage: Garage, browser: Browser, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        jobs.add_job(garage.ticket, title=f"Job {number}", lines=[labor()] * 3, by=office())
    with django_assert_max_num_queries(6):
        assert browser.get(garage.page).status_code == 200
    assert Job.objects.filter(ticket=garage.ticket, status=JobStatus.PROPOSED).count() == 22
