"""Lost updates, and what a client has already: ETag, If-Match, If-None-Match."""

import hashlib
from collections.abc import Callable

from django.conf import settings
from django.utils.http import parse_etags
from rest_framework.exceptions import ParseError
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

from .errors import PreconditionFailed, PreconditionRequired


def etag_of(body: bytes) -> str:
    """A strong tag: other bytes, other tag. Roles see other fields, so they get other
    tags.
    """
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def check_if_match(request: Request, current: Callable[[], bytes | None]) -> None:
    """Refuse with 412 unless If-Match names the present state, as JSON; call it with
    the row locked.

    428 where it is missing and the shop's settings ask for it.
    """
    wanted = request.META.get("HTTP_IF_MATCH")
    if wanted is None:
        if settings.REQUIRE_IF_MATCH and request.method in ("PUT", "PATCH"):
            raise PreconditionRequired
        return
    tags = tags_of("If-Match", wanted)
    tag = etag_of(current() or b"")
    if tags != ["*"] and tag not in tags:
        error = PreconditionFailed()
        error.headers = {"ETag": tag}  # type: ignore[attr-defined]
        raise error


def tags_of(name: str, header: str) -> list[str]:
    """The ETags in a header. Raises ParseError for one that is not ASCII: to ignore it
    would be to skip the check that the client asked for.
    """
    if not header.isascii():
        raise ParseError(
            f"{name} holds ETags, which are ASCII: send what ETag gave you.", "invalid_etag"
        )
    return parse_etags(header)


def not_modified(request: Request, tag: str) -> bool:
    """May the client keep what it has? Never a page: its forms are of one user, the tag
    is of the data alone.
    """
    known = request.META.get("HTTP_IF_NONE_MATCH")
    if not known or wants_page(request):
        return False
    tags = tags_of("If-None-Match", known)
    return tags == ["*"] or tag in [known.removeprefix("W/") for known in tags]


def wants_page(request: Request) -> bool:
    """Is the answer a page of the browsable API?"""
    return isinstance(getattr(request, "accepted_renderer", None), BrowsableAPIRenderer)
