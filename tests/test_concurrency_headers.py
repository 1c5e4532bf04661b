"""Retries and lost updates: ETag, If-None-Match, If-Match, Idempotency-Key."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client as Browser
from django.utils import timezone

from customers.models import Customer
from inventory import operations
from inventory.models import Part, StockMovement
from mechanic_shop.db.models import IdempotentAnswer
from mechanic_shop.errors import DomainError
from mechanic_shop.http import idempotency
from tickets.models import ServiceTicket

from .answers import refused
from .conftest import Client, client_of
from .factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
)
from .races import at_once

pytestmark = pytest.mark.django_db
PARTS = "/api/v1/parts/"
PADS = {"sku": "BRK-001", "name": "Brake pads", "price": "49.99"}


def url(part: Part, action: str = "") -> str:
    return f"{PARTS}{part.pk}/{action + '/' if action else ''}"


def copies(client: Client, times: int) -> list[Client]:
    """The same user in as many clients: one per thread."""
    return [client_of(client.user) for _ in range(times)]


def keyed(key: str = "k-1") -> dict[str, str]:
    return {"HTTP_IDEMPOTENCY_KEY": key}


# --- ETag and If-None-Match -----------------------------------------------------------


def objects() -> list[str]:
    ticket = make_ticket(
        vehicle=VehicleFactory(), mechanics=[MechanicFactory()], parts=[(PartFactory(), 1)]
    )
    found = {
        "customers": ticket.customer,
        "vehicles": ticket.vehicle,
        "tickets": ticket,
        "parts": PartFactory(),
        "mechanics": MechanicFactory(),
    }
    return [f"/api/v1/{name}/{row.pk}/" for name, row in found.items()]


def test_every_single_object_carries_an_etag(manager: Client) -> None:
    for path in [*objects(), "/api/v1/auth/me/"]:
        response = manager.get(path)
        tag = response["ETag"]
        assert tag.startswith('"')
        assert manager.get(path)["ETag"] == tag
        for known in (tag, f'W/{tag}, "x"', f'"x", {tag}', "*"):
            again = manager.get(path, HTTP_IF_NONE_MATCH=known)
            assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
        for other in ('"x"', "", "nonsense", tag.strip('"'), '"' + "x" * 5000 + '"'):
            assert manager.get(path, HTTP_IF_NONE_MATCH=other).status_code == 200


def test_a_write_answers_with_the_etag_of_what_it_left(manager: Client) -> None:
    created = manager.post(PARTS, PADS)
    part = Part.objects.get()
    assert manager.get(url(part))["ETag"] == created["ETag"]
    for method, action, body in (
        ("patch", "", {"bin": "A"}),
        ("put", "", PADS),
        ("put", "receive", {"quantity": 1}),
    ):
        answer = getattr(manager, method)(url(part, action), body)
        assert manager.get(url(part))["ETag"] == answer["ETag"] != created["ETag"]


def test_another_role_has_another_tag_for_other_fields(manager: Client, assigned: Client) -> None:
    part = PartFactory()
    tag = manager.get(url(part))["ETag"]
    assert assigned.get(url(part), HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_a_change_beside_the_row_changes_the_tickets_tag(manager: Client) -> None:
    ticket = make_ticket()
    path = f"/api/v1/tickets/{ticket.pk}/"
    tag = manager.get(path)["ETag"]
    manager.put(f"{path}add-part/", {"part": PartFactory().pk})
    assert manager.get(path, HTTP_IF_NONE_MATCH=tag).status_code == 200


# --- If-Match -------------------------------------------------------------------------

WRITES = [
    ("patch", "", {"bin": "B-2"}),
    ("put", "", PADS),
    ("put", "receive", {"quantity": 1}),
    ("delete", "", None),
]


@pytest.mark.parametrize(("method", "action", "body"), WRITES)
@pytest.mark.parametrize("tag", ['"stale"', "nonsense", "", 'W/"{}"', '"a", "b"'])
def test_a_stale_if_match_is_412_with_the_present_tag(
    manager: Client, method: str, action: str, body: Any, tag: str
) -> None:
    part = PartFactory()
    before = list(Part.objects.values())
    present = manager.get(url(part))["ETag"]

    response = getattr(manager, method)(
        url(part, action), body, HTTP_IF_MATCH=tag.format(present.strip('"'))
    )

    refused(response, 412, "precondition_failed")
    assert response["ETag"] == present
    assert list(Part.objects.values()) == before


@pytest.mark.parametrize(("method", "action", "body"), WRITES)
@pytest.mark.parametrize("tag", ["{}", '"x", {}', "*"])
def test_the_present_tag_lets_a_write_through(
    manager: Client, method: str, action: str, body: Any, tag: str
) -> None:
    part = PartFactory()
    response = getattr(manager, method)(
        url(part, action), body, HTTP_IF_MATCH=tag.format(manager.get(url(part))["ETag"])
    )
    assert response.status_code in (200, 204)


@pytest.mark.parametrize(("method", "action", "body"), WRITES)
def test_a_shop_may_ask_for_if_match(
    manager: Client, settings: Any, method: str, action: str, body: Any
) -> None:
    settings.REQUIRE_IF_MATCH = True
    part = PartFactory()
    call = getattr(manager, method)
    if method == "delete":
        assert call(url(part)).status_code == 204
        return
    refused(call(url(part, action), body, **keyed()), 428, "precondition_required")
    assert (
        call(
            url(part, action), body, HTTP_IF_MATCH=manager.get(url(part))["ETag"], **keyed()
        ).status_code
        == 200
    )


def test_what_may_not_be_seen_is_404_before_it_is_412(owner: Client) -> None:
    other = CustomerFactory()
    refused(owner.patch(f"/api/v1/customers/{other.pk}/", {"name": "x"}, HTTP_IF_MATCH='"x"'), 404)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["parts", "customers", "tickets"])
def test_of_sixteen_who_read_the_same_one_writes(manager: Client, kind: str) -> None:
    row = {"parts": PartFactory, "customers": CustomerFactory, "tickets": make_ticket}[kind]()
    field = "concern" if kind == "tickets" else "name"
    path = f"/api/v1/{kind}/{row.pk}/"
    tag = manager.get(path)["ETag"]
    calls = [
        lambda n=n, c=c: c.patch(path, {field: f"by {n}"}, HTTP_IF_MATCH=tag)
        for n, c in enumerate(copies(manager, 16))
    ]

    answers = at_once(*calls)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 15}
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert manager.get(path).json()[field] == winner.json()[field]
    assert {answer["ETag"] for answer in answers if answer.status_code == 412} == {winner["ETag"]}


@pytest.mark.django_db(transaction=True)
def test_patches_of_different_fields_at_once_keep_each_other(manager: Client) -> None:
    part = PartFactory(stock=10)
    changes: list[tuple[str, dict[str, Any]]] = [
        *[
            ("", {"name": "New name"}),
            ("", {"bin": "B-2"}),
            ("", {"price": "5.00"}),
            ("", {"description": "D"}),
        ],
        *[("receive", {"quantity": 1})] * 4,
    ]

    def change(client: Client, action: str, body: dict[str, Any]) -> Any:
        return (client.put if action else client.patch)(url(part, action), body)

    answers = at_once(
        *[
            lambda c=c, each=each: change(c, *each)
            for c, each in zip(copies(manager, 8), changes, strict=True)
        ]
    )

    assert [answer.status_code for answer in answers] == [200] * 8
    part.refresh_from_db()
    assert (part.name, part.bin, part.price, part.description, part.on_hand) == (
        "New name",
        "B-2",
        Decimal(5),
        "D",
        14,
    )


# --- Idempotency-Key ------------------------------------------------------------------


def replayed(first: Any, again: Any) -> bool:
    """The very same answer, said to be a replay."""
    same = ("Content-Type", "ETag", "Location")
    assert "Idempotent-Replayed" not in first
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert [again.get(name) for name in same] == [first.get(name) for name in same]
    return again["Idempotent-Replayed"] == "true"


def test_a_retried_post_has_one_effect_and_one_answer(manager: Client) -> None:
    first = manager.post(PARTS, PADS, **keyed())
    again = manager.post(PARTS, PADS, **keyed())
    assert first.status_code == 201
    assert replayed(first, again)
    assert Part.objects.count() == 1


def test_a_twin_of_a_running_request_is_told_to_try_again(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag alone turns it away: nothing is stored yet."""
    taken = SimpleNamespace(add=lambda *_: False, delete=lambda _: None)
    monkeypatch.setattr(idempotency, "cache", taken)
    answer = manager.post(PARTS, PADS, **keyed())
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        409,
        "request_in_progress",
        "1",
    )
    assert not Part.objects.exists()


