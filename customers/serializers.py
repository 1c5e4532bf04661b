"""Customers and vehicles as JSON."""

from typing import Any

from django.conf import settings
from django.db.models import Q
from rest_framework import serializers

from mechanic_shop.accounts.emails import EmailField
from mechanic_shop.accounts.models import EMAIL_TAKEN, User
from mechanic_shop.accounts.operations import email_is_taken
from mechanic_shop.accounts.passwords import PasswordField, hash_new_password
from mechanic_shop.fastpath.json_expressions import JsonBool
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import (
    ActionSerializer,
    ShopSerializer,
    asking_user,
    make_read_only,
)
from mechanic_shop.http.text_fields import WrittenField
from mechanic_shop.inputs import clean_plate, clean_vin

from . import operations, vehicle_operations
from .models import Customer, Vehicle
from .vin import vin_valid


class CustomerSerializer(ShopSerializer):
    """A customer. ``password`` makes a log-in when the customer is made;
    ``current_password`` is asked of a customer who changes the e-mail.
    """

    email = EmailField(required=False, allow_null=True)
    password = PasswordField(required=False)
    current_password = PasswordField(
        required=False, style={"input_type": "password", "only_to_change": True}
    )
    has_login = serializers.BooleanField(read_only=True)

    permission_required_fields = dict.fromkeys(
        ("notes", "tax_exempt", "tax_certificate", "erased_at"), "customers.view_customer"
    )
    expressions = {"has_login": JsonBool(Q(user__isnull=False, erased_at__isnull=True))}

    class Meta:
        model = Customer
        fields = (
            *(
                "id",
                "name",
                "email",
                "phone",
                "address",
                "notes",
                "tax_exempt",
                "tax_certificate",
                "has_login",
                "erased_at",
            ),
            *("password", "current_password", "created_at", "updated_at"),
        )

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        if self.instance is not None:
            found.pop("password", None)  # changed at auth/password/
        return found

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        password = attrs.pop("password", None)
        current = attrs.pop("current_password", None)
        visitor = not self.context["request"].user.is_authenticated
        if visitor and self.instance is None:
            missing = {
                name: ["This is needed to sign up."]
                for name, value in (("email", attrs.get("email")), ("password", password))
                if not value
            }
            if missing:
                raise serializers.ValidationError(missing, "required")
        if password and not attrs.get("email"):
            raise serializers.ValidationError({"email": ["A log-in needs an e-mail."]}, "required")
        if attrs.get("email") and attrs["email"] != getattr(self.instance, "email", None):
            self.refuse_taken_email(attrs)
        attrs = super().validate(attrs)
        if password:
            attrs["password_hash"] = hash_new_password(
                password, email=attrs["email"], name=attrs["name"]
            )
        if current is not None and self.instance is not None:
            attrs["current_password"] = current
        return attrs

    def refuse_taken_email(self, attrs: dict[str, Any]) -> None:
        """A log-in of somebody who is no customer (a mechanic, the owner) has its
        e-mail too.
        """
        owner = self.instance.user if self.instance is not None else None
        if attrs.get("email") and email_is_taken(attrs["email"], besides=owner):
            raise serializers.ValidationError({"email": [EMAIL_TAKEN]}, "email_taken")

    def create(self, validated_data: dict[str, Any]) -> Customer:
        return operations.register(**validated_data, by=self.context["request"].user)

    def update(self, instance: Customer, validated_data: dict[str, Any]) -> Customer:
        return operations.update(instance, **validated_data, by=self.context["request"].user)


class EraseSerializer(ActionSerializer):
    current_password = PasswordField(
        required=False, help_text="asked of whoever erases their own record"
    )


class ConfirmOdometerField(serializers.BooleanField):
    """The answer to ``odometer_lower``."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = "take a reading that is less than the vehicle's last one"
        options: dict[str, Any] = {"required": False, "write_only": True, "help_text": help_text}
        super().__init__(**options | kwargs)


class VehicleSerializer(ShopSerializer):
    """A vehicle. A customer's is always their own; staff say whose it is."""

    customer = NestedRelatedField(queryset=Customer.objects.all(), required=False)
    plate = WrittenField(max_length=40, required=False, allow_blank=True)
    vin = WrittenField(max_length=40, required=False, allow_blank=True)
    vin_valid = serializers.BooleanField(read_only=True)
    year = serializers.IntegerField(required=False, allow_null=True, min_value=1886, max_value=2100)
    odometer = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=9_999_999
    )
    confirm_odometer = ConfirmOdometerField()

    class Meta:
        model = Vehicle
        fields = (
            *(
                "id",
                "customer",
                "plate",
                "vin",
                "vin_valid",
                "make",
                "model",
                "year",
                "engine",
                "color",
                "odometer",
                "odometer_at",
            ),
            *("confirm_odometer", "created_at", "updated_at"),
        )

    def validate_plate(self, text: str) -> str:
        return self.short(clean_plate(text))

    def validate_vin(self, text: str) -> str:
        vin = self.short(clean_vin(text))
        if vin and settings.SHOP_STRICT_VIN and not vin_valid(vin):
            raise serializers.ValidationError(
                (
                    "This VIN breaks ISO 3779 (17 characters, no I, O or Q, a check digit): "
                    "read it again."
                ),
                "vin_invalid",
            )
        return vin

    def short(self, clean: str) -> str:
        if len(clean) > 17:
            raise serializers.ValidationError("At most 17 letters and digits.", "max_length")
        return clean

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        user = asking_user(self)
        if (
            user is not None
            and self.instance is not None
            and not user.has_perm("customers.change_vehicle")
        ):
            make_read_only(found["customer"])
        return found

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = self.context["request"].user
        if self.instance is None and not user.has_perm("customers.add_vehicle"):
            attrs["customer"] = own_record(user, attrs.get("customer"))
        elif (
            "customer" not in attrs
            and not self.partial
            and not self.kept.fields["customer"].read_only
        ):
            raise serializers.ValidationError(
                {"customer": ["Say whose vehicle it is."]}, "required"
            )
        return super().validate(attrs)

    def create(self, validated_data: dict[str, Any]) -> Vehicle:
        # a new vehicle has no reading yet that another could be less than
        validated_data.pop("confirm_odometer", None)
        made: Vehicle = super().create(validated_data)
        return made

    def update(self, instance: Vehicle, validated_data: dict[str, Any]) -> Vehicle:
        return vehicle_operations.update_vehicle(
            instance, **validated_data, by=self.context["request"].user
        )


def own_record(user: User, named: Customer | None) -> Customer:
    """The record of a customer who makes something. Raises ValidationError where
    another is named.
    """
    if named is not None and named.pk != user.customer.pk:
        advice = "This is always your own record: leave it out."
        raise serializers.ValidationError({"customer": [advice]}, "read_only_field")
    own: Customer = user.customer
    return own
