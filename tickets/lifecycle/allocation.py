"""What the stock does when a ticket, a job or a line moves. The ticket is locked before
any part, parts in the order of their ids.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from django.db.models import QuerySet

from inventory import allocations, stock_counts
from inventory.models import ZERO, Part
from mechanic_shop.accounts.models import User

from ..models import ServiceTicket, TicketPart

Effect = Callable[[TicketPart, Part, User | None], None]


def allocate_line(line: TicketPart, part: Part, by: User | None) -> None:
    """Promise the line what there is, if the customer wants it."""
    if line.is_authorized:
        line.save_changes(
            allocated=line.allocated + allocations.allocate_up_to(part, line.backordered)
        )


def issue_line(line: TicketPart, part: Part, by: User | None) -> None:
    if line.allocated:
        allocations.issue(
            part, line.allocated, reference=line.ticket.number, unit_cost=line.unit_cost, by=by
        )
        line.save_changes(issued=line.issued + line.allocated, allocated=ZERO)


def return_line(line: TicketPart, part: Part, by: User | None) -> None:
    release_and_return(line, part, line.allocated, line.issued, by=by)
    line.save_changes(allocated=ZERO, issued=ZERO)


def hold_or_release(line: TicketPart, part: Part, by: User | None) -> None:
    """As its job has it: held when the customer said yes, else released; what is fitted
    stays in the car.
    """
    if line.is_authorized:
        allocate_line(line, part, by)
    else:
        allocations.release(part, line.allocated)
        line.save_changes(allocated=ZERO)


def release_and_return(
    line: TicketPart, part: Part, released: Decimal, returned: Decimal, *, by: User | None
) -> None:
    allocations.release(part, released)
    allocations.return_to_stock(
        part, returned, reference=line.ticket.number, unit_cost=line.unit_cost, by=by
    )


def apply_to_lines(
    lines: QuerySet[TicketPart],
    effect: Effect,
    *,
    by: User | None,
    check: Callable[[], None] = lambda: None,
) -> dict[int, Part]:
    """Do this to each line, its part locked, in the order of the parts' ids; ``check``
    is asked once all are locked. Returns the parts.
    """
    parts = stock_counts.lock_parts(lines.values_list("part_id", flat=True))
    check()
    for line in lines.select_related("ticket", "job").order_by("part_id", "pk"):
        effect(line, parts[line.part_id], by)
    return parts


def sync_allocations(
    ticket: ServiceTicket,
    lines: Iterable[int],
    *,
    by: User | None,
    effect: Effect = hold_or_release,
) -> None:
    """Let the stock follow what became of the jobs of these lines, on a ticket that is
    worked on.
    """
    parts = apply_to_lines(
        TicketPart.objects.filter(ticket=ticket, pk__in=list(lines)), effect, by=by
    )
    for _, part in sorted(parts.items()):
        allocations.fill_backorders(part)
