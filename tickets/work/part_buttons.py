"""Buttons for the parts on a ticket."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from inventory.quantities import show
from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.buttons import ButtonForm, button, quantity_question, row_question

from ..models import Job, ServiceTicket, TicketPart
from . import parts
from .button_questions import TAKES_LINES, is_open
from .part_serializers import AddPartSerializer, RemovePartSerializer


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

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        if line := sent.pop("line", None):
            sent |= {"part": line.part, "job": line.job}
        super().run_serializer(sent)

    def add_serializer_errors(self, errors: Any) -> None:
        super().add_serializer_errors(
            {
                "line" if name in ("part", "job") else name: details
                for name, details in errors.items()
            }
        )


def described(line: TicketPart) -> str:
    """How a list of the ticket's parts names a line."""
    where = f" in {line.job}" if line.job else ""
    return f"{line.part}: {show(line.quantity)} {line.part.unit}{where}"


class PartButtons:
    """Put parts on a ticket, and take them off."""

    @button(
        "Add part",
        AddPartForm,
        icon="add_circle",
        permission="tickets.change_serviceticket",
        when=is_open,
    )
    def add_part(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        parts.add_part(ticket, **answers, by=user_of(request))
        return f"{show(answers['quantity'])} × {answers['part']} put on {ticket.number}."

    @button(
        "Remove part",
        RemovePartForm,
        icon="do_not_disturb_on",
        permission="tickets.change_serviceticket",
        when=is_open,
    )
    def remove_part(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        parts.remove_part(ticket, **answers, by=user_of(request))
        return f"{answers['part']} taken off {ticket.number}."
