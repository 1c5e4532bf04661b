"""The ticket's buttons for its money."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from mechanic_shop.accounts.requests import StaffRequest
from mechanic_shop.admin.buttons import ButtonForm, button, note_question

from ..lifecycle.admin_format import money
from ..models import CLOSED_STATUSES, ServiceTicket, Status
from ..work import tickets
from ..work.button_questions import CHANGE, is_open, money_question
from ..work.ticket_serializers import DiscountSerializer
from . import estimates, invoices, payments
from .action_serializers import IssueSerializer, PaySerializer
from .documents import mail
from .invoice_balances import open_deposits
from .payment_forms import MoneyForm, PayForm, SendForm, in_latin, keep_question, last_invoice, paid
from .payments import without_invoice
from .pdf_button import pdf_link


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


class DepositForm(MoneyForm):
    serializer_class = PaySerializer
    keep_as_credit = keep_question()


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
    def give_discount(self, request: StaffRequest, ticket: ServiceTicket, **answers: Any) -> str:
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
    def invoice(self, request: StaffRequest, ticket: ServiceTicket, **answers: Any) -> str:
        issued = invoices.issue_invoice(ticket, **answers, by=request.user)
        return (
            f"{issued.number} is issued: {money(issued.account.balance, issued.currency)} are to "
            f"pay.{in_latin(issued)}"
        )

    @button(
        "Pay",
        PayForm,
        icon="payments",
        permission="tickets.add_payment",
        when=lambda ticket: ticket.status == Status.INVOICED,
    )
    def pay(self, request: StaffRequest, ticket: ServiceTicket, **answers: Any) -> str:
        invoice = last_invoice(ticket)
        if invoice is None:
            raise without_invoice(ticket)
        return paid(payments.pay(invoice, **answers, by=request.user))

    @button(
        "Deposit",
        DepositForm,
        icon="savings",
        permission="tickets.add_payment",
        when=lambda ticket: ticket.status not in CLOSED_STATUSES,
    )
    def take_deposit(self, request: StaffRequest, ticket: ServiceTicket, **answers: Any) -> str:
        return paid(payments.deposit(ticket, **answers, by=request.user))

    @button(
        "Pay a deposit back",
        RefundDepositForm,
        icon="undo",
        permission="tickets.refund_payment",
        when=has_deposits,
    )
    def refund_deposit(self, request: StaffRequest, ticket: ServiceTicket, **answers: Any) -> str:
        return paid(payments.refund_deposit(ticket, **answers, by=request.user))

    @button("E-mail the estimate", SendForm, icon="mail", permission=CHANGE, when=is_open)
    def email_estimate(
        self, request: HttpRequest, ticket: ServiceTicket, to: str | None = None
    ) -> str:
        return (
            f"The estimate goes to "
            f"{mail.send_document(estimates.estimate(ticket), ticket.customer, to)}."
        )

    @pdf_link("Estimate as PDF")
    def estimate_pdf(self, ticket: ServiceTicket) -> dict[str, Any]:
        return estimates.estimate(ticket)
