"""Requests that are too large or no HTTP at all, sent to the shop itself; it answers
each once, or hangs up, and goes on.

Half-sent requests, bodies that break off and clients that do not read are
tests/test_server.py's.
"""

import http.client
import json
import time

import pytest

from ..test_server import MIB, answer_on
from .house import Shop

HOST = b"Host: localhost\r\n"
MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on\r\n\r\n",
    "no version": b"GET /api/v1/parts/\r\n\r\n",
    "a version that there is not": b"GET /api/v1/parts/ HTTP/7.3\r\n" + HOST + b"\r\n",
    "an odd method": b"G\x00T /api/v1/parts/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without a colon": b"GET /api/v1/parts/ HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "a space before the colon": b"GET /api/v1/parts/ HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding : chunked\r\n\r\n",
    "a null in a header": b"GET /api/v1/parts/ HTTP/1.1\r\n"
    + HOST
    + b"X-Request-ID: a\x00b\r\n\r\n",
    "two lengths": b"POST /api/v1/tickets/ HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "a length below nothing": b"POST /api/v1/tickets/ HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: -1\r\n\r\n{}",
    "a length that is no number": b"POST /api/v1/tickets/ HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: two\r\n\r\n{}",
    "a length beyond all numbers": b"POST /api/v1/tickets/ HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "a chunk beyond all numbers": b"POST /api/v1/tickets/ HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
    "headers of 1 MiB": b"GET /api/v1/parts/ HTTP/1.1\r\n"
    + HOST
    + b"X: "
    + b"x" * MIB
    + b"\r\n\r\n",
    "5,000 headers": b"GET /api/v1/parts/ HTTP/1.1\r\n"
    + HOST
    + b"".join(b"X-%d: x\r\n" % n for n in range(5000))
    + b"\r\n",
    "an address of 1 MiB": b"GET /api/v1/parts/?search="
    + b"x" * MIB
    + b" HTTP/1.1\r\n"
    + HOST
    + b"\r\n",
}
BODIES = {
    "nothing": b"",
    "no JSON": b"\xff\xfe nonsense",
    "cut": b'{"concern": "Brak',
    "deep": b"[" * 200_000,
    "deep and whole": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "wide": b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}",
    "a long number": b'{"customer": ' + b"9" * 500_000 + b"}",
    "not a number": b'{"customer": NaN}',
    "a null": b'{"concern": "\\u0000"}',
    "half a character": b'{"concern": "\\ud800"}',
    "a list": b"[]",
    "a little too large": b'"' + b"x" * MIB + b'"',
    "far too large": b'"' + b"x" * 8 * MIB + b'"',
}


def is_well(shop: Shop) -> bool:
    begun = time.monotonic()
    return shop.call("GET", "tickets/")[0] == 200 and time.monotonic() - begun < 5


def test_malformed_requests_are_refused_and_stop_nobody(shop: Shop) -> None:
    for what, sent in MALFORMED.items():
        try:
            with shop.connect(sent) as connection:
                status = answer_on(connection)[0]
        except (OSError, http.client.HTTPException):
            status = 400  # hung up on
        assert 400 <= status < 500 or status == 505, what
        assert is_well(shop), what


@pytest.mark.parametrize("path", ["tickets/", "auth/token/"])
def test_bodies_of_all_kinds_are_refused_as_problems(shop: Shop, path: str) -> None:
    before = shop.inside("found")
    for what, body in BODIES.items():
        sent = {
            "Authorization": f"Bearer {shop.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": what.replace(" ", "-"),
        }
        begun = time.monotonic()
        status, headers, told = shop.ask("POST", f"/api/v1/{path}", body, sent)
        assert time.monotonic() - begun < 5, what
        assert (status, headers["content-type"]) == (
            413 if "too large" in what else 400,
            "application/problem+json",
        ), what
        assert json.loads(told)["request_id"] == headers["x-request-id"]
        assert is_well(shop), what
    after = shop.inside("found")
    assert (after["created"], after["parts"]) == (before["created"], before["parts"])
