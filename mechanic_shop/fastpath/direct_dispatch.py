"""The express way: what a program asks of the router's views, answered without Django's
handler, middleware and URL resolver.

Those cost more than most answers do. The view is the same, and decides everything: who
asks, what they may, how often. What the middleware adds to an answer is asked of the
middleware itself, once. A request that any of it would treat in another way (a cookie,
an Origin, a host that is not ours, an address that is not the router's) takes Django's
way.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpResponse
from django.utils.log import log_response
from django.utils.module_loading import import_string

from mechanic_shop.http.hosts import HostParts, host_parts
from mechanic_shop.http.middleware import ProblemMiddleware, begin, is_program, is_too_large
from mechanic_shop.observability import logs, request_logging

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
KEY = "/(?P<pk>"
REASONS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
Environ = dict[str, Any]
View = Callable[..., Any]


class DirectDispatch:
    """A WSGI application in front of Django's; ``routes`` are the router's, which stand
    below ``prefix``.
    """

    def __init__(self, application: Any, prefix: str, routes: Iterable[Any]) -> None:
        self.application, self.prefix = application, prefix
        self.fixed: dict[str, View] = {}  # "tickets/mine/"
        self.of_one: dict[
            tuple[str, str], tuple[re.Pattern[str], View]
        ] = {}  # ("tickets", "estimate/"): what a key between them looks like
        for route in routes:
            if hasattr(route.callback, "actions"):  # the router's own root is no ViewSet
                self.add(str(route.pattern).strip("^$"), route.callback)

    def add(self, path: str, view: Any) -> None:
        if KEY in path:
            place, _, rest = path.partition(KEY)
            self.of_one[place, rest.partition(")/")[2]] = (
                re.compile(view.cls.lookup_value_regex),
                view,
            )
        else:
            self.fixed[path] = view

    def find(self, path: str) -> tuple[View, dict[str, str]] | None:
        """The view at an address below the prefix, and its arguments."""
        if view := self.fixed.get(path):
            return view, {}
        place, _, rest = path.partition("/")
        key, slash, rest = rest.partition("/")
        known = self.of_one.get((place, rest))
        return (known[1], {"pk": key}) if known and slash and known[0].fullmatch(key) else None

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        response = self.answer(environ)
        if response is None:
            return self.application(environ, start_response)
        start_response(REASONS[response.status_code], list(response.headers._store.values()))
        # without close(): Django would look after connections that the next write looks
        # after
        return [response.content]

    def may_take(self, environ: Environ) -> bool:
        return (
            environ["PATH_INFO"].startswith(self.prefix)
            and environ["REQUEST_METHOD"] in METHODS
            and "HTTP_ORIGIN" not in environ
            and not is_too_large(environ)
        )

    def answer(self, environ: Environ) -> HttpResponse | None:
        """The view's answer, ready to be sent; None for what is Django's to answer."""
        path, begun = environ["PATH_INFO"], perf_counter()
        found = self.find(path[len(self.prefix) :]) if self.may_take(environ) else None
        if found is None:
            return None
        request: Any = WSGIRequest(environ)
        if not is_program(request) or not is_ours(
            host_parts(environ), tuple(settings.ALLOWED_HOSTS)
        ):
            return None
        ident, (view, kwargs) = begin(request), found
        reads = request.method == "GET"
        if not reads:  # a write must not meet a connection that broke while it was idle
            request_started.send(type(self), environ=environ)
        response = ask(view, request, kwargs)
        if reads and response.status_code == 503 and is_lost(connections[DEFAULT_DB_ALIAS]):
            return None  # Django's way begins with a new connection
        response = complete(request, response, ident)
        route = path.replace(f"/{kwargs['pk']}/", "/{id}/", 1) if kwargs else path
        request_logging.log_request(request, response, ident, begun, route)
        return response


def is_lost(database: Any) -> bool:
    """Is the connection dead, as opposed to a database that is full, busy or not there?"""
    return database.connection is not None and database.errors_occurred and not database.is_usable()


def ask(view: View, request: WSGIRequest, kwargs: dict[str, str]) -> Any:
    """What the view answers, or what is said of the exception that it raised."""
    try:
        response = view(request, **kwargs)
        return response.render() if hasattr(response, "render") else response
    except Exception as error:
        return ProblemMiddleware.process_exception(request, error) or response_for_exception(
            request, error
        )
    finally:
        logs.channel.set(logs.COMMAND)  # what the thread does next is no longer this request's


def complete(request: WSGIRequest, response: Any, ident: str) -> Any:
    """The answer with all that the middleware would have added."""
    if response.status_code >= 400:
        log_response(
            "%s: %s", response.reason_phrase, request.path, response=response, request=request
        )
    always, vary = added(request.is_secure())
    store = response.headers._store
    store |= always
    store["vary"] = "Vary", f"{store['vary'][1]}, {vary}" if "vary" in store else vary
    store["content-length"] = "Content-Length", str(len(response.content))
    store["x-request-id"] = "X-Request-ID", ident
    return response


@lru_cache(1024)
def is_ours(parts: HostParts, allowed: tuple[str, ...]) -> bool:
    """May the shop be called so? ``allowed`` is what the settings say, here for the
    cache.
    """
    return parts.is_allowed()


@lru_cache(2)
def added(secure: bool) -> tuple[dict[str, tuple[str, str]], str]:
    """The headers that the middleware of the settings puts on a program's answer, which
    came by HTTPS or not; and what it adds to Vary.
    """
    handler: Any = lambda request: HttpResponse()  # noqa: E731
    # the first gives an id and a line in the log, and this is no real request
    for path in reversed(settings.MIDDLEWARE[1:]):
        handler = import_string(path)(handler)
    scheme = "https" if secure else "http"
    host = "localhost" if "*" in settings.ALLOWED_HOSTS else settings.ALLOWED_HOSTS[0].lstrip(".")
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/v1/",
        "wsgi.input": BytesIO(),
        "wsgi.url_scheme": scheme,
        "HTTP_HOST": host,
    }
    found = dict(handler(WSGIRequest(environ)).headers._store)
    _, vary = found.pop("vary")
    return {
        name: pair
        for name, pair in found.items()
        if name not in ("content-type", "content-length", "x-request-id")
    }, vary
