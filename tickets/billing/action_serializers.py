"""Bodies of what makes invoices, credit notes and payments."""

from rest_framework import serializers

from mechanic_shop.accounts.emails import EmailField
from mechanic_shop.http.date_fields import UTCField
from mechanic_shop.http.number_fields import PositiveMoneyField, PositiveQuantityField
from mechanic_shop.http.serializers import ActionSerializer
from mechanic_shop.http.text_fields import WrittenField

from ..models import Method

MOST_CREDITED = 500  # lines of one credit note that are named


class TakeMoneySerializer(ActionSerializer):
    """Money that comes or goes."""

    amount = PositiveMoneyField()
    method = serializers.ChoiceField(choices=Method.choices)
    reference = WrittenField(
        lines=True,
        max_length=100,
        required=False,
        allow_blank=True,
        default="",
        help_text="of the card slip, transfer or check",
    )
    note = WrittenField(lines=True, max_length=500, required=False, allow_blank=True, default="")
    received_at = UTCField(
        required=False,
        allow_null=True,
        default=None,
        help_text="now, when left out; not before the ticket was opened",
    )


class PaySerializer(TakeMoneySerializer):
    """Money that comes."""

    keep_as_credit = serializers.BooleanField(
        default=False, help_text="keep more than is due as the customer's credit"
    )


class ApplyCreditSerializer(ActionSerializer):
    amount = PositiveMoneyField(
        required=False,
        allow_null=True,
        default=None,
        help_text="all that can be applied, when left out",
    )


class ReverseSerializer(ActionSerializer):
    note = WrittenField(lines=True, max_length=500, help_text="why")


class CreditLineSerializer(ActionSerializer):
    line = serializers.IntegerField(min_value=1, help_text="its position on the invoice")
    quantity = PositiveQuantityField(required=False, help_text="all that is left, when left out")
    restock = serializers.BooleanField(required=False, help_text="put the part back on the shelf")


class CreditSerializer(ActionSerializer):
    """No lines: all that is left of the invoice."""

    reason = WrittenField(lines=True, max_length=500)
    lines = CreditLineSerializer(  # type: ignore[call-arg]  # `many` makes it a list, with a length
        many=True, required=False, default=list, max_length=MOST_CREDITED
    )
    restock = serializers.BooleanField(
        required=False, default=False, help_text="for every line that does not say otherwise"
    )


class IssueSerializer(ActionSerializer):
    reason = WrittenField(
        lines=True,
        max_length=500,
        required=False,
        allow_blank=True,
        default="",
        help_text="kept in the ticket's history",
    )


class SendSerializer(ActionSerializer):
    to = EmailField(
        required=False,
        allow_null=True,
        default=None,
        help_text="the customer's address, when left out",
    )
