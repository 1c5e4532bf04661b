"""Invoices, credit notes and payments as JSON, and the bodies of what makes them."""

from django.db.models import F
from rest_framework import serializers

from mechanic_shop.fastpath.json_expressions import DocumentList
from mechanic_shop.http.date_fields import UTCField
from mechanic_shop.http.number_fields import MoneyField, PercentField, QuantityField, UnitPriceField
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import ShopSerializer

from ..models import CreditNote, CreditNoteLine, Invoice, InvoiceLine, InvoiceState, Payment
from ..models.payments import state_of
from ..work.numbers import DocumentNumber, ticket_in
from .document_serializers import UnprintableSerializer

UNPRINTABLE = "what of the document no font holds; it is printed in Latin letters"


def unprintable_texts() -> DocumentList:
    return DocumentList(F("document__unprintable"))


AMOUNT = {"max_digits": 25, "read_only": True}


class ReceiptNumber(DocumentNumber):
    """R-000123, of a key."""

    letter = "R"


class InvoiceLineSerializer(ShopSerializer):
    """A line as it stands on the document; ``position`` names it there."""

    quantity = QuantityField(read_only=True)
    unit_price = UnitPriceField(read_only=True)
    net = MoneyField(**AMOUNT)
    tax = MoneyField(**AMOUNT)
    tax_rate = PercentField(read_only=True, decimal_places=3, max_digits=6)

    class Meta:
        model = InvoiceLine
        fields = (
            "position",
            "kind",
            "job_title",
            "description",
            "quantity",
            "unit_price",
            "net",
            "tax",
            "tax_name",
            "tax_rate",
        )
        read_only_fields = fields


class InvoiceSerializer(ShopSerializer):
    """An invoice and what became of it: ``balance`` = total − credited − paid +
    refunded; less than 0 is the customer's credit.
    """

    ticket = NestedRelatedField(read_only=True, fields=("number",))
    customer = NestedRelatedField(read_only=True)
    issued_at = UTCField(read_only=True)
    subtotal = MoneyField(**AMOUNT)
    tax = MoneyField(**AMOUNT)
    total = MoneyField(**AMOUNT)
    deposits = MoneyField(**AMOUNT)
    credited = MoneyField(source="account.credited", **AMOUNT)
    paid = MoneyField(source="account.paid", **AMOUNT)
    refunded = MoneyField(source="account.refunded", **AMOUNT)
    balance = MoneyField(source="account.balance", min_value=None, **AMOUNT)
    state = serializers.ChoiceField(choices=InvoiceState.choices, read_only=True)
    unprintable = UnprintableSerializer(many=True, read_only=True, help_text=UNPRINTABLE)
    lines = InvoiceLineSerializer(many=True, read_only=True)

    expressions = {
        "ticket": ticket_in("ticket_id"),
        "state": state_of(),
        "unprintable": unprintable_texts(),
    }

    class Meta:
        model = Invoice
        fields: tuple[str, ...] = (
            *("id", "number", "ticket", "customer", "issued_at", "issued_on", "due_on", "currency"),
            *("subtotal", "tax", "total", "tax_rounding", "prices_include_tax", "deposits"),
            *("credited", "paid", "refunded", "balance", "state", "unprintable", "lines"),
        )
        read_only_fields = fields


class CreditNoteLineSerializer(ShopSerializer):
    position = serializers.IntegerField(
        source="line.position", read_only=True, help_text="of the line on the invoice"
    )
    description = serializers.CharField(source="line.description", read_only=True)
    quantity = QuantityField(read_only=True)
    net = MoneyField(**AMOUNT)
    tax = MoneyField(**AMOUNT)

    class Meta:
        model = CreditNoteLine
        fields = ("position", "description", "quantity", "net", "tax", "restocked")
        read_only_fields = fields


class CreditNoteSerializer(ShopSerializer):
    ticket = NestedRelatedField(read_only=True, fields=("number",))
    customer = NestedRelatedField(read_only=True)
    invoice = NestedRelatedField(read_only=True, fields=("number",))
    issued_at = UTCField(read_only=True)
    subtotal = MoneyField(**AMOUNT)
    tax = MoneyField(**AMOUNT)
    total = MoneyField(**AMOUNT)
    unprintable = UnprintableSerializer(many=True, read_only=True, help_text=UNPRINTABLE)
    lines = CreditNoteLineSerializer(many=True, read_only=True)

    expressions = {"ticket": ticket_in("ticket_id"), "unprintable": unprintable_texts()}

    class Meta:
        model = CreditNote
        fields: tuple[str, ...] = (
            *(
                "id",
                "number",
                "invoice",
                "ticket",
                "customer",
                "issued_at",
                "issued_on",
                "currency",
                "reason",
            ),
            *("subtotal", "tax", "total", "unprintable", "lines"),
        )
        read_only_fields = fields


class PaymentSerializer(ShopSerializer):
    """Money that moved; ``effect`` is the amount with its sign: positive came in."""

    number = serializers.CharField(read_only=True)
    ticket = NestedRelatedField(read_only=True, fields=("number",))
    invoice = NestedRelatedField(read_only=True, fields=("number",), allow_null=True)
    customer = NestedRelatedField(read_only=True)
    amount = MoneyField(read_only=True)
    effect = MoneyField(read_only=True, min_value=None)
    reverses = serializers.CharField(
        source="reversed_number",
        read_only=True,
        allow_null=True,
        help_text="the number of the payment that this one reverses",
    )
    received_at = UTCField(read_only=True)
    unprintable = UnprintableSerializer(many=True, read_only=True, help_text=UNPRINTABLE)

    expressions = {
        "number": ReceiptNumber(F("pk")),
        "ticket": ticket_in("ticket_id"),
        "reverses": ReceiptNumber(F("reverses_id")),
        "unprintable": unprintable_texts(),
    }

    class Meta:
        model = Payment
        fields: tuple[str, ...] = (
            *(
                "id",
                "number",
                "ticket",
                "invoice",
                "customer",
                "kind",
                "method",
                "amount",
                "effect",
            ),
            *("reverses", "reference", "note", "received_at", "unprintable", "created_at"),
        )
        read_only_fields = fields
