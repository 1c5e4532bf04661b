"""The headers that every answer of the API has."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest

from mechanic_shop.fastpath import switch

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def with_limits(request: HttpRequest, response: Any, also: Mapping[str, str] = NO_HEADERS) -> Any:
    """The answer with what every answer of the API says: where the caller stands with
    the limits, and who may keep it; and with the headers ``also``.
    """
    count = getattr(request, "rate_limit", None)
    own = count.headers() if count else {}
    set_headers(
        response,
        {
            **own,
            **also,
            "Cache-Control": "private, no-cache"
            if request.method in ("GET", "HEAD")
            else "no-store",
        },
        keep=True,
    )
    return response


def set_headers(response: Any, headers: dict[str, str], keep: bool = False) -> None:
    """Set headers; with ``keep`` only those that are not there. They are ours and plain
    ASCII, so Django need not look at every letter of them.
    """
    if not switch.is_on():
        for name, value in headers.items():
            if not keep or name not in response.headers:
                response.headers[name] = value
        return
    store = response.headers._store
    for name, value in headers.items():
        if not keep or name.lower() not in store:
            store[name.lower()] = name, value
