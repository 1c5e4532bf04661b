"""What tickets add to customers: the file of all that the shop knows of one, and the statement of what they owe."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from customers.models import Customer
from customers.serializers import CustomerSerializer, VehicleSerializer
from customers.views import CustomerViewSet as Customers
from mechanic_shop.accounts.models import User
from mechanic_shop.api.fields import SmallRelatedField, UTCField
from mechanic_shop.api.permissions import Has, IsOwner
from mechanic_shop.api.renderers import to_json
from mechanic_shop.api.schema import answers
from mechanic_shop.api.serializers import ShopSerializer

from .. import reports
from ..models import ServiceTicket, StatusChange
from ..serializers import ServiceTicketSerializer
from ..serializers.reports import PeriodQuery, StatementSerializer
from .reports import REPORT_RENDERERS, ReportMixin, report


class FiledMoveSerializer(ShopSerializer):
    """A move of a ticket, as its history tells it."""

    # "from" is no name for a class attribute.
    vars()["from"] = serializers.CharField(source="from_status", read_only=True)
    to = serializers.CharField(source="to_status", read_only=True)
    by = SmallRelatedField(read_only=True, shows=("display_name",), renames={"display_name": "name"})

    class Meta:
        model = StatusChange
        fields = ("id", "from", "to", "by", "at", "reason")

    def get_fields(self) -> dict[str, Any]:
        declared = super().get_fields()
        return {name: declared[name] for name in self.Meta.fields}


class FiledTicketSerializer(ServiceTicketSerializer):
    """A ticket with its moves."""

    history = FiledMoveSerializer(many=True, read_only=True)

    class Meta(ServiceTicketSerializer.Meta):
        fields = (*ServiceTicketSerializer.Meta.fields, "history")


class LoginFactsSerializer(serializers.ModelSerializer):
    joined_at = UTCField(source="date_joined", read_only=True)
    last_login_at = UTCField(source="last_login", read_only=True, allow_null=True)

    class Meta:
        model = User
        fields = read_only_fields = ("email", "joined_at", "last_login_at")


class CustomerFileSerializer(serializers.Serializer):
    """What ``customers/{id}/export/`` holds; notes, which are for staff, only where staff asks."""

    exported_at = UTCField(read_only=True)
    customer = CustomerSerializer(read_only=True)
    login = LoginFactsSerializer(read_only=True, allow_null=True)
    vehicles = VehicleSerializer(many=True, read_only=True)
    tickets = FiledTicketSerializer(many=True, read_only=True)


class CustomerViewSet(ReportMixin, Customers):
    """Customers. POST without a token is sign-up; a customer sees, changes and deletes their own record."""

    permissions = Customers.permissions | {"statement": Has("tickets.view_invoice") | IsOwner}

    @answers(CustomerFileSerializer)
    @action(detail=True, serializer_class=CustomerFileSerializer)
    def export(self, request: Any, pk: str) -> Any:
        """All that the shop knows of a customer, as one JSON file: record, log-in, vehicles, and tickets with their history."""
        found = self.get_serializer(everything_about(self.get_object())).data
        headers = {"Cache-Control": "private, no-store"}
        if self.shows_html:
            return Response(found, headers=headers)
        headers["Content-Disposition"] = f'attachment; filename="customer-{self.key}.json"'
        return HttpResponse(to_json(found), content_type="application/json", headers=headers)

    @report(StatementSerializer, PeriodQuery, "customers_statement")
    @action(detail=True, renderer_classes=REPORT_RENDERERS)
    def statement(self, request: Any, pk: str) -> Any:
        """What the customer was asked for and paid in these days of the shop (by default the last 30), with the balance after each.

        What has not been paid is positive, the customer's credit negative; `credit` is what the shop holds of their money now: what
        was paid too much, and deposits on no invoice yet. As CSV the opening and the closing balance are rows of their own.
        """
        customer = self.get_object()
        start, end = self.days(PeriodQuery)
        found = reports.statement(customer, start, end)
        rows = None
        if self.wants_csv:
            rows = [balance_row("opening", start, found["opening"]), *found["entries"], balance_row("closing", end, found["closing"])]
        return self.answer_report(StatementSerializer, found, f"statement-{pk}-{start}-{end}", rows)


def balance_row(kind: str, day: Any, balance: Any) -> dict[str, Any]:
    return {"date": day, "kind": kind, "number": "", "ticket": "", "debit": None, "credit": None, "balance": balance}


def everything_about(customer: Customer) -> dict[str, Any]:
    history = Prefetch("history", StatusChange.objects.select_related("by__customer", "by__mechanic"))
    return {
        "exported_at": timezone.now(),
        "customer": customer,
        "login": customer.user if customer.has_login else None,
        "vehicles": customer.vehicles.select_related("customer"),
        "tickets": ServiceTicket.objects.with_details().filter(customer=customer).prefetch_related(history).order_by("pk"),
    }
