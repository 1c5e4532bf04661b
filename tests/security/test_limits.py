"""Rate limits (API4:2023; issue 4, point 3; requirement 37; crAPI 3 and 6): exact, told
on every answer, and never none for a log-in.
"""

import itertools
import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings as django_settings

from mechanic_shop.http import throttling

from ..conftest import Client
from ..factories import PASSWORD, UserFactory
from ..hosts import serving
from ..test_matrix import World, undone
from .attacks import API, CALLS, HTML, READS, Call, make

pytestmark = pytest.mark.django_db
TOKEN, MECHANICS = f"{API}/auth/token/", f"{API}/mechanics/"


@pytest.fixture
def limit(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets rates, in the middle of an hour: a test that crosses into the next would
    start anew.
    """
    now = time.time() // 3600 * 3600 + 1800
    monkeypatch.setattr(throttling.time, "time", lambda: now)

    def set_rates(**rates: str) -> None:
        settings.THROTTLE_RATES = settings.THROTTLE_RATES | rates

    return set_rates


def test_every_answer_tells_where_the_caller_stands(
    request: pytest.FixtureRequest, world: World, limit: Any
) -> None:
    """Whatever it is, 200 from a cache, 201, 401, 403, 404 or 409: and it counted once."""
    clients = {
        actor: request.getfixturevalue(actor)
        for actor in ("anonymous", "owner", "assigned", "manager")
    }
    limit(**dict.fromkeys(("anon", "customer", "staff", "signup", "reset", "shared"), "50/hour"))
    world.prepare(*map(str, CALLS))
    for call, (actor, client) in itertools.product(CALLS, clients.items()):
        with undone():
            response = make(world, client, call)
            assert (response["RateLimit-Limit"], response["RateLimit-Remaining"]) == ("50", "49"), (
                str(call),
                actor,
                response.status_code,
            )
            assert 0 < int(response["RateLimit-Reset"]) <= 3601, (str(call), actor)


def test_what_is_not_modified_or_a_page_for_people_tells_it_too(
    world: World, manager: Client, limit: Any
) -> None:
    limit(staff="50/hour")
    tag = manager.get(MECHANICS)["ETag"]
    unchanged = manager.get(MECHANICS, HTTP_IF_NONE_MATCH=tag)
    assert (unchanged.status_code, unchanged["RateLimit-Remaining"]) == (304, "48")
    assert manager.get(MECHANICS, HTTP_ACCEPT=HTML)["RateLimit-Remaining"] == "47"
    assert manager.options(MECHANICS)["RateLimit-Remaining"] == "46"
    assert manager.patch(MECHANICS, {})["RateLimit-Remaining"] == "45"


@pytest.mark.parametrize("token", ["Bearer forged", "Bearer a.b.c", "Bearer"])
def test_guessing_tokens_has_a_limit(anonymous: Client, limit: Any, token: str) -> None:
    """401 was never counted: Django REST asks for the limit last."""
    limit(anon="3/hour")
    answers = [anonymous.get(f"{API}/auth/me/", HTTP_AUTHORIZATION=token) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]


def test_knocking_at_closed_doors_has_a_limit(owner: Client, anonymous: Client, limit: Any) -> None:
    """403 was never counted either, nor was 401 without a token."""
    limit(customer="3/hour", anon="3/hour")
    assert [owner.get(f"{API}/parts/").status_code for _ in range(5)] == [403, 403, 403, 429, 429]
    assert [anonymous.get(f"{API}/parts/").status_code for _ in range(5)] == [
        401,
        401,
        401,
        429,
        429,
    ]


@pytest.mark.parametrize("call", READS, ids=str)
def test_a_limit_ends_every_read(world: World, manager: Client, limit: Any, call: Call) -> None:
    """crAPI 6: no route is left out, not even the documentation."""
    limit(staff="1/hour", shared="1/hour")
    make(world, manager, call)
    response = make(world, manager, call)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0


# --- logging in -----------------------------------------------------------------------

SPELLINGS = [
    "alice@example.com",
    "ALICE@EXAMPLE.COM",
    " alice@example.com ",
    "ａｌｉｃｅ@example.com",
    "Alice@Example.Com",
]


def try_in(
    client: Client,
    email: str = "alice@example.com",
    password: str = "wrong-and-wrong",
    **extra: Any,
) -> Any:
    return client.post(TOKEN, {"email": email, "password": password}, **extra)


@pytest.mark.parametrize("door", [TOKEN, f"{API}/session/login/", "/admin/login/"])
def test_a_locked_pair_answers_the_right_password_like_a_wrong_one(
    anonymous: Client, limit: Any, door: str
) -> None:
    """Requirement 37 (A6.3.1): whatever the spelling and whatever headers, by any door;
    the owner elsewhere still gets in.
    """
    UserFactory(email="alice@example.com", is_staff=True)
    limit(login="5/hour")
    for spelling in SPELLINGS:
        assert try_in(anonymous, spelling, HTTP_X_FORWARDED_FOR=spelling).status_code == 401
    locked = [
        (
            answer.status_code,
            answer.content.decode().replace(answer["X-Request-ID"], ""),
            answer["Retry-After"],
            answer["RateLimit-Remaining"],
        )
        for answer in (
            try_in(anonymous),
            try_in(anonymous, password=PASSWORD),
            try_in(anonymous, "ALICE@example.com", PASSWORD),
        )
    ]
    assert len(set(locked)) == 1
    assert locked[0][0] == 429
    if door != TOKEN:
        form = {"username": "Alice@example.com", "password": PASSWORD}
        assert (
            "Too many attempts"
            in anonymous.post(door, form, format="multipart", HTTP_ACCEPT=HTML).content.decode()
        )
    assert try_in(anonymous, password=PASSWORD, REMOTE_ADDR="192.0.2.44").status_code == 200


def test_an_attempt_that_was_turned_away_unlocks_nothing(anonymous: Client, limit: Any) -> None:
    """The right password gives an attempt back only where it was let in."""
    UserFactory(email="alice@example.com")
    limit(login="3/hour")
    for _ in range(3):
        try_in(anonymous)
    for _ in range(3):
        assert try_in(anonymous, password=PASSWORD).status_code == 429
    assert try_in(anonymous).status_code == 429


def test_each_account_has_its_count_and_the_address_one_for_all(
    anonymous: Client, limit: Any
) -> None:
    """Spraying one password over many accounts: ten times the limit of one, and then
    nobody from there.
    """
    UserFactory(email="alice@example.com")
    limit(login="2/hour")
    found = Counter(
        try_in(anonymous, f"user{number}@example.com").status_code for number in range(40)
    )
    assert found == {401: 20, 429: 20}
    assert try_in(anonymous, password=PASSWORD).status_code == 429
    assert try_in(anonymous, password=PASSWORD, REMOTE_ADDR="192.0.2.44").status_code == 200


class NoCache:
    """A Redis that is gone."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


def test_without_redis_a_log_in_is_counted_here(
    anonymous: Client, limit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never none: also when Redis goes in the middle of a guess, and for the addresses,
    sign-ups and resets as well.
    """
    UserFactory(email="alice@example.com")
    limit(login="3/hour", signup="2/hour", reset="2/hour")
    throttling.fallback.clear()
    assert try_in(anonymous).status_code == 401
    monkeypatch.setattr(throttling, "cache", NoCache())
    assert [try_in(anonymous).status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    assert try_in(anonymous, password=PASSWORD).status_code == 429
    assert [
        anonymous.post(f"{API}/auth/password/reset/", {"email": "a@example.com"}).status_code
        for _ in range(3)
    ] == [202, 202, 429]
    sign_ups = [
        {"name": "A", "email": f"a{number}@example.com", "password": PASSWORD}
        for number in range(3)
    ]
    assert [anonymous.post(f"{API}/customers/", body).status_code for body in sign_ups] == [
        201,
        201,
        429,
    ]
    # reading goes on
    assert [anonymous.get(MECHANICS).status_code for _ in range(3)] == [
        200,
        200,
        200,
    ]


# --- the server as it is run, with several workers where a Redis is shared ------------


@contextmanager
def running(**limits: str) -> Iterator[str]:
    """The address of a server on the database of the tests."""
    processes = (
        {"WEB_CONCURRENCY": "3"} if django_settings.CACHES["default"].get("LOCATION", "") else {}
    )
    with serving(**{"THROTTLE_STAFF": ""} | processes | limits) as host:
        yield host.address


def ask(address: str, body: Any = None, **headers: str) -> tuple[int, int | None]:
    """(status, RateLimit-Remaining)"""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, int(response.headers["RateLimit-Remaining"])
    except urllib.error.HTTPError as refusal:
        return refusal.code, int(refusal.headers["RateLimit-Remaining"])


def wait_for_a_quiet_hour() -> None:
    """The server's clock is the real one: near its end an hour would begin in the
    middle of the test.
    """
    left = 3600 - time.time() % 3600
    if left < 60:
        time.sleep(left + 1)


@pytest.mark.django_db(transaction=True)
def test_several_workers_let_exactly_the_limit_through() -> None:
    """Requests that come at once, with and without a token, to cached and closed pages;
    and guesses of one password.
    """
    UserFactory(email="alice@example.com")
    wait_for_a_quiet_hour()
    with (
        running(THROTTLE_ANON="30/hour", THROTTLE_LOGIN="5/hour") as shop,
        ThreadPoolExecutor(40) as pool,
    ):
        paths = [f"{shop}{MECHANICS}", f"{shop}{API}/parts/"] * 40
        found = list(pool.map(ask, paths))
        passed = [remaining for status, remaining in found if status in (200, 401)]
        assert Counter(status for status, _ in found)[429] == 50
        assert sorted(passed, key=str) == sorted(range(30), key=str)  # each was told another number
    with (
        running(THROTTLE_ANON="off", THROTTLE_LOGIN="5/hour") as shop,
        ThreadPoolExecutor(40) as pool,
    ):
        bodies = [
            {"email": SPELLINGS[number % 5].strip(), "password": f"guess-{number}"}
            for number in range(40)
        ]
        codes = Counter(pool.map(lambda body: guess(f"{shop}{TOKEN}", body), bodies))
        assert codes == {401: 5, 429: 35}
        assert guess(f"{shop}{TOKEN}", {"email": "alice@example.com", "password": PASSWORD}) == 429


def guess(address: str, body: Any) -> int:
    """The status of a log-in; while others log in it is sent again, as the shop says."""
    while (status := guess_once(address, body)) == 503:
        time.sleep(0.1)
    return status


def guess_once(address: str, body: Any) -> int:
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as refusal:
        return refusal.code
