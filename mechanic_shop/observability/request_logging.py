"""One line in the log and one count in the metrics for every request."""

import re
from functools import lru_cache
from time import perf_counter

from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.http import HttpRequest, HttpResponse

from . import logs, metrics

NO_ROUTE = "unmatched"  # one name for all addresses that are nothing here
STATIC = "/static/"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
line_of = logs.LINES[settings.LOG_FORMAT]
# Asked every few seconds: only their failures get a line.
PROBES = {"/healthz/", "/readyz/", "/metrics", STATIC}


@lru_cache(1024)
def template(route: str) -> str:
    """Django's pattern as the documentation of the API writes it:
    ``/api/v1/tickets/{id}/``.
    """
    plain = re.sub(r"<(?:[a-z]+:)?(\w+)>", r"{\1}", simplify_regex(route).replace("\\", ""))
    return plain.replace("{pk}", "{id}").replace("{object_id}", "{id}")


def route_of(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is not None:
        return template(match.route)
    return STATIC if request.path_info.startswith(STATIC) else NO_ROUTE


def user_of(request: HttpRequest) -> int | None:
    """The id of the user that was set for the log, or of the admin's session; no query."""
    return logs.as_number(logs.user_id.get()) or getattr(
        getattr(request, "_cached_user", None), "pk", None
    )


def log_request(
    request: HttpRequest, response: HttpResponse, ident: str, begun: float, route: str = ""
) -> None:
    """Count and log an answered request; ``begun`` is a reading of ``perf_counter``,
    ``route`` the template where no resolver ran.
    """
    seconds, status = perf_counter() - begun, response.status_code
    route, method = route or route_of(request), known_method(request.method)
    metrics.time_answer(route, method, status, seconds)
    fields = {
        "user_id": user_of(request),
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
    }
    if status >= 400:
        fields["code"] = code = logs.refusal.get() or "none"
        metrics.count_refusal(code)
    elif method in ("POST", "PUT") and "Idempotent-Replayed" in response.headers:
        fields["replayed"] = True
        metrics.replays.inc()
    elif route in PROBES:
        return
    logs.write(line_of(ident, status, fields))


def log_rejection(ident: str, method: str, status: int, code: str) -> None:
    """Count and log a request that the server refused before Django saw it; without a
    duration.
    """
    metrics.count_refusal(code)
    fields = {
        "user_id": None,
        "method": known_method(method),
        "route": NO_ROUTE,
        "status": status,
        "duration_ms": None,
        "code": code,
    }
    logs.write(line_of(ident, status, fields))


def known_method(sent: str | None) -> str:
    """The method, or "other": an invented one must not make a new series of metrics."""
    return sent if sent in METHODS else "other"
