"""The audit trail: who changed what, when, from which value to which, through which
door.

``AuditedModel`` and ``AuditedQuerySet`` are the base of every model that is told, so
what the ORM writes is told, by whichever door it came: in the transaction of the write,
by one INSERT. A row knows the values that it was read with, so telling costs no SELECT;
an ``update()`` or ``delete()`` of many rows has to read them. The entries are
django-auditlog's (docs/decisions/0005-audit.md says why its signals are not used).
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Self

from auditlog import get_logentry_model
from django.apps import apps
from django.contrib.admin.models import LogEntry as AdminEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.utils import timezone

from mechanic_shop.currency import AmountField, short
from mechanic_shop.fastpath import compiled_queries, switch
from mechanic_shop.observability import logs

from .row_locks import locking

CREATE, UPDATE, DELETE = range(3)  # django-auditlog's actions
MASK = "***"
NOTHING: tuple[Any, ...] = (None, "", [])


class Kind(models.TextChoices):
    """What a change is about; what a ticket's StatusChange tells too is ``status``."""

    EDIT = "edit"
    STATUS = "status"
    MECHANIC = "mechanic"
    PART = "part"
    JOB = "job"


# --- who, and through which door: what an entry begins with ---------------------------


def channel() -> str:
    return logs.door.get()


def request_id() -> str | None:
    return logs.request_id.get() if channel() != logs.COMMAND else None


def actor_id() -> int | None:
    """The user of the request; a command and a shell have none."""
    user = logs.user_id.get()
    return int(user) if channel() != logs.COMMAND and user.isdigit() else None


# --- models that are told -------------------------------------------------------------


@cache
def audited_fields(model: Any) -> dict[str, Any]:
    """The columns whose changes are told, by the name of their attribute."""
    silent = {"id", "created_at", "updated_at"} | model.unaudited
    return {
        field.attname: field for field in model._meta.concrete_fields if field.name not in silent
    }


@cache
def lists_in(model: Any) -> tuple[str, ...]:
    """Columns whose value can be changed in place."""
    return tuple(
        name for name, field in audited_fields(model).items() if isinstance(field, models.JSONField)
    )


@cache
def audited_names(model: Any) -> dict[str, str]:
    """The attribute of each told column, by either of its names."""
    return {
        name: attname
        for attname, field in audited_fields(model).items()
        for name in (field.name, attname)
    }


def audited_among(model: Any, names: Iterable[str]) -> list[str]:
    """Which of these columns, by either of their names, are told."""
    known = audited_names(model)
    return list({known[name]: None for name in names if name in known})


class AuditedQuerySet(models.QuerySet):
    """Writes of many rows are told row by row. ``by`` is who did it, where that is not
    the user of the request.
    """

    def create(self, *, by: Any = None, **values: Any) -> Any:
        if by is None:
            return super().create(**values)
        row: Any = self.model(**values)
        row.save(force_insert=True, using=self.db, by=by)
        return row

    def bulk_create(
        self, objs: Iterable[Any], *args: Any, by: Any = None, **kwargs: Any
    ) -> list[Any]:
        with transaction.atomic(savepoint=False):
            made = super().bulk_create(objs, *args, **kwargs)
            write(entry(row, CREATE, by=by) for row in made if row.pk is not None)
        return made

    def update(self, **values: Any) -> int:
        return self.update_by(None, **values)

    def update_by(self, by: Any, **values: Any) -> int:
        if not audited_among(self.model, values):
            return super().update(**values)
        with transaction.atomic():
            keys = list(self.values_list("pk", flat=True))
            rows: Any = locking(self.model._base_manager.filter(pk__in=keys))
            before = {row.pk: row.known for row in rows}
            changed = super().update(**values)
            now = self.model._base_manager.filter(pk__in=before)
            write(entry(row, UPDATE, before[row.pk], by=by) for row in now)
        return changed

    def update_unaudited(self, **values: Any) -> int:
        """For operations that tell it themselves, because they know what the row was."""
        return super().update(**values)

    def delete(self, *, by: Any = None) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            entries = [entry(row, DELETE, by=by) for row in self]
            gone = super().delete()
            write(entries)
        return gone

    delete.queryset_only = True  # type: ignore[attr-defined] # as Django's own: no manager deletes everything


