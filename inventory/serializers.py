"""Parts and movements as JSON. What a part costs is shown only with ``view_cost``."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F
from rest_framework import serializers

from mechanic_shop.fastpath.json_expressions import DecimalText
from mechanic_shop.http import iso_dates
from mechanic_shop.http.date_fields import DayField, read
from mechanic_shop.http.number_fields import (
    PercentField,
    PositiveQuantityField,
    QuantityField,
    UnitPriceField,
)
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import ActionSerializer, ShopSerializer
from mechanic_shop.http.text_fields import WrittenField

from . import tax_operations
from .models import Part, StockMovement
from .quantities import Reason
from .taxes import MOST_PARTS, TaxCode, TaxPart, TaxRate


class PartSerializer(ShopSerializer):
    price = UnitPriceField()
    cost = UnitPriceField(required=False, help_text="only for those who may see costs")
    on_hand = QuantityField(read_only=True)
    allocated = QuantityField(read_only=True)
    available = QuantityField(read_only=True)
    reorder_point = QuantityField(min_value=Decimal(0), required=False)
    reorder_quantity = QuantityField(min_value=Decimal(0), required=False)
    tax_code = NestedRelatedField(queryset=TaxCode.objects.all(), required=False, allow_null=True)

    permission_required_fields = {"cost": "inventory.view_cost"}
    expressions = {"available": DecimalText(F("on_hand") - F("allocated"), 3)}

    class Meta:
        model = Part
        fields = (
            *(
                "id",
                "sku",
                "name",
                "description",
                "unit",
                "price",
                "cost",
                "on_hand",
                "allocated",
                "available",
            ),
            *(
                "reorder_point",
                "reorder_quantity",
                "bin",
                "barcode",
                "tax_code",
                "is_active",
                "created_at",
                "updated_at",
            ),
        )

    def check_state(self, attrs: dict[str, Any]) -> None:
        before = self.instance or Part()
        part = Part(sku=attrs.get("sku", before.sku), unit=attrs.get("unit", before.unit))
        for name in ("reorder_point", "reorder_quantity"):
            part.check_quantity(attrs.get(name, getattr(before, name)), name)
        # What lies on the shelf or is on a ticket in pieces cannot become a part that
        # is counted.
        for quantity in before.quantities() if "unit" in attrs and before.pk else ():
            part.check_quantity(quantity, "unit")


class MovementSerializer(ShopSerializer):
    part = NestedRelatedField(read_only=True, fields=("sku", "name"))
    quantity = QuantityField()
    on_hand_after = QuantityField()
    by = NestedRelatedField(
        read_only=True, fields=("display_name",), aliases={"display_name": "name"}
    )

    permission_required_fields = {"unit_cost": "inventory.view_cost"}

    class Meta:
        model = StockMovement
        fields = (
            "id",
            "part",
            "quantity",
            "reason",
            "on_hand_after",
            "reference",
            "unit_cost",
            "note",
            "by",
            "created_at",
        )
        read_only_fields = fields


class ReceiveSerializer(ActionSerializer):
    """A delivery. Who unpacks it may say what a unit cost, also without the right to
    see other costs.
    """

    quantity = PositiveQuantityField()
    unit_cost = UnitPriceField(
        required=False, allow_null=True, help_text="what a unit cost; becomes the part's cost"
    )
    note = WrittenField(lines=True, max_length=500, required=False, allow_blank=True, default="")


class AdjustSerializer(ActionSerializer):
    quantity = QuantityField(help_text="signed: negative takes parts off the shelf")
    reason = serializers.ChoiceField(choices=[Reason.ADJUSTMENT, Reason.SCRAP])
    note = WrittenField(lines=True, max_length=500)


class CountSerializer(ActionSerializer):
    counted = QuantityField(min_value=Decimal(0), help_text="what is on the shelf")
    note = WrittenField(lines=True, max_length=500, required=False, allow_blank=True, default="")


class TaxPartSerializer(ShopSerializer):
    """One of the named taxes that a code consists of."""

    rate = PercentField(decimal_places=3, max_digits=6, help_text="percent")

    class Meta:
        model = TaxPart
        fields = ("name", "rate", "number", "on_top")


class TaxRateSerializer(serializers.ModelSerializer):
    rate = PercentField(
        read_only=True, decimal_places=3, max_digits=6, help_text="of all parts together"
    )
    parts = TaxPartSerializer(many=True, read_only=True)

    class Meta:
        model = TaxRate
        fields = ("rate", "valid_from", "parts")
        read_only_fields = fields


def check_rate(attrs: dict[str, Any]) -> dict[str, Any]:
    """A code is one tax with a ``rate``, or consists of ``parts``."""
    if not attrs.get("parts"):
        if attrs.get("rate") is None:
            raise serializers.ValidationError(
                {"rate": "Give a rate, or the parts of the tax."}, "required"
            )
    elif attrs.get("rate") is not None:
        raise serializers.ValidationError(
            {"rate": "The rate follows from the parts: leave it out."}, "rate_and_parts"
        )
    return attrs


def rate_field(**options: Any) -> PercentField:
    return PercentField(
        decimal_places=3,
        max_digits=6,
        required=False,
        allow_null=True,
        help_text="percent, of a code that is one tax",
        **options,
    )


def parts_field(**options: Any) -> TaxPartSerializer:
    return TaxPartSerializer(  # type: ignore[call-arg]  # `many` makes it a list, with a length
        many=True,
        required=False,
        max_length=MOST_PARTS,  # of the list
        help_text="of a code that consists of several taxes, in their order",
        **options,
    )


class SetRateSerializer(ActionSerializer):
    """What a tax code takes from a day on: a ``rate``, or several named ``parts``."""

    rate = rate_field()
    parts = parts_field()
    valid_from = DayField(
        required=False, allow_null=True, default=None, help_text="today, when left out"
    )

    def validate_valid_from(self, day: date | None) -> date | None:
        if day is not None:
            read(iso_dates.check_range, day)
        return day

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return check_rate(super().validate(attrs))


class TaxCodeSerializer(ShopSerializer):
    """A tax code and its rates, oldest first. A new one takes its first ``rate``, or
    its ``parts``; later ones come by ``set-rate``.
    """

    rate = rate_field(write_only=True)
    parts = parts_field(write_only=True)
    valid_from = DayField(
        required=False,
        allow_null=True,
        write_only=True,
        help_text="of a new code: since when; today, when left out",
    )
    rates = TaxRateSerializer(many=True, read_only=True)

    class Meta:
        model = TaxCode
        fields = (
            "id",
            "name",
            "number",
            "is_default",
            "rate",
            "parts",
            "valid_from",
            "rates",
            "created_at",
            "updated_at",
        )

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        if self.instance is not None:
            del found["rate"], found["parts"], found["valid_from"]
        return found

    validate_valid_from = SetRateSerializer.validate_valid_from

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        return attrs if self.instance is not None else check_rate(attrs)

    def create(self, validated_data: dict[str, Any]) -> TaxCode:
        return tax_operations.add_tax_code(**validated_data, by=self.context["request"].user)
