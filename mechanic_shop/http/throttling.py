"""Rate limits, counted atomically in the shared cache.

A limit of N per period lets N requests through in each period of the clock, whatever
the number of workers: ``add`` and ``incr`` are atomic both in process and in Redis,
where read-check-write is not.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from . import caching

UNREADABLE = "unreadable"  # all callers whose forwarded address cannot be read count as this one

# limits that hold also while nothing can be shared
GUESSED = (
    "login",
    "signup",
    "reset",
    "shared",
)
PERIODS = {"second": 1, "minute": 60, "hour": 3600}
# What counts for log-in, sign-up, reset and shared links while Redis is gone: a limit
# per process is less than a shared one, and more than none.
fallback = LocMemCache("limits", {"OPTIONS": {"MAX_ENTRIES": 50_000}})


@dataclass
class Count:
    """The state of a limit: ``used`` of ``limit`` requests, in a period that ends in
    ``reset`` seconds.
    """

    limit: int
    used: int
    reset: int

    @property
    def over(self) -> bool:
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "RateLimit-Reset": str(self.reset),
        }


@lru_cache
def parse(rate: str) -> tuple[int, int]:
    """ "10/minute" → (10, 60): a number of requests and seconds."""
    number, _, period = rate.partition("/")
    return int(number), PERIODS[period]


def hit(scope: str, who: str, *, times: int = 1, by: int = 1) -> Count | None:
    """Count ``by`` requests of ``who``; None where the scope is off, or nothing can
    count.

    ``times`` multiplies the limit; ``by=-1`` gives a request back, ``by=0`` only looks.
    """
    if settings.THROTTLE_RATES[scope] == "off":
        return None
    limit, seconds, key, reset = period(scope, who)
    used = bump(cache, key, by, seconds)
    if used is None and scope in GUESSED:
        used = bump(fallback, key, by, seconds)
    return None if used is None else Count(limit * times, used, reset)


def period(scope: str, who: str) -> tuple[int, int, str, int]:
    """The limit, its seconds, the counter of the present period, and the seconds that
    are left of it.
    """
    limit, seconds = parse(settings.THROTTLE_RATES[scope])
    now = time.time()
    return (
        limit,
        seconds,
        f"limit:{scope}:{who}:{int(now // seconds)}",
        int(seconds - now % seconds) + 1,
    )


def bump(store: Any, key: str, by: int, seconds: int) -> int | None:
    """The counter after adding ``by``; None when the store does not answer. Both calls
    are atomic, so whoever comes second counts on.
    """
    for _ in range(2):
        try:
            return store.incr(key, by)
        except ValueError:  # the first of this period
            if store.add(key, max(by, 0), seconds):
                return max(by, 0)
    return None


def limited(count: Count | None) -> Throttled | None:
    """The 429 that this count deserves."""
    if count is None or not count.over:
        return None
    error = Throttled(wait=count.reset)
    error.headers = count.headers()  # type: ignore[attr-defined]
    return error


def address_of(request: Any) -> str:
    """The caller's address, past exactly ``NUM_PROXIES`` proxies; of IPv6 its network,
    since whoever has one has all of its addresses.
    """
    # Without a proxy the header is anybody's to write, and Django REST need not look at
    # it.
    address = (
        BaseThrottle().get_ident(request)
        if api_settings.NUM_PROXIES
        else request.META.get("REMOTE_ADDR")
    ) or "unknown"
    return counted_address(address) if api_settings.NUM_PROXIES or ":" in address else address


@lru_cache(4096)
def counted_address(text: str) -> str:
    """An address as it is counted: without its port, and of IPv6 the network.
    ``UNREADABLE`` for what is not an address.
    """
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return UNREADABLE
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def count_request(request: Any, scope: str, who: str) -> Count | None:
    """Count this request once, also when it is retried; the generations that the shared
    cache returns stay at ``request.generations``.
    """
    counted = request.META.get("shop.counted")
    if counted is None or counted[0] != (scope, who):
        counted = request.META["shop.counted"] = ((scope, who), *look_and_count(scope, who))
    _, request.rate_limit, request.generations = counted
    return request.rate_limit


def give_back(request: Request) -> None:
    """Take back the count of a sign-up or a reset that the server was too busy to look
    at.
    """
    (scope, who), *_ = request.META.get("shop.counted", (("", ""),))
    if scope in GUESSED:
        hit(scope, who, by=-1)


def look_and_count(scope: str, who: str) -> tuple[Count | None, dict[str, int] | None]:
    if settings.THROTTLE_RATES[scope] == "off" or not caching.is_shared():
        return hit(scope, who), None
    limit, seconds, key, reset = period(scope, who)
    if answer := caching.fetch_generations(key, seconds):
        return Count(limit, answer[0], reset), answer[1]
    return hit(scope, who) if scope in GUESSED else None, None


def scope_of(user: Any) -> tuple[str, str]:
    """The scope and key under which a user is counted."""
    return "staff" if user.is_shop_staff else "customer", str(user.pk)


class ShopThrottle(BaseThrottle):
    """Every route: by address for visitors, by user for customers and staff.

    A view may name another scope for one action in ``throttle_scopes`` (sign-up, reset,
    shared links), which then counts by address.
    """

    def allow_request(self, request: Any, view: Any) -> bool:
        special = getattr(view, "throttle_scopes", {}).get(
            getattr(view, "action", None) or request.method.lower()
        )
        is_user = request.user.is_authenticated
        scope, who = scope_of(request.user) if is_user else (special or "anon", address_of(request))
        self.count = count_request(request, scope, who)
        return self.count is None or not self.count.over

    def wait(self) -> float | None:
        return self.count.reset if self.count else None
