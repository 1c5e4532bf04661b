"""Writing answers as JSON; ``browsable.py`` makes pages of them for people."""

from decimal import Decimal
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

PROBLEM = "application/problem+json"
encode_the_rest = JSONEncoder().default


def encode_odd_types(value: object) -> object:
    """A decimal is a string, also where no serializer made it one: a float would lose
    cents.
    """
    return str(value) if isinstance(value, Decimal) else encode_the_rest(value)


def to_json(data: object) -> bytes:
    """``data`` as UTF-8 JSON; decimals as strings, dates and lazy texts as Django REST
    writes them.
    """
    return orjson.dumps(
        data, default=encode_odd_types, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    )


class JSONRenderer(BaseRenderer):
    """JSON; an error carries the media type of RFC 9457."""

    media_type = "application/json"
    format = "json"
    charset: str | None = None

    def render(
        self, data: object, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is not None and response.status_code >= 400:
            response["Content-Type"] = PROBLEM
        return b"" if data is None else to_json(data)


JSON = JSONRenderer()


class PrettyJSONRenderer(JSONRenderer):
    """JSON for reading; used inside the pages of the browsable API."""

    charset = "utf-8"

    def render(
        self, data: object, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return (
            b""
            if data is None
            else orjson.dumps(
                data, default=encode_odd_types, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_INDENT_2
            )
        )
