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
from rest_framework.response import Response
from rest_framework.reverse import reverse as api_reverse
from rest_framework.routers import APIRootView

from .renderers import JSON
from .views import ShopView


def shop(request: HttpRequest) -> dict[str, Any]:
    """For every template: the shop's name."""
    return {"shop_name": settings.SHOP_NAME}


def home(request: HttpRequest) -> HttpResponse:
    """The address alone leads to the API's root."""
    return HttpResponseRedirect(reverse("api-root"))


@extend_schema(exclude=True)
class RootView(ShopView, APIRootView):
    """Everything that the shop's API offers."""

    permission_classes = [AllowAny]
    name = "API"

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        named = {
            **{
                shown: name
                for shown, name in (self.api_root_dict or {}).items()
                if shown != "reports"
            },  # they have no list
            "mechanics/popular": "mechanic-popular",
            "tickets/mine": "serviceticket-mine",
            "parts/low-stock": "part-low-stock",
            **{
                f"reports/{name}": f"report-{name}"
                for name in ("sales", "parts-margin", "tax", "receivables", "deferred-work")
            },
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
        return Response(
            {shown: api_reverse(name, request=request) for shown, name in named.items()}
        )


class DocumentView(ShopView):
    """A view that answers in one format of its own, and refuses as every other: with
    problem details.
    """

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if getattr(response, "exception", False):
            response.accepted_renderer, response.accepted_media_type = JSON, JSON.media_type
        return response


class SchemaView(DocumentView, SpectacularAPIView):
    """The OpenAPI schema. It is the same for everybody, so each form of it is made
    once, and by one thread: drf-spectacular bears no two.
    """

    permission_classes = [AllowAny]
    made: ClassVar[dict[str, bytes]] = {}
    making: ClassVar[Lock] = Lock()

    def _get_schema_response(self, request: Any) -> HttpResponse:
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
