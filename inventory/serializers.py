"""Parts and movements as JSON. What a part costs is shown only with ``view_cost``."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from mechanic_shop.api.fields import MoneyField, PositiveQuantityField, QuantityField, SmallRelatedField
from mechanic_shop.api.serializers import ShopSerializer

from .models import Part, Reason, StockMovement


class PartSerializer(ShopSerializer):
    price = MoneyField()
    cost = MoneyField(required=False, help_text="only for those who may see costs")
    on_hand = QuantityField(read_only=True)
    allocated = QuantityField(read_only=True)
    available = QuantityField(read_only=True)
    reorder_point = QuantityField(min_value=Decimal(0), required=False)
    reorder_quantity = QuantityField(min_value=Decimal(0), required=False)

    staff_fields = {"cost": "inventory.view_cost"}

    class Meta:
        model = Part
        fields = (
            *("id", "sku", "name", "description", "unit", "price", "cost", "on_hand", "allocated", "available"),
            *("reorder_point", "reorder_quantity", "bin", "barcode", "is_active", "created_at", "updated_at"),
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        part = Part(sku=attrs.get("sku", ""), unit=attrs.get("unit") or getattr(self.instance, "unit", "each"))
        for name in ("reorder_point", "reorder_quantity"):
            if name in attrs:
                part.check_quantity(attrs[name], name)
        return attrs


class MovementSerializer(ShopSerializer):
    part = SmallRelatedField(read_only=True, shows=("sku", "name"))
    quantity = QuantityField()
    on_hand_after = QuantityField()
    by = SmallRelatedField(read_only=True, shows=("display_name",), renames={"display_name": "name"})

    staff_fields = {"unit_cost": "inventory.view_cost"}

    class Meta:
        model = StockMovement
        fields = ("id", "part", "quantity", "reason", "on_hand_after", "reference", "unit_cost", "note", "by", "created_at")
        read_only_fields = fields


class ReceiveSerializer(serializers.Serializer):
    quantity = PositiveQuantityField()
    unit_cost = MoneyField(required=False, allow_null=True, help_text="what a unit cost; becomes the part's cost")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AdjustSerializer(serializers.Serializer):
    quantity = QuantityField(help_text="signed: negative takes parts off the shelf")
    reason = serializers.ChoiceField(choices=[Reason.ADJUSTMENT, Reason.SCRAP])
    note = serializers.CharField(max_length=500)


class CountSerializer(serializers.Serializer):
    counted = QuantityField(min_value=Decimal(0), help_text="what is on the shelf")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
