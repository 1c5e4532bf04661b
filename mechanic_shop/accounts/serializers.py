"""Bodies of the account routes."""

from typing import Any

from rest_framework import serializers

from mechanic_shop.http.serializers import ActionSerializer

from .emails import EmailField
from .models import User
from .passwords import PasswordField


class LoginSerializer(ActionSerializer):
    email = EmailField()
    password = PasswordField()


class RefreshSerializer(ActionSerializer):
    refresh = serializers.CharField(help_text="A refresh token; it works once.")


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(
        help_text="Send it as `Authorization: Bearer …`; lives for 15 minutes."
    )
    refresh = serializers.CharField(
        help_text="Gives the next pair at `auth/token/refresh/`; works once, for 14 days."
    )


class PersonSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class MeSerializer(serializers.ModelSerializer[User]):
    roles = serializers.ListField(
        child=serializers.CharField(), help_text="Names of the user's groups; customers have none."
    )
    customer = PersonSerializer(allow_null=True)
    mechanic = PersonSerializer(allow_null=True)

    class Meta:
        model = User
        fields = read_only_fields = ("id", "email", "roles", "customer", "mechanic")


class ChangePasswordSerializer(ActionSerializer):
    current_password = PasswordField()
    new_password = PasswordField()


class ResetSerializer(ActionSerializer):
    email = EmailField()


class ConfirmResetSerializer(ActionSerializer):
    uid = serializers.CharField(max_length=64, help_text="From the mail.")
    token = serializers.CharField(max_length=128, help_text="From the mail; it works once.")
    new_password = PasswordField()


class MessageSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()
