"""A request of granian's as the shop keeps it: whole, with a way to refuse it, and as
WSGI's environment.
"""

import asyncio
import sys
import uuid
from collections.abc import Iterator
from functools import lru_cache
from io import BufferedReader, BytesIO
from typing import Any, NamedTuple

from django.conf import settings

from mechanic_shop.accounts.hashing import MESSAGE
from mechanic_shop.http.errors import problem
from mechanic_shop.http.middleware import SANE_ID
from mechanic_shop.http.renderers import PROBLEM, to_json
from mechanic_shop.observability import logs, metrics, request_logging

from .asgi import Event, Headers, Protocol, Receive, Scope, Send
from .sockets import host_of

# bytes; what is only a little too large, Django refuses
LARGEST = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 64 * 1024
TOO_MANY = (
    *(
        "too_many_connections",
        "Your address has too many open connections: close some, then try again.",
    ),
    *(("retry-after", "1"), ("connection", "close")),
)
TOO_SLOW = ("body_too_slow", f"The body was not there within {settings.BODY_WITHIN} seconds.")
BROKEN = ("bad_request", "The body broke off.")
TOO_LARGE = ("body_too_large", "The body is larger than the shop takes (1 MiB).")
LOGIN_BUSY = ("login_busy", MESSAGE, ("retry-after", "1"))
# What a person sees where a page of the shop would cost a thread.
LOGIN_BUSY_PAGE = (
    f"<!doctype html><html lang=en><title>Try again</title><p>{MESSAGE} Go back and send "
    f"the form once more.</html>"
)
LOGIN_BUSY_HEADERS = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    *(("x-content-type-options", "nosniff"), ("cache-control", "no-store"), ("retry-after", "1")),
]


class Request(NamedTuple):
    scope: Scope
    headers: Headers
    protocol: Protocol
    body: bytes = b""
    answered: "asyncio.Future[None] | None" = None
    since: float = 0
    hashes: bool = False  # a password

    def has_body(self) -> bool:
        return self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers

    def length(self) -> int:
        """As announced; 0 for a body in chunks."""
        return (
            0
            if "transfer-encoding" in self.headers
            else int(self.headers.get("content-length", "0"))
        )

    def refuse(self, status: int, code: str, detail: str, *headers: tuple[str, str]) -> None:
        """Answer in the API's one shape and hang up. Granian ignores a second answer."""
        ident = self.begin()
        request_logging.log_rejection(ident, self.scope.method, status, code)
        self.send_problem(ident, status, code, detail, ("connection", "close"), *headers)

    def turn_away(self, code: str, detail: str, *headers: tuple[str, str]) -> None:
        """Answer 503 as cheaply as possible, without a line in the log: there would be
        thousands.
        """
        metrics.count_refusal(code)
        self.send_problem(self.begin(), 503, code, detail, *headers)

    def begin(self) -> str:
        sent = self.headers.get("x-request-id", "")
        ident = sent if SANE_ID.fullmatch(sent) else uuid.uuid4().hex
        logs.begin(ident)
        return ident

    def send_problem(
        self, ident: str, status: int, code: str, detail: str, *headers: tuple[str, str]
    ) -> None:
        sent = [("content-type", PROBLEM), ("x-request-id", ident), *headers]
        self.protocol.response_bytes(status, sent, to_json(problem(status, code, detail)))

    def refuse_login(self) -> None:
        """Refuse what would hash a password while others do; a person gets a page."""
        if "text/html" in self.headers.get("accept", ""):
            metrics.count_refusal("login_busy")
            self.protocol.response_str(503, LOGIN_BUSY_HEADERS, LOGIN_BUSY_PAGE)
        else:
            self.turn_away(*LOGIN_BUSY)


class File:
    """WSGI's file wrapper. Granian sends what is on disk: a slow reader then holds
    neither a thread nor memory.
    """

    def __init__(self, file: Any, block_size: int = 0) -> None:
        self.file, self.close = file, file.close
        self.on_disk = (
            type(file) is BufferedReader and isinstance(file.name, str) and file.tell() == 0
        )

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(64 * 1024), b"")


ALWAYS: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": settings.HOST,
    "SERVER_PORT": str(settings.PORT),
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": settings.WEB_CONCURRENCY > 1,
    "wsgi.run_once": False,
    "wsgi.file_wrapper": File,
}


@lru_cache(1024)
def variable(header: str) -> str | None:
    """What WSGI calls a header. ``x_forwarded_for`` has no name: it would pass for
    ``x-forwarded-for``.
    """
    if "_" in header or header == "content-length":
        return None
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


def latin1(text: str) -> str:
    """PEP 3333: every byte as the character of its number."""
    return text if text.isascii() else text.encode().decode("latin-1")


def request_of(scope: Event, receive: Receive, send: Send) -> Request:
    return Request(Scope(scope), Headers(scope["headers"]), Protocol(receive, send))


def environ(request: Request) -> dict[str, Any]:
    scope, found = request.scope, ALWAYS.copy()
    found["REQUEST_METHOD"] = scope.method
    found["PATH_INFO"] = latin1(scope.path)
    found["QUERY_STRING"] = scope.query_string
    found["REMOTE_ADDR"] = host_of(scope.client)
    found["SERVER_PROTOCOL"] = "HTTP/1.1" if scope.http_version == "1.1" else "HTTP/1.0"
    found["wsgi.input"] = BytesIO(request.body)
    if request.body:
        found["CONTENT_LENGTH"] = str(len(request.body))
    for header, value in request.headers.items():
        name = variable(header)
        if name in found:
            found[name] += ("; " if name == "HTTP_COOKIE" else ",") + value
        elif name:
            found[name] = value
    return found
