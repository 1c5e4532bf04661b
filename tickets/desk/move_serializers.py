"""Moves of a ticket as JSON, and the body that asks for one."""

from typing import Any

from rest_framework import serializers

from mechanic_shop.http.serializers import ActionSerializer
from mechanic_shop.http.text_fields import WrittenField

from ..lifecycle import workflow
from ..models import ServiceTicket, Status
from ..work.estimate_fields import estimate_version, expected_total


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
