"""The audit trail as people read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest

from mechanic_shop.db import audit

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


def page_of_trail(request: HttpRequest, row: Any, hidden: set[str]) -> dict[str, Any]:
    """A page of a row's history for the template, newest first, without the ``hidden``
    columns.
    """
    page = Paginator(audit.entries_of(row).select_related("actor", "content_type"), 50).get_page(
        request.GET.get(PAGE)
    )
    names = audit.names_in(page)
    for entry in page:
        entry.shown = list(changes_of(entry, hidden, names))
    return {
        "trail": page,
        "trail_page": PAGE,
        "trail_columns": ("When", "Who", "Door", "What", "Request"),
    }


def changes_of(entry: Any, hidden: set[str], names: dict[Any, str]) -> Iterator[Change]:
    """What an entry tells, field by field; ``names`` are what the keys of other rows
    stand for.
    """
    if entry.about_id is not None:
        subject = names.get(
            (audit.related_to(entry, entry.kind), entry.about_id), f"no. {entry.about_id}"
        )
        yield Change(
            entry.get_kind_display(),
            "" if entry.action == audit.CREATE else subject,
            "" if entry.action == audit.DELETE else subject,
        )
    # each database keeps them in an order of its own
    for name, values in sorted(entry.told().items()):
        if name in hidden:
            continue
        if values is None:
            yield Change(label_of(entry, name), TAKEN_OUT, TAKEN_OUT)
        elif isinstance(values, dict):  # roles that were given or taken away
            objects, added = ", ".join(values["objects"]), values["operation"] == "add"
            yield Change(label_of(entry, name), "" if added else objects, objects if added else "")
        else:
            related = audit.related_to(entry, name)
            was, now = (
                names.get((related, value), f"no. {value}") if related and value else text(value)
                for value in values
            )
            yield Change(label_of(entry, name), was, now)


def label_of(entry: Any, name: str) -> str:
    model: Any = entry.content_type.model_class()
    known = (
        {
            field.name: field.verbose_name
            for field in model._meta.get_fields()
            if hasattr(field, "verbose_name")
        }
        if model
        else {}
    )
    return str(known.get(name, name.replace("_", " "))).capitalize()


def text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
