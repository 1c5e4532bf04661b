"""Invoices in the admin: read, paid, refunded and credited; never changed."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter
from unfold.decorators import display

from mechanic_shop.accounts.requests import StaffRequest
from mechanic_shop.admin.buttons import button
from mechanic_shop.admin.formatting import in_one_line
from mechanic_shop.admin.inlines import ReadOnlyInline

from ..lifecycle.admin_format import day_of, link, money, state_badge, sum_of_money
from ..models import CreditNote, Invoice, InvoiceState, Payment
from . import credit_notes, payments
from . import credits as customer_credits
from .admin_columns import DocumentColumns, PaymentColumns
from .credit_form import CreditForm
from .credits import available_credit
from .document_admin import DocumentAdmin
from .estimate_panel import account
from .payment_forms import ApplyCreditForm, PayForm, RefundForm, paid

UNPAID = (InvoiceState.OVERDUE, InvoiceState.OPEN)


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("unpaid", "Unpaid"), *((state.value, state.label) for state in InvoiceState)]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        if self.value() == "unpaid":
            return queryset.in_states(UNPAID)
        return (
            queryset.in_states([self.value()]) if self.value() in InvoiceState.values else queryset
        )


class PaymentsInline(PaymentColumns, ReadOnlyInline):
    model = Payment
    verbose_name_plural = "Payments"
    fields = (
        "receipt_number",
        "kind_shown",
        "amount_shown",
        "method",
        "when",
        "reference",
        "note",
        "by_whom",
    )
    readonly_fields = ("receipt_number", "kind_shown", "amount_shown", "when", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by").order_by("pk")

    @display(description="Receipt")
    def receipt_number(self, payment: Payment) -> str:
        return link("tickets_payment", payment.pk, payment.number)


class CreditNotesInline(DocumentColumns, ReadOnlyInline):
    model = CreditNote
    verbose_name_plural = "Credit notes"
    fk_name = "invoice"
    fields = ("note_number", "issued", "reason", "total_shown", "by_whom")
    readonly_fields = ("note_number", "issued", "total_shown", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by").order_by("pk")

    @display(description="Number")
    def note_number(self, note: CreditNote) -> str:
        return link("tickets_creditnote", note.pk, note.number)


@admin.register(Invoice)
class InvoiceAdmin(DocumentAdmin):
    search_icon = "receipt_long"
    list_display = (
        "named",
        "state_shown",
        "customer",
        "of_ticket",
        "issued",
        "due",
        "total_shown",
        "balance",
    )
    list_filter = (StateFilter, "issued_on", ("customer", AutocompleteSelectFilter))
    inlines = (PaymentsInline, CreditNotesInline)
    actions_detail = (
        "pay",
        "apply_credit",
        "pdf",
        "email",
        {"title": "Give back", "icon": "undo", "items": ["credit", "refund"]},
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("named", "state_shown", "issued", "due"),
                    ("customer", "of_ticket", "by_whom"),
                )
            },
        ),
    )
    readonly_fields = ("named", "state_shown", "issued", "due", "of_ticket", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).with_account().select_related("by")

    def detail_panel(self, request: HttpRequest, invoice: Invoice) -> dict[str, Any]:
        panel = super().detail_panel(request, invoice)
        return panel | {"sums": panel["sums"] + account(invoice)}

    def primary_action(self, invoice: Invoice) -> str:
        return "pay"

    @display(description="State")
    def state_shown(self, invoice: Invoice) -> str:
        return state_badge(invoice)

    @display(description="Due", ordering="due_on")
    def due(self, invoice: Invoice) -> str:
        return in_one_line(day_of(invoice.due_on))

    @display(description="Balance", ordering="account__balance")
    def balance(self, invoice: Invoice) -> str:
        return sum_of_money(invoice.account.balance, invoice.currency)

    @button(
        "Pay",
        PayForm,
        icon="payments",
        permission="tickets.add_payment",
        when=lambda invoice: invoice.account.balance > 0,
    )
    def pay(self, request: StaffRequest, invoice: Invoice, **answers: Any) -> str:
        return paid(payments.pay(invoice, **answers, by=request.user))

    @button(
        "Apply credit",
        ApplyCreditForm,
        icon="currency_exchange",
        permission="tickets.add_payment",
        when=lambda invoice: invoice.account.balance > 0 and available_credit(invoice) > 0,
    )
    def apply_credit(self, request: StaffRequest, invoice: Invoice, **answers: Any) -> str:
        due = customer_credits.apply_credit(invoice, **answers, by=request.user).account.balance
        return f"Credit is applied: {money(due, invoice.currency)} of {invoice.number} are to pay."

    @button(
        "Pay back",
        RefundForm,
        icon="undo",
        permission="tickets.refund_payment",
        when=lambda invoice: invoice.account.paid > invoice.account.refunded,
    )
    def refund(self, request: StaffRequest, invoice: Invoice, **answers: Any) -> str:
        return paid(payments.refund(invoice, **answers, by=request.user))

    @button(
        "Credit note",
        CreditForm,
        icon="contract_delete",
        permission="tickets.add_creditnote",
        when=lambda invoice: invoice.state != InvoiceState.CREDITED,
    )
    def credit(self, request: StaffRequest, invoice: Invoice, **answers: Any) -> str:
        note = credit_notes.credit(invoice, **answers, by=request.user)
        return f"{note.number} takes back {money(note.total, note.currency)} of {invoice.number}."
