"""What several buttons of a ticket ask, and when they are shown."""

from typing import Any, ClassVar

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
)

from mechanic_shop.admin.buttons import ButtonForm

from ..models import AUTHORIZED, EDITABLE_STATUSES, Job, JobStatus, LineKind, ServiceTicket
from .job_serializers import NothingSerializer

CHANGE = "tickets.change_serviceticket"
TAKES_LINES = (JobStatus.PROPOSED, *AUTHORIZED)
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


class JobForm(ButtonForm):
    """Asks which job. Offered are those that it makes sense for; another one is the
    operation's to refuse, in its own words.
    """

    serializer_class: ClassVar[Any] = NothingSerializer
    offered: ClassVar[tuple[JobStatus, ...]] = ()
    job = forms.ModelChoiceField(Job.objects.all(), widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        question: Any = self.fields["job"]
        question.queryset = self.obj.jobs.order_by("position", "pk")
        jobs = [job for job in question.queryset if job.status in self.offered]
        question.widget.choices = [(job.pk, job.title) for job in jobs]
        if len(jobs) == 1:
            question.initial = jobs[0].pk
