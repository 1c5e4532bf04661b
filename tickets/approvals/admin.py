"""The customer's word: what was approved, declined or deferred, when and how."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from mechanic_shop.admin.base import DetailPanelMixin, ReadOnly, ShopModelAdmin, in_one_line, moment

from ..billing.estimate_panel import decision_row, row
from ..lifecycle.admin_format import link, sum_of_money
from ..models import Authorization


def said(word: Authorization) -> str:
    return ", ".join(f"{told['title']}: {told['decision']}" for told in word.decisions)


def who_wrote(word: Authorization) -> str:
    return str(word.by or ("the customer, by a link" if word.share_id else "–"))


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

    def panel(self, request: HttpRequest, word: Authorization) -> dict[str, Any]:
        jobs = [decision_row(told) for told in word.decisions]
        return {
            "jobs": jobs,
            "lines": [],
            "sums": [row("Approved, with tax", word.approved_total, strong=True)],
        }

    @display(description="When", ordering="pk")
    def when(self, word: Authorization) -> str:
        return in_one_line(moment(word.at))

    @display(description="Ticket", ordering="ticket")
    def of_ticket(self, word: Authorization) -> str:
        return link("tickets_serviceticket", word.ticket_id, word.ticket.number)

    @display(description="Said")
    def said(self, word: Authorization) -> str:
        return said(word)

    @display(description="Approved", ordering="approved_total")
    def approved(self, word: Authorization) -> str:
        return sum_of_money(word.approved_total)

    @display(description="Written down by")
    def by_whom(self, word: Authorization) -> str:
        return who_wrote(word)
