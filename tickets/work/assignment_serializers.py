"""Mechanics on a ticket as JSON, and the bodies that change them."""

from rest_framework import serializers

from mechanic_shop.http.body_lists import RelationListField
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import ActionSerializer
from mechanics.models import Mechanic

from ..models import TicketMechanic


class TicketMechanicSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(source="mechanic_id", read_only=True)
    name = serializers.CharField(source="mechanic.name", read_only=True)

    class Meta:
        model = TicketMechanic
        fields = ("id", "name", "role")


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
