"""Pages that many ask for and few change: ``cache_page``, used so that it cannot leak or lie.

It wraps the body of an action, after authentication, permission and throttle have run, and for JSON
only. The key holds the group's generation and the scope of who may share the page; a write moves the
generation on commit, so the next read is fresh. What goes out is ``private``: browsers ask again.
"""

import copy
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_page

SECONDS = 300


def generation(group: str) -> int:
    """The number that every page of the group carries in its key; a lost one starts a new generation."""
    found = cache.get(f"generation:{group}")
    if found is None:
        found = time.time_ns()
        if not cache.add(f"generation:{group}", found, None):
            found = cache.get(f"generation:{group}") or found
    return found


def changed(*groups: str) -> None:
    """Call it in whatever writes to a group: after the commit no page from before is served."""
    for group in groups:
        transaction.on_commit(lambda group=group: cache.set(f"generation:{group}", time.time_ns(), None))


def cached_page(request: Any, group: str, scope: str, build: Callable[[], bytes]) -> HttpResponse:
    """The JSON answer for this URL, from the cache if the group has not changed.

    ``scope`` names who may share it: "everybody", a permission level, or one user.
    ``build`` gives the JSON; it is only called on a miss.
    """
    prefix = f"{group}:{generation(group)}:{scope}"  # read before the rows, so that a write in between makes this page old
    page = cache_page(SECONDS, key_prefix=prefix)(lambda _: HttpResponse(build(), content_type="application/json"))
    response = page(anonymous_copy(request._request))
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
