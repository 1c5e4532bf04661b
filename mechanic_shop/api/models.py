"""What every table of the shop has, and the store of idempotent answers."""

from typing import Any, Self

from django.db import models
from django.db.models.functions import Round
from django.db.models.sql import UpdateQuery
from django.utils import timezone

from . import statements


class ShopQuerySet(models.QuerySet):
    """What every model's rows have."""

    def touch(self, **changes: Any) -> int:
        """``update()`` that also moves ``updated_at``; returns the number of rows changed."""
        return self.update(updated_at=timezone.now(), **changes)

    def changing(self, **changes: Any) -> UpdateQuery:
        """What ``update()`` would run, for a prepared statement."""
        query: Any = self.query.chain(UpdateQuery)
        query.add_update_values(changes)
        return query


def append_only(model: type[models.Model]) -> TypeError:
    return TypeError(f"{model._meta.verbose_name_plural} are append-only: write a new one.".capitalize())


class AppendOnlyQuerySet(ShopQuerySet):
    """Rows that are written once."""

    def update(self, **kwargs: Any) -> int:
        raise append_only(self.model)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise append_only(self.model)


class QuickModel(models.Model):
    """Writes a row by a statement that was built once, where Django builds it each time; all else of ``save()`` stays Django's."""

    class Meta:
        abstract = True

    def _do_insert(self, manager: Any, using: Any, fields: Any, *more: Any) -> Any:
        if not all(statements.is_plain(getattr(self, field.attname)) for field in fields):
            return super()._do_insert(manager, using, fields, *more)  # type: ignore[misc]
        return statements.insert(self, fields)

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *more: Any) -> Any:
        if not values or not all(statements.is_plain(value) for _, _, value in values):
            return super()._do_update(base_qs, using, pk_val, values, *more)
        return statements.update(self, values)


class AppendOnlyModel(QuickModel):
    """A row that is written once: it can go only with the row that it belongs to."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise append_only(type(self))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise append_only(type(self))


class ShopModel(QuickModel):
    """A row that knows when it was made and last changed."""

    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    objects = ShopQuerySet.as_manager()

    class Meta:
        abstract = True

    def save_changes(self, **changes: Any) -> Self:
        """Set these fields and save them alone: no other column is written back."""
        for name, value in changes.items():
            setattr(self, name, value)
        if changes:
            self.save(update_fields=[*changes, "updated_at"])
        return self


def exact(expression: Any) -> Round:
    """A sum of quantities, to three decimals: SQLite computes with doubles, and 0.1 + 0.2 is more than 0.3 there."""
    return Round(expression, precision=3, output_field=models.DecimalField(max_digits=12, decimal_places=3))


class IdempotentAnswer(models.Model):
    """The first answer to a request that came with an Idempotency-Key; kept for 24 hours."""

    owner = models.CharField(max_length=80, help_text="user:<id>, or addr:<ip address> for a visitor")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_answer_per_owner_and_key")]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"
