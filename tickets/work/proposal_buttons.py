"""Buttons that propose canned jobs, and what was recommended before."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelect2Widget

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.buttons import ButtonForm, button

from ..models import CannedJob, Job, ServiceTicket, TicketPart
from . import canned_jobs, recommendations
from .button_questions import CHANGE, is_open
from .job_serializers import AddCannedJobSerializer, AddRecommendationSerializer


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


class AddCannedJobForm(ButtonForm):
    serializer_class = AddCannedJobSerializer
    canned_job = forms.ModelChoiceField(
        CannedJob.objects.all(), label="Canned job", widget=UnfoldAdminSelect2Widget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = CannedJob.objects.filter(is_active=True).values_list("pk", "name")
        self.fields["canned_job"].widget.choices = [("", ""), *offered]


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


class ProposalButtons:
    """Propose canned jobs, and what was recommended before."""

    @button("Add canned job", AddCannedJobForm, icon="inventory", permission=CHANGE, when=is_open)
    def add_canned_job(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        canned_jobs.add_canned_job(ticket, **answers, by=user_of(request))
        return f'"{answers["canned_job"]}" is proposed on {ticket.number}.'

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
        recommendations.add_recommendation(ticket, **answers, by=user_of(request))
        taken = answers.get("job") or answers["part_line"].part.name
        return f'"{taken}" is proposed on {ticket.number}.'
