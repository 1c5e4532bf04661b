"""The ticket's buttons for its money, and what buttons about money ask."""

from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from mechanic_shop.admin.buttons import ButtonForm, button, note_question

from ..lifecycle.admin_format import money
from ..models import CLOSED_STATUSES, Invoice, Method, ServiceTicket, Status
from ..work import tickets
from ..work.button_questions import CHANGE, is_open, money_question
from ..work.job_serializers import DiscountSerializer
from . import estimates, invoices, payments
from .credits import available_credit
from .documents import mail
from .payments import open_deposits, without_invoice
from .pdf_button import paper
from .serializers import (
    ApplyCreditSerializer,
    IssueSerializer,
    PaySerializer,
    SendSerializer,
    TakeMoneySerializer,
)

# --- what the buttons ask -------------------------------------------------------------


class DiscountForm(ButtonForm):
    serializer_class = DiscountSerializer
    discount_percent = money_question(label="Percent")
    discount_amount = money_question(label="or an amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("discount_percent", "discount_amount"):
            self.fields[name].initial = getattr(self.obj, name) or None

    def notes(self) -> list[str]:
        return ["Off the whole ticket, before tax. Leave both empty to take the discount back."]


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


class DepositForm(MoneyForm):
    serializer_class = PaySerializer
    keep_as_credit = keep_question()


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
        told = (
            [f"{money(credit, invoice.currency)} of the customer's credit can be applied instead."]
            if credit
            else []
        )
        return [
            f"{money(invoice.account.balance, invoice.currency)} of {invoice.number} are to pay.",
            *told,
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


class RefundDepositForm(MoneyForm):
    def most(self) -> Decimal:
        return open_deposits(self.obj)


class IssueForm(ButtonForm):
    serializer_class = IssueSerializer
    reason = note_question(label="Note", help_text="kept in the history")

    def notes(self) -> list[str]:
        total = estimates.estimate(self.obj)["authorized"]["total"]
        return [
            (
                f"{self.obj.number} comes to {money(total)} today. An invoice is never "
                f"changed: a credit note takes it back."
            )
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

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().obey({name: value for name, value in sent.items() if value})


# --- the buttons ----------------------------------------------------------------------


def last_invoice(ticket: ServiceTicket) -> Invoice | None:
    return ticket.invoices.select_related("account", "ticket").order_by("-pk").first()


def has_deposits(ticket: ServiceTicket) -> bool:
    return open_deposits(ticket) > 0


class MoneyButtons:
    """Buttons of the ticket's page."""

    @button(
        "Discount",
        DiscountForm,
        icon="percent",
        permission=CHANGE,
        when=lambda ticket: ticket.status not in CLOSED_STATUSES,
    )
    def give_discount(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        tickets.give_discount(ticket, **answers, by=request.user)
        percent, amount = answers["discount_percent"], answers["discount_amount"]
        return f"{ticket.number}: {f'{percent.normalize():f} %' if percent else money(amount)} off."

    @button(
        "Invoice",
        IssueForm,
        icon="receipt_long",
        permission="tickets.add_invoice",
        when=lambda ticket: ticket.status == Status.COMPLETED,
    )
    def invoice(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        found = invoices.issue_invoice(ticket, **answers, by=request.user)
        return (
            f"{found.number} is issued: {money(found.account.balance, found.currency)} are to "
            f"pay.{in_latin(found)}"
        )

    @button(
        "Pay",
        PayForm,
        icon="payments",
        permission="tickets.add_payment",
        when=lambda ticket: ticket.status == Status.INVOICED,
    )
    def pay(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        found = last_invoice(ticket)
        if found is None:
            raise without_invoice(ticket)
        return paid(payments.pay(found, **answers, by=request.user))

    @button(
        "Deposit",
        DepositForm,
        icon="savings",
        permission="tickets.add_payment",
        when=lambda ticket: ticket.status not in CLOSED_STATUSES,
    )
    def take_deposit(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        return paid(payments.deposit(ticket, **answers, by=request.user))

    @button(
        "Pay a deposit back",
        RefundDepositForm,
        icon="undo",
        permission="tickets.refund_payment",
        when=has_deposits,
    )
    def refund_deposit(self, request: HttpRequest, ticket: ServiceTicket, **answers: Any) -> str:
        return paid(payments.refund_deposit(ticket, **answers, by=request.user))

    @button("E-mail the estimate", SendForm, icon="mail", permission=CHANGE, when=is_open)
    def email_estimate(
        self, request: HttpRequest, ticket: ServiceTicket, to: str | None = None
    ) -> str:
        return (
            f"The estimate goes to "
            f"{mail.send_document(estimates.estimate(ticket), ticket.customer, to)}."
        )

    @paper("Estimate as PDF")
    def estimate_pdf(self, ticket: ServiceTicket) -> dict[str, Any]:
        return estimates.estimate(ticket)


def paid(payment: Any) -> str:
    back = payment.effect < 0
    return (
        f"{money(payment.amount)} {'paid back' if back else 'received'}: "
        f"{payment.number}.{in_latin(payment)}"
    )


def in_latin(row: Any) -> str:
    """What the document prints in Latin letters, for the message behind a button."""
    texts = [f"“{each['text'][:60]}” as “{each['printed'][:60]}”" for each in row.unprintable]
    return f" No font holds all of its texts, so it prints {', '.join(texts[:5])}." if texts else ""
