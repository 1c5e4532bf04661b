"""The ticket's buttons for its work: jobs, their lines, and the customer's word on
them.
"""

from typing import Any

from django import forms
from django.contrib.admin.options import HORIZONTAL
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from inventory.models import ZERO
from inventory.taxes import TaxCode
from mechanic_shop.admin.buttons import (
    ButtonForm,
    button,
    note_question,
    quantity_question,
    row_question,
)
from mechanic_shop.errors import DomainError

from .. import operations
from ..lifecycle import snapshot
from ..lifecycle.admin_format import money
from ..models import (
    AUTHORIZED,
    EDITABLE_STATUSES,
    STOCK_HOLDING_STATUSES,
    CannedJob,
    Channel,
    Job,
    JobLine,
    JobStatus,
    LaborRate,
    LineKind,
    ServiceTicket,
    TicketPart,
)
from ..pricing import engine
from .job_serializers import (
    AddCannedJobSerializer,
    AddRecommendationSerializer,
    AuthorizeSerializer,
    FinishJobSerializer,
    JobLineSerializer,
    JobSerializer,
    NothingSerializer,
    RemoveLineSerializer,
)

TAKES_LINES = (JobStatus.PROPOSED, *AUTHORIZED)
# the office may also take back a yes
DECIDABLE = (
    JobStatus.PROPOSED,
    JobStatus.APPROVED,
    JobStatus.DECLINED,
    JobStatus.DEFERRED,
)
KINDS = [
    (LineKind.LABOR, "Labor"),
    (LineKind.SUBLET, "Sublet"),
    (LineKind.FEE, "Fee"),
    (LineKind.TRADE_IN, "Trade-in"),
]


def is_open(ticket: ServiceTicket) -> bool:
    return ticket.status in EDITABLE_STATUSES


def job_states(ticket: ServiceTicket) -> set[str]:
    """The states of its jobs; asked once for all buttons of a page."""
    if "job_states" not in vars(ticket):
        vars(ticket)["job_states"] = set(ticket.jobs.values_list("status", flat=True))
    return vars(ticket)["job_states"]


def has_jobs(*states: JobStatus) -> Any:
    """On an open ticket with a job in one of these states."""
    return lambda ticket: is_open(ticket) and not job_states(ticket).isdisjoint(states)


def recommended(ticket: ServiceTicket) -> Any:
    """What was declined or put off for the same car before."""
    of_car = (
        Job.objects.recommended().filter(ticket__vehicle=ticket.vehicle_id).exclude(ticket=ticket)
    )
    return of_car.select_related("ticket").order_by("-pk") if ticket.vehicle_id else of_car.none()


def recommended_parts(ticket: ServiceTicket) -> Any:
    """Parts outside jobs that were declined or put off for the same car before."""
    of_car = TicketPart.objects.recommended().filter(
        ticket__vehicle=ticket.vehicle_id, ticket__lt=ticket
    )
    return (
        of_car.select_related("ticket", "part").order_by("-pk")
        if ticket.vehicle_id
        else of_car.none()
    )


def money_question(**kwargs: Any) -> forms.DecimalField:
    """An amount, or a price of one unit; how many decimals it may have, the form's
    serializer says.
    """
    widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any"})
    return forms.DecimalField(**{"required": False, "widget": widget} | kwargs)


def text_question(**kwargs: Any) -> forms.CharField:
    return forms.CharField(
        **{
            "max_length": 5000,
            "required": False,
            "widget": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }
        | kwargs
    )


# --- what the buttons ask -------------------------------------------------------------


class AddJobForm(ButtonForm):
    serializer_class = JobSerializer
    title = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget, help_text="what is to be done"
    )
    concern = text_question(help_text="what the customer says")
    hours = quantity_question(
        required=False, help_text="of labor, if you know them; everything else is added later"
    )
    rate = forms.ModelChoiceField(
        LaborRate.objects.filter(is_active=True),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="none: the shop's default rate",
    )

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        title, hours, rate = (sent.get(name) for name in ("title", "hours", "rate"))
        labor = {
            "kind": LineKind.LABOR,
            "description": title,
            "quantity": hours,
            "rate": rate and rate.pk,
        }
        concern = sent.get("concern", "")
        super().obey(
            {
                "ticket": self.obj,
                "title": title,
                "concern": concern,
                "lines": [labor] if hours is not None else [],
            }
        )
        self.accepted.pop("ticket", None)

    def complain(self, errors: Any) -> None:
        super().complain(
            {"hours" if name == "lines" else name: details for name, details in errors.items()}
        )


