"""The shop's figures, as JSON and as CSV."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.settings import api_settings

from mechanic_shop.http.csv_export import CSVRenderer, csv_answer
from mechanic_shop.http.permissions import Has
from mechanic_shop.http.query_checks import check_parameters
from mechanic_shop.http.renderers import to_json
from mechanic_shop.http.viewsets import ShopGenericViewSet

from . import deferred_work, margins, receivables, sales, tax_report
from .query_serializers import PeriodQuery, ReportQuery, SalesQuery
from .serializers import (
    DeferredWorkSerializer,
    MarginsSerializer,
    ReceivablesSerializer,
    SalesSerializer,
    TaxesSerializer,
)

# the settings name classes as strings, and hand them out as classes
REPORT_RENDERERS: list[Any] = [*api_settings.DEFAULT_RENDERER_CLASSES, CSVRenderer]


def report(shape: type[Serializer], query: type[Serializer], name: str) -> Any:
    """Document a report: what it takes, and that it comes as JSON or as CSV."""
    return extend_schema(
        operation_id=name,
        parameters=[query],
        responses={(200, "application/json"): shape, (200, "text/csv"): OpenApiTypes.STR},
    )


class ReportMixin:
    """What the API and the admin share of reports: their parameters, and their two forms."""

    request: Any

    def asked(self, query: type[Serializer]) -> dict[str, Any]:
        """The parameters. Raises ValidationError for what cannot be asked, and what is
        not known.
        """
        form = query(data=self.request.query_params)
        check_parameters(self.request.query_params, set(form.fields))
        form.is_valid(raise_exception=True)
        return form.validated_data

    def days(self, query: type[Serializer]) -> tuple[date, date]:
        asked = self.asked(query)
        return asked["from"], asked["to"]

    @property
    def wants_csv(self) -> bool:
        wanted = self.request.query_params.get("format") or self.request.accepted_renderer.format
        return wanted == CSVRenderer.format

    def respond_report(
        self: Any, shape: type[Serializer], report: dict[str, Any], name: str, rows: Any = None
    ) -> Any:
        """The report; as CSV its rows alone, or those that are named."""
        serializer = shape(report)
        if self.wants_csv:
            listed: Any = serializer.fields["entries" if "entries" in report else "rows"]
            bom = self.request.query_params.get("bom") != "off"
            return self.conditional(
                csv_answer(
                    listed.to_representation(rows or report["rows"]), listed.child, name, bom=bom
                )
            )
        if self.shows_html:
            return Response(serializer.data)
        return self.conditional(
            HttpResponse(to_json(serializer.data), content_type="application/json")
        )


class ReportViewSet(ReportMixin, ShopGenericViewSet):
    """What the shop sold, what it is owed, and what it could still do. Days are the
    shop's; amounts are exact, with the currency's decimals.
    """

    queryset = None
    pagination_class = None
    filter_backends: Any = []
    renderer_classes = REPORT_RENDERERS
    permissions = {
        "sales": Has("tickets.view_reports"),
        "parts_margin": Has("tickets.view_reports") & Has("inventory.view_cost"),
        "tax": Has("tickets.view_reports"),
        "receivables": Has("tickets.view_reports"),
        "deferred_work": Has("tickets.view_reports"),
    }

    @report(SalesSerializer, SalesQuery, "reports_sales")
    @action(detail=False)
    def sales(self, request: Request) -> Any:
        """Sales: invoices less credit notes, each on the day of its issue, by day, week
        (from Monday) or month; or the labor by mechanic.

        A day, week or month without an invoice or a credit note has no row; one with
        credit notes alone may be negative.
        """
        asked = self.asked(SalesQuery)
        start, end, by = asked["from"], asked["to"], asked["by"]
        return self.respond_report(
            SalesSerializer, sales.sales(start, end, by), f"sales-by-{by}-{start}-{end}"
        )

    @report(MarginsSerializer, PeriodQuery, "reports_parts_margin")
    @action(detail=False, url_path="parts-margin")
    def parts_margin(self, request: Request) -> Any:
        """Parts sold, net of credits, and what is left of them when their cost is paid."""
        start, end = self.days(PeriodQuery)
        return self.respond_report(
            MarginsSerializer, margins.margins(start, end), f"parts-margin-{start}-{end}"
        )

    @report(TaxesSerializer, PeriodQuery, "reports_tax")
    @action(detail=False)
    def tax(self, request: Request) -> Any:
        """The tax of invoices less that of credit notes, by name and rate; what is not
        taxed has a row without a name.
        """
        start, end = self.days(PeriodQuery)
        return self.respond_report(
            TaxesSerializer, tax_report.taxes(start, end), f"tax-{start}-{end}"
        )

    @report(ReceivablesSerializer, ReportQuery, "reports_receivables")
    @action(detail=False)
    def receivables(self, request: Request) -> Any:
        """What customers owe now, by days past due; their credits and deposits stand
        apart.
        """
        self.asked(ReportQuery)
        found = receivables.receivables()
        return self.respond_report(ReceivablesSerializer, found, f"receivables-{found['on']}")

    @report(DeferredWorkSerializer, ReportQuery, "reports_deferred_work")
    @action(detail=False, url_path="deferred-work")
    def deferred_work(self, request: Request) -> Any:
        """Declined and deferred jobs that no later ticket took up: the newest thousand,
        and what all of them come to.
        """
        self.asked(ReportQuery)
        return self.respond_report(
            DeferredWorkSerializer, deferred_work.deferred_work(), "deferred-work"
        )
