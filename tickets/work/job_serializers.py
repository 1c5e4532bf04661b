"""Jobs and their lines as JSON, and the bodies that change them."""

from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Value
from django.db.models.functions import Round
from rest_framework import serializers

from inventory.models import ZERO
from inventory.taxes import TaxCode
from mechanic_shop.currency import PLACES
from mechanic_shop.fastpath.json_expressions import Amount
from mechanic_shop.http.number_fields import (
    MoneyField,
    PercentField,
    PositiveQuantityField,
    UnitPriceField,
)
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import ActionSerializer, ShopSerializer
from mechanic_shop.http.text_fields import WrittenField
from mechanics.models import Mechanic

from ..models import CannedJob, Job, JobLine, LaborRate, LineKind, ServiceTicket, TicketPart
from . import jobs
from .money_fields import SignedMoneyField, sum_of
from .numbers import ticket_in
from .part_serializers import JobPartSerializer

MOST_LINES = 200


def job_total() -> Any:
    of_job = {"job": OuterRef("pk")}
    total = sum_of(JobLine.objects.filter(**of_job), "job") + sum_of(
        TicketPart.objects.filter(**of_job), "job"
    )
    return Round(total, precision=PLACES) + Value(ZERO)  # of doubles; never −0


def tax_code() -> NestedRelatedField:
    return NestedRelatedField(
        queryset=TaxCode.objects.all(),
        required=False,
        allow_null=True,
        help_text=(
            "the tax of the line, which a trade-in lowers; none: the default's, and for a "
            "trade-in no tax"
        ),
    )


class JobLineSerializer(ShopSerializer):
    """A line of a job. Labor costs what its rate does, or the default rate, unless
    ``unit_price`` says otherwise.

    A ``trade_in`` is what the shop takes in: its ``unit_price`` is what it gives for
    one. Only the office writes it.
    """

    kind = serializers.ChoiceField(choices=LineKind.choices)
    quantity = PositiveQuantityField(default=Decimal(1), help_text="hours, for labor")
    rate = NestedRelatedField(
        queryset=LaborRate.objects.select_related("tax_code"), required=False, allow_null=True
    )
    mechanic = NestedRelatedField(queryset=Mechanic.objects.all(), required=False, allow_null=True)
    tax_code = tax_code()
    unit_price = UnitPriceField(
        required=False, help_text="what the shop gives for one, for a trade-in"
    )
    unit_cost = UnitPriceField(required=False, help_text="only for those who may see costs")
    discount_percent = PercentField(required=False)
    discount_amount = MoneyField(required=False)
    line_total = SignedMoneyField(help_text="less than 0 for a trade-in")

    permission_required_fields = {"unit_cost": "inventory.view_cost"}
    staff_writes = {"unit_cost": "tickets.change_serviceticket"}

    class Meta:
        model = JobLine
        fields: tuple[str, ...] = (
            *(
                "id",
                "kind",
                "description",
                "quantity",
                "rate",
                "mechanic",
                "tax_code",
                "unit_price",
                "unit_cost",
            ),
            *("discount_percent", "discount_amount", "line_total"),
        )


class JobSerializer(ShopSerializer):
    """A job. ``lines`` are written when the job is made; later they change by its
    actions, its parts by the ticket's.
    """

    ticket = NestedRelatedField(
        queryset=ServiceTicket.objects.select_related("customer"), fields=("number",)
    )
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    lines = JobLineSerializer(many=True, required=False, max_length=MOST_LINES)  # type: ignore[call-arg]  # of its list
    parts = JobPartSerializer(many=True, read_only=True)
    authorized_total = SignedMoneyField(
        allow_null=True, help_text="what the customer approved of it"
    )
    total = SignedMoneyField(
        help_text="of its lines and parts, before the ticket's discount and tax"
    )

    expressions = {"ticket": ticket_in("ticket_id"), "total": Amount(job_total())}

    class Meta:
        model = Job
        fields: tuple[str, ...] = (
            *("id", "ticket", "position", "title", "concern", "cause", "correction", "status"),
            *("lines", "parts", "authorized_total", "total", "created_at", "updated_at"),
        )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        if self.instance is not None:  # sent back as it was read, it changes nothing
            fields["ticket"] = NestedRelatedField(read_only=True, fields=("number",))
            fields["lines"] = JobLineSerializer(many=True, read_only=True)
        return fields

    def create(self, validated_data: dict[str, Any]) -> Job:
        return jobs.add_job(**validated_data, by=self.context["request"].user)

    def update(self, instance: Job, validated_data: dict[str, Any]) -> Job:
        return jobs.update_job(instance, **validated_data, by=self.context["request"].user)


class ChangeLineSerializer(JobLineSerializer):
    """What is sent of it is changed; ``line`` says which."""

    line = serializers.IntegerField(min_value=1, help_text="the line's id")

    class Meta(JobLineSerializer.Meta):
        fields = (
            "line",
            *(name for name in JobLineSerializer.Meta.fields if name not in ("id", "line_total")),
        )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name, field in fields.items():
            if name != "line":
                field.required, field.default = False, serializers.empty
        return fields


class RemoveLineSerializer(ActionSerializer):
    line = serializers.IntegerField(min_value=1, help_text="the line's id")


class FinishJobSerializer(ActionSerializer):
    correction = WrittenField(
        lines=True, max_length=5000, required=False, allow_blank=True, help_text="what was done"
    )


class NothingSerializer(ActionSerializer):
    """An empty body."""


class AddCannedJobSerializer(ActionSerializer):
    canned_job = NestedRelatedField(queryset=CannedJob.objects.all())


class AddRecommendationSerializer(ActionSerializer):
    """One of the two."""

    job = NestedRelatedField(
        queryset=Job.objects.all(),
        fields=("title",),
        required=False,
        help_text="from `recommendations/` of the vehicle",
    )
    part_line = NestedRelatedField(
        queryset=TicketPart.objects.all(),
        fields=(),
        required=False,
        help_text="from `recommended-parts/` of the vehicle, where it is `id`",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(
                {
                    "part_line" if attrs else "job": [
                        "Name a job, or the line of a part: one of them."
                    ]
                },
                "one_recommendation",
            )
        return attrs
