"""Middleware of every request."""

import os
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.middleware import csrf

from mechanic_shop.observability import logs, request_logging

from . import error_views, errors

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SANE_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
GetResponse = Callable[[HttpRequest], HttpResponse]


def is_program(request: HttpRequest) -> bool:
    """A client of the API that is no browser: no cookie comes with it and no page is
    asked for.
    """
    meta = request.META
    return (
        request.path_info.startswith("/api/")
        and not meta.get("HTTP_COOKIE")
        and "text/html" not in meta.get("HTTP_ACCEPT", "")
    )


def for_browsers(middleware: Any) -> Any:
    """The middleware, past which programs are led: sessions and messages are nothing to
    them, and cost as much as their answer.
    """

    def __call__(self: Any, request: HttpRequest) -> HttpResponse:  # noqa: N807
        return (
            self.get_response(request)
            if is_program(request)
            else middleware.__call__(self, request)
        )

    return type(
        middleware.__name__, (middleware,), {"__call__": __call__, "__doc__": middleware.__doc__}
    )


SessionMiddleware = for_browsers(sessions.SessionMiddleware)
CsrfViewMiddleware = for_browsers(csrf.CsrfViewMiddleware)
AuthenticationMiddleware = for_browsers(auth.AuthenticationMiddleware)
MessageMiddleware = for_browsers(messages.MessageMiddleware)


def begin(request: HttpRequest) -> str:
    """The id under which this request is logged and answered, from here on."""
    sent = request.META.get("HTTP_X_REQUEST_ID", "")
    ident = sent if SANE_ID.fullmatch(sent) else os.urandom(16).hex()
    logs.begin(ident)
    logs.channel.set(logs.channel_of(request))
    return ident


class RequestIdMiddleware:
    """Every answer carries X-Request-ID: the client's, if it is sane, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = perf_counter()
        ident = begin(request)
        try:
            response = self.get_response(request)
        finally:
            logs.channel.set(logs.COMMAND)  # what the thread does next is no longer this request's
        response["X-Request-ID"] = ident
        request_logging.log_request(request, response, ident, begun)
        return response


class ContentPolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy of the settings, with what ``CSP_BEYOND`` adds to
    some pages.
    """

    for_programs = "default-src 'none'; frame-ancestors 'none'"

    def __call__(self, request: HttpRequest) -> Any:
        if not is_program(request):
            return super().__call__(request)
        response: Any = self.get_response(request)
        response["Content-Security-Policy"] = self.for_programs
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: Any, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        for start, beyond in settings.CSP_BEYOND.items():
            if request.path_info.startswith(start):
                parts.update = beyond
        return parts


def is_too_large(meta: dict[str, Any]) -> bool:
    """Is a larger body announced than the shop takes?"""
    length = meta.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length[:19]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class ProblemMiddleware:
    """Turn failures outside the API's views into problem details.

    Pages of the admin keep Django's HTML; but for a database that does not answer,
    which is 503 in every channel.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in METHODS:  # plain views and the admin would answer TRACE like GET
            response = errors.problem_response(
                405, "method_not_allowed", f'Method "{request.method}" not allowed.'
            )
            response["Allow"] = ", ".join(METHODS)
            return response
        # Before anything reads it: files of a form would not count against Django's own
        # limit.
        if is_too_large(request.META):
            return error_views.bad_request(request, RequestDataTooBig())
        return self.get_response(request)

    @staticmethod
    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RequestDataTooBig):
            return error_views.bad_request(request, exception)
        if isinstance(exception, (SuspiciousOperation, BadRequest)):
            return error_views.bad_request(request, exception)
        if isinstance(exception, DatabaseError):
            error = errors.from_django(exception)
            if isinstance(error, errors.Unavailable):
                response = errors.problem_response(503, error.default_code, str(error.detail))
                response["Retry-After"] = str(error.wait)
                return response
        return None
