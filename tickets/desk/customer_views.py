"""What tickets add to customers: the statement of what they owe."""

from datetime import date
from decimal import Decimal
from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from customers.views import CustomerViewSet as Customers
from mechanic_shop.http.permissions import Has, IsOwner

from ..reports.query_serializers import PeriodQuery
from ..reports.receivables import statement
from ..reports.serializers import StatementSerializer
from ..reports.views import REPORT_RENDERERS, ReportMixin, report


class CustomerViewSet(ReportMixin, Customers):
    """Customers. POST without a token is sign-up; a customer sees, changes and deletes
    their own record.
    """

    permissions = Customers.permissions | {"statement": Has("tickets.view_invoice") | IsOwner}

    @report(StatementSerializer, PeriodQuery, "customers_statement")
    @action(detail=True, renderer_classes=REPORT_RENDERERS)
    def statement(self, request: Request, pk: str) -> Response:
        """What the customer was asked for and paid in these days of the shop (by
        default the last 30), with the balance after each.

        What has not been paid is positive, the customer's credit negative; `credit` is
        what the shop holds of their money now: what was paid too much, and deposits on
        no invoice yet. As CSV the opening and the closing balance are rows of their
        own.
        """
        customer = self.get_object()
        start, end = self.days(PeriodQuery)
        account = statement(customer, start, end)
        rows = None
        if self.wants_csv:
            rows = [
                balance_row("opening", start, account["opening"]),
                *account["entries"],
                balance_row("closing", end, account["closing"]),
            ]
        return self.respond_report(
            StatementSerializer, account, f"statement-{pk}-{start}-{end}", rows
        )


def balance_row(kind: str, day: date | None, balance: Decimal) -> dict[str, Any]:
    return {
        "date": day,
        "kind": kind,
        "number": "",
        "ticket": "",
        "debit": None,
        "credit": None,
        "balance": balance,
    }
