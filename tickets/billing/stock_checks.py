"""Do the tickets and the ledger say the same of the parts that are held and fitted?"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from inventory.integrity_checks import Counts, exact, show
from inventory.models import ZERO, Part, StockMovement
from inventory.quantities import Reason

from ..models import STOCK_HOLDING_STATUSES, CreditNote, TicketPart, ticket_number

Fitted = defaultdict[tuple[str, int], Decimal]
"""Quantities by ticket number and part."""


def wrong_lines(parts: dict[int, Part], held: Counts) -> Iterator[str]:
    """Nothing is held or fitted twice, or for a ticket that may hold nothing. Adds up
    in ``held`` what is held.
    """
    rows = (
        TicketPart.objects.select_related("ticket")
        .only("part_id", "quantity", "allocated", "issued", "ticket__status")
        .order_by("pk")
    )
    for line in rows.iterator():
        sku, ticket = parts[line.part_id].sku, line.ticket
        if exact(line.allocated + line.issued) > exact(line.quantity):
            there = f"{show(line.allocated)} allocated and {show(line.issued)} issued"
            yield (
                f"{ticket.number}: {there} of {sku}, but only {show(line.quantity)} are on "
                f"the ticket."
            )
        if ticket.status in STOCK_HOLDING_STATUSES:
            held[line.part_id] = exact(held[line.part_id] + line.allocated)
        elif line.allocated != ZERO:
            yield (
                f"{ticket.number} is {ticket.status}, but still holds {show(line.allocated)} "
                f"of {sku}."
            )


def find_discrepancies() -> Iterator[str]:
    """What is wrong, a sentence each. The same number of queries for any shop."""
    yield from held_without_approval()
    in_ledger, on_lines = issued_in_ledger(), issued_on_lines()
    wrong = sorted(
        key for key in in_ledger.keys() | on_lines.keys() if in_ledger[key] != on_lines[key]
    )
    skus = dict(Part.objects.filter(pk__in={part for _, part in wrong}).values_list("pk", "sku"))
    for number, part in wrong:
        stated, moved = show(on_lines[number, part]), show(in_ledger[number, part])
        yield (
            f"{number}: {stated} of {skus[part]} issued on its lines, but its movements add "
            f"up to {moved}."
        )


def held_without_approval() -> Iterator[str]:
    """Stock is held for what the customer approved, and for nothing else."""
    lines = TicketPart.objects.filter(allocated__gt=0).exclude(
        pk__in=TicketPart.objects.authorized().values("pk")
    )
    for ticket, sku, allocated in lines.order_by("pk").values_list(
        "ticket", "part__sku", "allocated"
    ):
        yield f"{ticket_number(ticket)} holds {show(allocated)} of {sku}, which is not approved."


def issued_in_ledger() -> Fitted:
    """Issues minus returns. A return by a credit note bears the number of the note."""
    tickets = {
        number: ticket_number(ticket)
        for number, ticket in CreditNote.objects.values_list("number", "ticket")
    }
    issued: Fitted = defaultdict(Decimal)
    rows = StockMovement.objects.filter(reason__in=(Reason.ISSUE, Reason.RETURN_TO_STOCK))
    for reference, part, quantity in (
        rows.order_by().values_list("reference", "part", "quantity").iterator()
    ):
        key = tickets.get(reference, reference), part
        issued[key] = exact(issued[key] - quantity)
    return issued


def issued_on_lines() -> Fitted:
    issued: Fitted = defaultdict(Decimal)
    rows = (
        TicketPart.objects.filter(issued__gt=0).order_by().values_list("ticket", "part", "issued")
    )
    for ticket, part, quantity in rows.iterator():
        key = ticket_number(ticket), part
        issued[key] = exact(issued[key] + quantity)
    return issued
