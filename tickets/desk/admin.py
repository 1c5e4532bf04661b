"""Tickets: the page of a job at the front desk, and its buttons."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    MultipleChoicesDropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from customers.admin import confirm_odometer
from inventory.admin import price_of
from inventory.operations import show
from mechanic_shop.admin.base import (
    DetailPanelMixin,
    ReadOnlyInline,
    ShopModelAdmin,
    badge,
    in_one_line,
    moment,
)
from mechanic_shop.admin.buttons import (
    ButtonForm,
    button,
    note_question,
    quantity_question,
    row_question,
)
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.dates import day_end, day_start
from mechanics.models import Mechanic

from .. import operations
from ..approvals.admin import said, who_wrote
from ..billing.estimate_panel import sheet
from ..billing.payment_forms import MoneyButtons
from ..lifecycle import workflow
from ..lifecycle.admin_format import money, status_badge
from ..models import (
    CLOSED_STATUSES,
    STOCK_HOLDING_STATUSES,
    Authorization,
    Job,
    JobStatus,
    ServiceTicket,
    Status,
    StatusChange,
    TicketMechanic,
    TicketPart,
)
from ..work.job_forms import TAKES_LINES, EstimateForm, WorkButtons, is_open, job_states, next_step
from ..work.ticket_serializers import (
    AddPartSerializer,
    AssignMechanicSerializer,
    MoveSerializer,
    RemoveMechanicSerializer,
    RemovePartSerializer,
    ServiceTicketSerializer,
)

# --- what the buttons ask -------------------------------------------------------------


class AssignForm(ButtonForm):
    serializer_class = AssignMechanicSerializer
    mechanic = row_question(TicketMechanic.mechanic)
    role = forms.ChoiceField(
        choices=TicketMechanic.Role.choices,
        initial=TicketMechanic.Role.ASSISTANT,
        widget=UnfoldAdminSelectWidget,
    )


class RemoveMechanicForm(ButtonForm):
    serializer_class = RemoveMechanicSerializer
    mechanic = forms.ModelChoiceField(Mechanic.objects.all(), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        on_it = Mechanic.objects.filter(assignments__ticket=self.obj)
        # Offered are those on the ticket; somebody who just left it is the operation's
        # to speak of.
        self.fields["mechanic"].widget.choices = [
            (mechanic.pk, mechanic.name) for mechanic in on_it
        ]


class AddPartForm(ButtonForm):
    serializer_class = AddPartSerializer
    part = row_question(TicketPart.part)
    quantity = quantity_question(initial=1)
    job = forms.ModelChoiceField(
        Job.objects.all(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="none: it is on the ticket itself",
    )
    backorder = forms.BooleanField(
        required=False,
        label="Backorder",
        widget=UnfoldBooleanSwitchWidget,
        help_text="put it on the ticket also when too little is available",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        jobs = [
            job for job in self.obj.jobs.order_by("position", "pk") if job.status in TAKES_LINES
        ]
        self.fields["job"].widget.choices = [("", "–"), *((job.pk, job.title) for job in jobs)]
        self.fields["job"].initial = jobs[0].pk if len(jobs) == 1 else None


class RemovePartForm(ButtonForm):
    serializer_class = RemovePartSerializer
    line = forms.ModelChoiceField(
        TicketPart.objects.select_related("part", "job"),
        label="Part",
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "This part is no longer on the ticket: reload the page."},
    )
    quantity = quantity_question(
        required=False,
        help_text="all of it, when left empty; what was held or fitted goes back on the shelf",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = self.obj.lines.select_related("part", "job").order_by("pk")
        self.fields["line"].widget.choices = [(line.pk, described(line)) for line in lines]

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        if line := sent.pop("line", None):
            sent |= {"part": line.part, "job": line.job}
        super().obey(sent)

    def complain(self, errors: Any) -> None:
        super().complain(
            {
                "line" if name in ("part", "job") else name: details
                for name, details in errors.items()
            }
        )


def described(line: TicketPart) -> str:
    """How a list of the ticket's parts names a line."""
    where = f" in {line.job}" if line.job else ""
    return f"{line.part}: {show(line.quantity)} {line.part.unit}{where}"