class AddCannedJobForm(ButtonForm):
    serializer_class = AddCannedJobSerializer
    canned_job = forms.ModelChoiceField(
        CannedJob.objects.all(), label="Canned job", widget=UnfoldAdminSelect2Widget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = CannedJob.objects.filter(is_active=True).values_list("pk", "name")
        self.fields["canned_job"].widget.choices = [("", ""), *offered]


class JobForm(ButtonForm):
    """Asks which job. Offered are those that it makes sense for; another one is the
    operation's to refuse, in its own words.
    """

    serializer_class: Any = NothingSerializer
    offered: tuple[JobStatus, ...] = ()
    job = forms.ModelChoiceField(Job.objects.all(), widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        question: Any = self.fields["job"]
        question.queryset = self.obj.jobs.order_by("position", "pk")
        jobs = [job for job in question.queryset if job.status in self.offered]
        question.widget.choices = [(job.pk, job.title) for job in jobs]
        if len(jobs) == 1:
            question.initial = jobs[0].pk


class AddLineForm(JobForm):
    serializer_class = JobLineSerializer
    secret_fields = JobLineSerializer.permission_required_fields
    offered = TAKES_LINES
    kind = forms.ChoiceField(
        choices=KINDS,
        initial=LineKind.LABOR,
        widget=UnfoldAdminRadioSelectWidget(radio_style=HORIZONTAL),
    )
    description = forms.CharField(max_length=500, widget=UnfoldAdminTextInputWidget)
    quantity = quantity_question(initial=1, help_text="hours, for labor")
    rate = forms.ModelChoiceField(
        LaborRate.objects.filter(is_active=True),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="of labor; none: the shop's default rate",
    )
    unit_price = money_question(
        label="Price",
        help_text=(
            "of one, or of an hour; labor may leave it to its rate; what you give for a trade-in"
        ),
    )
    unit_cost = money_question(label="Cost", help_text="what sublet work costs the shop")
    mechanic = row_question(JobLine.mechanic, required=False)
    tax_code = forms.ModelChoiceField(
        TaxCode.objects.all(),
        required=False,
        label="Tax code",
        widget=UnfoldAdminSelectWidget,
        help_text=(
            "none: the rate's, or the shop's default; of a trade-in it lowers this tax, with "
            "none it lowers no tax"
        ),
    )
    discount_percent = money_question(label="Discount, percent")
    discount_amount = money_question(label="or an amount")


class RemoveLineForm(ButtonForm):
    serializer_class = RemoveLineSerializer
    line = forms.ModelChoiceField(JobLine.objects.all(), widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        question: Any = self.fields["line"]
        question.queryset = (
            JobLine.objects.filter(job__ticket=self.obj)
            .select_related("job")
            .order_by("job__position", "job", "pk")
        )
        lines = [line for line in question.queryset if line.job.status in TAKES_LINES]
        question.widget.choices = [
            (line.pk, f"{line.job.title}: {line.description}, {money(line.line_total)}")
            for line in lines
        ]


class EstimateForm(ButtonForm):
    """Sends back which estimate the page was made of."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    expected_total = forms.DecimalField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheet = snapshot.load_snapshot(self.obj)
        bill = self.sheet.price(self.sheet.offered())
        self.read = {"version": self.sheet.version_of(bill), "expected_total": bill.total}
        for name, value in self.read.items():
            self.fields[name].initial = value

    def refuse(self, refusal: DomainError) -> None:
        """Where the estimate changed, the page shows it as it is now, and sends that
        back.
        """
        if refusal.code == "estimate_changed":
            self.data = self.data.copy()
            for name, value in self.read.items():
                self.data[self.add_prefix(name)] = str(value)
        super().refuse(refusal)


class AuthorizeForm(EstimateForm):
    """What the customer decided on each job, and each part outside jobs, of the
    estimate that the page showed.
    """

    serializer_class = AuthorizeSerializer
    channel = forms.ChoiceField(
        choices=Channel.choices,
        initial=Channel.IN_PERSON,
        label="How they said it",
        widget=UnfoldAdminRadioSelectWidget(radio_style=HORIZONTAL),
    )
    note = note_question(help_text="who was asked, for example")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.exceeded = self.sheet.exceeds_authorized()
        decidable = (*DECIDABLE, *((JobStatus.DONE,) if self.exceeded else ()))
        self.units = {name_of(unit): unit for unit in self.sheet.units if unit.status in decidable}
        shown = self.sheet.lines_shown()
        questions = {
            name: self.question(unit, shown[snapshot.key_of(unit)])
            for name, unit in self.units.items()
        }
        self.fields = questions | self.fields

    def notes(self) -> list[str]:
        if not self.exceeded:
            return []
        return [snapshot.approval_exceeded(self.sheet).message]

    def question(self, unit: snapshot.Unit, lines: list[snapshot.Line]) -> forms.ChoiceField:
        choices = [("decline", "Declined"), ("defer", "Deferred")]
        if unit.status in AUTHORIZED:
            again = [("approve", "Approved at this price")] if self.exceeded else []
            choices = [
                ("", f"As it is: {unit.status}"),
                *again,
                *(choices if unit.status == JobStatus.APPROVED else []),
            ]
        else:
            choices = [
                ("approve", "Approved"),
                *choices,
                (
                    "",
                    "Not said" if unit.status == JobStatus.PROPOSED else f"As it is: {unit.status}",
                ),
            ]
        title = unit.title if isinstance(unit, Job) else unit.part.name
        total = engine.add(line.total for line in lines)
        supplies = ZERO if unit.status in snapshot.OFFERED else self.sheet.supplies_with(unit)
        return forms.ChoiceField(
            choices=choices,
            required=False,
            label=f"{title}, {money(total)} with tax"
            + (f", and {money(supplies)} shop supplies" if supplies else ""),
            initial="approve" if unit.status == JobStatus.PROPOSED else "",
            widget=UnfoldAdminRadioSelectWidget(radio_style=HORIZONTAL),
        )

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        said = {name: sent.pop(name, "") for name in self.units}
        if said and not any(said.values()):  # the operation would take it for a yes to all
            raise forms.ValidationError("Say what the customer decided on a job at least.")
        lists: dict[str, list[int]] = {}
        for name, answer in said.items():
            unit = self.units[name]
            if answer:
                field = answer if isinstance(unit, Job) else f"{answer}_parts"
                lists.setdefault(field, []).append(
                    unit.pk if isinstance(unit, Job) else unit.part_id
                )
        super().obey(sent | lists)


def name_of(unit: snapshot.Unit) -> str:
    return f"job_{unit.pk}" if isinstance(unit, Job) else f"part_{unit.part_id}"


def has_units(ticket: ServiceTicket) -> bool:
    """Is there a job, or a part outside jobs, to decide on?"""
    parts = ticket.lines.filter(job=None, status__in=DECIDABLE)
    return is_open(ticket) and (
        not job_states(ticket).isdisjoint((*DECIDABLE, JobStatus.DONE)) or parts.exists()
    )


class FinishForm(JobForm):
    serializer_class = FinishJobSerializer
    offered = (JobStatus.APPROVED,)
    correction = text_question(
        label="What was done",
        help_text="stands on the paper; left empty, what is written there stays",
    )

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().obey({name: value for name, value in sent.items() if value != ""})


class CancelForm(JobForm):
    offered = TAKES_LINES

    def notes(self) -> list[str]:
        return [
            "Nobody does this job any more: its parts go back on the shelf, and it is not charged."
        ]


class ReopenForm(JobForm):
    offered = (JobStatus.DONE, JobStatus.CANCELLED)


class RecommendationForm(ButtonForm):
    serializer_class = AddRecommendationSerializer
    job = forms.ModelChoiceField(
        Job.objects.all(), required=False, widget=UnfoldAdminRadioSelectWidget
    )
    part_line = forms.ModelChoiceField(
        TicketPart.objects.select_related("part"),
        label="Or a part",
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {
            "job": [
                (job.pk, f"{job.title} ({job.status}, {job.number})")
                for job in recommended(self.obj)
            ],
            "part_line": [
                (line.pk, f"{line} ({line.status}, {line.ticket.number})")
                for line in recommended_parts(self.obj)
            ],
        }
        for name, choices in offered.items():
            question: Any = self.fields[name]
            question.widget.choices = choices
            if not choices and not self.is_bound:
                del self.fields[name]


# --- the buttons ----------------------------------------------------------------------

CHANGE = "tickets.change_serviceticket"


class WorkButtons:
    """Buttons of the ticket's page."""

    @button("Add job", AddJobForm, icon="add_task", permission=CHANGE, when=is_open)
    def add_job(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        job = operations.add_job(ticket, **answers, by=request.user)
        return f'"{job.title}" is proposed on {ticket.number}.'

    @button("Add canned job", AddCannedJobForm, icon="inventory", permission=CHANGE, when=is_open)
    def add_canned_job(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        operations.add_canned_job(ticket, **answers, by=request.user)
        return f'"{answers["canned_job"]}" is proposed on {ticket.number}.'

    @button(
        "Add labor, fee or trade-in",
        AddLineForm,
        icon="playlist_add",
        permission=CHANGE,
        when=has_jobs(*TAKES_LINES),
    )
    def add_line(
        self, request: HttpRequest, ticket: ServiceTicket, job: Job, **answers: Any
    ) -> str:
        line = operations.add_line(job, **answers, by=request.user)
        return f'{line.description}: {money(line.line_total)} in "{job.title}".'

    @button(
        "Remove labor, fee or trade-in",
        RemoveLineForm,
        icon="playlist_remove",
        permission=CHANGE,
        when=has_jobs(*TAKES_LINES),
    )
    def remove_line(self, request: HttpRequest, ticket: ServiceTicket, line: int) -> str:
        job = ticket.jobs.filter(lines=line).first()
        if job is None:
            raise DomainError("line_is_gone", "Somebody else removed this line in this moment.")
        operations.remove_line(job, line=line, by=request.user)
        return f'Taken out of "{job.title}".'

    @button(
        "Authorize",
        AuthorizeForm,
        icon="thumb_up",
        permission="tickets.move_serviceticket",
        when=has_units,
    )
    def authorize(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        word = operations.authorize(ticket, **answers, by=request.user)
        approved = [
            told["title"] for told in word.decisions if told["decision"] == JobStatus.APPROVED
        ]
        return (
            f"Approved: {', '.join(approved)} ({money(word.approved_total)} with tax)."
            if approved
            else "The customer's word is kept."
        )

    @button(
        "Finish job",
        FinishForm,
        icon="task_alt",
        permission=CHANGE,
        when=has_jobs(JobStatus.APPROVED),
    )
    def finish_job(
        self, request: HttpRequest, ticket: ServiceTicket, job: Job, **answers: Any
    ) -> str:
        operations.finish_job(job, **answers, by=request.user)
        return f'"{job.title}" is done.'

    @button("Cancel job", CancelForm, icon="cancel", permission=CHANGE, when=has_jobs(*TAKES_LINES))
    def cancel_job(self, request: HttpRequest, ticket: ServiceTicket, job: Job) -> str:
        operations.cancel_job(job, by=request.user)
        return f'"{job.title}" is cancelled.'

    @button(
        "Reopen job",
        ReopenForm,
        icon="undo",
        permission=CHANGE,
        when=has_jobs(JobStatus.DONE, JobStatus.CANCELLED),
    )
    def reopen_job(self, request: HttpRequest, ticket: ServiceTicket, job: Job) -> str:
        operations.reopen_job(job, by=request.user)
        return f'"{job.title}" is {job.status} again.'

    @button(
        "Take up a recommendation",
        RecommendationForm,
        icon="history",
        permission=CHANGE,
        when=lambda ticket: (
            is_open(ticket) and (recommended(ticket).exists() or recommended_parts(ticket).exists())
        ),
    )
    def add_recommendation(
        self, request: HttpRequest, ticket: ServiceTicket, **answers: Any
    ) -> str:
        operations.add_recommendation(ticket, **answers, by=request.user)
        taken = answers.get("job") or answers["part_line"].part.name
        return f'"{taken}" is proposed on {ticket.number}.'


def next_step(ticket: ServiceTicket) -> str:
    """The button that brings an open ticket on."""
    states = job_states(ticket)
    if JobStatus.PROPOSED in states:
        return "authorize"
    if ticket.status not in STOCK_HOLDING_STATUSES:
        return "move" if states or ticket.lines.exists() else "add_job"
    if ticket.lines.filter(job=None, status=JobStatus.PROPOSED).exists():
        return "authorize"
    return "finish_job" if JobStatus.APPROVED in states else "complete"
