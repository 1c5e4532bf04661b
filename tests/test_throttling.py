"""Rate limits: who is counted as whom, how many come through, and what they are told."""

from collections import Counter
from typing import Any

import pytest
from django.test import RequestFactory

from mechanic_shop.http import throttling
from mechanic_shop.http.throttling import Count, address_of, counted_address, hit, limited, parse

from .answers import refused
from .conftest import Client, client_of
from .factories import PASSWORD, CustomerFactory, PartFactory, UserFactory
from .races import at_once

pytestmark = pytest.mark.django_db
MECHANICS, PARTS, CUSTOMERS, RESET = (
    "/api/v1/mechanics/",
    "/api/v1/parts/",
    "/api/v1/customers/",
    "/api/v1/auth/password/reset/",
)


@pytest.fixture(autouse=True)
def _the_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of an hour, or a test that crosses into the next would start anew."""
    now = throttling.time.time() // 3600 * 3600 + 1800
    monkeypatch.setattr(throttling.time, "time", lambda: now)


@pytest.fixture
def limit(settings: Any) -> Any:
    def set_rates(**rates: str) -> None:
        settings.THROTTLE_RATES = settings.THROTTLE_RATES | rates

    return set_rates


def told(response: Any) -> tuple[str | None, ...]:
    return tuple(response.get(f"RateLimit-{name}") for name in ("Limit", "Remaining", "Reset"))


# --- who is counted as whom -----------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "scope"),
    [
        ("anonymous", "anon"),
        ("owner", "customer"),
        ("unassigned", "staff"),
        ("advisor", "staff"),
        ("manager", "staff"),
    ],
)
def test_each_scope_counts_its_own(
    request: pytest.FixtureRequest, limit: Any, actor: str, scope: str
) -> None:
    client = request.getfixturevalue(actor)
    limit(
        **{
            name: "2/hour" if name == scope else "100/hour"
            for name in ("anon", "customer", "staff")
        }
    )

    answers = [client.get(MECHANICS) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [told(answer) for answer in answers] == [
        ("2", "1", "1801"),
        ("2", "0", "1801"),
        ("2", "0", "1801"),
        ("2", "0", "1801"),
    ]
    refused(answers[2], 429, "throttled")
    assert answers[2]["Retry-After"] == "1801"


def test_one_users_requests_are_not_anothers(
    limit: Any, owner: Client, stranger: Client, advisor: Client, anonymous: Client
) -> None:
    limit(anon="1/hour", customer="1/hour", staff="1/hour")
    for client in (owner, stranger, advisor, anonymous):
        assert [client.get(MECHANICS).status_code for _ in range(2)] == [200, 429]


def test_a_user_is_counted_wherever_they_come_from(limit: Any, owner: Client) -> None:
    limit(customer="1/hour")
    assert [owner.get(MECHANICS, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(2)] == [
        200,
        429,
    ]
    assert client_of(owner.user).get(MECHANICS).status_code == 429


def test_visitors_are_counted_by_address(limit: Any, anonymous: Client) -> None:
    limit(anon="1/hour")
    assert [
        anonymous.get(MECHANICS, REMOTE_ADDR=address).status_code
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1")
    ] == [*(200, 200, 429, 200)]


@pytest.mark.parametrize(
    "header",
    [
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_REAL_IP",
        "HTTP_FORWARDED",
        "HTTP_CLIENT_IP",
        "HTTP_CF_CONNECTING_IP",
    ],
)
def test_a_header_does_not_make_another_address(limit: Any, anonymous: Client, header: str) -> None:
    limit(anon="2/hour")
    assert [
        anonymous.get(MECHANICS, **{header: f"203.0.113.{n}"}).status_code for n in range(4)
    ] == [200, 200, 429, 429]


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(
    limit: Any, anonymous: Client, settings: Any
) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    limit(anon="1/hour")
    sent = ["198.51.100.1", "198.51.100.2", "made up, 198.51.100.1", "198.51.100.2, 198.51.100.1"]
    assert [
        anonymous.get(MECHANICS, HTTP_X_FORWARDED_FOR=header).status_code for header in sent
    ] == [200, 200, 429, 429]


def test_every_route_counts_towards_one_limit(limit: Any, manager: Client) -> None:
    limit(staff="3/hour")
    assert [
        manager.get(path).status_code for path in (MECHANICS, PARTS, CUSTOMERS, "/api/v1/auth/me/")
    ] == [200, 200, 200, 429]


def test_a_refused_request_changes_nothing(limit: Any, manager: Client) -> None:
    limit(staff="1/hour")
    part = PartFactory()
    manager.get(PARTS)
    refused(manager.put(f"{PARTS}{part.pk}/receive/", {"quantity": 1}), 429)
    part.refresh_from_db()
    assert part.on_hand == 0


def test_a_limit_of_another_scope_does_not_stop_a_sign_up(limit: Any, anonymous: Client) -> None:
    limit(anon="1/hour", signup="2/hour")
    body = {"name": "A", "password": PASSWORD}
    anonymous.get(MECHANICS)
    answers = [anonymous.post(CUSTOMERS, body | {"email": f"a{n}@example.com"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert told(answers[0])[:2] == ("2", "1")


def test_the_front_desk_writes_down_customers_beyond_the_sign_up_limit(
    limit: Any, advisor: Client
) -> None:
    limit(signup="1/hour", staff="100/hour")
    assert [advisor.post(CUSTOMERS, {"name": "A"}).status_code for _ in range(3)] == [201, 201, 201]


def test_resets_have_a_limit_of_their_own(limit: Any, anonymous: Client) -> None:
    limit(reset="2/hour")
    assert [
        anonymous.post(RESET, {"email": f"a{n}@example.com"}).status_code for n in range(3)
    ] == [202, 202, 429]


def test_a_role_given_later_counts_at_once(limit: Any) -> None:
    limit(customer="1/hour", staff="5/hour")
    user = CustomerFactory(login=True).user
    client = client_of(user)
    assert [client.get(MECHANICS).status_code for _ in range(2)] == [200, 429]
    user.is_staff = True
    user.save()
    assert client_of(user).get(MECHANICS).status_code == 200


# --- what they are told ---------------------------------------------------------------


@pytest.mark.parametrize("path", [MECHANICS, MECHANICS + "popular/", PARTS])
def test_a_cached_page_tells_the_callers_own_limit(limit: Any, path: str) -> None:
    limit(staff="9/hour")
    first, second = (client_of(UserFactory(role="mechanic")) for _ in range(2))
    assert [told(client.get(path))[1] for client in (first, first, second, first)] == [
        "8",
        "7",
        "8",
        "6",
    ]


def test_a_cached_page_is_limited_too(limit: Any, anonymous: Client) -> None:
    anonymous.get(MECHANICS)
    limit(anon="1/hour")
    assert [anonymous.get(MECHANICS).status_code for _ in range(2)] == [200, 429]


def test_what_is_not_changed_or_refused_tells_the_limit_as_well(
    limit: Any, manager: Client
) -> None:
    limit(staff="9/hour")
    part = PartFactory()
    tag = manager.get(f"{PARTS}{part.pk}/")["ETag"]
    answers = [
        manager.get(f"{PARTS}{part.pk}/", HTTP_IF_NONE_MATCH=tag),
        manager.get(f"{PARTS}999999/"),
        manager.patch(f"{PARTS}{part.pk}/", {"price": -1}),
        manager.delete(f"{PARTS}{part.pk}/"),
    ]
    assert [answer.status_code for answer in answers] == [304, 404, 400, 204]
    assert [told(answer)[1] for answer in answers] == ["7", "6", "5", "4"]


def test_a_scope_that_is_off_tells_and_stops_nothing(limit: Any, anonymous: Client) -> None:
    limit(anon="off")
    answers = [anonymous.get(MECHANICS) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert told(answers[-1]) == (None, None, None)


@pytest.mark.parametrize(
    ("rate", "seconds"), [("10/second", 1), ("10/minute", 60), ("10/hour", 3600)]
)
def test_a_new_period_starts_anew(
    limit: Any, monkeypatch: pytest.MonkeyPatch, rate: str, seconds: int
) -> None:
    limit(anon=rate)
    assert parse(rate) == (10, seconds)
    now = throttling.time.time() // 3600 * 3600
    for moment, used, reset in ((0, 1, seconds), (seconds - 0.5, 2, 1), (seconds, 1, seconds)):
        monkeypatch.setattr(throttling.time, "time", lambda moment=moment: now + moment)
        count = hit("anon", "me")
        assert count is not None
        assert (count.used, count.reset) in ((used, reset), (used, reset + 1))


def test_a_request_can_be_given_back_and_looked_at(limit: Any) -> None:
    limit(login="3/hour")
    used = [
        found.used for found in (hit("login", "me", by=by) for by in (1, 1, 0, -1, 0, 1)) if found
    ]
    assert used == [1, 2, 2, 1, 1, 2]
    assert (hit("login", "nobody", by=0) or Count(0, 9, 0)).used == 0


def test_who_is_over_the_limit_is_told_when_to_come_back() -> None:
    assert limited(None) is None
    assert limited(Count(2, 2, 60)) is None
    refusal = limited(Count(2, 3, 60))
    assert refusal is not None
    assert (refusal.wait, refusal.headers["RateLimit-Remaining"]) == (60, "0")  # type: ignore[attr-defined]


# --- at once --------------------------------------------------------------------------


def test_of_four_hundred_calls_at_once_exactly_the_limit_passes(limit: Any) -> None:
    limit(anon="5/hour")

    def one() -> bool:
        request = RequestFactory().get(MECHANICS)
        request.user = type("Nobody", (), {"is_authenticated": False})()  # type: ignore[assignment]
        return throttling.ShopThrottle().allow_request(request, view=None)

    def twenty() -> list[bool]:
        return [one() for _ in range(20)]

    assert Counter(passed for answers in at_once(*[twenty] * 20) for passed in answers) == {
        True: 5,
        False: 395,
    }


@pytest.mark.django_db(transaction=True)
def test_of_forty_requests_at_once_exactly_the_limit_passes(limit: Any) -> None:
    limit(anon="5/hour")
    answers = at_once(*[lambda: Client().get(MECHANICS)] * 40)
    assert Counter(answer.status_code for answer in answers) == {200: 5, 429: 35}


# --- without a cache ------------------------------------------------------------------


class NoCache:
    """A Redis that is gone."""

    def add(self, *args: Any) -> None: ...

    def incr(self, *args: Any) -> None: ...


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ("login", True),
        ("signup", True),
        ("reset", True),
        ("shared", True),
        ("anon", False),
        ("customer", False),
        ("staff", False),
    ],
)
def test_without_a_cache_guessing_is_still_limited_and_reading_goes_on(
    limit: Any, monkeypatch: pytest.MonkeyPatch, scope: str, counts: bool
) -> None:
    limit(**{scope: "2/hour"})
    throttling.fallback.clear()
    monkeypatch.setattr(throttling, "cache", NoCache())
    used = [hit(scope, "me") for _ in range(3)]
    assert [found and found.used for found in used] == ([1, 2, 3] if counts else [None] * 3)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense:", "unreadable"),
    ],
)
def test_a_network_of_ipv6_counts_as_one_caller(rf: Any, address: str, counted: str) -> None:
    """Whoever has a /64 has 2⁶⁴ addresses, and would guess passwords from each."""
    assert address_of(rf.get("/", REMOTE_ADDR=address)) == counted


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        *(
            ("9.9.9.9", "9.9.9.9"),
            ("9.9.9.9:5678", "9.9.9.9"),
            ("[2001:db8::1]:443", "2001:db8::/64"),
            ("[::1]", "::/64"),
        ),
        *(("::ffff:9.9.9.9", "9.9.9.9"), ("fe80::1%eth0", "fe80::/64")),
        *(
            (odd, "unreadable")
            for odd in ("é", "unknown", "1.2.3", "9.9.9.9, é", "-", "a" * 5000, "[", "::x")
        ),
    ],
)
def test_an_address_counts_without_its_port_and_what_is_none_counts_as_one(
    sent: str, counted: str
) -> None:
    assert counted_address(sent) == counted


def test_callers_whose_forwarded_address_cannot_be_read_share_one_count(
    limit: Any, anonymous: Client, settings: Any
) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    limit(anon="2/hour")
    assert [
        anonymous.get(MECHANICS, HTTP_X_FORWARDED_FOR=f"9.9.9.9, é{number}").status_code
        for number in range(3)
    ] == [200, 200, 429]
    assert anonymous.get(MECHANICS, HTTP_X_FORWARDED_FOR="9.9.9.9").status_code == 200
