"""Buttons that propose, finish, cancel and reopen jobs."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.buttons import ButtonForm, button, quantity_question

from ..models import Job, JobStatus, LaborRate, LineKind, ServiceTicket
from . import jobs
from .button_questions import CHANGE, TAKES_LINES, JobForm, has_jobs, is_open, text_question
from .job_serializers import FinishJobSerializer, JobSerializer


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

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        title, hours, rate = (sent.get(name) for name in ("title", "hours", "rate"))
        labor = {
            "kind": LineKind.LABOR,
            "description": title,
            "quantity": hours,
            "rate": rate and rate.pk,
        }
        concern = sent.get("concern", "")
        super().run_serializer(
            {
                "ticket": self.obj,
                "title": title,
                "concern": concern,
                "lines": [labor] if hours is not None else [],
            }
        )
        self.accepted.pop("ticket", None)

    def add_serializer_errors(self, errors: Any) -> None:
        super().add_serializer_errors(
            {"hours" if name == "lines" else name: details for name, details in errors.items()}
        )


class FinishForm(JobForm):
    serializer_class = FinishJobSerializer
    offered = (JobStatus.APPROVED,)
    correction = text_question(
        label="What was done",
        help_text="stands on the document; left empty, what is written there stays",
    )

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().run_serializer({name: value for name, value in sent.items() if value != ""})


class CancelForm(JobForm):
    offered = TAKES_LINES

    def notes(self) -> list[str]:
        return [
            "Nobody does this job any more: its parts go back on the shelf, and it is not charged."
        ]


class ReopenForm(JobForm):
    offered = (JobStatus.DONE, JobStatus.CANCELLED)


class JobButtons:
    """Propose, finish, cancel and reopen jobs."""

    @button("Add job", AddJobForm, icon="add_task", permission=CHANGE, when=is_open)
    def add_job(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        job = jobs.add_job(ticket, **answers, by=user_of(request))
        return f'"{job.title}" is proposed on {ticket.number}.'

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
        jobs.finish_job(job, **answers, by=user_of(request))
        return f'"{job.title}" is done.'

    @button("Cancel job", CancelForm, icon="cancel", permission=CHANGE, when=has_jobs(*TAKES_LINES))
    def cancel_job(self, request: HttpRequest, ticket: ServiceTicket, job: Job) -> str:
        jobs.cancel_job(job, by=user_of(request))
        return f'"{job.title}" is cancelled.'

    @button(
        "Reopen job",
        ReopenForm,
        icon="undo",
        permission=CHANGE,
        when=has_jobs(JobStatus.DONE, JobStatus.CANCELLED),
    )
    def reopen_job(self, request: HttpRequest, ticket: ServiceTicket, job: Job) -> str:
        jobs.reopen_job(job, by=user_of(request))
        return f'"{job.title}" is {job.status} again.'
