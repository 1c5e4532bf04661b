"""The host and port that ``HttpRequest.get_host`` reads from a request."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest


class HostParts(NamedTuple):
    """Unchecked, as they were sent: a key for what depends on the host."""

    forwarded: str | None
    host: str | None
    server_name: str
    server_port: str

    def is_allowed(self) -> bool:
        """May the shop be called so, by its ``ALLOWED_HOSTS``?"""
        request = HttpRequest()
        names = ("HTTP_X_FORWARDED_HOST", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT")
        request.META = {
            name: value for name, value in zip(names, self, strict=True) if value is not None
        }
        try:
            request.get_host()
        except DisallowedHost:
            return False
        return True


def host_parts(meta: Mapping[str, Any]) -> HostParts:
    return HostParts(
        meta.get("HTTP_X_FORWARDED_HOST"),
        meta.get("HTTP_HOST"),
        meta["SERVER_NAME"],
        meta["SERVER_PORT"],
    )
