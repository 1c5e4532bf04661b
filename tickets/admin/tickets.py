from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter, MultipleChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from inventory.models import Part
from inventory.operations import show
from mechanic_shop.admin.base import ReadOnlyInline, ShopModelAdmin, badge, in_one_line, moment
from mechanic_shop.admin.buttons import ButtonForm, button, note_question, quantity_question, row_question
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.api.times import day_end, day_start
from mechanics.models import Mechanic

from .. import operations, workflow
from ..models import OPEN, SEALED, ServiceTicket, Status, StatusChange, TicketMechanic, TicketPart
from ..serializers import (
    AddPartSerializer,
    AssignMechanicSerializer,
    MoveSerializer,
    RemoveMechanicSerializer,
    RemovePartSerializer,
    ServiceTicketSerializer,
)

COLOURS = {
    Status.ESTIMATE: "",
    Status.APPROVED: "info",
    Status.IN_PROGRESS: "primary",
    Status.COMPLETED: "success",
    Status.INVOICED: "warning",
    Status.CLOSED: "",
    Status.CANCELLED: "danger",
}


def status_badge(ticket: ServiceTicket) -> str:
    return badge(ticket.get_status_display(), COLOURS[Status(ticket.status)])


def is_open(ticket: ServiceTicket) -> bool:
    return ticket.status in OPEN


# --- what the buttons ask --------------------------------------------------------------------------


class AssignForm(ButtonForm):
    serializer_class = AssignMechanicSerializer
    mechanic = row_question(TicketMechanic.mechanic)
    role = forms.ChoiceField(choices=TicketMechanic.Role.choices, initial=TicketMechanic.Role.ASSISTANT, widget=UnfoldAdminSelectWidget)


