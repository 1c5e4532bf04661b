"""Reading request bodies."""

import codecs
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from .negotiation import CompressedBody

MOST_CONTAINERS = 10_000
"""Lists and objects of one body: Python's garbage collector walks all of them again and
again while they are made, so 350,000 empty lists take half a second. The largest body
that a route takes has some 1,500.
"""
BOM, GZIP = codecs.BOM_UTF8, b"\x1f\x8b"


class JSONParser(BaseParser):
    """JSON by orjson: no NaN, no lone surrogates, no recursion limit to run into. A
    byte order mark is let pass.

    A body over ``DATA_UPLOAD_MAX_MEMORY_SIZE`` is 413, whatever its Content-Length
    says.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise RequestDataTooBig
        if body.count(b"[") + body.count(b"{") > MOST_CONTAINERS:
            raise ParseError(
                f"The body has more than {MOST_CONTAINERS} lists and objects: send less."
            )
        if body.startswith(GZIP):
            raise CompressedBody("gzip")
        try:
            return orjson.loads(body.removeprefix(BOM))
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from error
