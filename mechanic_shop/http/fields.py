"""Serializer fields that the trade needs."""

import copy
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.utils import html

from mechanic_shop import currency, inputs
from mechanic_shop.fastpath.row_queries import find_visible
from mechanic_shop.prices import PLACES, price_places

from . import iso_dates

LARGEST_ID = 10**18
Moment = TypeVar("Moment", bound=date)


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


class WrittenField(serializers.CharField):
    """Text as people type it, by the rules of ``mechanic_shop.inputs``. A text area, or
    ``lines``, keeps its line breaks.
    """

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines = lines or self.style.get("base_template") == "textarea.html"

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str):
            try:
                data = inputs.clean_text(data, lines=self.lines)
            except inputs.InputError as error:
                raise serializers.ValidationError(error.message, error.code) from error
        return super().run_validation(data)


class PlainDecimalField(serializers.DecimalField):
    """A number as people write it: Python also reads "1_0" and digits of other scripts,
    the shop does not.
    """

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Take null for null, and nothing else: Django REST takes "" for it, too."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and ("_" in data or not data.isascii()):
            self.fail("invalid")
        return super().to_internal_value(data)

    def validate_precision(self, value: Decimal) -> Decimal:
        """Zeros at the end are no decimals: 375.0 is an amount of yen, too, and 5.4100
        one of dollars.
        """
        return super().validate_precision(
            value if self.decimal_places is None else cut(value, self.decimal_places)
        )


class QuantityField(PlainDecimalField):
    """A quantity: up to 12 digits, 3 after the point; whole where the part is counted
    (the model sees to that).
    """

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {"max_digits": 12, "decimal_places": 3}
        super().__init__(**defaults | kwargs)


class PositiveQuantityField(QuantityField):
    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {"min_value": Decimal("0.001")}
        super().__init__(**defaults | kwargs)


class MoneyField(PlainDecimalField):
    """An amount of money: not negative, with no more decimals than the shop's currency
    has; a string in JSON, with exactly those.
    """

    default_error_messages = {"no_cents": "{currency} has no decimals: give a whole number."}

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "max_digits": 13,
            "decimal_places": currency.PLACES,
            "min_value": Decimal("0.00"),
        }
        super().__init__(**defaults | kwargs)

    def validate_precision(self, value: Decimal) -> Decimal:
        places = currency.places()
        if has_decimals_beyond(value, places):
            if not places:
                self.fail("no_cents", currency=settings.SHOP_CURRENCY)
            self.fail("max_decimal_places", max_decimal_places=places)
        return super().validate_precision(value)

    def quantize(self, value: Decimal) -> Decimal:
        return currency.rounded(value)


def has_decimals_beyond(value: Decimal, places: int) -> bool:
    """Is any digit after so many decimals not 0?"""
    _, digits, exponent = value.as_tuple()
    beyond = -exponent - places if isinstance(exponent, int) else 0
    return beyond > 0 and any(digits[-beyond:])


def cut(value: Decimal, places: int) -> Decimal:
    """Without the zeros after so many decimals; as it is where they are not all zeros."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or -exponent <= places or has_decimals_beyond(value, places):
        return value
    return Decimal((sign, digits[: exponent + places], -places))


class PositiveMoneyField(MoneyField):
    """An amount of one minor unit or more."""

    def validate_precision(self, value: Decimal) -> Decimal:
        value = super().validate_precision(value)
        least = currency.minor_unit()
        if value < least:
            self.fail("min_value", min_value=least)
        return value


class UnitPriceField(PlainDecimalField):
    """The price or the cost of one unit: not negative, up to four decimals; a string in
    JSON, with the currency's decimals at least.
    """

    default_error_messages = {
        "decimals": "In {currency} a price of one unit has {places} decimals at the most."
    }

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "max_digits": 14,
            "decimal_places": PLACES,
            "min_value": Decimal("0.00"),
        }
        super().__init__(**defaults | kwargs)

    def validate_precision(self, value: Decimal) -> Decimal:
        places = price_places()
        if has_decimals_beyond(value, places):
            self.fail("decimals", currency=settings.SHOP_CURRENCY, places=places)
        return super().validate_precision(value)

    def to_representation(self, value: Decimal) -> str:
        return f"{currency.short(value):f}"


class PercentField(PlainDecimalField):
    """0 to 100 percent, a string in JSON."""

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "max_digits": 5,
            "decimal_places": 2,
            "min_value": Decimal("0.00"),
            "max_value": Decimal(100),
        }
        super().__init__(**defaults | kwargs)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class WordsField(serializers.Field):
    """A list of words, in a form as one line with commas."""

    default_error_messages = {
        "invalid": "Send a list of words.",
        "max_length": "At most {count} words of at most {length} characters.",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        words = data.split(",") if isinstance(data, str) else data
        if not isinstance(words, list) or not all(
            isinstance(word, str) and "\x00" not in word for word in words
        ):
            self.fail("invalid")
        clean = list(dict.fromkeys(word.strip() for word in words if word.strip()))
        if len(clean) > 20 or any(len(word) > 60 for word in clean):
            self.fail("max_length", count=20, length=60)
        return clean

    def to_representation(self, value: list[str]) -> list[str]:
        return value

    def form_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value


def read(parse: Callable[[Any], Moment], value: Any) -> Moment:
    """What a parser of dates makes of a value; what it cannot read is an error of the
    field.
    """
    try:
        return parse(value)
    except iso_dates.DateError as error:
        raise serializers.ValidationError(error.message, error.code) from error


class DayField(serializers.DateField):
    """A day: ISO 8601 alone, since 07/01/2025 is two days in two countries."""

    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value  # a form for people has read it
        if not isinstance(value, str):
            raise serializers.ValidationError(iso_dates.NO_DAY, "invalid")
        return read(iso_dates.parse_day, value)


class UTCField(serializers.DateTimeField):
    """A moment: read as UTC, written with an offset; without one it is the shop's time."""

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, datetime):  # a form for people has read it
            return read(iso_dates.in_shop_time, value) if timezone.is_naive(value) else value
        if not isinstance(value, str):
            raise serializers.ValidationError(iso_dates.NO_MOMENT, "invalid")
        return read(iso_dates.parse_moment, value)

    def to_representation(self, value: Any) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def form_value(self, value: Any) -> str:
        """The shop's time without an offset: what a browser's field for a moment shows,
        and sends.
        """
        try:
            return timezone.make_naive(datetime.fromisoformat(value)).isoformat()
        except (TypeError, ValueError, OverflowError):
            return ""
