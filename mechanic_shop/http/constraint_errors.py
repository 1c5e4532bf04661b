"""Errors by field for the database constraints that a row would break."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from rest_framework import serializers

from mechanic_shop.db.unique_text import UniqueTextModel


def fields_of(constraint: models.BaseConstraint) -> list[str]:
    """The names of the fields that a constraint speaks of."""
    if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
        return list(constraint.fields)
    sources: Iterable[Any] = getattr(constraint, "expressions", ()) or [
        getattr(constraint, "condition", None)
    ]
    names: dict[str, None] = {}
    for source in sources:
        for node in source.flatten() if hasattr(source, "flatten") else ():
            if isinstance(node, models.F):
                names[node.name] = None  # type: ignore[attr-defined]
            elif isinstance(node, models.Q):
                names |= {
                    child[0].split("__")[0]: None
                    for child in node.children
                    if isinstance(child, tuple)
                }
    return list(names)


def broken_constraints(instance: models.Model, sent: set[str]) -> dict[str, list[Any]]:
    """Errors by field for the constraints that this row breaks; only constraints on a
    field that was ``sent``.
    """
    errors: dict[str, list[Any]] = {}
    written = {}
    if isinstance(instance, UniqueTextModel):
        instance.write_key()
        written = {"unique_key": instance.unique_text}
    for constraint in instance._meta.constraints:
        names = [
            name
            for name in (written.get(name, name) for name in fields_of(constraint))
            if name in sent
        ]
        if not names:
            continue
        try:
            constraint.validate(type(instance), instance)
        except DjangoValidationError as error:
            code = constraint.violation_error_code or "invalid"
            errors.setdefault(names[0], []).append(serializers.ErrorDetail(error.messages[0], code))
    return errors
