"""Buttons for the mechanics on a ticket."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.buttons import ButtonForm, button, row_question
from mechanics.models import Mechanic

from ..models import ServiceTicket, TicketMechanic
from . import assignments
from .assignment_serializers import AssignMechanicSerializer, RemoveMechanicSerializer
from .button_questions import is_open


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


class MechanicButtons:
    """Put mechanics on a ticket, and take them off."""

    @button(
        "Assign mechanic",
        AssignForm,
        icon="person_add",
        permission="tickets.assign_mechanic",
        when=is_open,
    )
    def assign_mechanic(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        assignments.assign_mechanic(ticket, **answers, by=user_of(request))
        return f"{answers['mechanic']} is on {ticket.number}."

    @button(
        "Remove mechanic",
        RemoveMechanicForm,
        icon="person_remove",
        permission="tickets.assign_mechanic",
        when=is_open,
    )
    def remove_mechanic(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        assignments.remove_mechanic(ticket, **answers, by=user_of(request))
        return f"{answers['mechanic']} is no longer on {ticket.number}."
