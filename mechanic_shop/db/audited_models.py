"""Base classes of audited rows: models and querysets whose writes the trail records.

A row remembers the values that it was read with, so recording a change costs no SELECT;
an ``update()`` or ``delete()`` of many rows has to read them.
"""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import QuerySet

from .audit import (
    CREATE,
    DELETE,
    UPDATE,
    Kind,
    audited_among,
    audited_fields,
    entry,
    lists_in,
    write,
)
from .row_locks import locking

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


class AuditedQuerySet(models.QuerySet):
    """Records writes of many rows row by row. ``by`` is the actor, where that is not the
    user of the request.
    """

    model: type[Any]  # an AuditedModel

    def create(self, *, by: "AbstractBaseUser | None" = None, **values: Any) -> Any:
        if by is None:
            return super().create(**values)
        row: Any = self.model(**values)
        row.save(force_insert=True, using=self.db, by=by)
        return row

    def bulk_create(
        self, objs: Iterable[Any], *args: Any, by: "AbstractBaseUser | None" = None, **kwargs: Any
    ) -> list[Any]:
        with transaction.atomic(savepoint=False):
            made: list[Any] = super().bulk_create(objs, *args, **kwargs)
            write(entry(row, CREATE, by=by) for row in made if row.pk is not None)
        return made

    def update(self, **values: Any) -> int:
        return self.update_by(None, **values)

    def update_by(self, by: "AbstractBaseUser | None", **values: Any) -> int:
        if not audited_among(self.model, values):
            return super().update(**values)
        with transaction.atomic():
            keys = list(self.values_list("pk", flat=True))
            rows: Any = locking(self.model._base_manager.filter(pk__in=keys))
            before = {row.pk: row.stored_values for row in rows}
            changed = super().update(**values)
            now = self.model._base_manager.filter(pk__in=before)
            write(entry(row, UPDATE, before[row.pk], by=by) for row in now)
        return changed

    def update_unaudited(self, **values: Any) -> int:
        """Update without entries, for operations that record the change themselves."""
        return super().update(**values)

    def delete(self, *, by: "AbstractBaseUser | None" = None) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            rows: Iterable[Any] = self
            entries = [entry(row, DELETE, by=by) for row in rows]
            deleted = super().delete()
            write(entries)
        return deleted

    delete.queryset_only = True  # type: ignore[attr-defined] # as Django's own: no manager deletes everything


class AuditedModel(models.Model):
    """A row whose changes are recorded."""

    unaudited: ClassVar[frozenset[str]] = frozenset()
    """Columns that follow from others, or that have a ledger of their own."""
    masked: ClassVar[frozenset[str]] = frozenset()
    """Columns of which only the change is recorded, never the value."""
    redactable: ClassVar[frozenset[str]] = frozenset()
    """Columns whose values ``audit_trail.redact`` can take out."""
    entry_kind: ClassVar[str] = Kind.EDIT
    subjects: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """The models, or their labels, that entries of a kind are about, where this row's
    history holds changes of other rows.
    """
    stored_values: Mapping[str, Any] = MappingProxyType({})
    """The columns as they stand in the database, as far as this row read or wrote them."""

    class Meta:
        abstract = True

    def save(self, *args: Any, by: "AbstractBaseUser | None" = None, **kwargs: Any) -> None:
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
            self.remember(names)

    def delete(
        self, *args: Any, by: "AbstractBaseUser | None" = None, **kwargs: Any
    ) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            columns = entry(self, DELETE, by=by)
            deleted = super().delete(*args, **kwargs)
            write([columns])
        return deleted

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[object], **kwargs: Any
    ) -> Self:
        row = super().from_db(db, field_names, values, **kwargs)
        row.stored_values = dict(zip(field_names, values, strict=True))
        if lists := lists_in(cls):
            row.remember(lists)
        return row

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: QuerySet | None = None,
    ) -> None:
        super().refresh_from_db(using, fields, from_queryset)
        self.remember(
            audited_fields(type(self)) if fields is None else audited_among(type(self), fields)
        )

    def remember(self, names: Iterable[str]) -> None:
        """Remember the present values of these columns as the stored ones."""
        values, lists = vars(self), lists_in(type(self))
        fresh = {
            name: deepcopy(values[name]) if name in lists else values[name]
            for name in names
            if name in values
        }
        self.stored_values = {**self.stored_values, **fresh}

    def values_before(self, names: list[str]) -> Mapping[str, Any]:
        """The values that the row was read with.

        They are asked of the database only where the row was made by hand or read in
        part.
        """
        unknown = [name for name in names if name not in self.stored_values]
        if not unknown:
            return self.stored_values
        return {
            **self.stored_values,
            **(type(self)._base_manager.filter(pk=self.pk).values(*unknown).first() or {}),
        }

    def resolve(self, names: list[str]) -> None:
        """Read the value of an expression such as ``F("price") + 1``."""
        expressions = [name for name in names if hasattr(vars(self)[name], "resolve_expression")]
        if expressions:
            super().refresh_from_db(fields=expressions)

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        """Model and key of the row whose history holds this one's entries, such as the
        ticket of a line; and the key of what they are about.
        """
        return type(self), self.pk, None

    def audit_label(self) -> str:
        return str(self)
