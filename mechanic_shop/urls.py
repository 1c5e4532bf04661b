"""The one router, and every other address of the shop."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from inventory.views import PartViewSet, TaxCodeViewSet
from mechanic_shop.http import error_views
from mechanics.views import MechanicViewSet
from tickets.approvals.shared_page import SharedPage
from tickets.approvals.views import SharedAuthorizationsView, SharedView
from tickets.billing.views import CreditNoteViewSet, InvoiceViewSet, PaymentViewSet
from tickets.desk.customer_views import CustomerViewSet
from tickets.desk.vehicle_views import VehicleViewSet
from tickets.desk.views import ServiceTicketViewSet
from tickets.reports.views import ReportViewSet
from tickets.work.views import CannedJobViewSet, JobViewSet, LaborRateViewSet

from .http import pages
from .http.router import ShopRouter
from .observability import health

router = ShopRouter()
router.register("tickets", ServiceTicketViewSet)  # first: what is asked for most is found soonest
router.register("customers", CustomerViewSet)
router.register("vehicles", VehicleViewSet)
router.register("mechanics", MechanicViewSet)
router.register("parts", PartViewSet)
router.register("jobs", JobViewSet)
router.register("canned-jobs", CannedJobViewSet)
router.register("labor-rates", LaborRateViewSet)
router.register("tax-codes", TaxCodeViewSet)
router.register("invoices", InvoiceViewSet)
router.register("credit-notes", CreditNoteViewSet)
router.register("payments", PaymentViewSet)
router.register("reports", ReportViewSet, basename="report")

urlpatterns = [
    path("", pages.home),
    path("api/v1/", include(router.urls)),
    path("api/v1/auth/", include("mechanic_shop.accounts.urls")),
    path("api/v1/shared/<str:token>/", SharedView.as_view(), name="shared"),
    path(
        "api/v1/shared/<str:token>/authorizations/",
        SharedAuthorizationsView.as_view(),
        name="shared-authorizations",
    ),
    path("api/v1/schema/", pages.SchemaView.as_view(), name="schema"),
    path("api/v1/docs/", pages.SwaggerView.as_view(), name="docs"),
    path("api/v1/redoc/", pages.RedocView.as_view(), name="redoc"),
    path(
        "api/v1/session/",
        include("mechanic_shop.accounts.session_urls", namespace="rest_framework"),
    ),
    # Its key is in the address and comes with no cookie, so no other site can send it
    # along. A mail program may have cut the last slash off.
    path("shared/<path:token>/", csrf_exempt(SharedPage.as_view()), name="shared-page"),
    path("shared/<path:token>", csrf_exempt(SharedPage.as_view())),
    path("admin/", admin.site.urls),
    path("healthz/", health.alive),
    path("readyz/", health.ready),
    path("metrics", health.MetricsView.as_view(), name="metrics"),  # where Prometheus looks
]

handler400 = error_views.bad_request
handler403 = error_views.permission_denied
handler404 = error_views.not_found
handler500 = error_views.server_error
