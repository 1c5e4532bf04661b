"""Invoices, credit notes and payments: read here, and made by the operations behind the
buttons; never changed.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanSwitchWidget

from inventory.operations import show
from mechanic_shop.admin.base import (
    DetailPanelMixin,
    ReadOnly,
    ReadOnlyInline,
    ShopModelAdmin,
    badge,
    in_one_line,
    moment,
)
from mechanic_shop.admin.buttons import ButtonForm, button, note_question, quantity_question

from ..lifecycle.admin_format import (
    KIND_COLORS,
    day_of,
    link,
    money,
    price,
    state_badge,
    sum_of_money,
)
from ..models import CreditNote, Invoice, InvoiceState, Payment, PaymentKind
from . import credits as customer_credits
from . import invoices, payments, reversals
from .credits import available_credit
from .documents import mail
from .documents.receipts import receipt
from .estimate_panel import account, paper_sheet
from .invoices import left_of
from .payment_forms import ApplyCreditForm, PayForm, RefundForm, SendForm, paid
from .pdf_button import paper
from .reversals import why_irreversible
from .serializers import CreditSerializer, ReverseSerializer

UNPAID = (InvoiceState.OVERDUE, InvoiceState.OPEN)
ALL, SOME = "all", "lines"

# --- what the buttons ask -------------------------------------------------------------


class CreditForm(ButtonForm):
    serializer_class = CreditSerializer
    reason = note_question(required=True, help_text="stands on the credit note")
    what = forms.ChoiceField(
        choices=[(ALL, "All that is left"), (SOME, "Only the quantities below")],
        initial=ALL,
        label="Credit",
        widget=UnfoldAdminRadioSelectWidget,
    )
    restock = forms.BooleanField(
        required=False,
        label="Parts go back on the shelf",
        widget=UnfoldBooleanSwitchWidget,
        help_text="when the customer gives them back",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines: dict[str, int] = {}
        self.sent: list[str] = []
        for line, before in left_of(self.obj).values():
            self.lines[f"line_{line.position}"] = line.position
            left = line.quantity - before
            note = (
                (
                    f"{show(left)} of {show(line.quantity)} left, at "
                    f"{price(line.unit_price, self.obj.currency)}"
                )
                if left
                else "credited already"
            )
            self.fields[f"line_{line.position}"] = quantity_question(
                required=False, label=f"{line.position}. {line.description}", help_text=note
            )

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        quantities = {name: sent.pop(name) for name in self.lines if name in sent}
        what = sent.pop("what", ALL)
        if what == SOME and not quantities:
            raise forms.ValidationError("Say how many of which line are credited.")
        if what == ALL and quantities:
            raise forms.ValidationError(
                "All that is left, or only these quantities? Choose one, or empty the boxes."
            )
        self.sent = list(quantities)
        super().obey(
            sent
            | {
                "lines": [
                    {"line": self.lines[name], "quantity": quantity}
                    for name, quantity in quantities.items()
                ]
            }
        )

    def complain(self, errors: Any) -> None:
        """What is wrong with a line stands at its box."""
        lines = errors.get("lines", {})
        at_boxes = {
            self.sent[place]: details for place, details in lines.items() if isinstance(place, int)
        }
        super().complain(
            {name: details for name, details in errors.items() if name != "lines" or not at_boxes}
            | at_boxes
        )

    def refuse(self, refusal: Any) -> None:
        """The operation names a line by its place in the list that it was sent:
        lines.0.quantity.
        """
        words = getattr(refusal, "field", "").split(".")
        if words[0] == "lines":
            refusal.field = self.sent[int(words[1])]
        super().refuse(refusal)


class ReverseForm(ButtonForm):
    serializer_class = ReverseSerializer
    note = note_question(required=True, help_text="why: a mistake, a check that bounced")

    def notes(self) -> list[str]:
        return [
            (
                f"{self.obj.number} stays as it is; another row of {money(self.obj.amount)} "
                f"takes it back."
            )
        ]


# --- lists and pages ------------------------------------------------------------------


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


class MoneyColumns:
    """What papers and payments tell in the same way."""

    @display(description="Number", ordering="pk")
    def named(self, row: Any) -> str:
        return in_one_line(row.number)

    @display(description="Ticket", ordering="ticket")
    def of_ticket(self, row: Any) -> str:
        return link("tickets_serviceticket", row.ticket_id, row.ticket.number)

    @display(description="Invoice", ordering="invoice")
    def of_invoice(self, row: Any) -> str:
        return (
            link("tickets_invoice", row.invoice_id, row.invoice.number) if row.invoice_id else "–"
        )

    @display(description="By")
    def by_whom(self, row: Any) -> str:
        return str(row.by or "–")


class PaperColumns(MoneyColumns):
    @display(description="Total", ordering="total")
    def total_shown(self, row: Any) -> str:
        return sum_of_money(row.total, row.currency)

    @display(description="Issued", ordering="issued_on")
    def issued(self, row: Any) -> str:
        return in_one_line(day_of(row.issued_on))


class PaymentColumns(MoneyColumns):
    @display(description="What", ordering="kind")
    def kind_shown(self, payment: Payment) -> str:
        return badge(payment.get_kind_display(), KIND_COLORS.get(PaymentKind(payment.kind), ""))

    @display(description="Amount", ordering="effect")
    def amount_shown(self, payment: Payment) -> str:
        return sum_of_money(payment.effect)

    @display(description="When", ordering="received_at")
    def when(self, payment: Payment) -> str:
        return in_one_line(moment(payment.received_at))


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


class CreditNotesInline(PaperColumns, ReadOnlyInline):
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


class PaperAdmin(PaperColumns, DetailPanelMixin, ReadOnly, ShopModelAdmin):
    """A paper's list and its page."""

    panel_template = "admin/tickets/sheet.html"
    search_fields = ("number",)
    search_help_text = "Number, or that of the ticket"
    lookups = ("customer", "ticket")
    ordering = ("-pk",)

    def panel(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return paper_sheet(row.document)

    @paper()
    def pdf(self, row: Any) -> dict[str, Any]:
        return row.document

    @button("E-mail", SendForm, icon="mail", permission="tickets.add_invoice")
    def email(self, request: HttpRequest, row: Any, to: str | None = None) -> str:
        return f"{row.number} goes to {mail.send_document(row.document, row.customer, to)}."

    def describe(self, row: Any) -> str:
        return f"{row.customer} · {money(row.total, row.currency)}"


@admin.register(Invoice)
class InvoiceAdmin(PaperAdmin):
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

    def panel(self, request: HttpRequest, invoice: Invoice) -> dict[str, Any]:
        found = super().panel(request, invoice)
        return found | {"sums": found["sums"] + account(invoice)}

    def lead(self, invoice: Invoice) -> str:
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
    def pay(self, request: HttpRequest, invoice: Invoice, **answers: Any) -> str:
        return paid(payments.pay(invoice, **answers, by=request.user))

    @button(
        "Apply credit",
        ApplyCreditForm,
        icon="currency_exchange",
        permission="tickets.add_payment",
        when=lambda invoice: invoice.account.balance > 0 and available_credit(invoice) > 0,
    )
    def apply_credit(self, request: HttpRequest, invoice: Invoice, **answers: Any) -> str:
        due = customer_credits.apply_credit(invoice, **answers, by=request.user).account.balance
        return f"Credit is applied: {money(due, invoice.currency)} of {invoice.number} are to pay."

    @button(
        "Pay back",
        RefundForm,
        icon="undo",
        permission="tickets.refund_payment",
        when=lambda invoice: invoice.account.paid > invoice.account.refunded,
    )
    def refund(self, request: HttpRequest, invoice: Invoice, **answers: Any) -> str:
        return paid(payments.refund(invoice, **answers, by=request.user))

    @button(
        "Credit note",
        CreditForm,
        icon="contract_delete",
        permission="tickets.add_creditnote",
        when=lambda invoice: invoice.state != InvoiceState.CREDITED,
    )
    def credit(self, request: HttpRequest, invoice: Invoice, **answers: Any) -> str:
        note = invoices.credit(invoice, **answers, by=request.user)
        return f"{note.number} takes back {money(note.total, note.currency)} of {invoice.number}."


@admin.register(CreditNote)
class CreditNoteAdmin(PaperAdmin):
    search_icon = "contract_delete"
    list_display = (
        "named",
        "of_invoice",
        "customer",
        "of_ticket",
        "issued",
        "reason",
        "total_shown",
    )
    list_select_related = ("customer", "ticket", "invoice", "by")
    list_filter = ("issued_on", ("customer", AutocompleteSelectFilter))
    lookups = ("customer", "ticket", "invoice")
    actions_detail = ("pdf", "email")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("named", "of_invoice", "issued", "customer"),
                    ("of_ticket", "by_whom", "reason"),
                )
            },
        ),
    )
    readonly_fields = ("named", "of_invoice", "issued", "of_ticket", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "ticket", "invoice", "by")


