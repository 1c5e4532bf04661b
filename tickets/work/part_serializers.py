"""Parts on a ticket as JSON, and the bodies that change them."""

from decimal import Decimal

from rest_framework import serializers

from inventory.models import Part
from mechanic_shop.http.number_fields import (
    MoneyField,
    PercentField,
    PositiveQuantityField,
    QuantityField,
    UnitPriceField,
)
from mechanic_shop.http.related_fields import NestedRelatedField, OptionalRelatedField
from mechanic_shop.http.serializers import ActionSerializer

from ..models import Job, TicketPart


class JobPartSerializer(serializers.ModelSerializer):
    part = NestedRelatedField(read_only=True, fields=("sku", "name"))
    quantity = QuantityField(read_only=True)
    unit_price = UnitPriceField(read_only=True)
    discount_percent = PercentField(read_only=True)
    discount_amount = MoneyField(read_only=True)
    line_total = MoneyField(read_only=True, max_digits=25)
    allocated = QuantityField(read_only=True)
    issued = QuantityField(read_only=True)

    class Meta:
        model = TicketPart
        fields = (
            "part",
            "quantity",
            "unit_price",
            "discount_percent",
            "discount_amount",
            "line_total",
            "allocated",
            "issued",
        )


class RecommendedPartSerializer(serializers.ModelSerializer[TicketPart]):
    """A part that was declined or deferred outside jobs, as it stood on that ticket."""

    ticket = NestedRelatedField(read_only=True, fields=("number",))
    part = NestedRelatedField(read_only=True, fields=("sku", "name"))
    quantity = QuantityField(read_only=True)
    unit_price = UnitPriceField(
        read_only=True, help_text="then; it is taken up at the price of today"
    )
    line_total = MoneyField(read_only=True, max_digits=24)

    class Meta:
        model = TicketPart
        fields = read_only_fields = (
            "id",
            "ticket",
            "part",
            "quantity",
            "unit_price",
            "line_total",
            "status",
        )


class EditPartSerializer(ActionSerializer):
    part = NestedRelatedField(queryset=Part.objects.all(), fields=("sku", "name"))
    from_job = OptionalRelatedField(
        queryset=Job.objects.all(),
        fields=("title",),
        help_text="where it stands, if it is in several jobs; null: on the ticket itself",
    )
    job = OptionalRelatedField(
        queryset=Job.objects.all(),
        fields=("title",),
        help_text="where it is to stand; null: on the ticket itself",
    )
    unit_price = UnitPriceField(required=False)
    discount_percent = PercentField(required=False)
    discount_amount = MoneyField(required=False)


class TicketPartSerializer(serializers.ModelSerializer):
    part = NestedRelatedField(read_only=True, fields=("sku", "name"))
    job = NestedRelatedField(
        read_only=True, fields=("title",), allow_null=True, help_text="null: on the ticket itself"
    )
    quantity = QuantityField(read_only=True)
    unit_price = UnitPriceField(read_only=True)
    line_total = MoneyField(read_only=True, max_digits=25)
    allocated = QuantityField(read_only=True)
    issued = QuantityField(read_only=True)

    class Meta:
        model = TicketPart
        fields = ("part", "job", "quantity", "unit_price", "line_total", "allocated", "issued")


class AddPartSerializer(ActionSerializer):
    part = NestedRelatedField(queryset=Part.objects.all(), fields=("sku", "name"))
    quantity = PositiveQuantityField(default=Decimal(1))
    backorder = serializers.BooleanField(
        default=False, help_text="put it on the ticket also when too little is available"
    )
    job = NestedRelatedField(
        queryset=Job.objects.all(),
        fields=("title",),
        required=False,
        allow_null=True,
        help_text="none: on the ticket itself",
    )


class RemovePartSerializer(ActionSerializer):
    part = NestedRelatedField(queryset=Part.objects.all(), fields=("sku", "name"))
    job = OptionalRelatedField(
        queryset=Job.objects.all(),
        fields=("title",),
        help_text="where it stands, if it is in several jobs; null: on the ticket itself",
    )
    quantity = PositiveQuantityField(
        required=False, allow_null=True, default=None, help_text="all of it, when left out"
    )
