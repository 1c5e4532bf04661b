"""Entries of the audit trail: actor, time, channel, and old and new value of each field.

``audited_models`` writes them for every write of the ORM, in its transaction, by one
INSERT. The entries are django-auditlog's; docs/decisions/0005-audit.md says why its
signals are not used.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from auditlog import get_logentry_model
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from mechanic_shop.currency import AmountField, short
from mechanic_shop.fastpath import compiled_queries, switch
from mechanic_shop.observability import logs

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from .audited_models import AuditedModel

CREATE, UPDATE, DELETE = range(3)  # django-auditlog's actions
MASK = "***"
NOTHING: tuple[Any, ...] = (None, "", [])


class Kind(models.TextChoices):
    """The subject of a change; ``status`` entries repeat a ticket's StatusChange."""

    EDIT = "edit"
    STATUS = "status"
    MECHANIC = "mechanic"
    PART = "part"
    JOB = "job"


# --- the request ----------------------------------------------------------------------


def channel() -> str:
    return logs.channel.get()


def request_id() -> str | None:
    return logs.request_id.get() if channel() != logs.COMMAND else None


def actor_id() -> int | None:
    """The user of the request; None for a command or a shell."""
    user = logs.user_id.get()
    return int(user) if channel() != logs.COMMAND and user.isdigit() else None


# --- audited columns ------------------------------------------------------------------


@cache
def audited_fields(model: type["AuditedModel"]) -> dict[str, models.Field]:
    """The columns whose changes are recorded, by the name of their attribute."""
    unaudited = {"id", "created_at", "updated_at"} | model.unaudited
    return {
        field.attname: field for field in model._meta.concrete_fields if field.name not in unaudited
    }


@cache
def lists_in(model: type["AuditedModel"]) -> tuple[str, ...]:
    """Columns whose value can be changed in place."""
    return tuple(
        name for name, field in audited_fields(model).items() if isinstance(field, models.JSONField)
    )


@cache
def audited_names(model: type["AuditedModel"]) -> dict[str, str]:
    """The attribute of each audited column, by either of its names."""
    return {
        name: attname
        for attname, field in audited_fields(model).items()
        for name in (field.name, attname)
    }


def audited_among(model: type["AuditedModel"], names: Iterable[str]) -> list[str]:
    """The audited ones of these columns, by either of their names."""
    attributes = audited_names(model)
    return list({attributes[name]: None for name in names if name in attributes})


# --- writing --------------------------------------------------------------------------


def entry(
    row: "AuditedModel",
    action: int,
    before: Mapping[str, Any] | None = None,
    names: Iterable[str] | None = None,
    *,
    kind: str | None = None,
    by: "AbstractBaseUser | None" = None,
) -> dict[str, object] | None:
    """The unsaved entry for a write of ``row``; None for an update without a change."""
    fields = audited_fields(row.__class__)
    changes = {}
    for name in fields if names is None else names:
        field = fields[name]
        current = serialize_value(field, getattr(row, name))
        was, now = (
            (current, None)
            if action == DELETE
            else (serialize_value(field, (before or {}).get(name)), current)
        )
        if now != was and not (action != UPDATE and current in NOTHING):
            changes[field.name] = [MASK, MASK] if field.name in row.masked else [was, now]
    return about(row, action, changes, kind=kind, by=by) if changes or action != UPDATE else None


def about(
    row: "AuditedModel",
    action: int,
    changes: dict[str, Any],
    *,
    kind: str | None = None,
    by: "AbstractBaseUser | None" = None,
) -> dict[str, object] | None:
    """The columns of an entry of these changes; redactable values stand in a column of
    their own.
    """
    model, key, subject = row.audit_subject()
    personal = {name: changes[name] for name in changes if name in row.redactable}
    return {
        "content_type_id": ContentType.objects.get_for_model(model).pk,
        "object_pk": str(key),
        "object_id": key,
        "object_repr": row.audit_label(),
        "action": action,
        "kind": kind or row.entry_kind,
        "about_id": subject,
        "changes": changes | dict.fromkeys(personal),
        "personal": personal or None,
        "actor_id": actor_id() if by is None else by.pk,
        "door": channel(),
        "cid": request_id(),
        "timestamp": timezone.now(),
    }


def record_update(
    row: "AuditedModel",
    before: Mapping[str, Any],
    *,
    kind: str | None = None,
    by: "AbstractBaseUser | None" = None,
) -> None:
    """Record what ``update_unaudited`` wrote: ``before`` holds the old values, ``row``
    the new ones.
    """
    write([entry(row, UPDATE, before, before, kind=kind, by=by)])
    row.remember(before)


def record_event(
    row: "AuditedModel", *, by: "AbstractBaseUser | None" = None, **changes: list[Any]
) -> None:
    """Record what is no column: ``record_event(user, sessions=[None, "ended"])``."""
    write([about(row, UPDATE, changes, by=by)])


def write(entries: Iterable[dict[str, Any] | None]) -> None:
    changed = [columns for columns in entries if columns is not None]
    if len(changed) == 1 and switch.is_on():
        insert(changed[0])
    elif changed:
        model: Any = get_logentry_model()
        model.objects.bulk_create([model(**columns) for columns in changed])


def insert(values: dict[str, Any]) -> None:
    """Write one entry by a statement that is compiled once: an entry comes with every
    write, and an object of it is not needed.
    """
    compiled_insert().execute(values)


@cache
def compiled_insert() -> compiled_queries.CompiledInsert:
    return compiled_queries.CompiledInsert(get_logentry_model())


def serialize_value(field: models.Field, value: Any) -> Any:
    """A value of this column as JSON, the same for every way to type it."""
    if value is None:
        return None
    value = field.to_python(value)
    if isinstance(field, AmountField):
        return f"{short(value):f}"
    if isinstance(field, models.DecimalField):
        return f"{value:.{field.decimal_places}f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if hasattr(value, "isoformat") else value
