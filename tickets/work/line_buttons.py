"""Buttons for labor, sublet work, fees and trade-ins of a job."""

from typing import Any

from django import forms
from django.contrib.admin.options import HORIZONTAL
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from inventory.taxes import TaxCode
from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.buttons import ButtonForm, button, quantity_question, row_question
from mechanic_shop.errors import DomainError

from ..lifecycle.admin_format import money
from ..models import Job, JobLine, LaborRate, LineKind, ServiceTicket
from . import job_lines
from .button_questions import CHANGE, KINDS, TAKES_LINES, JobForm, has_jobs, money_question
from .job_serializers import JobLineSerializer, RemoveLineSerializer


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


class LineButtons:
    """Put labor, sublet work, fees and trade-ins into jobs, and take them out."""

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
        line = job_lines.add_line(job, **answers, by=user_of(request))
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
        job_lines.remove_line(job, line=line, by=user_of(request))
        return f'Taken out of "{job.title}".'
