"""The shape of documents, for the schema: estimates, invoices, credit notes and receipts
as documents. They are built in billing.py.
"""

from rest_framework import serializers

from mechanic_shop.http.number_fields import MoneyField

from ..models import JobStatus


class Money(MoneyField):
    """An amount on paper: a string with the currency's decimals."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"max_digits": 25, "read_only": True, "min_value": None} | kwargs)


class DocumentPartSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    sku = serializers.CharField()


class DocumentMechanicSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class DocumentLineTaxSerializer(serializers.Serializer):
    name = serializers.CharField()
    rate = serializers.CharField(help_text="percent")
    amount = Money()


def supplies_on_top() -> serializers.CharField:
    return serializers.CharField(
        required=False,
        help_text=(
            "of what the estimate does not count: the shop supplies that come on top if it "
            "is approved after all"
        ),
    )


class DocumentLineSerializer(serializers.Serializer):
    """``amount`` is after the line's own discount, ``share`` its part of the ticket's;
    ``net`` + ``tax`` = ``total``.
    """

    id = serializers.IntegerField(help_text="its place on the document")
    kind = serializers.CharField(help_text="labor, part, sublet, fee, trade_in or supplies")
    description = serializers.CharField()
    quantity = serializers.CharField()
    unit = serializers.CharField()
    unit_price = Money(help_text="with up to four decimals, where one unit costs that much")
    discount = Money()
    amount = Money()
    share = Money()
    net = Money()
    tax = Money()
    total = Money()
    tax_name = serializers.CharField(help_text="empty: not taxed")
    tax_rate = serializers.CharField(help_text="percent")
    taxes = DocumentLineTaxSerializer(many=True, help_text="each tax of the line; Σ amounts = tax")
    part = DocumentPartSerializer(allow_null=True)
    status = serializers.CharField(
        required=False,
        help_text="on an estimate, of a part outside jobs: what the customer said to it",
    )
    mechanic = DocumentMechanicSerializer(allow_null=True)


class DocumentJobSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=JobStatus.choices)
    concern = serializers.CharField()
    cause = serializers.CharField()
    correction = serializers.CharField()
    lines = DocumentLineSerializer(many=True)
    net = Money()
    tax = Money()
    total = Money()
    supplies = supplies_on_top()


class DocumentTaxSerializer(serializers.Serializer):
    name = serializers.CharField()
    rate = serializers.CharField(help_text="percent")
    number = serializers.CharField(help_text="the registration number")
    base = Money()
    amount = Money()


class LetterheadSerializer(serializers.Serializer):
    name = serializers.CharField()
    address = serializers.CharField()
    phone = serializers.CharField()
    email = serializers.CharField()
    tax_id = serializers.CharField()


class DocumentCustomerSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    address = serializers.CharField()
    phone = serializers.CharField()
    email = serializers.CharField()
    tax_exempt = serializers.BooleanField()
    tax_certificate = serializers.CharField()


class DocumentVehicleSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    plate = serializers.CharField()
    vin = serializers.CharField()
    make = serializers.CharField()
    model = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    odometer_in = serializers.IntegerField(allow_null=True)
    odometer_out = serializers.IntegerField(allow_null=True)


class DocumentTicketSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    number = serializers.CharField()
    concern = serializers.CharField()
    cause = serializers.CharField()
    correction = serializers.CharField()


class UnprintableSerializer(serializers.Serializer):
    """A text that no font holds, and the Latin letters that stand for it on paper."""

    field = serializers.CharField(help_text="its place in the document, such as customer.name")
    text = serializers.CharField()
    printed = serializers.CharField()


class TotalsSerializer(serializers.Serializer):
    subtotal = Money()
    tax = Money()
    total = Money()


class BillingDocumentSerializer(TotalsSerializer):
    """What every document says."""

    kind = serializers.CharField(help_text="estimate, invoice or credit_note")
    number = serializers.CharField()
    issued_on = serializers.DateField()
    paper = serializers.ChoiceField(choices=["letter", "a4"])
    region = serializers.CharField(help_text="how numbers and dates are written on it")
    shop = LetterheadSerializer()
    customer = DocumentCustomerSerializer()
    vehicle = DocumentVehicleSerializer(allow_null=True)
    ticket = DocumentTicketSerializer()
    currency = serializers.CharField()
    prices_include_tax = serializers.BooleanField()
    tax_rounding = serializers.ChoiceField(choices=["group", "line"])
    jobs = DocumentJobSerializer(many=True)
    lines = DocumentLineSerializer(many=True, help_text="of no job; shop supplies last")
    discount = Money(help_text="of the ticket")
    taxes = DocumentTaxSerializer(many=True)
    unprintable = UnprintableSerializer(
        many=True, help_text="what cannot be printed as it was written"
    )


class EstimateSerializer(BillingDocumentSerializer):
    """What the ticket comes to. Counted are jobs that the customer approved or has
    still to decide on; others stand there with their price.
    """

    version = serializers.IntegerField(
        help_text="send it back with an authorization: 409 when the estimate changed since"
    )
    authorized = TotalsSerializer(help_text="of what the customer approved")
    authorized_total = serializers.CharField(
        allow_null=True, help_text="the amount that was approved; null: none was named"
    )
    reapproval_needed = serializers.BooleanField(
        help_text="does what was approved cost more by now?"
    )


class InvoiceDocumentSerializer(BillingDocumentSerializer):
    """An invoice as it was issued."""

    due_on = serializers.DateField()
    deposits = Money(help_text="paid before")
    due = Money()


class DocumentInvoiceSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    number = serializers.CharField()


class CreditNoteDocumentSerializer(BillingDocumentSerializer):
    """A credit note as it was issued."""

    invoice = DocumentInvoiceSerializer()
    reason = serializers.CharField()
