"""A ViewSet's ``dispatch`` for programs: the answer is JSON, and nothing is negotiated."""

from typing import Any

from django.http import HttpRequest
from rest_framework import status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.fastpath import switch

from .negotiation import ContentNegotiation
from .renderers import JSON
from .response_headers import with_limits

NEGOTIATOR = ContentNegotiation()
PLAIN_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
# What programs send as Accept when any JSON is meant; everything else is negotiated.
PLAIN_ACCEPTS = {
    "*/*",
    "application/json",
    "application/json, */*",
    "application/json, text/plain, */*",
}


class JsonDispatch(viewsets.GenericViewSet):
    """With the fast path off Django REST's own ``dispatch`` answers everybody."""

    action_map: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if (
            switch.is_on()
            and request.method in PLAIN_METHODS
            and request.META.get("HTTP_ACCEPT", "*/*") in PLAIN_ACCEPTS
        ):
            return self.respond_plain(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def plain_request(self, plain: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """A request whose answer is JSON."""
        if plain.method == "GET":  # without parsers: a GET has no body
            self.action = self.action_map.get("get", "")
            request = Request(
                plain, authenticators=self.get_authenticators(), negotiator=NEGOTIATOR
            )
        else:
            request = self.initialize_request(plain, *args, **kwargs)
        request.accepted_renderer, request.accepted_media_type = JSON, JSON.media_type
        return request

    def respond_plain(self, plain: Any, *args: Any, **kwargs: Any) -> Any:
        """What ``dispatch`` does, but for the negotiation of a media type: the answer
        is JSON.
        """
        self.args, self.kwargs, self.format_kwarg, self.headers = args, kwargs, None, {}
        self.request = request = self.plain_request(plain, *args, **kwargs)
        try:
            self.perform_authentication(request)
            self.check_permissions(request)
            self.check_throttles(request)
            response = getattr(self, plain.method.lower(), self.http_method_not_allowed)(
                request, *args, **kwargs
            )
        except Exception as exc:
            response = self.handle_exception(exc)
        if response.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
            response["Allow"] = ", ".join(self.allowed_methods)
        if isinstance(response, Response):
            response.accepted_renderer, response.accepted_media_type = JSON, JSON.media_type
            vars(response)["renderer_context"] = self.get_renderer_context()
        self.response = with_limits(request, response, {"Vary": "Accept"})
        return self.response
