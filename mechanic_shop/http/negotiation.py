"""Which media types a request is read from and answered in."""

from typing import Any

from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class CompressedBody(UnsupportedMediaType):
    """A compressed body: unpacked, one mebibyte could be a thousand."""

    def __init__(self, encoding: str) -> None:
        APIException.__init__(
            self, f"The body is compressed ({encoding[:20]}): send it uncompressed."
        )


class ContentNegotiation(DefaultContentNegotiation):
    """An empty ``Accept`` means any media type, as if it was not there; a compressed
    body is refused.
    """

    def get_accept_list(self, request: Request) -> list[str]:
        if not request.META.get("HTTP_ACCEPT", "").strip():
            return ["*/*"]
        accepted: list[str] = super().get_accept_list(request)
        return accepted

    def select_parser(self, request: Request, parsers: Any) -> Any:
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if encoding not in ("", "identity"):
            raise CompressedBody(encoding)
        return super().select_parser(request, parsers)
