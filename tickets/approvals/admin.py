"""The customer's approvals: what was approved, declined or deferred, when and how."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.formatting import in_one_line, moment
from mechanic_shop.admin.mixins import DetailPanelMixin, ReadOnly

from ..billing.estimate_panel import decision_row, row
from ..lifecycle.admin_format import link, sum_of_money
from ..models import Authorization


def decisions_in_words(authorization: Authorization) -> str:
    return ", ".join(f"{entry['title']}: {entry['decision']}" for entry in authorization.decisions)


def recorded_by(authorization: Authorization) -> str:
    return str(authorization.by or ("the customer, by a link" if authorization.share_id else "–"))


@admin.register(Authorization)
class AuthorizationAdmin(DetailPanelMixin, ReadOnly, ShopModelAdmin):
    """Read, never written: the ticket's page writes down what the customer says."""

    panel_template = "admin/tickets/sheet.html"
    list_display = ("when", "of_ticket", "said", "channel", "approved", "by_whom")
    list_filter = (("channel", ChoicesDropdownFilter), "at")
    lookups = ("ticket",)
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": (("when", "of_ticket", "channel"), ("approved", "by_whom", "note"))}),
    )
    readonly_fields = ("when", "of_ticket", "approved", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("ticket", "by", "share")

    def detail_panel(self, request: HttpRequest, authorization: Authorization) -> dict[str, Any]:
        jobs = [decision_row(entry) for entry in authorization.decisions]
        return {
            "jobs": jobs,
            "lines": [],
            "sums": [row("Approved, with tax", authorization.approved_total, strong=True)],
        }

    @display(description="When", ordering="pk")
    def when(self, authorization: Authorization) -> str:
        return in_one_line(moment(authorization.at))

    @display(description="Ticket", ordering="ticket")
    def of_ticket(self, authorization: Authorization) -> str:
        return link("tickets_serviceticket", authorization.ticket_id, authorization.ticket.number)

    @display(description="Said")
    def said(self, authorization: Authorization) -> str:
        return decisions_in_words(authorization)

    @display(description="Approved", ordering="approved_total")
    def approved(self, authorization: Authorization) -> str:
        return sum_of_money(authorization.approved_total)

    @display(description="Written down by")
    def by_whom(self, authorization: Authorization) -> str:
        return recorded_by(authorization)
