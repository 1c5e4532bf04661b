"""Mechanics as JSON: public fields for everybody, the rest for those who may see it."""

from django.db.models import F
from rest_framework import serializers

from mechanic_shop.accounts.emails import EmailField
from mechanic_shop.http.number_fields import MoneyField
from mechanic_shop.http.serializers import ShopSerializer
from mechanic_shop.http.text_fields import WordsField

from .models import Mechanic

STAFF_FIELDS = ("email", "phone", "hourly_cost", "hired_on", "created_at", "updated_at")


class MechanicSerializer(ShopSerializer):
    specialties = WordsField(required=False)
    email = EmailField(required=False, allow_null=True)
    hourly_cost = MoneyField(required=False, allow_null=True)

    permission_required_fields = dict.fromkeys(STAFF_FIELDS, "mechanics.view_mechanic")

    class Meta:
        model = Mechanic
        fields: tuple[str, ...] = ("id", "name", "specialties", "bio", "is_active", *STAFF_FIELDS)


class PopularMechanicSerializer(MechanicSerializer):
    ticket_count = serializers.IntegerField(read_only=True)

    expressions = {"ticket_count": F("ticket_count")}

    class Meta(MechanicSerializer.Meta):
        fields = (*MechanicSerializer.Meta.fields, "ticket_count")
