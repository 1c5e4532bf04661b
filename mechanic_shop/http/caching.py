"""Pages that many ask for and few change: ``cache_page``, used so that it cannot leak
or lie.

It wraps the body of an action, after authentication, permission and throttle have run,
and for JSON only. The key holds the group's generation and the scope of who may share
the page; a write moves the generation on commit, so the next read is fresh. What goes
out is ``private``: browsers ask again.
"""

import copy
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_page
from rest_framework.request import Request

from mechanic_shop.fastpath import switch
from mechanic_shop.observability import metrics

from .hosts import host_parts

SECONDS = 60  # also what a worker that lost Redis alone, and then its memory, can be behind
CACHE_GROUPS = ("accounts", "mechanics", "parts")
generations: dict[str, int] = {}
"""Of the one process that there is without Redis."""
pending_groups: set[str] = set()
"""Groups that changed, or may have, while nobody could be told."""
retry_lock = Lock()
"""Held by the thread that tells them when Redis is back."""
RETRY_EVERY = 0.5  # seconds


def is_shared() -> bool:
    """Is there a Redis, which several processes ask? Else this is the only one."""
    # to ask ``cache`` itself takes 5 µs
    return settings.CACHES["default"]["BACKEND"] == "mechanic_shop.db.redis.ShopRedisCache"


def known_generation(group: str) -> int | None:
    """The number that stands for the group's present state; None when the cache does
    not answer.
    """
    found = fetch_generations()
    return found[1][group] if found else None


def generation_for(request: Request, group: str) -> int | None:
    """The group's generation, as the look that counted this request saw it; else by a
    look of its own.
    """
    seen = getattr(request, "generations", None)
    return seen[group] if seen else known_generation(group)


def fetch_generations(counter: str = "", seconds: int = 0) -> tuple[int, dict[str, int]] | None:
    """All generations, and in the same round trip to Redis ``counter`` after one more;
    None when it does not answer.
    """
    for group in tuple(pending_groups):
        new_generation(group)
    store: Any = cache
    if not is_shared():
        return 0, {group: generations.setdefault(group, time.time_ns()) for group in CACHE_GROUPS}
    found = store.look([f"generation:{group}" for group in CACHE_GROUPS], counter, seconds)
    if found is None:
        pending_groups.update(
            CACHE_GROUPS
            # nor could another process tell us what it changed: what Redis knows when
            # it is back may be old
        )
    return (found[0], dict(zip(CACHE_GROUPS, found[1:], strict=True))) if found else None


def changed(*groups: str, at_once: bool = False) -> None:
    """Call it in whatever writes to a group: after the commit nothing from before is
    served.

    ``at_once`` also before it, so that the transaction itself sees its change.
    """
    for group in groups:
        renew = partial(new_generation, group)
        if at_once:
            renew()
        transaction.on_commit(renew)


def new_generation(group: str) -> None:
    """While Redis is gone this is remembered and done later, or pages from before would
    come back with it.
    """
    if not is_shared():
        generations[group] = time.time_ns()
        pending_groups.discard(group)
        return
    done = cache.set(f"generation:{group}", time.time_ns(), None)  # type: ignore[func-returns-value]
    (pending_groups.discard if done else pending_groups.add)(group)
    if not done and retry_lock.acquire(blocking=False):
        Thread(target=retry_pending, daemon=True).start()


def retry_pending() -> None:
    """Until it is heard: a process that was not asked for anything meanwhile knows of
    no failure, and would go on with its old pages.
    """
    try:
        while pending_groups:
            time.sleep(RETRY_EVERY)
            for group in tuple(pending_groups):
                new_generation(group)
    finally:
        retry_lock.release()


class Pages:
    """The pages that this process gave out last. Each holds as long as its generation,
    and ``SECONDS`` at the most.
    """

    def __init__(self, most: int = 500) -> None:
        self.most, self.kept, self.lock = most, OrderedDict[Any, tuple[float, bytes]](), Lock()

    def get(self, key: Any) -> bytes | None:
        until, page = self.kept.get(key, (0.0, b""))
        return page if until > time.monotonic() else None

    def put(self, key: Any, page: bytes) -> None:
        with self.lock:
            self.kept[key] = time.monotonic() + SECONDS, page
            if len(self.kept) > self.most:
                self.kept.popitem(last=False)


pages = Pages()


def cached_page(request: Request, group: str, scope: str, build: Callable[[], bytes]) -> bytes:
    """The JSON for this URL, from this process or the shared cache if the group has not
    changed.

    ``scope`` names who may share it: "everybody", a permission level, or one user.
    ``build`` gives the JSON; it is only called on a miss.
    """
    # read before the rows, so that a write in between makes this page old
    known = generation_for(request, group)
    scope = scope if switch.is_on() else f"{scope}:plain"  # the same values in other bytes
    # What its links are made of: the whole address, which takes longer to write than
    # all else here.
    key = (
        known,
        group,
        scope,
        request.scheme,
        host_parts(request.META),
        request.path,
        request.META.get("QUERY_STRING", ""),
    )
    page = pages.get(key) if known else None
    if page is not None:
        metrics.cached_page_hit()
    else:
        page = shared_page(request, f"{group}:{known or time.time_ns()}:{scope}", build)
        if known:
            pages.put(key, page)
    return page


def shared_page(request: Request, prefix: str, build: Callable[[], bytes]) -> bytes:
    """The page from the cache that all processes share, or built and put there."""
    count = metrics.cached_page_hit

    def miss(_: Any) -> HttpResponse:
        nonlocal count
        count = metrics.cached_page_miss
        return HttpResponse(build(), content_type="application/json")

    page = cache_page(SECONDS, key_prefix=prefix)(miss)(anonymous_copy(request._request)).content
    count()
    return page


def anonymous_copy(request: HttpRequest) -> HttpRequest:
    """The request without its credentials: who may share the page is in the key
    already.
    """
    bare = copy.copy(request)
    bare.method = "GET"
    bare.META = {
        key: value
        for key, value in request.META.items()
        if key not in ("HTTP_AUTHORIZATION", "HTTP_COOKIE")
    }
    bare.__dict__.pop("headers", None)
    return bare
