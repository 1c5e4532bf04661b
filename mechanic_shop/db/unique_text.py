"""Texts that no two rows share, and the row that is the default."""

from typing import Any, ClassVar

from django.db import models

from mechanic_shop.inputs import LONGEST_KEY, text_key


class UniqueKeyField(models.CharField):
    """The key of a row's ``unique_text``, computed whenever the row is written, alone
    or with others.
    """

    def pre_save(self, model_instance: Any, add: bool) -> str:
        model_instance.write_key()
        return str(model_instance.unique_key)

    def deconstruct(self) -> Any:
        """To the database, and to migrations, it is Django's own."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class UniqueTextModel(models.Model):
    """A row with a text that no other row has, whatever its case and its Unicode form.

    ``unique_key`` is that text as ``inputs.text_key`` writes it, since SQLite and
    PostgreSQL fold letters beyond ASCII each in its own way.
    """

    unique_text: ClassVar[str] = "name"
    unique_key = UniqueKeyField(max_length=LONGEST_KEY, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        fields = kwargs.get("update_fields")
        if fields is not None and self.unique_text in fields:
            kwargs["update_fields"] = {*fields, "unique_key"}
        super().save(*args, **kwargs)

    def write_key(self) -> None:
        self.unique_key = text_key(getattr(self, self.unique_text))

    def validate_constraints(self, exclude: Any = None) -> None:
        """A form has no box for the key: it is checked where it has one for the text."""
        self.write_key()
        skipped = set(exclude or ())
        super().validate_constraints(
            skipped if self.unique_text in skipped else skipped - {"unique_key"}
        )


def unique_text(name: str, code: str, message: str) -> models.UniqueConstraint:
    """For a ``UniqueTextModel``."""
    return models.UniqueConstraint(
        fields=["unique_key"], name=name, violation_error_code=code, violation_error_message=message
    )


def one_default(name: str, what: str) -> models.UniqueConstraint:
    """At most one row has ``is_default``; ``what`` names such a row in the refusal."""
    return models.UniqueConstraint(
        fields=["is_default"],
        condition=models.Q(is_default=True),
        name=name,
        violation_error_code="default_taken",
        violation_error_message=f"Another {what} is the default: take that from it first.",
    )


def has_a_name(name: str, what: str) -> models.CheckConstraint:
    """No row has an empty name."""
    return models.CheckConstraint(
        condition=~models.Q(name=""),
        name=name,
        violation_error_message=f"A {what} has a name.",
    )
