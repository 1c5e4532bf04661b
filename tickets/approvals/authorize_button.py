"""The button that writes down what the customer decided."""

from typing import Any

from django import forms
from django.contrib.admin.options import HORIZONTAL
from unfold.widgets import UnfoldAdminRadioSelectWidget

from inventory.models import ZERO
from mechanic_shop.accounts.requests import StaffRequest
from mechanic_shop.admin.buttons import button, note_question

from ..lifecycle import price_limits
from ..lifecycle.admin_format import money
from ..lifecycle.snapshot import OFFERED, Approvable, Line, key_of
from ..models import AUTHORIZED, Channel, Job, JobStatus, ServiceTicket
from ..pricing import arithmetic
from ..work.button_questions import is_open, job_states
from ..work.estimate_form import EstimateForm
from . import operations as approvals
from .authorization_serializers import AuthorizeSerializer

# the office may also take back a yes
DECIDABLE = (
    JobStatus.PROPOSED,
    JobStatus.APPROVED,
    JobStatus.DECLINED,
    JobStatus.DEFERRED,
)


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
        self.exceeded = self.snapshot.exceeds_authorized()
        decidable = (*DECIDABLE, *((JobStatus.DONE,) if self.exceeded else ()))
        self.units = {
            name_of(unit): unit for unit in self.snapshot.units if unit.status in decidable
        }
        shown = self.snapshot.lines_shown()
        questions = {
            name: self.question(unit, shown[key_of(unit)]) for name, unit in self.units.items()
        }
        self.fields = questions | self.fields

    def notes(self) -> list[str]:
        if not self.exceeded:
            return []
        return [price_limits.approval_exceeded(self.snapshot).message]

    def choices(self, unit: Approvable) -> list[tuple[str, str]]:
        """What can be said to a unit; the empty choice leaves it as it is."""
        as_it_is = ("", f"As it is: {unit.status}")
        refusals = [("decline", "Declined"), ("defer", "Deferred")]
        if unit.status in AUTHORIZED:
            again = [("approve", "Approved at this price")] if self.exceeded else []
            return [as_it_is, *again, *(refusals if unit.status == JobStatus.APPROVED else [])]
        unsaid = ("", "Not said") if unit.status == JobStatus.PROPOSED else as_it_is
        return [("approve", "Approved"), *refusals, unsaid]

    def question(self, unit: Approvable, lines: list[Line]) -> forms.ChoiceField:
        title = unit.title if isinstance(unit, Job) else unit.part.name
        total = arithmetic.add(line.total for line in lines)
        supplies = ZERO if unit.status in OFFERED else self.snapshot.supplies_with(unit)
        return forms.ChoiceField(
            choices=self.choices(unit),
            required=False,
            label=f"{title}, {money(total)} with tax"
            + (f", and {money(supplies)} shop supplies" if supplies else ""),
            initial="approve" if unit.status == JobStatus.PROPOSED else "",
            widget=UnfoldAdminRadioSelectWidget(radio_style=HORIZONTAL),
        )

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        decisions = {name: sent.pop(name, "") for name in self.units}
        if decisions and not any(
            decisions.values()
        ):  # the operation would take it for a yes to all
            raise forms.ValidationError("Say what the customer decided on a job at least.")
        lists: dict[str, list[int]] = {}
        for name, answer in decisions.items():
            unit = self.units[name]
            if answer:
                field = answer if isinstance(unit, Job) else f"{answer}_parts"
                lists.setdefault(field, []).append(
                    unit.pk if isinstance(unit, Job) else unit.part_id
                )
        super().run_serializer(sent | lists)


def name_of(unit: Approvable) -> str:
    return f"job_{unit.pk}" if isinstance(unit, Job) else f"part_{unit.part_id}"


def has_units(ticket: ServiceTicket) -> bool:
    """Is there a job, or a part outside jobs, to decide on?"""
    parts = ticket.lines.filter(job=None, status__in=DECIDABLE)
    return is_open(ticket) and (
        not job_states(ticket).isdisjoint((*DECIDABLE, JobStatus.DONE)) or parts.exists()
    )


class ApprovalButtons:
    """Write down what the customer decided."""

    @button(
        "Authorize",
        AuthorizeForm,
        icon="thumb_up",
        permission="tickets.move_serviceticket",
        when=has_units,
    )
    def authorize(self, request: StaffRequest, ticket: ServiceTicket, **answers: Any) -> str:
        authorization = approvals.authorize(ticket, **answers, by=request.user)
        approved = [
            entry["title"]
            for entry in authorization.decisions
            if entry["decision"] == JobStatus.APPROVED
        ]
        return (
            f"Approved: {', '.join(approved)} ({money(authorization.approved_total)} with tax)."
            if approved
            else "The customer's decisions are recorded."
        )