class WorkflowForm(ButtonForm):
    """Asks about a move, and tells what blocks it."""

    serializer_class: Any = MoveSerializer

    def blocked(self, options: list[dict[str, Any]]) -> list[str]:
        return [
            (
                f"Not to {Status(option['to']).label.lower()}: "
                f"{' '.join(block['detail'] for block in option['blocked_by'])}"
            )
            for option in options
            if not option["allowed"]
        ]


class CompleteForm(WorkflowForm):
    reason = note_question(label="Note", help_text="kept in the history")

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().obey({**sent, "to": Status.COMPLETED})

    def notes(self) -> list[str]:
        return self.blocked(
            [
                option
                for option in workflow.options(self.obj, self.request.user)
                if option["to"] == Status.COMPLETED
            ]
        )


class MoveForm(WorkflowForm, EstimateForm):
    to = forms.ChoiceField(
        choices=Status.choices, label="Move to", widget=UnfoldAdminRadioSelectWidget
    )
    reason = note_question(help_text="kept in the history")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = workflow.options(self.obj, self.request.user)
        # Offered is what can be done; another move is the operation's to refuse, in its
        # own words.
        self.fields["to"].widget.choices = [
            (option["to"], Status(option["to"]).label)
            for option in self.options
            if option["allowed"]
        ]

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        if sent.get("to") != Status.APPROVED:
            sent = {
                name: value
                for name, value in sent.items()
                if name not in ("version", "expected_total")
            }
        super().obey(sent)

    def notes(self) -> list[str]:
        told = [f"{self.obj.number} is {self.obj.get_status_display().lower()}."]
        if self.obj.status == Status.ESTIMATE:
            told.append(
                f"To approve it is to say yes to "
                f"{money(self.fields['expected_total'].initial)}, all that is proposed."
            )
        return told + self.blocked(self.options)


def is_ready(ticket: ServiceTicket) -> bool:
    """Nothing that the customer wants is still to be done."""
    return ticket.status in STOCK_HOLDING_STATUSES and job_states(ticket).isdisjoint(
        {JobStatus.PROPOSED, JobStatus.APPROVED}
    )


# --- the page -------------------------------------------------------------------------


