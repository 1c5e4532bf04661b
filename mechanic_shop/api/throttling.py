"""Rate limits, counted atomically in the shared cache.

A limit of N per period lets N requests through in each period of the clock, whatever the number of
workers: ``add`` and ``incr`` are atomic both in process and in Redis, where read-check-write is not.
"""

import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.exceptions import Throttled
from rest_framework.throttling import BaseThrottle

PERIODS = {"second": 1, "minute": 60, "hour": 3600}
# What counts for log-in, sign-up and reset while Redis is gone: a limit per process is less than a shared one, and more than none.
fallback = LocMemCache("limits", {"OPTIONS": {"MAX_ENTRIES": 50_000}})


@dataclass
class Count:
    """Where a caller stands: ``used`` of ``limit`` requests, in a period that ends in ``reset`` seconds."""

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


def parse(rate: str) -> tuple[int, int]:
    """ "10/minute" → (10, 60): a number of requests and seconds."""
    number, _, period = rate.partition("/")
    return int(number), PERIODS[period]


def hit(scope: str, who: str, *, times: int = 1, by: int = 1) -> Count | None:
    """Count ``by`` requests of ``who``; None where the scope is off, or nothing can count.

    ``times`` multiplies the limit; ``by=-1`` gives a request back, ``by=0`` only looks.
    """
    rate = settings.THROTTLE_RATES[scope]
    if rate == "off":
        return None
    limit, seconds = parse(rate)
    now = time.time()
    key = f"limit:{scope}:{who}:{int(now // seconds)}"
    used = bump(cache, key, by, seconds)
    if used is None and scope in ("login", "signup", "reset"):
        used = bump(fallback, key, by, seconds)
    return None if used is None else Count(limit * times, used, int(seconds - now % seconds) + 1)


def bump(store: Any, key: str, by: int, seconds: int) -> int | None:
    """The counter after adding ``by``; None when the store does not answer. Both calls are atomic, so whoever comes second counts on."""
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
    """The caller's address, past exactly ``NUM_PROXIES`` proxies; of IPv6 its network, since whoever has one has all of its addresses."""
    found = BaseThrottle().get_ident(request) or "unknown"
    if ":" not in found:
        return found
    try:
        address = ip_address(found.partition("%")[0])
    except ValueError:
        return found
    if not isinstance(address, IPv6Address):
        return found
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


class ShopThrottle(BaseThrottle):
    """Every route: by address for visitors, by user for customers and staff.

    A view may name another scope for one action in ``throttle_scopes`` (sign-up, reset), which then counts by address.
    """

    def allow_request(self, request: Any, view: Any) -> bool:
        special = getattr(view, "throttle_scopes", {}).get(getattr(view, "action", None) or request.method.lower())
        user = request.user
        if special and not user.is_authenticated:
            self.count = hit(special, address_of(request))
        elif not user.is_authenticated:
            self.count = hit("anon", address_of(request))
        else:
            self.count = hit("staff" if user.is_shop_staff else "customer", str(user.pk))
        if self.count is not None:
            request.rate_limit = self.count
        return self.count is None or not self.count.over

    def wait(self) -> float | None:
        return self.count.reset if self.count else None
