"""What tickets are authorized for: more than was approved of what is on them."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from inventory.models import ZERO
from mechanic_shop.api import currency

from .billing import money
from .models import AUTHORIZED, Job, ServiceTicket, TicketPart, ticket_number


def excess_approvals() -> Iterator[str]:
    """``authorized_total`` is the amounts of the authorized jobs and parts, and shop supplies; rounding adds a minor unit for each."""
    approved: defaultdict[int, list[Decimal]] = defaultdict(list)
    for units in (Job.objects.all(), TicketPart.objects.filter(job=None)):
        rows = units.filter(status__in=AUTHORIZED).order_by("pk").values_list("ticket_id", "approved_amount")
        for ticket, amount in rows.iterator():
            approved[ticket].append(amount or ZERO)
    unit = currency.minor_unit()
    tickets = ServiceTicket.objects.filter(authorized_total__isnull=False).order_by("pk")
    for ticket, total, supplies in tickets.values_list("pk", "authorized_total", "authorized_supplies").iterator():
        amount = sum(approved[ticket], supplies)
        if total > amount + unit * len(approved[ticket]):
            yield f"{ticket_number(ticket)} is authorized for {money(total)}, but {money(amount)} were approved of what is on it."
