"""The shop as the production server runs it: Django's WSGI application, given requests
that are whole.

Granian's own WSGI gives a thread to every request whose headers are there, and lets it
wait for the body as long as the client likes. Here the event loop waits, where waiting
costs nothing and has an end; the threads, each with its connection to the database, get
nothing but whole requests. docs/decisions/0001-server.md has the figures.
"""

import asyncio
import logging
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from io import BufferedReader, BytesIO
from threading import Thread, get_ident
from typing import Any, NamedTuple

from django.conf import settings
from granian import _futures

from mechanic_shop import wsgi  # before the rest: it sets Django up
from mechanic_shop.accounts.hashing import MESSAGE, slots
from mechanic_shop.http.errors import problem
from mechanic_shop.http.middleware import SANE_ID
from mechanic_shop.http.renderers import PROBLEM, to_json
from mechanic_shop.observability import logs, metrics, request_logging

from .asgi import BodyBroken, Event, Headers, Protocol, Receive, Scope, Send, read
from .connections import ConnectionGuard, address_group
from .fair_queue import FairQueue
from .management.commands.serve import room_for_connections
from .password_lane import Admission, PasswordLane
from .sockets import host_of

log = logging.getLogger("shop.server")
WAITING = 1000  # whole requests that may wait for a thread,
# and for how many seconds: by then most clients have gone, and what they wanted would
# make the others wait
PATIENCE = 10
# seconds that a computing thread keeps the interpreter: requests change threads here,
# at Python's 5 ms they would wait twice as long
SWITCH = 0.002
# bytes; what is only a little too large, Django refuses
LARGEST = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 64 * 1024
TOO_BUSY = (
    "too_busy",
    "Too many requests wait: nothing was changed, try again.",
    ("retry-after", "5"),
)
LOGIN_BUSY = ("login_busy", MESSAGE, ("retry-after", "1"))
TOO_MANY = (
    *(
        "too_many_connections",
        "Your address has too many open connections: close some, then try again.",
    ),
    *(("retry-after", "1"), ("connection", "close")),
)
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
TOO_SLOW = ("body_too_slow", f"The body was not there within {settings.BODY_WITHIN} seconds.")
BROKEN = ("bad_request", "The body broke off.")
TOO_LARGE = ("body_too_large", "The body is larger than the shop takes (1 MiB).")


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


