"""What every table of the shop has, the audit trail, and the store of idempotent
answers.
"""

from contextlib import suppress
from typing import Any, ClassVar, Self

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models.functions import Round
from django.db.models.sql import UpdateQuery
from django.utils import timezone

from mechanic_shop.observability import logs

from . import audit, audited_models


class ShopQuerySet(audited_models.AuditedQuerySet):
    """What every model's rows have."""

    def touch(self, **changes: Any) -> int:
        """``update()`` that also moves ``updated_at``; returns the number of rows
        changed.
        """
        return self.update(updated_at=timezone.now(), **changes)

    def changing(self, **changes: Any) -> "PendingUpdate":
        """What ``update()`` would run, for a compiled query; not for columns that the
        audit trail records.
        """
        if told := audit.audited_among(self.model, changes):
            raise TypeError(f"Nobody would be told of {', '.join(told)}: use update().")
        return PendingUpdate(self, changes)


class PendingUpdate:
    """An UPDATE that was not run yet."""

    def __init__(self, rows: ShopQuerySet, changes: dict[str, Any]) -> None:
        self.rows, self.changes = rows, changes

    @property
    def query(self) -> UpdateQuery:
        """Its SQL, to be compiled."""
        query: Any = self.rows.query.chain(UpdateQuery)
        query.add_update_values(self.changes)
        return query

    def execute(self) -> int:
        """Run it; returns the number of rows that it changed."""
        return self.rows.update_unaudited(**self.changes)


def append_only(model: type[models.Model]) -> TypeError:
    return TypeError(
        f"{model._meta.verbose_name_plural} are append-only: write a new one.".capitalize()
    )


class AppendOnlyQuerySet(models.QuerySet):
    """Rows that are written once."""

    def update(self, **kwargs: Any) -> int:
        raise append_only(self.model)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise append_only(self.model)


class AppendOnlyModel(models.Model):
    """A row that is written once: it can go only with the row that it belongs to."""

    is_guarded: ClassVar[bool] = False
    """Do the database's triggers see to it, too? A migration calls
    ``triggers.create_table_triggers``.
    """

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise append_only(type(self))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise append_only(type(self))


class ShopModel(audited_models.AuditedModel):
    """A row that knows when it was made and last changed, and whose changes are told."""

    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    objects = ShopQuerySet.as_manager()

    class Meta:
        abstract = True

    def save_changes(self, *, by: Any = None, **changes: Any) -> Self:
        """Set these fields and save them alone: no other column is written back."""
        for name, value in changes.items():
            setattr(self, name, value)
        if changes:
            self.save(update_fields=[*changes, "updated_at"], by=by)
        return self


def exact(expression: Any) -> Round:
    """A sum of quantities, to three decimals: SQLite computes with doubles, and 0.1 +
    0.2 is more than 0.3 there.
    """
    return Round(
        expression, precision=3, output_field=models.DecimalField(max_digits=12, decimal_places=3)
    )


class AuditEntryQuerySet(AppendOnlyQuerySet):
    def forget(self) -> int:
        """Empty what is personal: see ``audit_trail.redact``. The one change that the
        database's trigger lets through.
        """
        return models.QuerySet.update(self, personal=None, object_repr="")


class AuditEntryManager(LogEntryManager):
    def get_queryset(self) -> AuditEntryQuerySet:
        return AuditEntryQuerySet(self.model, using=self._db)


class AuditEntry(AppendOnlyModel, AbstractLogEntry):
    """One change of one row, as django-auditlog writes it; append-only.

    Without the library's columns for addresses and copies of whole rows, and with one
    index in place of its seven: an entry is written at every change, and asked for by
    its row or its request. Nor do foreign keys bind it, so that whoever is deleted
    stays the one who did it.
    """

    content_type = models.ForeignKey(
        ContentType, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    object_pk = models.CharField(max_length=255)
    object_id = models.BigIntegerField(null=True)
    action = models.PositiveSmallIntegerField(choices=AbstractLogEntry.Action.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        default=audit.actor_id,
    )
    cid = models.CharField("request id", max_length=255, null=True, default=audit.request_id)  # noqa: DJ001 - the library's NULL: no request
    timestamp = models.DateTimeField(default=timezone.now)
    serialized_data = additional_data = changes_text = remote_addr = remote_port = actor_email = (
        None
    )
    door = models.CharField(
        max_length=10,
        choices=[
            ("api", "API"),
            ("browsable", "API in a browser"),
            ("admin", "Admin"),
            (logs.COMMAND, "Command or shell"),
        ],
        default=audit.channel,
    )
    kind = models.CharField(max_length=10, choices=audit.Kind.choices, default=audit.Kind.EDIT)
    about_id = models.BigIntegerField(
        null=True, help_text="the part or mechanic that a change of a ticket is about"
    )
    personal = models.JSONField(
        null=True, help_text="values that can be taken out: null in changes"
    )

    objects: ClassVar[Any] = AuditEntryManager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["content_type", "object_id", "id"], name="trail_of_a_row"),
            models.Index(fields=["cid"], name="trail_of_a_request"),
        ]

    def __str__(self) -> str:
        return AbstractLogEntry.__str__(self)

    def told(self) -> dict[str, Any]:
        """{field: [from, to]}; None in place of both where the values were taken out."""
        return self.changes | (self.personal or {})

    def by_whom(self) -> str:
        """Who did it, as the shop's staff read it."""
        if self.actor_id is None:
            return "nobody logged in" if self.cid else "a command or shell"
        with suppress(ObjectDoesNotExist):
            if self.actor:
                return str(self.actor)
        return f"user {self.actor_id}, who is gone"


class IdempotentAnswer(models.Model):
    """The first answer to a request that came with an Idempotency-Key; kept for 24
    hours.
    """

    owner = models.CharField(
        max_length=80, help_text="user:<id>, or addr:<ip address> for a visitor"
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="one_answer_per_owner_and_key")
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"
