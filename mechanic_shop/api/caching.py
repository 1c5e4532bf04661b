"""Pages that many ask for and few change: ``cache_page``, used so that it cannot leak or lie.

It wraps the body of an action, after authentication, permission and throttle have run, and for JSON
only. The key holds the group's generation and the scope of who may share the page; a write moves the
generation on commit, so the next read is fresh. What goes out is ``private``: browsers ask again.
"""

import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_page

from . import metrics

SECONDS = 60  # also what a worker that lost Redis alone, and then its memory, can be behind
unheard: set[str] = set()
"""Groups that changed while nobody could be told."""


def known_generation(group: str) -> int | None:
    """The number that stands for the group's present state; None when the cache does not answer.

    A lost one starts a new generation: a counter could come back to where it was.
    """
    if group in unheard:
        new_generation(group)
    found = cache.get(f"generation:{group}")
    if found is None and cache.add(f"generation:{group}", time.time_ns(), None) is not None:
        found = cache.get(f"generation:{group}")
    return found


def generation(group: str) -> int:
    """The number that every page of the group carries in its key; never the same one when the cache does not answer."""
    return known_generation(group) or time.time_ns()


def changed(*groups: str, at_once: bool = False) -> None:
    """Call it in whatever writes to a group: after the commit nothing from before is served.

    ``at_once`` also before it, so that the transaction itself sees its change.
    """
    for group in groups:
        renew = partial(new_generation, group)
        if at_once:
            renew()
        transaction.on_commit(renew)


def new_generation(group: str) -> None:
    """While Redis is gone this is remembered and done later, or pages from before would come back with it."""
    store: Any = cache
    done = store.set(f"generation:{group}", time.time_ns(), None)  # only Redis tells, and only Redis can fail
    (unheard.add if hasattr(store, "is_down") and not done else unheard.discard)(group)


def cached_page(request: Any, group: str, scope: str, build: Callable[[], bytes]) -> HttpResponse:
    """The JSON answer for this URL, from the cache if the group has not changed.

    ``scope`` names who may share it: "everybody", a permission level, or one user.
    ``build`` gives the JSON; it is only called on a miss.
    """
    prefix = f"{group}:{generation(group)}:{scope}"  # read before the rows, so that a write in between makes this page old
    count = metrics.cached_page_hit

    def miss(_: Any) -> HttpResponse:
        nonlocal count
        count = metrics.cached_page_miss
        return HttpResponse(build(), content_type="application/json")

    response = cache_page(SECONDS, key_prefix=prefix)(miss)(anonymous_copy(request._request))
    count()
    for header in ("Expires", "Age", "Cache-Control"):
        response.headers.pop(header, None)
    return response


def anonymous_copy(request: HttpRequest) -> HttpRequest:
    """The request without its credentials: who may share the page is in the key already."""
    bare = copy.copy(request)
    bare.method = "GET"
    bare.META = {key: value for key, value in request.META.items() if key not in ("HTTP_AUTHORIZATION", "HTTP_COOKIE")}
    bare.__dict__.pop("headers", None)
    return bare
