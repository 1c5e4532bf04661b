"""Buttons that move a ticket along the workflow."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminRadioSelectWidget

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.buttons import ButtonForm, button, note_question

from ..lifecycle import workflow
from ..lifecycle.admin_format import money
from ..models import STOCK_HOLDING_STATUSES, JobStatus, ServiceTicket, Status
from ..work.button_questions import job_states
from ..work.estimate_form import EstimateForm
from . import requests
from .move_serializers import MoveSerializer


class WorkflowForm(ButtonForm):
    """Asks about a move, and tells what blocks it."""

    serializer_class: ClassVar[Any] = MoveSerializer

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

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().run_serializer({**sent, "to": Status.COMPLETED})

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

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        if sent.get("to") != Status.APPROVED:
            sent = {
                name: value
                for name, value in sent.items()
                if name not in ("version", "expected_total")
            }
        super().run_serializer(sent)

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


class MoveButtons:
    """Move a ticket along the workflow."""

    @button(
        "Move", MoveForm, icon="move_down", when=lambda ticket: bool(workflow.moves_from(ticket))
    )
    def move(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        requests.request_transition(ticket, **answers, by=user_of(request))
        return f"{ticket.number} is now {Status(ticket.status).label.lower()}."

    @button("Complete", CompleteForm, icon="done_all", when=is_ready)
    def complete(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        requests.request_transition(ticket, **answers, by=user_of(request))
        return f"{ticket.number} is completed: next comes its invoice."


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
