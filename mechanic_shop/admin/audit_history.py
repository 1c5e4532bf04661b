"""The audit trail as people read it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

from mechanic_shop.db import audit, audit_trail
from mechanic_shop.db.models import AuditEntry

PAGE = "trail"
TAKEN_OUT = "(taken out)"


@dataclass
class Change:
    """One field of an entry: what it was and what it became."""

    label: str
    was: str
    now: str

    def __str__(self) -> str:
        return (
            f"{self.label}: {self.now}"
            if self.was in ("", self.now)
            else f"{self.label}: {self.was} → {self.now or '–'}"
        )


def page_of_trail(request: HttpRequest, row: Model, hidden: set[str]) -> dict[str, Any]:
    """A page of a row's history for the template, newest first, without the ``hidden``
    columns.
    """
    page = Paginator(
        audit_trail.entries_of(row).select_related("actor", "content_type"), 50
    ).get_page(request.GET.get(PAGE))
    names = audit_trail.names_in(page)
    for entry in page:
        entry.shown = list(changes_of(entry, hidden, names))
    return {
        "trail": page,
        "trail_page": PAGE,
        "trail_columns": ("When", "Who", "Door", "What", "Request"),
    }


def changes_of(entry: AuditEntry, hidden: set[str], names: dict[Any, str]) -> Iterator[Change]:
    """The changes of an entry, field by field; ``names`` holds the texts of other rows
    by model and key.
    """
    if entry.about_id is not None:
        yield change_of_subject(entry, names)
    # each database keeps them in an order of its own
    for name, values in sorted(entry.told().items()):
        if name not in hidden:
            yield change_of_field(entry, name, values, names)


def change_of_subject(entry: AuditEntry, names: dict[Any, str]) -> Change:
    """The other row that the entry is about: added, removed or changed."""
    key = (audit_trail.related_to(entry, entry.kind), entry.about_id)
    subject = names.get(key, f"no. {entry.about_id}")
    return Change(
        entry.get_kind_display(),
        "" if entry.action == audit.CREATE else subject,
        "" if entry.action == audit.DELETE else subject,
    )


def change_of_field(entry: AuditEntry, name: str, values: Any, names: dict[Any, str]) -> Change:
    label = label_of(entry, name)
    if values is None:
        return Change(label, TAKEN_OUT, TAKEN_OUT)
    if isinstance(values, dict):  # roles that were given or taken away
        objects, added = ", ".join(values["objects"]), values["operation"] == "add"
        return Change(label, "" if added else objects, objects if added else "")
    related = audit_trail.related_to(entry, name)
    was, now = (
        names.get((related, value), f"no. {value}") if related and value else text(value)
        for value in values
    )
    return Change(label, was, now)


def label_of(entry: AuditEntry, name: str) -> str:
    model: Any = entry.content_type.model_class()
    labels = (
        {
            field.name: field.verbose_name
            for field in model._meta.get_fields()
            if hasattr(field, "verbose_name")
        }
        if model
        else {}
    )
    return str(labels.get(name, name.replace("_", " "))).capitalize()


def text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def without_labels(message: str, labels: set[str]) -> str:
    """A line of the admin's log, without the names of fields that the reader must not
    see.
    """
    try:
        steps = json.loads(message)
    except ValueError:
        return message
    for step in steps if isinstance(steps, list) else ():
        for facts in step.values():
            facts["fields"] = [
                name for name in facts.get("fields", ()) if name.capitalize() not in labels
            ]
    return json.dumps(steps)
