"""Parts and movements as JSON. What a part costs is shown only with ``view_cost``."""

from decimal import Decimal
from typing import Any

from django.db.models import F
from rest_framework import serializers

from mechanic_shop.api.fields import MoneyField, PositiveQuantityField, QuantityField, SmallRelatedField
from mechanic_shop.api.reading import Fixed
from mechanic_shop.api.serializers import ShopSerializer, asking_user

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
    expressions = {"available": Fixed(F("on_hand") - F("allocated"), 3)}

    class Meta:
        model = Part
        fields = (
            *("id", "sku", "name", "description", "unit", "price", "cost", "on_hand", "allocated", "available"),
            *("reorder_point", "reorder_quantity", "bin", "barcode", "is_active", "created_at", "updated_at"),
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        before = self.instance or Part()
        part = Part(sku=attrs.get("sku", before.sku), unit=attrs.get("unit", before.unit))
        for name in ("reorder_point", "reorder_quantity"):
            part.check_quantity(attrs.get(name, getattr(before, name)), name)
        # What lies on the shelf or is on a ticket in pieces cannot become a part that is counted.
        for quantity in before.quantities() if "unit" in attrs and before.pk else ():
            part.check_quantity(quantity, "unit")
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

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        user = asking_user(self)
        if user is not None and not user.has_perm("inventory.view_cost"):
            found.pop("unit_cost")  # nobody sets what they may not see
        return found


class AdjustSerializer(serializers.Serializer):
    quantity = QuantityField(help_text="signed: negative takes parts off the shelf")
    reason = serializers.ChoiceField(choices=[Reason.ADJUSTMENT, Reason.SCRAP])
    note = serializers.CharField(max_length=500)


class CountSerializer(serializers.Serializer):
    counted = QuantityField(min_value=Decimal(0), help_text="what is on the shelf")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