def test_a_retried_put_has_one_effect(manager: Client) -> None:
    part = PartFactory()
    first, again = (manager.put(url(part, "receive"), {"quantity": 5}, **keyed()) for _ in range(2))
    assert replayed(first, again)
    part.refresh_from_db()
    assert part.on_hand == 5
    assert StockMovement.objects.count() == 1


def test_the_first_answer_is_replayed_even_when_the_shop_moved_on(manager: Client) -> None:
    part = PartFactory()
    first = manager.put(url(part, "receive"), {"quantity": 5}, **keyed())
    manager.put(url(part, "receive"), {"quantity": 5})
    assert replayed(first, manager.put(url(part, "receive"), {"quantity": 5}, **keyed()))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tickets/{ticket}/add-part/", {"part": "{part}"}),
        ("tickets/{ticket}/transitions/", {"to": "approved"}),
    ],
)
def test_actions_of_tickets_are_retried_safely(
    advisor: Client, path: str, body: dict[str, Any]
) -> None:
    ticket, part = make_ticket(), PartFactory()
    address = "/api/v1/" + path.format(ticket=ticket.pk)
    body = {name: part.pk if value == "{part}" else value for name, value in body.items()}
    call = advisor.post if "transitions" in path else advisor.put
    first, again = call(address, body, **keyed()), call(address, body, **keyed())
    assert first.status_code == 200
    assert replayed(first, again)
    assert [line.quantity for line in ticket.lines.all()] == ([1] if "part" in body else [])