class PromisedFilter(DropdownFilter):
    title = "promise"
    parameter_name = "promised"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("due", "Today or late"),
            ("today", "Today"),
            ("late", "Late"),
            ("none", "Nothing promised"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        today = timezone.localdate()
        match self.value():
            case "due":
                return queryset.open().filter(promised_at__lt=day_end(today))
            case "today":
                return queryset.filter(
                    promised_at__gte=day_start(today), promised_at__lt=day_end(today)
                )
            case "late":
                return queryset.open().filter(promised_at__lt=timezone.now())
            case "none":
                return queryset.filter(promised_at=None)
        return queryset


class WaitingFilter(DropdownFilter):
    title = "waiting"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("parts", "For parts"), ("word", "For the customer's word")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        match self.value():
            case "parts":
                return queryset.filter(
                    pk__in=TicketPart.objects.backordered().order_by().values("ticket")
                )
            case "word":
                return queryset.undecided()
        return queryset


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


class WordInline(ReadOnlyInline):
    model = Authorization
    verbose_name_plural = "The customer's word"
    fields = ("at", "said", "channel", "approved", "by_whom", "note")
    readonly_fields = ("said", "approved", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by", "share")

    @display(description="Said")
    def said(self, word: Authorization) -> str:
        return said(word)

    @display(description="Approved")
    def approved(self, word: Authorization) -> str:
        return money(word.approved_total)

    @display(description="Written down by")
    def by_whom(self, word: Authorization) -> str:
        return who_wrote(word)


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
    confirm_odometer = confirm_odometer()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "customer" in self.fields:
            self.fields["customer"].required = False
            self.fields[
                "customer"
            ].help_text = "may stay empty when a vehicle is named: then it is its owner"

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        # An empty box says nothing; the serializer then takes the vehicle's customer.
        super().obey(
            {
                name: value
                for name, value in sent.items()
                if name != "customer" or value is not None
            },
            instance,
        )


@admin.register(ServiceTicket)
class ServiceTicketAdmin(WorkButtons, MoneyButtons, DetailPanelMixin, ShopModelAdmin):
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
    inlines = (PartsInline, MechanicsInline, WordInline, HistoryInline)
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

    # --- columns ---

    @display(description="Status", ordering="status")
    def state(self, ticket: ServiceTicket) -> str:
        shown = status_badge(ticket)
        if not ticket.on_hold:
            return shown
        return format_html(
            "{} {}", shown, badge(f"on hold: {ticket.get_hold_reason_display().lower()}", "warning")
        )

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
        return (
            badge(moment(ticket.promised_at), "danger")
            if late
            else in_one_line(moment(ticket.promised_at))
        )

    @display(description="Number", ordering="pk")
    def ticket(self, ticket: ServiceTicket) -> str:
        return in_one_line(ticket.number)

    @display(description="Opened", ordering="opened_at")
    def opened(self, ticket: ServiceTicket) -> str:
        return in_one_line(moment(ticket.opened_at))

    # --- writing ---

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> ServiceTicket:
        return operations.open_ticket(**details, by=request.user)

    def change_object(
        self, request: HttpRequest, ticket: ServiceTicket, changes: dict[str, Any]
    ) -> None:
        operations.update(ticket, **changes, by=request.user)

    def delete_object(self, request: HttpRequest, ticket: ServiceTicket) -> None:
        operations.delete(ticket, by=request.user)

    def lead(self, ticket: ServiceTicket) -> str:
        return {Status.COMPLETED: "invoice", Status.INVOICED: "pay"}.get(Status(ticket.status)) or (
            next_step(ticket) if is_open(ticket) else ""
        )

    def panel(self, request: HttpRequest, ticket: ServiceTicket) -> dict[str, Any]:
        return sheet(ticket, request.user)

    @button(
        "Move", MoveForm, icon="move_down", when=lambda ticket: bool(workflow.moves_from(ticket))
    )
    def move(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.request_transition(ticket, **answers, by=request.user)
        return f"{ticket.number} is now {Status(ticket.status).label.lower()}."

    @button("Complete", CompleteForm, icon="done_all", when=is_ready)
    def complete(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.request_transition(ticket, **answers, by=request.user)
        return f"{ticket.number} is completed: next comes its invoice."

    @button(
        "Add part",
        AddPartForm,
        icon="add_circle",
        permission="tickets.change_serviceticket",
        when=is_open,
    )
    def add_part(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.add_part(ticket, **answers, by=request.user)
        return f"{show(answers['quantity'])} × {answers['part']} put on {ticket.number}."

    @button(
        "Remove part",
        RemovePartForm,
        icon="do_not_disturb_on",
        permission="tickets.change_serviceticket",
        when=is_open,
    )
    def remove_part(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.remove_part(ticket, **answers, by=request.user)
        return f"{answers['part']} taken off {ticket.number}."

    @button(
        "Assign mechanic",
        AssignForm,
        icon="person_add",
        permission="tickets.assign_mechanic",
        when=is_open,
    )
    def assign_mechanic(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.assign_mechanic(ticket, **answers, by=request.user)
        return f"{answers['mechanic']} is on {ticket.number}."

    @button(
        "Remove mechanic",
        RemoveMechanicForm,
        icon="person_remove",
        permission="tickets.assign_mechanic",
        when=is_open,
    )
    def remove_mechanic(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.remove_mechanic(ticket, **answers, by=request.user)
        return f"{answers['mechanic']} is no longer on {ticket.number}."

    def describe(self, ticket: ServiceTicket) -> str:
        return " · ".join(
            str(word)
            for word in (ticket.customer, ticket.vehicle, ticket.get_status_display())
            if word
        )
