"""Links to a ticket: for the staff who hand them out, and for whoever has one.

What a link shows is written out field by field: it may be forwarded to anybody, so of
the customer there is only the name.
"""

from typing import Any

from rest_framework import serializers

from mechanic_shop.http.date_fields import UTCField
from mechanic_shop.http.related_fields import LARGEST_ID, NestedRelatedField
from mechanic_shop.http.serializers import ActionSerializer, ShopSerializer

from ..billing.document_serializers import supplies_on_top
from ..lifecycle.snapshot import LARGEST_VERSION
from ..models import Channel, JobStatus, ShareLink, Status
from .authorization_serializers import DecisionBody


class ShareSerializer(ActionSerializer):
    days = serializers.IntegerField(
        default=14, min_value=1, max_value=90, help_text="how long the link works"
    )


class TokenOfLinkSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    url = serializers.URLField(help_text="the page for the customer")
    token = serializers.CharField(help_text="told this once; the shop keeps its hash")
    expires_at = UTCField()


class ShareLinkSerializer(ShopSerializer):
    """A link to a ticket, without its token, which nobody knows any more but those who
    have the link.
    """

    created_by = NestedRelatedField(
        read_only=True, fields=("display_name",), aliases={"display_name": "name"}, allow_null=True
    )

    class Meta:
        model = ShareLink
        fields = read_only_fields = ("id", "created_by", "created_at", "expires_at", "revoked_at")


class RevokeShareSerializer(ActionSerializer):
    share = serializers.IntegerField(
        min_value=1, max_value=LARGEST_ID - 1, help_text="the id of the link"
    )


class DecideSerializer(DecisionBody):
    """What the customer decided on the estimate that a link showed."""

    version = serializers.IntegerField(
        min_value=1, max_value=LARGEST_VERSION, help_text="of the estimate that was read"
    )


# --- what a link shows ----------------------------------------------------------------


def texts(*names: str) -> dict[str, Any]:
    return {name: serializers.CharField() for name in names}


class SharedLineSerializer(serializers.Serializer):
    """A line of the estimate; amounts are strings with the currency's decimals."""

    id = serializers.IntegerField(help_text="its place on the estimate")
    vars().update(
        texts(
            "kind",
            "description",
            "unit",
            "quantity",
            "unit_price",
            "discount",
            "amount",
            "net",
            "tax",
            "total",
            "tax_name",
            "tax_rate",
        )
    )
    share = serializers.CharField(help_text="its part of the ticket's discount")
    status = serializers.CharField(required=False, help_text="of a part outside jobs")
    supplies = supplies_on_top()
    part = serializers.IntegerField(required=False, help_text="of a part outside jobs")

    def to_representation(self, facts: dict[str, Any]) -> dict[str, Any]:
        apart = "status" in facts
        return super().to_representation(
            {**facts, "part": facts["part"]["id"]}
            if apart
            else {k: v for k, v in facts.items() if k != "part"}
        )


class SharedJobSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    vars().update(texts("title", "concern", "cause", "correction", "net", "tax", "total"))
    supplies = supplies_on_top()
    lines = SharedLineSerializer(many=True)


class SharedTaxSerializer(serializers.Serializer):
    vars().update(texts("name", "rate", "base", "amount"))


class SharedTotalsSerializer(serializers.Serializer):
    vars().update(texts("subtotal", "tax", "total"))


class SharedShopSerializer(serializers.Serializer):
    vars().update(texts("name", "address", "phone", "email", "tax_id"))


class SharedCustomerSerializer(serializers.Serializer):
    name = serializers.CharField()


class SharedVehicleSerializer(serializers.Serializer):
    vars().update(texts("plate", "vin", "make", "model"))
    year = serializers.IntegerField(allow_null=True)
    odometer_in = serializers.IntegerField(allow_null=True)


class SharedTicketSerializer(serializers.Serializer):
    vars().update(texts("number", "concern", "cause", "correction"))
    status = serializers.ChoiceField(choices=Status.choices)


class SharedEstimateSerializer(SharedTotalsSerializer):
    """What the ticket would cost, as its customer sees it: jobs that wait for a word or
    have one; ``authorized`` is what was approved.
    """

    number = serializers.CharField()
    issued_on = serializers.DateField()
    version = serializers.IntegerField()
    shop = SharedShopSerializer()
    customer = SharedCustomerSerializer()
    vehicle = SharedVehicleSerializer(allow_null=True)
    ticket = SharedTicketSerializer()
    currency = serializers.CharField()
    prices_include_tax = serializers.BooleanField()
    jobs = SharedJobSerializer(many=True)
    lines = SharedLineSerializer(many=True, help_text="of no job")
    discount = serializers.CharField()
    taxes = SharedTaxSerializer(many=True)
    authorized = SharedTotalsSerializer()
    authorized_total = serializers.CharField(
        allow_null=True, help_text="the amount that was approved"
    )
    reapproval_needed = serializers.BooleanField(help_text="would it cost more than was approved?")
    decidable = serializers.BooleanField(
        help_text="can jobs be decided on, as far as the ticket goes?"
    )
    expires_at = UTCField(help_text="when the link ends")


class SharedDecidedLineSerializer(serializers.Serializer):
    vars().update(texts("kind", "description", "quantity", "unit_price", "discount", "amount"))


class SharedDecisionSerializer(serializers.Serializer):
    kind = serializers.CharField(default="job")
    job = serializers.IntegerField(allow_null=True)
    part = serializers.IntegerField(allow_null=True, default=None)
    title = serializers.CharField()
    decision = serializers.ChoiceField(
        choices=[JobStatus.APPROVED, JobStatus.DECLINED, JobStatus.DEFERRED]
    )
    lines = SharedDecidedLineSerializer(many=True)
    vars().update(texts("subtotal", "tax", "total"))


class SharedAuthorizationSerializer(serializers.Serializer):
    """What was written down: each job as it was decided, with what it was to cost in
    that moment.
    """

    id = serializers.IntegerField()
    at = UTCField()
    channel = serializers.ChoiceField(choices=Channel.choices)
    note = serializers.CharField()
    decisions = SharedDecisionSerializer(many=True)
    approved_total = serializers.CharField(help_text="of all that was approved at once, with tax")