class AuditedModel(models.Model):
    """A row whose changes are told."""

    unaudited: ClassVar[frozenset[str]] = frozenset()
    """Columns that follow from others, or that a ledger tells of."""
    masked: ClassVar[frozenset[str]] = frozenset()
    """Columns of which is told that they changed, and never what they hold."""
    personal: ClassVar[frozenset[str]] = frozenset()
    """Columns whose values ``forget`` can take out of the trail."""
    entry_kind: ClassVar[str] = Kind.EDIT
    subjects: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """The models, or their labels, that entries of a kind are about, where other rows
    are told in this one's history.
    """
    known: Mapping[str, Any] = MappingProxyType({})
    """The columns as they stand in the database, as far as this row read or wrote them."""

    class Meta:
        abstract = True

    def save(self, *args: Any, by: Any = None, **kwargs: Any) -> None:
        model, sent = type(self), kwargs.get("update_fields")
        names = [
            name
            for name in (audited_fields(model) if sent is None else audited_among(model, sent))
            if name in vars(self)
        ]
        with transaction.atomic(savepoint=False):
            action = CREATE if self._state.adding and sent is None else UPDATE
            before: Mapping[str, Any] = {} if action == CREATE else self.values_before(names)
            super().save(*args, **kwargs)
            self.resolve(names)
            write([entry(self, action, before, names, by=by)])
            self.learn(names)

    def delete(self, *args: Any, by: Any = None, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            told = entry(self, DELETE, by=by)
            gone = super().delete(*args, **kwargs)
            write([told])
        return gone

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **kwargs: Any) -> Self:
        row = super().from_db(db, field_names, values, **kwargs)
        row.known = dict(zip(field_names, values, strict=True))
        if lists := lists_in(cls):
            row.learn(lists)
        return row

    def refresh_from_db(
        self, using: Any = None, fields: Any = None, from_queryset: Any = None
    ) -> None:
        super().refresh_from_db(using, fields, from_queryset)
        self.learn(
            audited_fields(type(self)) if fields is None else audited_among(type(self), fields)
        )

    def learn(self, names: Iterable[str]) -> None:
        """Take the present values of these columns for those of the database."""
        held, lists = vars(self), lists_in(type(self))
        fresh = {
            name: deepcopy(held[name]) if name in lists else held[name]
            for name in names
            if name in held
        }
        self.known = {**self.known, **fresh}

    def values_before(self, names: list[str]) -> Mapping[str, Any]:
        """What the row was read with; asked of the database only where the row was made
        by hand or read in part.
        """
        unknown = [name for name in names if name not in self.known]
        if not unknown:
            return self.known
        return {
            **self.known,
            **(type(self)._base_manager.filter(pk=self.pk).values(*unknown).first() or {}),
        }

    def resolve(self, names: list[str]) -> None:
        """Read what the database made of an expression such as ``F("price") + 1``."""
        expressions = [name for name in names if hasattr(vars(self)[name], "resolve_expression")]
        if expressions:
            super().refresh_from_db(fields=expressions)

    # --- where it is told: a line of a ticket in the ticket's history ---

    def told_of(self) -> tuple[type[models.Model], int, int | None]:
        """The model and key of the row in whose history this one is told, and the key
        of what it is about.
        """
        return type(self), self.pk, None

    def told_as(self) -> str:
        return str(self)


# --- telling --------------------------------------------------------------------------


def entry(
    row: Any,
    action: int,
    before: Mapping[str, Any] | None = None,
    names: Iterable[str] | None = None,
    *,
    kind: str | None = None,
    by: Any = None,
) -> Any:
    """The entry, not written yet, for what became of ``row``; None where nothing did."""
    fields = audited_fields(row.__class__)
    changes = {}
    for name in fields if names is None else names:
        field = fields[name]
        held = serialize_value(field, getattr(row, name))
        was, now = (
            (held, None)
            if action == DELETE
            else (serialize_value(field, (before or {}).get(name)), held)
        )
        if now != was and not (action != UPDATE and held in NOTHING):
            changes[field.name] = [MASK, MASK] if field.name in row.masked else [was, now]
    return about(row, action, changes, kind=kind, by=by) if changes or action != UPDATE else None


