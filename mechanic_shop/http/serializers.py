"""The base of every serializer: saves only what was sent, and says what the database
refused.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from django.db import IntegrityError, models
from django.db.models import Field as DBField
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.serializers import LIST_SERIALIZER_KWARGS, LIST_SERIALIZER_KWARGS_REMOVE
from rest_framework.utils.serializer_helpers import BindingDict
from rest_framework.validators import UniqueValidator

from mechanic_shop.currency import AmountField
from mechanic_shop.db.transactions import atomic, undone_as_a_whole
from mechanic_shop.fastpath import switch
from mechanic_shop.fastpath.query_cache import query_cache
from mechanic_shop.fastpath.rights import rights_of
from mechanic_shop.prices import PriceField

from . import date_fields, number_fields, related_fields, text_fields
from .body_lists import BoundedListSerializer
from .body_members import check_members
from .constraint_errors import broken_constraints


def asking_user(serializer: serializers.BaseSerializer) -> Any:
    """The user that the serializer serves; None for a shell and for the schema, which
    hide nothing.
    """
    if getattr(serializer.context.get("view"), "swagger_fake_view", False):
        return None
    return getattr(serializer.context.get("request"), "user", None)


def make_read_only(field: serializers.Field) -> None:
    """Show a field, and take nothing for it."""
    field.read_only, field.required, field.default = True, False, serializers.empty


class Kept(NamedTuple):
    """The fields of a serializer for users with the same rights, and the names that
    they may send.
    """

    fields: dict[str, Any]
    writable: frozenset[str]

    @property
    def weight(self) -> int:
        """The bytes that they hold, about."""
        return 1500 * len(self.fields)


def keep(fields_by_name: dict[str, Any]) -> Kept:
    hidden = serializers.HiddenField
    sent = (
        name
        for name, field in fields_by_name.items()
        if not field.read_only and not isinstance(field, hidden)
    )
    return Kept(fields_by_name, frozenset(sent))


# These two have no docstring: the schema would tell it of every body.


class KeptFields:
    @classmethod
    def many_init(cls: Any, *args: Any, **kwargs: Any) -> BoundedListSerializer:
        own = {name: kwargs.pop(name) for name in LIST_SERIALIZER_KWARGS_REMOVE if name in kwargs}
        shared = {name: value for name, value in kwargs.items() if name in LIST_SERIALIZER_KWARGS}
        options: Any = {"child": cls(*args, **kwargs)} | shared | own
        return BoundedListSerializer(*args, **options)

    @cached_property
    def kept(self: Any) -> "Kept":
        if not switch.is_on():
            return keep(self.fields)
        user = asking_user(self)
        rights = () if user is None else rights_of(user)
        return query_cache.get(
            (type(self), *rights, self.instance is None), lambda: keep(self.get_fields())
        )

    def bound(self: Any, kept: dict[str, Any]) -> BindingDict:
        bound_fields = BindingDict(self)
        for name, field in kept.items():
            bound_fields[name] = related_fields.copied(field)
        return bound_fields

    @cached_property
    def fields(self) -> BindingDict:
        return self.bound(self.kept.fields) if switch.is_on() else super().fields  # type: ignore[misc]

    @cached_property
    def _writable_fields(self) -> list[Any]:  # to check a body no others are needed
        if not switch.is_on():
            return [field for field in self.fields.values() if not field.read_only]
        return list(
            self.bound(
                {name: field for name, field in self.kept.fields.items() if not field.read_only}
            ).values()
        )

    def to_internal_value(self: Any, data: object) -> Any:
        if isinstance(data, Mapping):
            check_members(self, data)
        return super().to_internal_value(data)  # type: ignore[misc]

    def run_validators(self: Any, value: object) -> None:
        if self.validators:  # of the body as a whole, for which Django REST goes through all fields
            super().run_validators(value)  # type: ignore[misc]


class ActionSerializer(KeptFields, serializers.Serializer):
    # What an action takes.
    pass


class ShopSerializer(KeptFields, serializers.ModelSerializer):
    """ModelSerializer without its two traps.

    It saves the fields that were sent and no others, so that a racing change to another
    column is kept; and a broken constraint of the database is a 400 at its field
    instead of a 500.
    """

    serializer_related_field = related_fields.NestedRelatedField
    serializer_field_mapping: ClassVar[dict[Any, Any]] = (
        serializers.ModelSerializer.serializer_field_mapping
        | {
            models.DateTimeField: date_fields.UTCField,
            models.DateField: date_fields.DayField,
            models.DecimalField: number_fields.PlainDecimalField,
            AmountField: number_fields.MoneyField,
            PriceField: number_fields.UnitPriceField,
            models.CharField: text_fields.WrittenField,
            models.TextField: text_fields.WrittenField,
        }
    )
    permission_required_fields: ClassVar[dict[str, str]] = {}
    """Fields that exist only for users with a permission to see them: {field:
    permission}.
    """
    staff_writes: ClassVar[dict[str, str]] = {}
    """Who may write a field of ``permission_required_fields``, where that is not who
    may add or change the row: {field: permission}.
    """

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        user = asking_user(self)
        for name, permission in self.permission_required_fields.items():
            if user is None or name not in fields:
                continue
            if not user.has_perm(permission):
                del fields[name]
            elif not user.has_perm(self.write_permission(name)):
                make_read_only(fields[name])
        return fields

    def write_permission(self, name: str) -> str:
        """The permission to write a field for staff: never the one to see it."""
        model: Any = self.Meta.model
        names = model._meta
        verb = "add" if self.instance is None else "change"
        return self.staff_writes.get(name) or f"{names.app_label}.{verb}_{names.model_name}"

    def build_standard_field(self, field_name: str, model_field: DBField) -> Any:
        """Start a form for a new row with the model's defaults: an unticked box would
        mean no.
        """
        field_class, kwargs = super().build_standard_field(field_name, model_field)
        # Django REST makes some of constraints; broken_constraints() knows their words
        if "validators" in kwargs:
            kwargs["validators"] = [
                validator
                for validator in kwargs["validators"]
                if not isinstance(validator, UniqueValidator)
            ]
        if model_field.has_default() and not callable(model_field.default):
            kwargs.setdefault("initial", model_field.default)
        return field_class, kwargs

    def get_validators(self) -> list[Any]:
        return []  # Django REST builds some from constraints; broken_constraints() knows them all

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        self.check_state(attrs)
        return attrs

    def check_state(self, attrs: dict[str, Any]) -> None:
        """Check what was sent against what the row holds: before the lock, and again
        under it.
        """

    def save(self, **kwargs: Any) -> Any:
        """Write first and check afterwards: the database holds every rule, and most
        writes break no rule.

        ``create`` and ``update`` are atomic, so after a refusal the transaction around
        them still works; but one that is undone as a whole must be first, and then
        calls ``explain`` itself.
        """
        try:
            return super().save(**kwargs)
        except IntegrityError as error:
            if undone_as_a_whole.get():
                error.explain = self.explain  # type: ignore[attr-defined]
            else:
                self.explain()
            raise

    def explain(self) -> None:
        """Raise the ValidationError that a refused write deserves, if it is one of the
        named constraints.
        """
        model: Any = self.Meta.model
        row = model() if self.instance is None else model._default_manager.get(pk=self.instance.pk)
        columns = {field.name for field in model._meta.concrete_fields}
        for name in self.validated_data.keys() & columns:
            setattr(row, name, self.validated_data[name])
        sent = columns if self.instance is None else set(self.validated_data)
        if errors := broken_constraints(row, sent):
            raise serializers.ValidationError(errors)

    @atomic
    def create(self, validated_data: dict[str, Any]) -> Any:
        model: Any = self.Meta.model
        return model._default_manager.create(**validated_data)

    @atomic
    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        return instance.save_changes(**validated_data)
