"""Approvals as JSON, and the body that records one."""

from typing import Any

from rest_framework import serializers

from mechanic_shop.http.body_lists import RelationListField
from mechanic_shop.http.date_fields import UTCField
from mechanic_shop.http.related_fields import LARGEST_ID, NestedRelatedField
from mechanic_shop.http.serializers import ActionSerializer, ShopSerializer, asking_user
from mechanic_shop.http.text_fields import WrittenField

from ..models import Authorization, Channel
from ..work.estimate_fields import estimate_version, expected_total
from ..work.jobs import MOST_JOBS
from ..work.money_fields import SignedMoneyField


def ids(help_text: str) -> RelationListField:
    child = serializers.IntegerField(min_value=1, max_value=LARGEST_ID - 1)
    return RelationListField(child=child, max_length=MOST_JOBS, default=list, help_text=help_text)


class DecisionBody(ActionSerializer):
    """Ids of jobs, and of parts outside jobs; where all lists are empty, all that is
    proposed is approved.
    """

    approve = ids("ids of jobs")
    decline = ids("ids of jobs")
    defer = ids("ids of jobs")
    approve_parts = ids("ids of parts outside jobs")
    decline_parts = ids("ids of parts outside jobs")
    defer_parts = ids("ids of parts outside jobs")
    note = WrittenField(lines=True, max_length=500, required=False, allow_blank=True, default="")
    expected_total = expected_total()


class AuthorizeSerializer(DecisionBody):
    """What the customer decided, written down by the shop or by themselves."""

    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.IN_PERSON)
    version = estimate_version()

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
        fields: tuple[str, ...] = (
            "id",
            "ticket",
            "by",
            "at",
            "channel",
            "note",
            "decisions",
            "approved_total",
        )
        read_only_fields = fields
