"""Pages for developers: the API root, the schema, Swagger UI and Redoc; nothing from
another host.
"""

from threading import Lock
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse as api_reverse
from rest_framework.routers import APIRootView

from .renderers import JSON
from .views import ShopView

# Routes of the API's root that are not the router's, by path.
ROUTES = {
    "auth/token": "auth-token",
    "auth/token/refresh": "auth-token-refresh",
    "auth/token/blacklist": "auth-token-blacklist",
    "auth/me": "auth-me",
    "auth/password": "auth-password",
    "auth/password/reset": "auth-password-reset",
    "auth/password/reset/confirm": "auth-password-reset-confirm",
    "schema": "schema",
    "docs": "docs",
    "redoc": "redoc",
}


def shop(request: HttpRequest) -> dict[str, Any]:
    """Give every template the shop's name."""
    return {"shop_name": settings.SHOP_NAME}


def home(request: HttpRequest) -> HttpResponse:
    """Lead from the address alone to the API's root."""
    return HttpResponseRedirect(reverse("api-root"))


@extend_schema(exclude=True)
class RootView(ShopView, APIRootView):
    """Everything that the shop's API offers."""

    permission_classes = [AllowAny]
    name = "API"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        routes = (self.api_root_dict or {}) | ROUTES
        return Response({path: api_reverse(name, request=request) for path, name in routes.items()})


class DocumentView(ShopView):
    """A view with a format of its own; its errors are problem details as everywhere."""

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if getattr(response, "exception", False):
            response.accepted_renderer, response.accepted_media_type = JSON, JSON.media_type
        return response


class SchemaView(DocumentView, SpectacularAPIView):
    """The OpenAPI schema, made once for each format.

    One thread makes it, since drf-spectacular is not safe for two.
    """

    permission_classes = [AllowAny]
    made: ClassVar[dict[str, str | bytes]] = {}
    making: ClassVar[Lock] = Lock()

    def _get_schema_response(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        with self.making:
            if renderer.media_type not in self.made:
                schema = self.generator_class().get_schema(request=request, public=True)
                self.made[renderer.media_type] = renderer.render(schema, renderer.media_type, {})
        name = f'inline; filename="openapi.{renderer.format}"'
        return HttpResponse(
            self.made[renderer.media_type],
            content_type=renderer.media_type,
            headers={"Content-Disposition": name},
        )


class SwaggerView(DocumentView, SpectacularSwaggerSplitView):
    permission_classes = [AllowAny]
    url_name = "schema"
    template_name = "swagger.html"


class RedocView(DocumentView, SpectacularRedocView):
    permission_classes = [AllowAny]
    url_name = "schema"
    template_name = "redoc.html"