def test_a_sign_up_is_retried_safely(anonymous: Client) -> None:
    body = {"name": "Alice", "email": "alice@example.com", "password": PASSWORD}
    first, again = (anonymous.post("/api/v1/customers/", body, **keyed()) for _ in range(2))
    assert first.status_code == 201
    assert replayed(first, again)
    assert Customer.objects.count() == 1


REFUSALS = [
    ("adjust", {"quantity": -99, "reason": "scrap", "note": "n"}, 409, "insufficient_stock"),
    ("adjust", {"quantity": 0, "reason": "adjustment", "note": "n"}, 400, None),
    ("receive", {"quantity": "many"}, 400, None),
    ("receive", {}, 400, None),
    ("receive", {"quantity": "0.5"}, 400, None),
    ("count", [], 400, None),
]


@pytest.mark.parametrize(("action", "body", "status", "code"), REFUSALS)
def test_a_final_refusal_is_replayed_too(
    manager: Client, action: str, body: Any, status: int, code: str | None
) -> None:
    part = PartFactory(stock=1)
    first = manager.put(url(part, action), body, **keyed())
    refused(first, status, code)
    # what would succeed now was refused then
    operations.receive(part, quantity=Decimal(1000), by=None)

    again = manager.put(url(part, action), body, **keyed())

    assert replayed(first, again)
    assert (
        again.json()["request_id"]
        == first.json()["request_id"]
        == first["X-Request-ID"]
        != again["X-Request-ID"]
    )
    assert StockMovement.objects.count() == 2


def test_a_refused_creation_is_replayed_and_leaves_nothing(manager: Client) -> None:
    first = manager.post(PARTS, PADS | {"price": -1}, **keyed())
    refused(first, 400, field="price")
    assert replayed(first, manager.post(PARTS, PADS | {"price": -1}, **keyed()))
    refused(manager.post(PARTS, PADS, **keyed()), 422, "idempotency_key_reused")
    assert not Part.objects.exists()


def test_a_refused_email_is_replayed(anonymous: Client) -> None:
    taken = CustomerFactory(email="alice@example.com")
    body = {"name": "Alice", "email": "alice@example.com", "password": PASSWORD}
    first = anonymous.post("/api/v1/customers/", body, **keyed())
    refused(first, 400, "email_taken")
    taken.delete()
    assert replayed(first, anonymous.post("/api/v1/customers/", body, **keyed()))
    assert not Customer.objects.exists()


