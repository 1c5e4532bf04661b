"""Whose ticket, vehicle, invoice and payment it is: rows that contradict each other."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Model, Q, QuerySet

from customers.models import Vehicle
from mechanic_shop.db import audit
from mechanic_shop.db.models import AuditEntry

from ..models import CreditNote, Invoice, Payment, ServiceTicket, TicketPart, ticket_number

# Two requests at once may be recorded in the other order, and the clocks of two hosts
# differ.
AT_ONCE = timedelta(minutes=1)


def find_discrepancies() -> Iterator[str]:
    """What is wrong, a sentence each. At most so many queries, for any shop."""
    yield from foreign_vehicles()
    for model in (Invoice, CreditNote, Payment):
        yield from foreign_rows(model)
    lines = TicketPart.objects.exclude(job=None).exclude(job__ticket=F("ticket"))
    for key, ticket, job, of in lines.order_by("pk").values_list(
        "pk", "ticket", "job", "job__ticket"
    ):
        yield (
            f"Part line {key} is of {ticket_number(ticket)}, but its job {job} is of "
            f"{ticket_number(of)}."
        )


def foreign_rows(model: Any) -> Iterator[str]:
    """Documents and payments of another customer than their ticket's, or on the invoice
    of another ticket.
    """
    other_customer, other_ticket = ~Q(customer=F("ticket__customer")), Q()
    if model is not Invoice:
        other_ticket = Q(invoice__isnull=False) & ~Q(invoice__ticket=F("ticket"))
    relations = ["ticket"] if model is Invoice else ["ticket", "invoice"]
    for row in (
        model.objects.filter(other_customer | other_ticket)
        .select_related(*relations)
        .order_by("pk")
    ):
        if row.customer_id != row.ticket.customer_id:
            yield (
                f"{row.number} is of customer {row.customer_id}, but {row.ticket.number} is "
                f"of customer {row.ticket.customer_id}."
            )
        invoice = None if model is Invoice else row.invoice
        if invoice is not None and invoice.ticket_id != row.ticket_id:
            there = ticket_number(invoice.ticket_id)
            yield (
                f"{row.number} is of {row.ticket.number}, but its invoice {invoice.number} is "
                f"of {there}."
            )


# --- vehicles -------------------------------------------------------------------------


@dataclass
class Change:
    """Of the customer of a vehicle, as the audit trail holds it."""

    at: datetime
    before: int
    after: int


def foreign_vehicles() -> Iterator[str]:
    """The vehicle belonged to the ticket's customer when it was put on the ticket; it
    may have been sold since.
    """
    rows = ServiceTicket.objects.exclude(vehicle=None).exclude(vehicle__customer=F("customer"))
    found = list(rows.order_by("pk").values_list("pk", "customer", "vehicle", "vehicle__customer"))
    if not found:
        return
    chosen = choices_of_vehicle(rows.order_by().values("pk"))
    changes = changes_of_owner(rows.order_by().values("vehicle"))
    for ticket, customer, vehicle, owner in found:
        if ticket not in chosen:
            continue  # older than the audit trail: who owned it then is not known
        owners = owners_at(chosen[ticket], changes[vehicle], owner)
        if customer not in owners:
            names = " or ".join(f"customer {key}" for key in sorted(owners))
            yield (
                f"{ticket_number(ticket)} is of customer {customer}, but its vehicle "
                f"{vehicle} belonged to {names} when it was put on the ticket."
            )


def owners_at(moment: datetime, changes: list[Change], owner: int) -> set[int]:
    """Who may have owned a vehicle at this moment, when it is ``owner``'s today."""
    later = [change for change in changes if change.at >= moment - AT_ONCE]
    first = later[0].before if later else owner
    return {first, *(change.after for change in later if change.at <= moment + AT_ONCE)}


def choices_of_vehicle(tickets: QuerySet[Any]) -> dict[int, datetime]:
    """When each ticket last got its customer or its vehicle."""
    entries = entries_of(ServiceTicket, tickets).filter(
        Q(changes__has_key="customer") | Q(changes__has_key="vehicle")
    )
    # the last entry of a ticket is the one that stays
    return dict(entries.values_list("object_id", "timestamp"))


def changes_of_owner(vehicles: QuerySet[Any]) -> dict[int, list[Change]]:
    entries = entries_of(Vehicle, vehicles).filter(action=audit.UPDATE, changes__has_key="customer")
    found: dict[int, list[Change]] = defaultdict(list)
    for key, at, changes in entries.values_list("object_id", "timestamp", "changes"):
        found[key].append(Change(at, *changes["customer"]))
    return found


def entries_of(model: type[Model], keys: QuerySet[Any]) -> Any:
    """The entries of the audit trail on the rows with these keys, oldest first."""
    kind = ContentType.objects.get_for_model(model)
    rows = AuditEntry.objects.filter(content_type=kind, object_id__in=keys, kind=audit.Kind.EDIT)
    return rows.order_by("pk")
