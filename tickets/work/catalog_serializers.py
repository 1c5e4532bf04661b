"""Labor rates and canned jobs as JSON."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from inventory.models import Part
from inventory.taxes import TaxCode
from mechanic_shop.http.number_fields import MoneyField, PositiveQuantityField, UnitPriceField
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import ShopSerializer

from ..models import CannedJob, CannedJobLine, CannedJobPart, LaborRate, LineKind
from . import canned_jobs
from .job_serializers import MOST_LINES, tax_code


class LaborRateSerializer(ShopSerializer):
    hourly = MoneyField()
    tax_code = NestedRelatedField(queryset=TaxCode.objects.all(), required=False, allow_null=True)

    class Meta:
        model = LaborRate
        fields = (
            "id",
            "name",
            "hourly",
            "tax_code",
            "is_default",
            "is_active",
            "created_at",
            "updated_at",
        )


class CannedJobLineSerializer(ShopSerializer):
    kind = serializers.ChoiceField(choices=LineKind.choices)
    quantity = PositiveQuantityField(default=Decimal(1), help_text="hours, for labor")
    unit_price = UnitPriceField(
        required=False, allow_null=True, help_text="none: what the rate costs on the day"
    )
    rate = NestedRelatedField(queryset=LaborRate.objects.all(), required=False, allow_null=True)
    tax_code = tax_code()

    class Meta:
        model = CannedJobLine
        fields = ("id", "kind", "description", "quantity", "unit_price", "rate", "tax_code")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] != LineKind.LABOR and (
            attrs.get("rate") or attrs.get("unit_price") is None
        ):
            raise serializers.ValidationError(
                {"unit_price": ["Only labor has a rate; everything else needs a unit_price."]},
                "required",
            )
        return attrs


class CannedJobPartSerializer(ShopSerializer):
    part = NestedRelatedField(queryset=Part.objects.all(), fields=("sku", "name"))
    quantity = PositiveQuantityField(default=Decimal(1))

    class Meta:
        model = CannedJobPart
        fields = ("id", "part", "quantity")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["part"].check_quantity(attrs["quantity"])
        return attrs


class CannedJobSerializer(ShopSerializer):
    """A canned job. ``lines`` and ``parts``, where sent, take the place of those that
    were there.
    """

    lines = CannedJobLineSerializer(many=True, required=False, max_length=MOST_LINES)  # type: ignore[call-arg]  # of its list
    parts = CannedJobPartSerializer(many=True, required=False, max_length=MOST_LINES)  # type: ignore[call-arg]  # of its list

    class Meta:
        model = CannedJob
        fields = (
            "id",
            "name",
            "concern",
            "cause",
            "correction",
            "is_active",
            "lines",
            "parts",
            "created_at",
            "updated_at",
        )

    def validate_parts(self, parts: list[Any]) -> list[Any]:
        keys = [each["part"].pk for each in parts]
        if len(set(keys)) < len(keys):
            raise serializers.ValidationError(
                "Send each part once, with its whole quantity.", "part_twice"
            )
        return parts

    def create(self, validated_data: dict[str, Any]) -> CannedJob:
        return canned_jobs.write_canned_job(
            CannedJob(), **validated_data, by=self.context["request"].user
        )

    def update(self, instance: CannedJob, validated_data: dict[str, Any]) -> CannedJob:
        return canned_jobs.write_canned_job(
            instance, **validated_data, by=self.context["request"].user
        )
