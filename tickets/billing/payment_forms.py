"""What the buttons about money ask."""

from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from mechanic_shop.admin.buttons import ButtonForm, note_question

from ..lifecycle.admin_format import money
from ..models import Invoice, Method, Payment, ServiceTicket
from ..work.button_questions import money_question
from .action_serializers import (
    ApplyCreditSerializer,
    PaySerializer,
    SendSerializer,
    TakeMoneySerializer,
)
from .credits import available_credit


class MoneyForm(ButtonForm):
    """Money that comes or goes."""

    serializer_class = TakeMoneySerializer
    amount = money_question(required=True)
    method = forms.ChoiceField(
        choices=Method.choices, initial=Method.CARD, widget=UnfoldAdminSelectWidget
    )
    reference = forms.CharField(
        max_length=100,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="of the card slip, transfer or check",
    )
    note = note_question()
    received_at = forms.SplitDateTimeField(
        required=False,
        label="When",
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="now, when left empty",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].initial = self.most() or None

    def most(self) -> Decimal:
        """What is usually paid."""
        return Decimal(0)


def keep_question() -> forms.BooleanField:
    return forms.BooleanField(
        required=False,
        label="Keep as credit",
        widget=UnfoldBooleanSwitchWidget,
        help_text="more than is due becomes the customer's credit",
    )


class PayForm(MoneyForm):
    """On an invoice, or on a ticket's last one."""

    serializer_class = PaySerializer
    keep_as_credit = keep_question()

    def invoice(self) -> Invoice | None:
        return self.obj if isinstance(self.obj, Invoice) else last_invoice(self.obj)

    def most(self) -> Decimal:
        invoice = self.invoice()
        return max(Decimal(0), invoice.account.balance) if invoice else Decimal(0)

    def notes(self) -> list[str]:
        invoice = self.invoice()
        if invoice is None:
            return []
        credit = available_credit(invoice)
        applicable = (
            [f"{money(credit, invoice.currency)} of the customer's credit can be applied instead."]
            if credit
            else []
        )
        return [
            f"{money(invoice.account.balance, invoice.currency)} of {invoice.number} are to pay.",
            *applicable,
        ]


class RefundForm(MoneyForm):
    """Of an invoice: what was paid too much is proposed, all that was paid is possible."""

    def most(self) -> Decimal:
        return max(Decimal(0), -self.obj.account.balance)

    def notes(self) -> list[str]:
        paid = self.obj.account.received
        return [
            (
                f"{money(paid, self.obj.currency)} were paid on {self.obj.number}, "
                f"{money(self.most(), self.obj.currency)} of it too much."
            )
        ]


class ApplyCreditForm(ButtonForm):
    serializer_class = ApplyCreditSerializer
    amount = money_question(
        required=False, help_text="as much as is due and there, when left empty"
    )

    def notes(self) -> list[str]:
        invoice = self.obj
        return [
            f"{money(available_credit(invoice), invoice.currency)} of the customer's "
            f"credit are there, "
            f"{money(invoice.account.balance, invoice.currency)} of {invoice.number} are to pay."
        ]


class SendForm(ButtonForm):
    serializer_class = SendSerializer
    to = forms.CharField(
        max_length=254,
        required=False,
        widget=UnfoldAdminEmailInputWidget,
        help_text="the customer's address, when left empty",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].initial = self.obj.customer.email

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().run_serializer({name: value for name, value in sent.items() if value})


def last_invoice(ticket: ServiceTicket) -> Invoice | None:
    return ticket.invoices.select_related("account", "ticket").order_by("-pk").first()


def paid(payment: Payment) -> str:
    back = payment.effect < 0
    return (
        f"{money(payment.amount)} {'paid back' if back else 'received'}: "
        f"{payment.number}.{in_latin(payment)}"
    )


def in_latin(row: Invoice | Payment) -> str:
    """What the document prints in Latin letters, for the message behind a button."""
    texts = [f"“{each['text'][:60]}” as “{each['printed'][:60]}”" for each in row.unprintable]
    return f" No font holds all of its texts, so it prints {', '.join(texts[:5])}." if texts else ""