@admin.register(Payment)
class PaymentAdmin(PaymentColumns, ReadOnly, ShopModelAdmin):
    search_icon = "payments"
    search_fields = ("reference", "customer__name")
    search_help_text = "Reference or customer"
    list_display = (
        "named",
        "kind_shown",
        "amount_shown",
        "method",
        "customer",
        "of_ticket",
        "of_invoice",
        "when",
        "reference",
        "by_whom",
    )
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("method", ChoicesDropdownFilter),
        "received_at",
        ("customer", AutocompleteSelectFilter),
    )
    lookups = ("customer", "ticket", "invoice")
    ordering = ("-pk",)
    actions_detail = ("pdf", "reverse")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("named", "kind_shown", "amount_shown", "method"),
                    ("customer", "of_ticket", "of_invoice"),
                )
            },
        ),
        ("More", {"fields": (("when", "by_whom"), ("reference", "note", "undone"))}),
    )
    readonly_fields = (
        "named",
        "kind_shown",
        "amount_shown",
        "of_ticket",
        "of_invoice",
        "when",
        "by_whom",
        "undone",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        related = (
            "customer",
            "ticket__customer",
            "ticket__vehicle",
            "invoice",
            "by",
            "reversal",
            "reverses",
        )
        return super().get_queryset(request).select_related(*related).defer("invoice__document")

    @display(description="Reversed")
    def undone(self, payment: Payment) -> str:
        if payment.reverses_id:
            return link(
                "tickets_payment", payment.reverses_id, f"takes back {payment.reversed_number}"
            )
        return (
            link("tickets_payment", payment.reversal.pk, f"by {payment.reversal.number}")
            if is_reversed(payment)
            else "–"
        )

    @paper("Receipt")
    def pdf(self, payment: Payment) -> dict[str, Any]:
        return receipt(payment)

    @button(
        "Reverse",
        ReverseForm,
        icon="undo",
        permission="tickets.refund_payment",
        when=lambda payment: why_irreversible(payment) is None,
    )
    def reverse(self, request: HttpRequest, payment: Payment, **answers: Any) -> str:
        row = reversals.reverse(payment, **answers, by=request.user)
        return f"{payment.number} is reversed by {row.number}."

    def describe(self, payment: Payment) -> str:
        return f"{payment.customer} · {payment.get_kind_display()}"


def is_reversed(payment: Payment) -> bool:
    return hasattr(payment, "reversal")
