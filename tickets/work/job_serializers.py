"""Jobs, canned jobs, labor rates and the customer's word as JSON, and the bodies of
what one can do to them.
"""

from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Round
from rest_framework import serializers

from inventory.models import ZERO, Part
from inventory.taxes import TaxCode
from mechanic_shop.currency import PLACES, sum_field
from mechanic_shop.fastpath.json_queries import Amount, JsonObject
from mechanic_shop.http.body_lists import RelationListField
from mechanic_shop.http.fields import (
    MoneyField,
    NestedRelatedField,
    OptionalRelatedField,
    PercentField,
    PositiveQuantityField,
    QuantityField,
    UnitPriceField,
    UTCField,
    WrittenField,
)
from mechanic_shop.http.serializers import ActionSerializer, ShopSerializer, asking_user
from mechanics.models import Mechanic

from ..models import (
    Authorization,
    CannedJob,
    CannedJobLine,
    CannedJobPart,
    Channel,
    Job,
    JobLine,
    LaborRate,
    LineKind,
    ServiceTicket,
    TicketPart,
)
from . import canned_jobs, jobs
from .ticket_serializers import TicketNumber, estimate_version, expected_total

MOST_LINES = 200


def ticket_in(path: str) -> JsonObject:
    """{id, number} of the ticket whose key is at ``path``, for the database's JSON."""
    return JsonObject(id=F(path), number=TicketNumber(F(path)))


class SignedMoneyField(MoneyField):
    """An amount that is less than 0 where a trade-in is more than the rest."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 25, "min_value": None, "read_only": True} | kwargs)


def sum_of(rows: Any, column: str) -> Coalesce:
    """The sum of a column over the rows that point to this one."""
    summed = rows.order_by().values(column).annotate(total=Sum("line_total")).values("total")
    return Coalesce(Subquery(summed), ZERO, output_field=sum_field())


def job_total() -> Any:
    of_job = {"job": OuterRef("pk")}
    total = sum_of(JobLine.objects.filter(**of_job), "job") + sum_of(
        TicketPart.objects.filter(**of_job), "job"
    )
    return Round(total, precision=PLACES) + Value(ZERO)  # of doubles; never −0


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


# --- lines ----------------------------------------------------------------------------


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
        fields = (
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


class JobSerializer(ShopSerializer):
    """A job. ``lines`` are written when the job is made; later they change by its
    actions, its parts by the ticket's.
    """

    ticket = NestedRelatedField(
        queryset=ServiceTicket.objects.select_related("customer"), fields=("number",)
    )
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    lines = JobLineSerializer(many=True, required=False, max_length=MOST_LINES)
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
        fields = (
            *("id", "ticket", "position", "title", "concern", "cause", "correction", "status"),
            *("lines", "parts", "authorized_total", "total", "created_at", "updated_at"),
        )

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        if self.instance is not None:  # sent back as it was read, it changes nothing
            found["ticket"] = NestedRelatedField(read_only=True, fields=("number",))
            found["lines"] = JobLineSerializer(many=True, read_only=True)
        return found

    def create(self, validated_data: dict[str, Any]) -> Job:
        return jobs.add_job(**validated_data, by=self.context["request"].user)

    def update(self, instance: Job, validated_data: dict[str, Any]) -> Job:
        return jobs.update_job(instance, **validated_data, by=self.context["request"].user)


# --- bodies ---------------------------------------------------------------------------


class ChangeLineSerializer(JobLineSerializer):
    """What is sent of it is changed; ``line`` says which."""

    line = serializers.IntegerField(min_value=1, help_text="the line's id")

    class Meta(JobLineSerializer.Meta):
        fields = (
            "line",
            *(name for name in JobLineSerializer.Meta.fields if name not in ("id", "line_total")),
        )

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        for name, field in found.items():
            if name != "line":
                field.required, field.default = False, serializers.empty
        return found


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


class DiscountSerializer(ActionSerializer):
    """Off the whole ticket; nothing sent, nothing off."""

    discount_percent = PercentField(default=Decimal(0))
    discount_amount = MoneyField(default=Decimal(0))


def part_ids() -> RelationListField:
    child = serializers.IntegerField(min_value=1)
    return RelationListField(
        child=child, max_length=MOST_LINES, default=list, help_text="ids of parts outside jobs"
    )


class AuthorizeSerializer(ActionSerializer):
    """Ids of jobs, and of parts outside jobs; where all lists are empty, all that is
    proposed is approved.
    """

    approve = RelationListField(
        child=serializers.IntegerField(min_value=1), max_length=MOST_LINES, default=list
    )
    decline = RelationListField(
        child=serializers.IntegerField(min_value=1), max_length=MOST_LINES, default=list
    )
    defer = RelationListField(
        child=serializers.IntegerField(min_value=1), max_length=MOST_LINES, default=list
    )
    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.IN_PERSON)
    note = WrittenField(lines=True, max_length=500, required=False, allow_blank=True, default="")
    approve_parts = part_ids()
    decline_parts = part_ids()
    defer_parts = part_ids()
    version = estimate_version()
    expected_total = expected_total()

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        user = asking_user(self)
        if user is not None and not user.has_perm("tickets.move_serviceticket"):
            # a customer says it here
            found["channel"] = serializers.HiddenField(default=Channel.PORTAL)
        return found


class DecisionLineSerializer(serializers.Serializer):
    kind = serializers.CharField()
    description = serializers.CharField()
    quantity = serializers.CharField()
    unit_price = serializers.CharField()
    discount = serializers.CharField()
    amount = serializers.CharField()


class DecisionSerializer(serializers.Serializer):
    """What was decided on a job, or a part outside jobs, and what it was to cost then;
    shop supplies come with what is approved.
    """

    kind = serializers.ChoiceField(choices=["job", "part", "supplies"], default="job")
    job = serializers.IntegerField(allow_null=True)
    part = serializers.IntegerField(allow_null=True, default=None)
    title = serializers.CharField()
    decision = serializers.ChoiceField(choices=["approved", "declined", "deferred"])
    lines = DecisionLineSerializer(many=True)
    subtotal = serializers.CharField()
    tax = serializers.CharField()
    total = serializers.CharField()


class AuthorizationSerializer(ShopSerializer):
    ticket = NestedRelatedField(read_only=True, fields=("number",))
    by = NestedRelatedField(
        read_only=True, fields=("display_name",), aliases={"display_name": "name"}, allow_null=True
    )
    at = UTCField(read_only=True)
    decisions = DecisionSerializer(many=True, read_only=True)
    approved_total = SignedMoneyField()

    class Meta:
        model = Authorization
        fields = ("id", "ticket", "by", "at", "channel", "note", "decisions", "approved_total")
        read_only_fields = fields


# --- canned jobs ----------------------------------------------------------------------


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

    lines = CannedJobLineSerializer(many=True, required=False, max_length=MOST_LINES)
    parts = CannedJobPartSerializer(many=True, required=False, max_length=MOST_LINES)

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
