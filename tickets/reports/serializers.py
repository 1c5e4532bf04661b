"""Reports as JSON, for the schema."""

from typing import Any

from rest_framework import serializers

from mechanic_shop.http.date_fields import UTCField
from mechanic_shop.http.number_fields import QuantityField

from ..models import JobStatus, PaymentKind
from ..work.money_fields import SignedMoneyField


class NumberField(QuantityField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 25, "read_only": True} | kwargs)


def dated(shape: type[serializers.Serializer]) -> dict[str, Any]:
    """The members of a report on some days."""
    return {
        "from": serializers.DateField(),
        "to": serializers.DateField(),
        "currency": serializers.CharField(),
        "rows": shape(many=True),
    }


class SmallMechanicSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class SmallCustomerSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class SalesKindsSerializer(serializers.Serializer):
    labor = SignedMoneyField()
    part = SignedMoneyField()
    sublet = SignedMoneyField()
    fee = SignedMoneyField()
    supplies = SignedMoneyField()
    trade_in = SignedMoneyField(help_text="what was taken in: less than 0")


class SalesTotalsSerializer(serializers.Serializer):
    """Invoices less credit notes, each on the day of its issue."""

    net = SignedMoneyField()
    tax = SignedMoneyField()
    total = SignedMoneyField()
    net_of = SalesKindsSerializer(help_text="the net by what it was for")
    invoices = serializers.IntegerField(help_text="issued; those credited since count, too")
    credit_notes = serializers.IntegerField()
    hours = NumberField(help_text="of labor, sold")
    labor_rate = SignedMoneyField(
        allow_null=True, help_text="the net of labor for each hour; null without hours"
    )


class SalesRowSerializer(SalesTotalsSerializer):
    period = serializers.CharField(
        allow_null=True, help_text="2026-03-09, 2026-W11 or 2026-03; null by mechanic"
    )
    starts_on = serializers.DateField(allow_null=True, help_text="of a week its Monday")
    mechanic = SmallMechanicSerializer(
        allow_null=True, help_text="null by day, week and month, and of labor that names none"
    )

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        return {name: found.pop(name) for name in ("period", "starts_on", "mechanic")} | found


class SalesSerializer(serializers.Serializer):
    vars().update(dated(SalesRowSerializer))
    by = serializers.ChoiceField(choices=["day", "week", "month", "mechanic"])
    totals = SalesTotalsSerializer()


class SmallPartSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()


class MarginTotalsSerializer(serializers.Serializer):
    net = SignedMoneyField()
    cost = SignedMoneyField()
    margin = SignedMoneyField(help_text="net less cost")
    margin_percent = serializers.DecimalField(
        8, 1, allow_null=True, help_text="of the net; null where that is 0"
    )


class MarginRowSerializer(MarginTotalsSerializer):
    part = SmallPartSerializer()
    quantity = NumberField()

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        return {name: found.pop(name) for name in ("part", "quantity")} | found


class MarginsSerializer(serializers.Serializer):
    vars().update(dated(MarginRowSerializer))
    totals = MarginTotalsSerializer()


class TaxTotalsSerializer(serializers.Serializer):
    base = SignedMoneyField()
    tax = SignedMoneyField()


class TaxRowSerializer(TaxTotalsSerializer):
    name = serializers.CharField(help_text="empty: not taxed")
    rate = serializers.DecimalField(6, 3, help_text="percent")
    number = serializers.CharField(help_text="the registration number")

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        return {name: found.pop(name) for name in ("name", "rate", "number")} | found


class TaxesSerializer(serializers.Serializer):
    vars().update(dated(TaxRowSerializer))
    totals = TaxTotalsSerializer()


class OwedSerializer(serializers.Serializer):
    not_due = SignedMoneyField()
    days_1_30 = SignedMoneyField(help_text="past due")
    days_31_60 = SignedMoneyField()
    days_61_90 = SignedMoneyField()
    over_90 = SignedMoneyField()
    due = SignedMoneyField(help_text="all that is open")
    credit = SignedMoneyField(help_text="what was paid or credited beyond what was owed")
    deposits = SignedMoneyField(help_text="paid in advance, on no invoice yet")
    balance = SignedMoneyField(help_text="due less credit less deposits")


class ReceivablesRowSerializer(OwedSerializer):
    customer = SmallCustomerSerializer()

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        return {"customer": found.pop("customer")} | found


class ReceivablesSerializer(serializers.Serializer):
    on = serializers.DateField(help_text="today, in the shop's time")
    currency = serializers.CharField()
    rows = ReceivablesRowSerializer(many=True)
    totals = OwedSerializer()


class DeferredTicketSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    number = serializers.CharField()


class DeferredCustomerSerializer(SmallCustomerSerializer):
    phone = serializers.CharField()
    email = serializers.CharField(allow_null=True)


class DeferredVehicleSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    plate = serializers.CharField()


class DeferredJobSerializer(serializers.Serializer):
    job = serializers.IntegerField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=[JobStatus.DECLINED, JobStatus.DEFERRED])
    decided_at = UTCField(allow_null=True, help_text="when the customer last said something to it")
    total = SignedMoneyField(
        help_text="what its lines come to, before the ticket's discount and tax"
    )
    ticket = DeferredTicketSerializer()
    customer = DeferredCustomerSerializer()
    vehicle = DeferredVehicleSerializer(allow_null=True)


class DeferredSumsSerializer(serializers.Serializer):
    jobs = serializers.IntegerField()
    total = SignedMoneyField()


class DeferredTotalsSerializer(DeferredSumsSerializer):
    declined = DeferredSumsSerializer()
    deferred = DeferredSumsSerializer()


class DeferredWorkSerializer(serializers.Serializer):
    currency = serializers.CharField()
    rows = DeferredJobSerializer(many=True, help_text="the newest 1000")
    totals = DeferredTotalsSerializer(help_text="of all of them")


class StatementEntrySerializer(serializers.Serializer):
    date = serializers.DateField(help_text="in the shop's time")
    kind = serializers.ChoiceField(
        choices=[
            "invoice",
            "credit_note",
            *(kind for kind in PaymentKind if kind != PaymentKind.APPLIED),
        ]
    )
    number = serializers.CharField(help_text="of the invoice, the credit note or the receipt")
    ticket = serializers.CharField(help_text="its number")
    debit = SignedMoneyField(help_text="what the customer owes more")
    credit = SignedMoneyField(help_text="what the customer owes less")
    balance = SignedMoneyField(help_text="after it")


class StatementSerializer(serializers.Serializer):
    customer = SmallCustomerSerializer()
    vars()["from"] = serializers.DateField()
    to = serializers.DateField()
    currency = serializers.CharField()
    opening = SignedMoneyField(
        help_text="what was owed before the first day; less than 0 is the customer's credit"
    )
    entries = StatementEntrySerializer(many=True)
    closing = SignedMoneyField()
    credit = SignedMoneyField(help_text="the customer's money that the shop holds now")
