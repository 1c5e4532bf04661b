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
from collections.abc import Callable
from threading import Thread, get_ident
from typing import Any

from django.conf import settings

from mechanic_shop import wsgi  # before the rest: it sets Django up
from mechanic_shop.accounts.hashing import slots
from mechanic_shop.fastpath import switch
from mechanic_shop.observability import metrics

from .asgi import BodyBroken, Event, Receive, Send
from .connections import ConnectionGuard, address_group
from .direct_handover import DirectHandover
from .fair_queue import FairQueue
from .management.commands.serve import room_for_connections
from .password_lane import Admission, PasswordLane
from .request import (
    BROKEN,
    LARGEST,
    TOO_LARGE,
    TOO_MANY,
    TOO_SLOW,
    File,
    Request,
    environ,
    request_of,
)

log = logging.getLogger("shop.server")
WAITING = 1000  # whole requests that may wait for a thread,
# and for how many seconds: by then most clients have gone, and what they wanted would
# make the others wait
PATIENCE = 10
# seconds that a computing thread keeps the interpreter: requests change threads here,
# at Python's 5 ms they would wait twice as long
SWITCH = 0.002
TOO_BUSY = (
    "too_busy",
    "Too many requests wait: nothing was changed, try again.",
    ("retry-after", "5"),
)


class Shop:
    """The ASGI application: coroutines in the event loop, and ``work`` in each thread."""

    def __init__(self, application: Callable[[dict[str, Any], Any], Any]) -> None:
        self.application = application
        self.whole: FairQueue[Request] = FairQueue()
        self.busy: set[int] = set()  # threads
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
        self.tell()
        Thread(target=self.guard.run, daemon=True).start()
        for thread in self.threads:
            thread.start()

    async def handle(self, request: Request) -> None:
        if not self.guard.admits(request.scope.client):
            request.turn_away(*TOO_MANY)
            return
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

    def tell(self) -> None:
        """How loaded this process is, every second: counting at each request would cost
        each request.
        """
        self.loop.call_later(1, self.tell)
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
if switch.is_on():
    DirectHandover(application).install()
