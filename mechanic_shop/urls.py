"""The one router, and every other address of the shop."""

from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from customers.views import VehicleViewSet
from inventory.views import PartViewSet
from mechanics.views import MechanicViewSet
from tickets.views import CustomerViewSet, ReportViewSet, ServiceTicketViewSet

from .api import errors, health, pages

router = DefaultRouter()
router.include_format_suffixes = False
router.APIRootView = pages.RootView
router.register("tickets", ServiceTicketViewSet)  # first: what is asked for most is found soonest
router.register("customers", CustomerViewSet)
router.register("vehicles", VehicleViewSet)
router.register("mechanics", MechanicViewSet)
router.register("parts", PartViewSet)
router.register("reports", ReportViewSet, basename="report")

urlpatterns = [
    path("", pages.home),
    path("api/v1/", include(router.urls)),
    path("api/v1/auth/", include("mechanic_shop.accounts.urls")),
    path("api/v1/schema/", pages.SchemaView.as_view(), name="schema"),
    path("api/v1/docs/", pages.SwaggerView.as_view(), name="docs"),
    path("api/v1/redoc/", pages.RedocView.as_view(), name="redoc"),
    path("api/v1/session/", include("mechanic_shop.accounts.session_urls", namespace="rest_framework")),
    path("admin/", admin.site.urls),
    path("healthz/", health.alive),
    path("readyz/", health.ready),
    path("metrics", health.MetricsView.as_view(), name="metrics"),  # where Prometheus looks
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error
