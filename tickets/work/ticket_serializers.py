"""Tickets as JSON, and the bodies of what one can do to them."""

from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from rest_framework import serializers

from customers.models import Customer, Vehicle
from customers.serializers import ConfirmOdometerField, own_record
from inventory.models import ZERO, Part
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import sum_field
from mechanic_shop.db.audit import Kind
from mechanic_shop.fastpath.json_queries import Amount, Printed
from mechanic_shop.http.body_lists import RelationListField
from mechanic_shop.http.fields import (
    MoneyField,
    NestedRelatedField,
    OptionalRelatedField,
    PositiveQuantityField,
    QuantityField,
    UnitPriceField,
    UTCField,
    WrittenField,
)
from mechanic_shop.http.serializers import (
    ActionSerializer,
    ShopSerializer,
    asking_user,
    make_read_only,
)
from mechanics.models import Mechanic

from ..lifecycle import workflow
from ..models import HoldReason, Job, ServiceTicket, Status, TicketMechanic, TicketPart
from . import tickets


def sum_of_lines() -> Coalesce:
    """The sum of a ticket's lines; exact when it is printed, also where the database
    adds doubles.
    """
    summed = (
        TicketPart.objects.filter(ticket=OuterRef("pk"))
        .order_by()
        .values("ticket")
        .annotate(total=Sum("line_total"))
        .values("total")
    )
    return Coalesce(Subquery(summed), ZERO, output_field=sum_field())


CUSTOMER_WRITES = {"concern", "vehicle", "service_date"}
MECHANIC_WRITES = CUSTOMER_WRITES | {
    *(
        "cause",
        "correction",
        "promised_at",
        "on_hold",
        "hold_reason",
        "odometer_in",
        "odometer_out",
        "confirm_odometer",
    ),
}
ODOMETER = {"required": False, "allow_null": True, "min_value": 0, "max_value": 9_999_999}


class DocumentNumber(Printed):
    """A key as it stands on paper: a letter and six digits, or more where it takes
    more.
    """

    letter = ""

    def __init__(self, key: Any) -> None:
        super().__init__(key)
        self.printed = f"printf('{self.letter}-%%%%06d', %(expressions)s)"
        digits = (
            "CASE WHEN %(expressions)s < 1000000 THEN lpad((%(expressions)s)::text, 6, '0') "
            "ELSE %(expressions)s::text END"
        )
        self.postgresql = f"('{self.letter}-' || {digits})"


class TicketNumber(DocumentNumber):
    """T-000123, of a key."""

    letter = "T"


class TicketMechanicSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(source="mechanic_id", read_only=True)
    name = serializers.CharField(source="mechanic.name", read_only=True)

    class Meta:
        model = TicketMechanic
        fields = ("id", "name", "role")


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


class ServiceTicketSerializer(ShopSerializer):
    """A ticket. A customer writes what they ask for, for which vehicle and when; the
    rest is the shop's.
    """

    number = serializers.CharField(read_only=True)
    customer = NestedRelatedField(queryset=Customer.objects.all(), required=False)
    vehicle = NestedRelatedField(
        queryset=Vehicle.objects.select_related("customer"),
        fields=("name", "plate"),
        required=False,
        allow_null=True,
    )
    hold_reason = serializers.ChoiceField(
        choices=HoldReason.choices, required=False, allow_blank=True
    )
    odometer_in = serializers.IntegerField(**ODOMETER)
    odometer_out = serializers.IntegerField(**ODOMETER)
    confirm_odometer = ConfirmOdometerField()
    mechanics = TicketMechanicSerializer(source="assignments", many=True, read_only=True)
    parts = TicketPartSerializer(source="lines", many=True, read_only=True)
    parts_total = MoneyField(read_only=True, max_digits=25)

    expressions = {"number": TicketNumber(F("pk")), "parts_total": Amount(sum_of_lines())}

    class Meta:
        model = ServiceTicket
        fields = (
            *(
                "id",
                "number",
                "customer",
                "vehicle",
                "concern",
                "cause",
                "correction",
                "service_date",
                "promised_at",
            ),
            *(
                "status",
                "on_hold",
                "hold_reason",
                "odometer_in",
                "odometer_out",
                "mechanics",
                "parts",
                "parts_total",
            ),
            *(
                "confirm_odometer",
                "opened_at",
                "completed_at",
                "closed_at",
                "created_at",
                "updated_at",
            ),
        )

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        user = asking_user(self)
        written = None if user is None else self.written_by(user)
        for name, field in found.items():
            if written is not None and name not in written and not field.read_only:
                make_read_only(field)
        return found

    def written_by(self, user: User) -> set[str] | None:
        """What somebody with these rights may write; None for everything that the shop
        does not set.
        """
        if self.instance is None:
            if user.has_perm("tickets.add_serviceticket"):
                return None
            return CUSTOMER_WRITES | {"customer"}  # their own record alone
        if user.has_perm("tickets.change_serviceticket"):
            return None
        return MECHANIC_WRITES if user.has_perm("tickets.work_on_assigned") else CUSTOMER_WRITES

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = self.context["request"].user
        if self.instance is None:
            self.choose_customer(attrs, user)
        elif not self.partial and user.has_perm("tickets.change_serviceticket"):
            self.require_customer(attrs)
        if attrs.get("on_hold") is False:
            attrs["hold_reason"] = ""
        return super().validate(attrs)

    def choose_customer(self, attrs: dict[str, Any], user: User) -> None:
        """Say whose a new ticket is: the customer who opens it, else who is named, else
        the vehicle's.
        """
        if not user.has_perm("tickets.add_serviceticket"):
            attrs["customer"] = own_record(user, attrs.get("customer"))
        elif "customer" not in attrs:
            # whose the vehicle is, the operation asks in its transaction
            self.require_customer(attrs)

    def require_customer(self, attrs: dict[str, Any]) -> None:
        if "customer" not in attrs and attrs.get("vehicle") is None:
            raise serializers.ValidationError({"customer": ["Say whose ticket it is."]}, "required")

    def check_state(self, attrs: dict[str, Any]) -> None:
        """A mechanic writes the shop's fields of tickets that they are assigned to, not
        of their own.
        """
        ticket, user = self.instance, self.context["request"].user
        if ticket is None or not self.is_mechanics_own(ticket, user):
            return
        refused = [
            name
            for name in attrs
            if name not in CUSTOMER_WRITES and attrs[name] != getattr(ticket, name, False)
        ]
        if refused:
            advice = "The shop sets this: leave it out."
            raise serializers.ValidationError(dict.fromkeys(refused, advice), "read_only_field")

    def is_mechanics_own(self, ticket: ServiceTicket, user: User) -> bool:
        """Is this the ticket of a mechanic as a customer, on which they do not work?"""
        if user.has_perm("tickets.change_serviceticket") or not user.has_perm(
            "tickets.work_on_assigned"
        ):
            return False  # the ticket need not be read
        return workflow.is_owner(user, ticket) and not workflow.is_assigned(user, ticket)

    def create(self, validated_data: dict[str, Any]) -> ServiceTicket:
        return tickets.open_ticket(**validated_data, by=self.context["request"].user)

    def update(self, instance: ServiceTicket, validated_data: dict[str, Any]) -> ServiceTicket:
        return tickets.update(instance, **validated_data, by=self.context["request"].user)