class Shop:
    """The ASGI application: coroutines in the event loop, and ``work`` in each thread."""

    def __init__(self, application: Callable[[dict[str, Any], Any], Any]) -> None:
        self.application = application
        self.whole: FairQueue[Request] = FairQueue()
        self.busy: set[int] = set()  # threads
        self.expected: dict[
            Any, tuple[float, Request]
        ] = {}  # parts of bodies that granian reads, and when we give up on them
        self.guard = ConnectionGuard(
            settings.PORT, settings.CONNECTIONS_PER_ADDRESS, room_for_connections() * 15 // 16
        )
        self.lane: PasswordLane[Request] = PasswordLane(slots.number)
        self.threads = [
            Thread(target=self.work, name=f"shop-{number}", daemon=True)
            for number in range(1, settings.THREADS + 1)
        ]

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        else:
            await self.handle(request_of(scope, receive, send))

    async def live(self, receive: Receive, send: Send) -> None:
        """From the start of the process to its end."""
        await receive()
        self.start(asyncio.get_running_loop())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for _ in self.threads:
            self.whole.end_one()
        for thread in self.threads:
            thread.join()
        await asyncio.sleep(0)  # what was answered last ends
        await send({"type": "lifespan.shutdown.complete"})

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        sys.setswitchinterval(SWITCH)
        self.give_up()
        Thread(target=self.guard.run, daemon=True).start()
        for thread in self.threads:
            thread.start()

    async def handle(self, request: Request) -> None:
        body = await self.read(request) if request.has_body() else b""
        if body is not None:
            answered: asyncio.Future[None] = self.loop.create_future()
            if self.take(request._replace(body=body, answered=answered)):
                await answered  # granian gives up a request whose coroutine ends without an answer

    async def read(self, request: Request) -> bytes | None:
        """The body; None if the client was told that it is too large, too slow or
        broken.

        After "too large" the rest is let pass, within the same time: who still sends
        does not read.
        """
        body = bytearray()
        too_large = request.length() > LARGEST
        try:
            async with asyncio.timeout(settings.BODY_WITHIN):
                if too_large:
                    request.refuse(413, *TOO_LARGE)
                async for part in request.protocol.parts():
                    body += part
                    if too_large:
                        body.clear()
                    elif len(body) > LARGEST:
                        too_large = True
                        request.refuse(413, *TOO_LARGE)
                return None if too_large else bytes(body)
        except BodyBroken:
            request.refuse(400, *BROKEN)
        except TimeoutError:
            request.refuse(408, *TOO_SLOW)
        return None

    def expect(self, request: Request, arrived: Callable[[Any], None], end: float = 0) -> None:
        """Let granian read the next part of a body of a sane length, and call
        ``arrived`` with what this function gave it.
        """
        part: Any = request.protocol.receive()
        self.expected[part] = (end or time.monotonic() + settings.BODY_WITHIN, request)
        part.add_done_callback(arrived)

    def arrived(self, part: Any, arrived: Callable[[Any], None]) -> None:
        end, request = self.expected.pop(part, (0, None))
        if request is None:
            return
        try:
            more, _ = read(part.result())
        except BodyBroken:
            request.refuse(400, *BROKEN)
            return
        request = request._replace(body=request.body + more)
        if len(request.body) < request.length():
            self.expect(request, arrived, end)
        else:
            self.take(request)

    def give_up(self) -> None:
        """Every second: refuse those whose body should be there by now. Who takes the
        request out of ``expected`` answers it.
        """
        self.loop.call_later(1, self.give_up)
        self.tell()
        for body, (end, _) in self.expected.copy().items():
            if end > time.monotonic():
                break
            _, request = self.expected.pop(body, (0, None))
            if request:
                body.cancel()
                request.refuse(408, *TOO_SLOW)

    def tell(self) -> None:
        """How loaded this process is; sampled, since counting at each request would
        cost each request.
        """
        metrics.threads_busy.set(len(self.busy))
        metrics.requests_waiting.set(self.whole.qsize())

    def take(self, request: Request) -> bool:
        """Queue a whole request for the threads, unless too many wait already. Will it
        be answered later?
        """
        if self.whole.qsize() >= WAITING:
            request.refuse(503, *TOO_BUSY)
            return False
        request = request._replace(
            since=time.monotonic(),
            hashes=self.lane.is_for(request.scope.method, request.scope.path, request.headers),
        )
        admission = self.lane.enter(request) if request.hashes else Admission.NOW
        if admission is Admission.NOW:
            self.queue(request)
        elif admission is Admission.NEVER:
            request.refuse_login()
        return admission is not Admission.NEVER

    def queue(self, request: Request) -> None:
        self.whole.put(request, address_group(request.scope.client))

    def leave_lane(self) -> None:
        if following := self.lane.leave():
            self.queue(following)

    def work(self) -> None:
        while request := self.whole.get():
            self.busy.add(get_ident())
            self.serve(request)
            del request  # hold nothing while waiting
            self.busy.discard(get_ident())

    def serve(self, request: Request) -> None:
        """Answer a request that has a thread, or refuse it where it waited too long for
        one.
        """
        try:
            if self.guard.has_ended(request.scope.client):
                request.turn_away(*TOO_MANY)
            elif time.monotonic() - request.since > PATIENCE:
                request.refuse(503, *TOO_BUSY)
            else:
                self.answer(request)
        except BaseException:  # a thread that ended would be missing for good
            request.refuse(
                500,
                "internal_error",
                "The shop failed at this; it has been logged under the request id.",
            )
            log.exception("a request failed beside Django")
        if request.hashes:
            self.leave_lane()
        if request.answered:
            self.loop.call_soon_threadsafe(request.answered.set_result, None)

    def answer(self, request: Request) -> None:
        status, headers = 500, [("", "")]

        def start_response(line: str, told: list[tuple[str, str]], exc_info: Any = None) -> None:
            nonlocal status, headers
            status, headers = int(line[:3]), told

        answer = self.application(environ(request), start_response)
        try:
            if isinstance(answer, File) and answer.on_disk:
                request.protocol.response_file(status, headers, answer.file.name)
            else:
                request.protocol.response_bytes(status, headers, b"".join(answer))
        finally:
            if hasattr(answer, "close"):  # the express way has nothing to close
                answer.close()


application = Shop(wsgi.application)
through_the_loop = _futures._cbsched_aioschedule


def past_the_loop(loop: asyncio.AbstractEventLoop, *more: Any) -> Callable[[Any], None]:
    """How granian hands over a request, and tells that something it was asked for is
    there: both now past the event loop.

    This is granian's inside, whose version is pinned. A request that takes the loop
    costs 100 to 250 µs more, and is served as well.
    """
    take_the_loop, call_in_loop = through_the_loop(loop, *more), loop.call_soon_threadsafe

    def schedule(watcher: Any) -> None:
        request = request_of(watcher.scope, watcher.proto.receive, watcher.proto.send)
        if not application.guard.admits(request.scope.client):
            request.turn_away(*TOO_MANY)
        elif not request.has_body():
            application.take(request)
        elif 0 < request.length() <= LARGEST:
            application.expect(request, arrived)
        else:
            take_the_loop(watcher)

    def arrived(part: Any) -> None:
        application.arrived(part, arrived)

    def call_soon_threadsafe(callback: Any, *arguments: Any, context: Any = None) -> Any:
        return (
            arrived(*arguments)
            if callback is arrived
            else call_in_loop(callback, *arguments, context=context)
        )

    loop.call_soon_threadsafe = call_soon_threadsafe  # type: ignore[method-assign, assignment]
    return schedule


_futures._cbsched_aioschedule = past_the_loop
