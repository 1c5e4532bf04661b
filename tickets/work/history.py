"""What became of a ticket: its moves, and the edits, parts and mechanics of the audit
trail, in one list.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import CharField, F, QuerySet, Value

from mechanic_shop.accounts.models import User
from mechanic_shop.db import audit, audit_trail
from mechanic_shop.db.audit import Kind
from mechanic_shop.db.models import AuditEntry

from ..models import ServiceTicket, StatusChange
from .ticket_serializers import ServiceTicketSerializer

ORDER = ("moment", "sort", "id")
FIELDS = (
    *ServiceTicketSerializer.Meta.fields,
    "role",
    "job",
    "quantity",
    "unit_price",
    "vehicle_odometer",
)


def moments(ticket: ServiceTicket, user: User | AnonymousUser) -> QuerySet:
    """(when, kind, key) of everything, oldest first: two tables as one list, which the
    database counts and cuts into pages.
    """
    moves, entries = (
        StatusChange.objects.filter(ticket=ticket),
        audit_trail.entries_of(ticket).exclude(kind=Kind.STATUS),
    )
    # a new ticket's first status tells of it
    entries = entries.exclude(kind=Kind.EDIT, action=audit.CREATE)
    if not user.has_perm("tickets.view_serviceticket") and (taken_over := last_takeover(entries)):
        # What happened while it was another customer's is theirs.
        moves = moves.filter(at__gt=taken_over[1])
        entries = entries.filter(pk__gt=taken_over[0])
    edits = entries.order_by().annotate(moment=F("timestamp"), sort=F("kind")).values_list(*ORDER)
    return (
        moves.order_by()
        .annotate(moment=F("at"), sort=Value("status", CharField()))
        .values_list(*ORDER)
        .union(edits, all=True)
        .order_by(*ORDER)
    )


def last_takeover(entries: QuerySet) -> tuple[int, datetime] | None:
    """(key, when) of the entry by which the ticket got its customer."""
    return (
        entries.filter(kind=Kind.EDIT, changes__has_key="customer")
        .order_by("-pk")
        .values_list("pk", "timestamp")
        .first()
    )


def rows(page: Iterable[tuple[Any, str, int]], user: User | AnonymousUser) -> list[dict[str, Any]]:
    """The rows behind a page of ``moments``, as far as this user may see them; the same
    number of queries for one and a hundred.
    """
    page = list(page)
    moves = StatusChange.objects.select_related("by__customer", "by__mechanic").in_bulk(
        [key for _, kind, key in page if kind == Kind.STATUS]
    )
    entries = AuditEntry.objects.select_related("actor__customer", "actor__mechanic").in_bulk(
        [key for _, kind, key in page if kind != Kind.STATUS]
    )
    fields = (*FIELDS, "unit_cost") if user.has_perm("inventory.view_cost") else FIELDS
    names = audit_trail.names_in(entries.values())
    return [
        move(moves[key]) if kind == Kind.STATUS else edit(entries[key], fields, names)
        for _, kind, key in page
    ]


def move(change: StatusChange) -> dict[str, Any]:
    row = {
        "id": change.pk,
        "kind": Kind.STATUS,
        "at": change.at,
        "by": change.by,
        "reason": change.reason,
        "about": None,
        "changes": [],
    }
    return row | {"from": change.from_status, "to": change.to_status}


def edit(entry: AuditEntry, fields: tuple[str, ...], names: dict[Any, str]) -> dict[str, Any]:
    values = entry.told()
    changes = [
        {"field": name}
        | {
            side: shown(entry, name, value, names)
            for side, value in zip(("from", "to"), values[name], strict=False)
        }
        for name in fields
        if name in values
    ]
    about = shown(entry, entry.kind, entry.about_id, names) if entry.about_id else None
    row = {
        "id": entry.pk,
        "kind": entry.kind,
        "at": entry.timestamp,
        "by": entry.actor,
        "reason": "",
        "about": about,
        "changes": changes,
    }
    return row | {"from": None, "to": None}


def shown(entry: AuditEntry, name: str, value: Any, names: dict[Any, str]) -> Any:
    """A relation as everywhere: {id, name}; without a name when the row is gone."""
    related = audit_trail.related_to(entry, name)
    if related is None or value is None:
        return value
    return {"id": value, "name": names.get((related, value))}