class RemoveMechanicForm(ButtonForm):
    serializer_class = RemoveMechanicSerializer
    mechanic = forms.ModelChoiceField(Mechanic.objects.all(), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        on_it = Mechanic.objects.filter(assignments__ticket=self.obj)
        # Offered are those on the ticket; somebody who just left it is the operation's to speak of.
        self.fields["mechanic"].widget.choices = [(mechanic.pk, mechanic.name) for mechanic in on_it]


class AddPartForm(ButtonForm):
    serializer_class = AddPartSerializer
    part = row_question(TicketPart.part)
    quantity = quantity_question(initial=1)
    backorder = forms.BooleanField(
        required=False, label="Backorder", widget=UnfoldBooleanSwitchWidget, help_text="put it on the ticket also when too little is available"
    )


class RemovePartForm(ButtonForm):
    serializer_class = RemovePartSerializer
    part = forms.ModelChoiceField(Part.objects.all(), widget=UnfoldAdminSelectWidget)
    quantity = quantity_question(required=False, help_text="all of it, when left empty; what was held or fitted goes back on the shelf")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = self.obj.lines.select_related("part")
        self.fields["part"].widget.choices = [(line.part_id, f"{line.part}: {show(line.quantity)} {line.part.unit}") for line in lines]


class MoveForm(ButtonForm):
    serializer_class = MoveSerializer
    to = forms.ChoiceField(choices=Status.choices, label="Move to", widget=UnfoldAdminRadioSelectWidget)
    reason = note_question(help_text="kept in the history")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = workflow.options(self.obj, self.request.user)
        # Offered is what can be done; another move is the operation's to refuse, in its own words.
        self.fields["to"].widget.choices = [(option["to"], Status(option["to"]).label) for option in self.options if option["allowed"]]

    def notes(self) -> list[str]:
        here = f"{self.obj.number} is {self.obj.get_status_display().lower()}."
        blocked = [
            f"Not to {Status(option['to']).label.lower()}: {' '.join(block['detail'] for block in option['blocked_by'])}"
            for option in self.options
            if not option["allowed"]
        ]
        return [here, *blocked]


# --- the page --------------------------------------------------------------------------------------


class PromisedFilter(DropdownFilter):
    title = "promise"
    parameter_name = "promised"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("due", "Today or late"), ("today", "Today"), ("late", "Late"), ("none", "Nothing promised")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        today = timezone.localdate()
        match self.value():
            case "due":
                return queryset.open().filter(promised_at__lt=day_end(today))
            case "today":
                return queryset.filter(promised_at__gte=day_start(today), promised_at__lt=day_end(today))
            case "late":
                return queryset.open().filter(promised_at__lt=timezone.now())
            case "none":
                return queryset.filter(promised_at=None)
        return queryset


class WaitingFilter(DropdownFilter):
    title = "stock"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("parts", "Waiting for parts")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        return queryset.filter(pk__in=TicketPart.objects.backordered().order_by().values("ticket")) if self.value() else queryset


class MechanicsInline(ReadOnlyInline):
    model = TicketMechanic
    verbose_name_plural = "Mechanics"
    fields = ("mechanic", "role", "assigned_at", "by_whom")
    readonly_fields = ("assigned_at", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("mechanic", "assigned_by").order_by("pk")

    @display(description="Assigned by")
    def by_whom(self, assignment: TicketMechanic) -> str:
        return str(assignment.assigned_by or "–")


class PartsInline(ReadOnlyInline):
    model = TicketPart
    verbose_name_plural = "Parts"
    secret_fields = {"unit_cost": "inventory.view_cost"}
    fields = ("part", "how_many", "unit_price", "unit_cost", "line_total", "held", "fitted", "missing")
    readonly_fields = ("how_many", "line_total", "held", "fitted", "missing")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("part", "ticket").order_by("pk")

    @display(description="Quantity")
    def how_many(self, line: TicketPart) -> str:
        return f"{show(line.quantity)} {line.part.unit}"

    @display(description="Held")
    def held(self, line: TicketPart) -> str:
        return show(line.allocated)

    @display(description="Fitted")
    def fitted(self, line: TicketPart) -> str:
        return show(line.issued)

    @display(description="Waiting")
    def missing(self, line: TicketPart) -> str:
        """What is still to come; nothing is promised on an estimate, and nothing comes to a cancelled ticket."""
        waits = line.ticket.status in OPEN[1:] and line.backordered
        return badge(show(line.backordered), "warning") if waits else "–"


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


class TicketForm(ShopForm):
    serializer_class = ServiceTicketSerializer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "customer" in self.fields:
            self.fields["customer"].required = False
            self.fields["customer"].help_text = "may stay empty when a vehicle is named: then it is its owner"

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        # An empty box says nothing; the serializer then takes the vehicle's customer.
        super().obey({name: value for name, value in sent.items() if name != "customer" or value is not None}, instance)


@admin.register(ServiceTicket)
class ServiceTicketAdmin(ShopModelAdmin):
    form = TicketForm
    search_icon = "assignment"
    search_fields = ("pk",)
    search_help_text = "Number, plate, VIN, customer or phone"
    list_display = ("ticket", "state", "customer", "vehicle", "concern_in_short", "who", "promised", "opened")
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
    inlines = (PartsInline, MechanicsInline, HistoryInline)
    actions_detail = ("move", "add_part", "assign_mechanic", {"title": "Remove", "icon": "remove", "items": ["remove_part", "remove_mechanic"]})
    readonly_fields = ("number", "state", "total", "opened_at", "completed_at", "closed_at")
    fieldsets = (
        (None, {"fields": (("number", "state"), ("customer", "vehicle"), "concern", "cause", "correction")}),
        ("Promise", {"fields": (("service_date", "promised_at"), ("on_hold", "hold_reason"))}),
        ("Figures", {"fields": (("total", "odometer_in", "odometer_out"), ("opened_at", "completed_at", "closed_at"))}),
    )
    add_fieldsets = ((None, {"fields": (("vehicle", "customer"), "concern", ("service_date", "promised_at"), "odometer_in")}),)

    def hidden_in_trail(self, request: HttpRequest) -> set[str]:
        return super().hidden_in_trail(request) | PartsInline(self.model, self.admin_site).hidden(request)

    def get_queryset(self, request: HttpRequest) -> Any:
        assignments = Prefetch("assignments", TicketMechanic.objects.select_related("mechanic").order_by("pk"))
        return super().get_queryset(request).select_related("customer", "vehicle").prefetch_related(assignments)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A sealed ticket is shown without boxes. A page that was opened before it was sealed is answered by the operation.
        sealed = obj is not None and obj.status in SEALED and request.method != "POST"
        return super().has_change_permission(request, obj) and not sealed

    # --- columns ---

    @display(description="Status", ordering="status")
    def state(self, ticket: ServiceTicket) -> str:
        shown = status_badge(ticket)
        if not ticket.on_hold:
            return shown
        return format_html("{} {}", shown, badge(f"on hold: {ticket.get_hold_reason_display().lower()}", "warning"))

    @display(description="Parts total")
    def total(self, ticket: ServiceTicket) -> str:
        return f"{ticket.parts_total} {settings.SHOP_CURRENCY}"

    @display(description="Concern")
    def concern_in_short(self, ticket: ServiceTicket) -> str:
        return ticket.concern if len(ticket.concern) <= 60 else f"{ticket.concern[:59]}…"

    @display(description="Mechanics")
    def who(self, ticket: ServiceTicket) -> str:
        return ", ".join(assignment.mechanic.name for assignment in ticket.assignments.all()) or "–"

    @display(description="Promised", ordering="promised_at")
    def promised(self, ticket: ServiceTicket) -> str:
        if ticket.promised_at is None:
            return "–"
        late = is_open(ticket) and ticket.promised_at < timezone.now()
        return badge(moment(ticket.promised_at), "danger") if late else in_one_line(moment(ticket.promised_at))

    @display(description="Number", ordering="pk")
    def ticket(self, ticket: ServiceTicket) -> str:
        return in_one_line(ticket.number)

    @display(description="Opened", ordering="opened_at")
    def opened(self, ticket: ServiceTicket) -> str:
        return in_one_line(moment(ticket.opened_at))

    # --- writing ---

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> ServiceTicket:
        return operations.open_ticket(**details, by=request.user)

    def change_object(self, request: HttpRequest, ticket: ServiceTicket, changes: dict[str, Any]) -> None:
        operations.update(ticket, **changes, by=request.user)

    def delete_object(self, request: HttpRequest, ticket: ServiceTicket) -> None:
        operations.delete(ticket, by=request.user)

    @button("Move", MoveForm, icon="move_down", variant=ActionVariant.PRIMARY, when=lambda ticket: bool(workflow.moves_from(ticket.status)))
    def move(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.move(ticket, **answers, by=request.user)
        return f"{ticket.number} is now {Status(ticket.status).label.lower()}."

    @button("Add part", AddPartForm, icon="add_circle", permission="tickets.change_serviceticket", when=is_open)
    def add_part(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.add_part(ticket, **answers, by=request.user)
        return f"{show(answers['quantity'])} × {answers['part']} put on {ticket.number}."

    @button("Remove part", RemovePartForm, icon="do_not_disturb_on", permission="tickets.change_serviceticket", when=is_open)
    def remove_part(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.remove_part(ticket, **answers, by=request.user)
        return f"{answers['part']} taken off {ticket.number}."

    @button("Assign mechanic", AssignForm, icon="person_add", permission="tickets.assign_mechanic", when=is_open)
    def assign_mechanic(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.assign_mechanic(ticket, **answers, by=request.user)
        return f"{answers['mechanic']} is on {ticket.number}."

    @button("Remove mechanic", RemoveMechanicForm, icon="person_remove", permission="tickets.assign_mechanic", when=is_open)
    def remove_mechanic(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.remove_mechanic(ticket, **answers, by=request.user)
        return f"{answers['mechanic']} is no longer on {ticket.number}."

    def describe(self, ticket: ServiceTicket) -> str:
        return " · ".join(str(word) for word in (ticket.customer, ticket.vehicle, ticket.get_status_display()) if word)
