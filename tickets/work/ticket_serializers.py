"""Tickets as JSON, and the bodies of what one can do to them."""

from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef
from django.db.models.functions import Coalesce
from rest_framework import serializers

from customers.models import Customer, Vehicle
from customers.serializers import ConfirmOdometerField, own_record
from mechanic_shop.accounts.models import User
from mechanic_shop.fastpath.json_expressions import Amount
from mechanic_shop.http.number_fields import MoneyField, PercentField
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import (
    ActionSerializer,
    ShopSerializer,
    asking_user,
    make_read_only,
)

from ..lifecycle import workflow
from ..models import HoldReason, ServiceTicket, TicketPart
from . import tickets
from .assignment_serializers import TicketMechanicSerializer
from .money_fields import sum_of
from .numbers import TicketNumber
from .part_serializers import TicketPartSerializer


def sum_of_parts() -> Coalesce:
    """The sum of a ticket's lines; exact when it is printed, also where the database
    adds doubles.
    """
    return sum_of(TicketPart.objects.filter(ticket=OuterRef("pk")), "ticket")


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


def odometer() -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=9_999_999
    )


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
    odometer_in = odometer()
    odometer_out = odometer()
    confirm_odometer = ConfirmOdometerField()
    mechanics = TicketMechanicSerializer(source="assignments", many=True, read_only=True)
    parts = TicketPartSerializer(source="lines", many=True, read_only=True)
    parts_total = MoneyField(read_only=True, max_digits=25)

    expressions = {"number": TicketNumber(F("pk")), "parts_total": Amount(sum_of_parts())}

    class Meta:
        model = ServiceTicket
        fields: tuple[str, ...] = (
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
        fields = super().get_fields()
        user = asking_user(self)
        written = None if user is None else self.written_by(user)
        for name, field in fields.items():
            if written is not None and name not in written and not field.read_only:
                make_read_only(field)
        return fields

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


class DiscountSerializer(ActionSerializer):
    """Off the whole ticket; nothing sent, nothing off."""

    discount_percent = PercentField(default=Decimal(0))
    discount_amount = MoneyField(default=Decimal(0))
