"""Requests that granian hands to the threads itself, past the event loop.

A request that takes the loop costs 70 to 130 µs more CPU, and is served as well
(docs/decisions/0001-server.md). This replaces a private function of granian, whose
version is pinned; ``FAST_PATH=off`` leaves it alone.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from granian import _futures

from .asgi import BodyBroken, read
from .request import BROKEN, LARGEST, TOO_MANY, TOO_SLOW, Request, request_of

if TYPE_CHECKING:
    from .rsgi import Shop

through_the_loop = _futures._cbsched_aioschedule


class DirectHandover:
    """Gives a shop its requests as granian's threads have them."""

    def __init__(self, shop: "Shop") -> None:
        self.shop = shop
        # Parts of bodies that granian reads: when we give up on each, and its request.
        self.expected: dict[Any, tuple[float, Request]] = {}

    def install(self) -> None:
        """In place of granian's function, which each of its processes calls once."""
        _futures._cbsched_aioschedule = self.scheduler

    def scheduler(self, loop: asyncio.AbstractEventLoop, *more: Any) -> Callable[[Any], None]:
        """How granian hands over a request, and tells that a part of a body is there."""
        take_the_loop, call_in_loop = through_the_loop(loop, *more), loop.call_soon_threadsafe
        self.refuse_late_bodies(loop)

        def call_soon_threadsafe(callback: Any, *arguments: Any, context: Any = None) -> Any:
            if callback == self.arrived:
                return self.arrived(*arguments)
            return call_in_loop(callback, *arguments, context=context)

        loop.call_soon_threadsafe = call_soon_threadsafe  # type: ignore[method-assign, assignment]
        return lambda watcher: self.hand_over(watcher, take_the_loop)

    def hand_over(self, watcher: Any, take_the_loop: Callable[[Any], None]) -> None:
        request = request_of(watcher.scope, watcher.proto.receive, watcher.proto.send)
        if request.has_body() and not 0 < request.length() <= LARGEST:
            take_the_loop(watcher)
        elif not self.shop.guard.admits(request.scope.client):
            request.turn_away(*TOO_MANY)
        elif request.has_body():
            self.expect(request, time.monotonic() + settings.BODY_WITHIN)
        else:
            self.shop.take(request)

    def expect(self, request: Request, end: float) -> None:
        """Let granian read the next part of the body, until ``end``."""
        part: Any = request.protocol.receive()
        self.expected[part] = (end, request)
        part.add_done_callback(self.arrived)

    def arrived(self, part: Any) -> None:
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
            self.expect(request, end)
        else:
            self.shop.take(request)

    def refuse_late_bodies(self, loop: asyncio.AbstractEventLoop) -> None:
        """Every second: refuse those whose body should be there by now. Whoever takes a
        request out of ``expected`` answers it.
        """
        loop.call_later(1, self.refuse_late_bodies, loop)
        for part, (end, _) in self.expected.copy().items():
            if end > time.monotonic():
                break
            _, request = self.expected.pop(part, (0, None))
            if request:
                part.cancel()
                request.refuse(408, *TOO_SLOW)
