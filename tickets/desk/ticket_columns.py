"""Columns of the list of tickets."""

from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from mechanic_shop.admin.formatting import badge, in_one_line, moment

from ..lifecycle.admin_format import status_badge
from ..models import ServiceTicket
from ..work.button_questions import is_open


class TicketColumns:
    """Columns of the list of tickets."""

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
