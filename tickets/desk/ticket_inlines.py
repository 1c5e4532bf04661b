"""What stands on a ticket's page below it: parts, mechanics, approvals, history."""

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from inventory.movement_admin import price_of
from inventory.quantities import show
from mechanic_shop.admin.formatting import badge
from mechanic_shop.admin.inlines import ReadOnlyInline

from ..approvals.admin import decisions_in_words, recorded_by
from ..lifecycle.admin_format import money
from ..models import (
    STOCK_HOLDING_STATUSES,
    Authorization,
    Status,
    StatusChange,
    TicketMechanic,
    TicketPart,
)


class MechanicsInline(ReadOnlyInline):
    model = TicketMechanic
    verbose_name_plural = "Mechanics"
    fields = ("mechanic", "role", "assigned_at", "by_whom")
    readonly_fields = ("assigned_at", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super().get_queryset(request).select_related("mechanic", "assigned_by").order_by("pk")
        )

    @display(description="Assigned by")
    def by_whom(self, assignment: TicketMechanic) -> str:
        return str(assignment.assigned_by or "–")


class PartsInline(ReadOnlyInline):
    model = TicketPart
    verbose_name_plural = "Parts"
    secret_fields = {"unit_cost": "inventory.view_cost", "cost": "inventory.view_cost"}
    fields = (
        "part",
        "in_job",
        "how_many",
        "price",
        "cost",
        "line_total",
        "held",
        "fitted",
        "missing",
    )
    readonly_fields = (
        "in_job",
        "how_many",
        "price",
        "cost",
        "line_total",
        "held",
        "fitted",
        "missing",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("part", "ticket", "job").order_by("pk")

    @display(description="Job")
    def in_job(self, line: TicketPart) -> str:
        return line.job.title if line.job else "–"

    @display(description="Quantity")
    def how_many(self, line: TicketPart) -> str:
        return f"{show(line.quantity)} {line.part.unit}"

    @display(description="Unit price")
    def price(self, line: TicketPart) -> str:
        return price_of(line.unit_price)

    @display(description="Unit cost")
    def cost(self, line: TicketPart) -> str:
        return price_of(line.unit_cost)

    @display(description="Held")
    def held(self, line: TicketPart) -> str:
        return show(line.allocated)

    @display(description="Fitted")
    def fitted(self, line: TicketPart) -> str:
        return show(line.issued)

    @display(description="Waiting")
    def missing(self, line: TicketPart) -> str:
        """What is still to come; nothing is promised before the customer's yes, and
        nothing comes to a cancelled ticket.
        """
        waits = (
            line.ticket.status in STOCK_HOLDING_STATUSES and line.is_authorized and line.backordered
        )
        return badge(show(line.backordered), "warning") if waits else "–"


class ApprovalInline(ReadOnlyInline):
    model = Authorization
    verbose_name_plural = "Approvals"
    fields = ("at", "said", "channel", "approved", "by_whom", "note")
    readonly_fields = ("said", "approved", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by", "share")

    @display(description="Said")
    def said(self, approval: Authorization) -> str:
        return decisions_in_words(approval)

    @display(description="Approved")
    def approved(self, approval: Authorization) -> str:
        return money(approval.approved_total)

    @display(description="Written down by")
    def by_whom(self, approval: Authorization) -> str:
        return recorded_by(approval)


class HistoryInline(ReadOnlyInline):
    model = StatusChange
    verbose_name_plural = "History"
    fields = ("at", "step", "by_whom", "reason")
    readonly_fields = ("step", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by")

    @display(description="By")
    def by_whom(self, change: StatusChange) -> str:
        return str(change.by or "–")

    @display(description="Move")
    def step(self, change: StatusChange) -> str:
        start = Status(change.from_status).label if change.from_status else "New"
        return f"{start} → {change.get_to_status_display()}"
