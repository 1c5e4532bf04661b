"""Reading the audit trail, and redacting it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from auditlog import get_logentry_model
from django.apps import apps
from django.contrib.admin.models import LogEntry as AdminEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models

if TYPE_CHECKING:
    from .models import AuditEntry, AuditEntryQuerySet


def entries_of(row: models.Model) -> "AuditEntryQuerySet":
    """The entries of a row's history."""
    model: Any = get_logentry_model()
    return model.objects.get_for_object(row)


def names_in(entries: Iterable["AuditEntry"]) -> dict[tuple[Any, int], str]:
    """The names of the other rows in these entries: {(model, key): name}, without
    deleted rows.

    One query for each model, however many entries.
    """
    wanted: dict[Any, set[int]] = {}
    for entry in entries:
        for name, values in {**entry.told(), entry.kind: [entry.about_id]}.items():
            if related := related_to(entry, name):
                wanted.setdefault(related, set()).update(
                    key for key in values or () if key is not None
                )
    return {
        (related, key): str(row)
        for related, keys in wanted.items()
        for key, row in related._base_manager.in_bulk(keys).items()
    }


def related_to(entry: "AuditEntry", name: str) -> Any:
    """The model of the keys in this field of an entry, or of its subject; None for
    plain values.
    """
    model: Any = ContentType.objects.get_for_id(entry.content_type_id).model_class()
    if model is None:
        return None
    if subject := getattr(model, "subjects", {}).get(name):
        return apps.get_model(subject) if isinstance(subject, str) else subject
    return next(
        (field.related_model for field in model._meta.concrete_fields if field.name == name), None
    )


def redact(row: models.Model) -> int:
    """Take the row's ``redactable`` values and its name out of the trail; returns the
    number of entries.

    This is the one exception to append-only: a person may ask to be forgotten (GDPR,
    article 17). The fields, the time and the actor of each change stay; the database's
    trigger lets only this emptying through.
    """
    kind = ContentType.objects.get_for_model(type(row))
    # The admin's own log names the row, too, and quotes what its buttons said.
    AdminEntry.objects.filter(content_type=kind, object_id=str(row.pk)).update(
        object_repr="", change_message=""
    )
    return entries_of(row).forget()
