"""Tickets: the page of a job at the front desk, and its buttons."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    MultipleChoicesDropdownFilter,
)

from customers.admin import confirm_odometer
from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.admin.mixins import DetailPanelMixin

from ..approvals.authorize_button import ApprovalButtons
from ..billing.estimate_panel import sheet
from ..billing.money_buttons import MoneyButtons
from ..models import CLOSED_STATUSES, ServiceTicket, Status, TicketMechanic
from ..work import tickets
from ..work.button_questions import is_open
from ..work.job_buttons import JobButtons
from ..work.line_buttons import LineButtons
from ..work.mechanic_buttons import MechanicButtons
from ..work.part_buttons import PartButtons
from ..work.proposal_buttons import ProposalButtons
from ..work.ticket_serializers import ServiceTicketSerializer
from .move_buttons import MoveButtons, next_step
from .ticket_columns import TicketColumns
from .ticket_filters import PromisedFilter, WaitingFilter
from .ticket_inlines import ApprovalInline, HistoryInline, MechanicsInline, PartsInline


class TicketForm(ShopForm):
    serializer_class = ServiceTicketSerializer
    confirm_odometer = confirm_odometer()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "customer" in self.fields:
            self.fields["customer"].required = False
            self.fields[
                "customer"
            ].help_text = "may stay empty when a vehicle is named: then it is its owner"

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        # An empty box says nothing; the serializer then takes the vehicle's customer.
        super().run_serializer(
            {
                name: value
                for name, value in sent.items()
                if name != "customer" or value is not None
            },
            instance,
        )


@admin.register(ServiceTicket)
class ServiceTicketAdmin(
    JobButtons,
    LineButtons,
    ProposalButtons,
    PartButtons,
    MechanicButtons,
    ApprovalButtons,
    MoneyButtons,
    MoveButtons,
    TicketColumns,
    DetailPanelMixin,
    ShopModelAdmin,
):
    form = TicketForm
    panel_template = "admin/tickets/sheet.html"
    search_icon = "assignment"
    search_fields = ("pk",)
    search_help_text = "Number, plate, VIN, customer or phone"
    list_display = (
        "ticket",
        "state",
        "customer",
        "vehicle",
        "concern_in_short",
        "who",
        "promised",
        "opened",
    )
    list_filter = (
        ("status", MultipleChoicesDropdownFilter),
        ("on_hold", BooleanRadioFilter),
        ("hold_reason", ChoicesDropdownFilter),
        PromisedFilter,
        WaitingFilter,
        "service_date",
        "opened_at",
    )
    lookups = ("customer", "vehicle")
    ordering = ("-pk",)
    autocomplete_fields = ("customer", "vehicle")
    inlines = (PartsInline, MechanicsInline, ApprovalInline, HistoryInline)
    actions_detail = (
        *("finish_job", "complete", "invoice", "pay", "move"),
        {
            "title": "Add",
            "items": [
                "add_job",
                "add_canned_job",
                "add_recommendation",
                "add_line",
                "add_part",
                "assign_mechanic",
            ],
        },
        {
            "title": "Money",
            "items": [
                "take_deposit",
                "refund_deposit",
                "give_discount",
                "estimate_pdf",
                "email_estimate",
            ],
        },
        {
            "title": "More",
            "items": [
                "authorize",
                "cancel_job",
                "reopen_job",
                "remove_line",
                "remove_part",
                "remove_mechanic",
            ],
        },
    )
    readonly_fields = ("number", "state", "opened_at", "completed_at", "closed_at")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "state"),
                    ("customer", "vehicle"),
                    ("concern", "cause", "correction"),
                )
            },
        ),
        ("Promise", {"fields": (("service_date", "promised_at"), ("on_hold", "hold_reason"))}),
        (
            "Figures",
            {
                "fields": (
                    ("odometer_in", "odometer_out"),
                    ("opened_at", "completed_at", "closed_at"),
                )
            },
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    ("vehicle", "customer"),
                    "concern",
                    ("service_date", "promised_at"),
                    "odometer_in",
                )
            },
        ),
    )

    def hidden_in_trail(self, request: HttpRequest) -> set[str]:
        return super().hidden_in_trail(request) | PartsInline(self.model, self.admin_site).hidden(
            request
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        assignments = Prefetch(
            "assignments", TicketMechanic.objects.select_related("mechanic").order_by("pk")
        )
        return (
            super()
            .get_queryset(request)
            .select_related("customer", "vehicle")
            .prefetch_related(assignments)
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A sealed ticket is shown without boxes. A page that was opened before it was
        # sealed is answered by the operation.
        sealed = obj is not None and obj.status in CLOSED_STATUSES and request.method != "POST"
        return super().has_change_permission(request, obj) and not sealed

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> ServiceTicket:
        return tickets.open_ticket(**details, by=user_of(request))

    def change_object(
        self, request: HttpRequest, ticket: ServiceTicket, changes: dict[str, Any]
    ) -> None:
        tickets.update(ticket, **changes, by=user_of(request))

    def delete_object(self, request: HttpRequest, ticket: ServiceTicket) -> None:
        tickets.delete(ticket, by=user_of(request))

    def primary_action(self, ticket: ServiceTicket) -> str:
        return {Status.COMPLETED: "invoice", Status.INVOICED: "pay"}.get(Status(ticket.status)) or (
            next_step(ticket) if is_open(ticket) else ""
        )

    def detail_panel(self, request: HttpRequest, ticket: ServiceTicket) -> dict[str, Any]:
        return sheet(ticket, request.user)

    def describe(self, ticket: ServiceTicket) -> str:
        return " · ".join(
            str(fact)
            for fact in (ticket.customer, ticket.vehicle, ticket.get_status_display())
            if fact
        )
