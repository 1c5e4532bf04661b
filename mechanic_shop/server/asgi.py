"""A request as granian hands it to ASGI, with every byte of its headers.

Granian's RSGI leaves out each header that is not ASCII: an ``If-Match`` would be
ignored, and one foreign cookie would log staff out. Its ASGI gives the bytes. This
module gives them the few methods of RSGI that the shop uses, which may be called from
any thread.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from .sockets import client_of

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Pair = tuple[str, str]


class Scope:
    """What was asked, and by whom. Bytes that are not ASCII are the characters of their
    numbers (PEP 3333).
    """

    __slots__ = ("client", "http_version", "method", "path", "query_string")

    def __init__(self, scope: Event) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: str = scope["query_string"].decode("latin-1")
        self.http_version: str = scope["http_version"]
        host, port = scope["client"]
        self.client = client_of(host, port)


class Headers:
    """The headers in their order; ``get`` gives the first of a name."""

    __slots__ = ("first", "pairs")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        # Granian adds an empty Host where there is none.
        self.pairs = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in raw
            if value or name != b"host"
        ]
        self.first = dict(reversed(self.pairs))

    def get(self, name: str, default: str = "") -> str:
        return self.first.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self.first

    def items(self) -> list[Pair]:
        return self.pairs


class BodyBroken(ConnectionError):
    """The client went away before its body was there."""


class Protocol:
    """Reads the body and sends the answer, once: a second one is dropped."""

    __slots__ = ("receive", "send")

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive, self.send = receive, send

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises BodyBroken."""
        more = True
        while more:
            part, more = read(await self.receive())
            yield part

    def response_bytes(self, status: int, headers: Iterable[Pair], body: bytes) -> None:
        self.answer(status, headers, {"type": "http.response.body", "body": body})

    def response_str(self, status: int, headers: Iterable[Pair], body: str) -> None:
        self.response_bytes(status, headers, body.encode())

    def response_file(self, status: int, headers: Iterable[Pair], path: str) -> None:
        self.answer(status, headers, {"type": "http.response.pathsend", "path": path})

    def answer(self, status: int, headers: Iterable[Pair], body: Event) -> None:
        """Granian takes both events at once, so there is nothing to wait for."""
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        with suppress(RuntimeError):  # it was answered: a body came too late, or was too large
            self.send({"type": "http.response.start", "status": status, "headers": raw})
            self.send(body)


def read(event: Event) -> tuple[bytes, bool]:
    """A part of the body, and whether more is to come. Raises BodyBroken."""
    if event["type"] != "http.request":
        raise BodyBroken
    return event.get("body", b""), event.get("more_body", False)