def about(
    row: Any, action: int, changes: dict[str, Any], *, kind: str | None = None, by: Any = None
) -> Any:
    """The columns of an entry of these changes; what is personal among them stands
    where it can be taken out.
    """
    model, key, subject = row.told_of()
    personal = {name: changes[name] for name in changes if name in row.personal}
    return {
        "content_type_id": ContentType.objects.get_for_model(model).pk,
        "object_pk": str(key),
        "object_id": key,
        "object_repr": row.told_as(),
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
    row: Any, before: Mapping[str, Any], *, kind: str | None = None, by: Any = None
) -> None:
    """Tell what ``update_unaudited`` wrote: ``before`` are the columns as they were,
    ``row`` bears what they are now.
    """
    write([entry(row, UPDATE, before, before, kind=kind, by=by)])
    row.learn(before)


def record_event(row: Any, *, by: Any = None, **changes: list[Any]) -> None:
    """Tell of something that is no column: ``note(user, sessions=[None, "ended"])``."""
    write([about(row, UPDATE, changes, by=by)])


def write(entries: Iterable[Any]) -> None:
    told = [found for found in entries if found is not None]
    if len(told) == 1 and switch.is_on():
        insert(told[0])
    elif told:
        model: Any = get_logentry_model()
        model.objects.bulk_create([model(**found) for found in told])


def insert(values: dict[str, Any]) -> None:
    """Write one entry by a statement that is compiled once: an entry comes with every
    write, and an object of it is not needed.
    """
    compiled_insert().execute(values)


@cache
def compiled_insert() -> compiled_queries.CompiledInsert:
    return compiled_queries.CompiledInsert(get_logentry_model())


def serialize_value(field: Any, value: Any) -> Any:
    """A value of this column as JSON tells it, the same however it was typed."""
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


# --- reading --------------------------------------------------------------------------


def entries_of(row: models.Model) -> Any:
    """The entries of a row's history."""
    return get_logentry_model().objects.get_for_object(row)


def names_in(entries: Iterable[Any]) -> dict[tuple[Any, int], str]:
    """What the keys of other rows in these entries stand for: {(model, key): name}; a
    row that is gone is missing.

    One query for each model, however many entries.
    """
    wanted: dict[Any, set[int]] = {}
    for found in entries:
        for name, values in {**found.told(), found.kind: [found.about_id]}.items():
            if related := related_to(found, name):
                wanted.setdefault(related, set()).update(
                    key for key in values or () if key is not None
                )
    return {
        (related, key): str(row)
        for related, keys in wanted.items()
        for key, row in related._base_manager.in_bulk(keys).items()
    }


def related_to(found: Any, name: str) -> Any:
    """The model whose keys stand in this field of an entry, or which an entry of this
    kind is about; None for plain values.
    """
    model: Any = ContentType.objects.get_for_id(found.content_type_id).model_class()
    if model is None:
        return None
    if subject := getattr(model, "subjects", {}).get(name):
        return apps.get_model(subject) if isinstance(subject, str) else subject
    return next(
        (field.related_model for field in model._meta.concrete_fields if field.name == name), None
    )


# --- forgetting -----------------------------------------------------------------------


def redact(row: Any) -> int:
    """Take what is ``personal`` of this row out of the trail, and its name; returns the
    number of entries.

    Append-only gives way here, and only here: a person may ask to be forgotten (GDPR,
    article 17), and a trail that kept their old address would be the one place where
    they are not. That something was changed, which fields, when and by whom, stays; the
    database's trigger lets no other change through than this emptying.
    """
    kind = ContentType.objects.get_for_model(type(row))
    # The admin's own log names the row, too, and quotes what its buttons said.
    AdminEntry.objects.filter(content_type=kind, object_id=str(row.pk)).update(
        object_repr="", change_message=""
    )
    return entries_of(row).forget()