def test_what_is_refused_is_rolled_back_before_it_is_kept(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal at the last moment: nothing of the effect stays, the answer does."""
    part = PartFactory()

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise DomainError("too_late", "Too late.", fact="1")

    monkeypatch.setattr(operations, "fill_backorders", refuse)
    first = manager.put(url(part, "receive"), {"quantity": 5}, **keyed())
    monkeypatch.undo()
    assert refused(first, 409, "too_late")["fact"] == "1"
    assert replayed(first, manager.put(url(part, "receive"), {"quantity": 5}, **keyed()))
    part.refresh_from_db()
    assert part.on_hand == 0
    assert not StockMovement.objects.exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("bug"), 500), (OperationalError("disk full"), 503), (TimeoutError("slow"), 500)],
    ids=["bug", "database", "time-out"],
)
def test_a_failure_is_not_kept_and_its_retry_succeeds(
    manager: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    part = PartFactory()
    manager.raise_request_exception = False

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(operations, "fill_backorders", fail)
    refused(manager.put(url(part, "receive"), {"quantity": 5}, **keyed()), status)
    assert not IdempotentAnswer.objects.exists()
    monkeypatch.undo()
    assert (
        manager.put(url(part, "receive"), {"quantity": 5}, **keyed()).json()["on_hand"] == "5.000"
    )


def test_401_403_and_412_are_not_kept(advisor: Client, manager: Client, anonymous: Client) -> None:
    part = PartFactory()
    refused(anonymous.put(url(part, "receive"), {"quantity": 1}, **keyed()), 401)
    refused(
        advisor.put(
            url(part, "adjust"), {"quantity": 1, "reason": "adjustment", "note": "n"}, **keyed()
        ),
        403,
    )
    refused(
        manager.put(url(part, "receive"), {"quantity": 1}, HTTP_IF_MATCH='"stale"', **keyed()), 412
    )
    assert not IdempotentAnswer.objects.exists()
    tag = manager.get(url(part))["ETag"]
    assert (
        manager.put(url(part, "receive"), {"quantity": 1}, HTTP_IF_MATCH=tag, **keyed()).status_code
        == 200
    )


def test_a_throttled_request_is_not_kept(owner: Client, settings: Any) -> None:
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"login": "1/hour"}
    path, body = (
        f"/api/v1/customers/{owner.user.customer.pk}/",
        {"email": "new@example.com", "name": "Olive", "current_password": "wrong"},
    )
    refused(owner.put(path, body, **keyed("a")), 400, "wrong_password")
    refused(owner.put(path, body, **keyed("b")), 429)
    assert list(IdempotentAnswer.objects.values_list("key", flat=True)) == ["a"]


@pytest.mark.parametrize("change", ["body", "path", "method", "query"])
def test_a_key_is_for_one_request(manager: Client, change: str) -> None:
    part = PartFactory(stock=5)
    assert manager.put(url(part, "receive"), {"quantity": 1}, **keyed()).status_code == 200
    other = {
        "body": lambda: manager.put(url(part, "receive"), {"quantity": 2}, **keyed()),
        "path": lambda: manager.put(url(part, "count"), {"quantity": 1}, **keyed()),
        "method": lambda: manager.post(PARTS, {"quantity": 1}, **keyed()),
        "query": lambda: manager.put(url(part, "receive") + "?x=1", {"quantity": 1}, **keyed()),
    }
    refused(other[change](), 422, "idempotency_key_reused")
    part.refresh_from_db()
    assert part.on_hand == 6


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\tb", "\x7f", "١"])
def test_a_malformed_key_is_400(manager: Client, key: str) -> None:
    refused(manager.post(PARTS, PADS, **keyed(key)), 400, "invalid_idempotency_key")
    assert not Part.objects.exists()


@pytest.mark.parametrize(
    "key", ["x", "x" * 255, "~!\"'<>;--", "8e03978e-40d5-43e8-bc93-6894a57f9324"]
)
def test_any_visible_ascii_is_a_key(manager: Client, key: str) -> None:
    assert [manager.post(PARTS, PADS, **keyed(key)).status_code for _ in range(2)] == [201, 201]
    assert Part.objects.count() == 1


def test_a_key_belongs_to_its_user(manager: Client) -> None:
    other = client_of(UserFactory(role="manager"))
    part = PartFactory()
    for client in (manager, other):
        assert "Idempotent-Replayed" not in client.put(
            url(part, "receive"), {"quantity": 1}, **keyed()
        )
    part.refresh_from_db()
    assert part.on_hand == 2


def test_a_key_works_again_after_a_day(manager: Client) -> None:
    part = PartFactory()
    manager.put(url(part, "receive"), {"quantity": 1}, **keyed())
    IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert "Idempotent-Replayed" not in manager.put(
        url(part, "receive"), {"quantity": 2}, **keyed()
    )
    part.refresh_from_db()
    assert part.on_hand == 3


def test_no_password_is_kept(anonymous: Client) -> None:
    anonymous.post(
        "/api/v1/customers/",
        {"name": "Alice", "email": "alice@example.com", "password": PASSWORD},
        **keyed(),
    )
    kept = IdempotentAnswer.objects.get()
    assert PASSWORD.encode() not in bytes(kept.body)
    assert "access" not in bytes(kept.body).decode()


def test_a_browsers_form_with_a_key_is_answered(manager: Client) -> None:
    """Whatever read the body before: a key never turns into a 500."""
    for data in ({"format": "multipart"}, {"content_type": "application/x-www-form-urlencoded"}):
        body: Any = PADS if "format" in data else "sku=F&name=N&price=1"
        assert manager.post(PARTS, body, **data, **keyed(str(data)[2:8])).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refuses", [False, True])
def test_twins_at_once_have_one_effect(manager: Client, refuses: bool) -> None:
    part = PartFactory(stock=None if refuses else 20)
    body = {"quantity": -1, "reason": "scrap", "note": "n"}
    calls = [lambda c=c: c.put(url(part, "adjust"), body, **keyed()) for c in copies(manager, 12)]

    answers = at_once(*calls)

    first = next(
        answer
        for answer in answers
        if "Idempotent-Replayed" not in answer
        and answer.json().get("code") != "request_in_progress"
    )
    for answer in answers:
        if answer.json().get("code") == "request_in_progress":
            assert (answer.status_code, answer["Retry-After"]) == (409, "1")
        else:
            assert (answer.status_code, answer.content) == (first.status_code, first.content)
    assert first.status_code == (409 if refuses else 200)
    assert replayed(first, manager.put(url(part, "adjust"), body, **keyed()))
    part.refresh_from_db()
    assert part.on_hand == (0 if refuses else 19)
    assert IdempotentAnswer.objects.count() == 1


class NoCache:
    """A Redis that is gone."""

    def add(self, *args: Any) -> None: ...

    def delete(self, *args: Any) -> None: ...


@pytest.mark.django_db(transaction=True)
def test_twins_have_one_effect_even_without_a_cache(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis is gone, so nothing turns the twins away; the unique row lets one of them
    commit.
    """
    monkeypatch.setattr(idempotency, "cache", NoCache())
    calls = [
        lambda c=c: c.post("/api/v1/tickets/", {"concern": "It squeaks"}, **keyed())
        for c in copies(owner, 8)
    ]

    answers = at_once(*calls)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert ServiceTicket.objects.count() == IdempotentAnswer.objects.count() == 1


def test_a_tag_that_cannot_be_read_is_refused_and_changes_nothing(advisor, owner):
    """Ignored, it would be a lost update."""
    customer = owner.user.customer
    path = f"/api/v1/customers/{customer.pk}/"
    for answer in (
        advisor.get(path, HTTP_IF_NONE_MATCH='"olé"'),
        advisor.patch(path, {"name": "Other"}, HTTP_IF_MATCH='"olé"'),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_etag")
    customer.refresh_from_db()
    assert customer.name != "Other"


def test_a_foreign_cookie_with_an_accent_logs_nobody_out(manager):
    browser = Browser()
    browser.force_login(manager.user)
    session = browser.cookies["sessionid"].value
    cookies = f"city=Orl\xc3\xa9ans; sessionid={session}; ville=\xe9"
    assert (
        Browser().get("/api/v1/auth/me/", HTTP_COOKIE=cookies).json()["email"] == manager.user.email
    )
