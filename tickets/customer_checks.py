"""Whose ticket, car, invoice and payment it is: rows that contradict each other about the customer."""

from collections.abc import Iterator

from django.contrib.contenttypes.models import ContentType
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F, QuerySet

from customers.models import Vehicle
from mechanic_shop.api.models import AuditEntry

from .models import CreditNote, Invoice, Payment, ServiceTicket, ticket_number


def find_discrepancies() -> Iterator[str]:
    """What is wrong, a sentence each. The same number of queries for any shop."""
    yield from foreign_vehicles()
    for model in (Invoice, CreditNote, Payment):
        rows = model.objects.exclude(customer=F("ticket__customer")).select_related("ticket")
        for row in rows.order_by("pk"):
            yield (f"{row.number} is of customer {row.customer_id}, but {row.ticket.number} is of customer {row.ticket.customer_id}.")


def foreign_vehicles() -> Iterator[str]:
    """A ticket's car is its customer's, unless the car changed hands since."""
    rows = ServiceTicket.objects.exclude(vehicle=None).exclude(vehicle__customer=F("customer"))
    found = list(rows.order_by("pk").values_list("pk", "customer", "vehicle", "vehicle__customer"))
    sold = changed_hands(vehicle for _, _, vehicle, _ in found)
    for ticket, customer, vehicle, owner in found:
        if vehicle not in sold:
            yield (f"{ticket_number(ticket)} is of customer {customer}, but its vehicle {vehicle} has always belonged to customer {owner}.")


def changed_hands(vehicles: Iterator[int]) -> set[int]:
    """Those of which the audit trail tells another owner, or which are older than the audit trail."""
    keys = set(vehicles)
    entries = AuditEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Vehicle),
        object_id__in=keys,
        action=AuditEntry.Action.UPDATE,
        changes__has_key="customer",
    )
    return {*entries.values_list("object_id", flat=True), *older_than_the_audit_trail(keys)}


def older_than_the_audit_trail(keys: set[int]) -> QuerySet[Vehicle, int]:
    trail = MigrationRecorder.Migration.objects.filter(app="api", name="0002_audit_trail")
    rows = Vehicle.objects.filter(pk__in=keys, created_at__lt=trail.values("applied")[:1])
    return rows.values_list("pk", flat=True)