class AssignMechanicSerializer(ActionSerializer):
    mechanic = NestedRelatedField(queryset=Mechanic.objects.all())
    role = serializers.ChoiceField(
        choices=TicketMechanic.Role.choices, default=TicketMechanic.Role.ASSISTANT
    )


class RemoveMechanicSerializer(ActionSerializer):
    mechanic = NestedRelatedField(queryset=Mechanic.objects.all())


class EditMechanicsSerializer(ActionSerializer):
    add = RelationListField(
        child=NestedRelatedField(queryset=Mechanic.objects.all()), max_length=50, default=list
    )
    remove = RelationListField(
        child=NestedRelatedField(queryset=Mechanic.objects.all()), max_length=50, default=list
    )


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


def estimate_version() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1,
        required=False,
        allow_null=True,
        help_text=(
            "of the estimate that was read: 409 estimate_changed when any amount on it changed"
        ),
    )


def expected_total() -> MoneyField:
    return MoneyField(
        max_digits=25,
        required=False,
        allow_null=True,
        help_text="the estimate's total that was read: 409 estimate_changed when it is another",
    )


class MoveSerializer(ActionSerializer):
    """``version`` and ``expected_total`` are for whoever approves an estimate."""

    to = serializers.ChoiceField(choices=Status.choices)
    reason = WrittenField(lines=True, max_length=500, required=False, allow_blank=True, default="")
    version = estimate_version()
    expected_total = expected_total()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("version", "expected_total"):
            if attrs.get(name) is not None and attrs["to"] != Status.APPROVED:
                detail = "Only who approves an estimate says which one they read: leave it out."
                raise serializers.ValidationError(
                    {name: serializers.ErrorDetail(detail, "not_approving")}
                )
        return attrs


class BlockSerializer(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField()


class NextSerializer(serializers.Serializer):
    to = serializers.ChoiceField(choices=Status.choices)
    allowed = serializers.BooleanField()
    blocked_by = BlockSerializer(many=True)


class TransitionsSerializer(serializers.Serializer):
    """Where a ticket stands, and where this user may move it."""

    status = serializers.ChoiceField(choices=Status.choices)
    next = NextSerializer(many=True)

    def to_representation(self, ticket: ServiceTicket) -> dict[str, Any]:
        return {
            "status": ticket.status,
            "next": workflow.options(ticket, self.context["request"].user),
        }


class AboutSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField(allow_null=True, help_text="null when it is gone")


class ChangeSerializer(serializers.Serializer):
    field = serializers.CharField()
    # "from" is no name for a class attribute.
    vars()["from"] = serializers.JSONField(allow_null=True)
    to = serializers.JSONField(allow_null=True)


class HistorySerializer(serializers.Serializer):
    """Something that became of a ticket; ``id`` is unique among rows of one ``kind``."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    at = UTCField()
    by = NestedRelatedField(
        read_only=True, fields=("display_name",), aliases={"display_name": "name"}, allow_null=True
    )
    vars()["from"] = serializers.CharField(
        allow_null=True, help_text="the status before a move; empty for a new ticket"
    )
    to = serializers.CharField(allow_null=True, help_text="the status after a move")
    reason = serializers.CharField(help_text="why it was moved")
    about = AboutSerializer(allow_null=True, help_text="the part or the mechanic")
    changes = ChangeSerializer(many=True)
