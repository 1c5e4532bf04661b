"""Payments in the admin: read, and reversed by another row."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from mechanic_shop.accounts.requests import StaffRequest
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.buttons import ButtonForm, button, note_question
from mechanic_shop.admin.mixins import ReadOnly

from ..lifecycle.admin_format import link, money
from ..models import Payment
from . import reversals
from .action_serializers import ReverseSerializer
from .admin_columns import PaymentColumns
from .documents.receipts import receipt
from .pdf_button import pdf_link
from .reversals import why_irreversible


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

    @pdf_link("Receipt")
    def pdf(self, payment: Payment) -> dict[str, Any]:
        return receipt(payment)

    @button(
        "Reverse",
        ReverseForm,
        icon="undo",
        permission="tickets.refund_payment",
        when=lambda payment: why_irreversible(payment) is None,
    )
    def reverse(self, request: StaffRequest, payment: Payment, **answers: Any) -> str:
        row = reversals.reverse(payment, **answers, by=request.user)
        return f"{payment.number} is reversed by {row.number}."

    def describe(self, payment: Payment) -> str:
        return f"{payment.customer} · {payment.get_kind_display()}"


def is_reversed(payment: Payment) -> bool:
    return hasattr(payment, "reversal")
