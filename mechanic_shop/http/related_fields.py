"""Relations in bodies and answers."""

import copy
from collections.abc import Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.utils import html

from mechanic_shop.fastpath.row_queries import find_visible

LARGEST_ID = 10**18


def copied(field: Any) -> Any:
    """A field that can be bound to another serializer; one that holds others is made
    anew, since those know whom they belong to.
    """
    state = vars(field)
    if "child" in state or isinstance(field, serializers.BaseSerializer):
        return copy.deepcopy(field)
    twin = object.__new__(type(field))
    vars(twin).update(state)
    return twin


def key_of(value: Any) -> int | None:
    """The key in what was sent for a relation: an id, or the object that was read."""
    ident = value.get("id") if isinstance(value, dict) else value
    if isinstance(ident, str) and ident.isascii() and ident.isdigit() and len(ident) <= 18:
        return int(ident)
    return ident if isinstance(ident, int) and not isinstance(ident, bool) else None


class NestedRelatedField(serializers.RelatedField):
    """A relation, read as a small object ({id, name}) and written as the id or as the
    object that was read.

    Only what the user may see can be written; what he may not see is "not there", as it
    is for reading.
    """

    default_error_messages = {
        "does_not_exist": "There is no {name} {value}.",
        "incorrect_type": "Send the id, or the object with its id.",
    }

    def __init__(
        self,
        *,
        fields: tuple[str, ...] = ("name",),
        aliases: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.own_source = kwargs.get("source")
        self.shown_fields = {(aliases or {}).get(name, name): name for name in fields}
        # a form must not list everybody
        kwargs.setdefault(
            "style", {"base_template": "input.html", "input_type": "text", "placeholder": "id"}
        )
        super().__init__(**kwargs)

    def __deepcopy__(self, memo: Any) -> "NestedRelatedField":
        """Every serializer copies its fields before it binds them; nothing else of this
        one changes.
        """
        fresh: Any = copy.copy(self)
        fresh.parent, fresh.field_name, fresh.source = None, None, self.own_source
        return fresh

    def use_pk_only_optimization(self) -> bool:
        return False

    @property
    def user(self) -> Any:
        return getattr(self.context.get("request"), "user", None)

    def get_queryset(self) -> Any:
        return self.visible_to(self.user)

    def visible_to(self, user: Any) -> Any:
        queryset: Any = super().get_queryset()
        return (
            queryset.visible_to(user)
            if user is not None and hasattr(queryset, "visible_to")
            else queryset
        )

    loaded: dict[int, Any] | None = None
    """The rows that a list names, by key; None for a single relation."""

    def load(self, values: Iterable[Any]) -> None:
        """Load the rows that the elements of a list name, by one query."""
        keys = {key for key in map(key_of, values) if key is not None and 0 < key < LARGEST_ID}
        self.loaded = self.get_queryset().order_by().in_bulk(keys) if keys else {}

    def find(self, ident: int) -> Any:
        """The row with this key, if the user may see it."""
        if self.loaded is not None:
            return self.loaded.get(ident)
        user = self.user
        if user is None:
            return self.get_queryset().filter(pk=ident).first()
        return find_visible(
            user,
            (vars(self)["queryset"],),
            lambda reader: self.visible_to(reader).order_by(),
            ident,
        )

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Take null for null, and nothing else: Django REST takes "" for it, too."""
        return serializers.Field.run_validation(self, data)

    def get_choices(self, cutoff: int | None = None) -> dict[Any, Any]:
        return {}

    def to_internal_value(self, data: Any) -> Any:
        ident = key_of(data)
        if ident is None:
            self.fail("incorrect_type")
        found = self.find(ident) if 0 < ident < LARGEST_ID else None
        if found is None:
            self.fail(
                "does_not_exist", name=self.get_queryset().model._meta.verbose_name, value=ident
            )
        return found

    def to_representation(self, value: Any) -> dict[str, Any]:
        return {
            "id": value.pk,
            **{shown: getattr(value, name) for shown, name in self.shown_fields.items()},
        }

    def form_value(self, value: Any) -> Any:
        return value.get("id") if isinstance(value, dict) else value


class OptionalRelatedField(NestedRelatedField):
    """A relation for which leaving it out and null mean different things. In a form, an
    empty box leaves it out.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True} | kwargs)

    def get_value(self, dictionary: Any) -> Any:
        found = super().get_value(dictionary)
        return serializers.empty if html.is_html_input(dictionary) and not found else found
