"""Invoices and credit notes as documents in the admin, and the pages of credit notes."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.buttons import button
from mechanic_shop.admin.mixins import DetailPanelMixin, ReadOnly

from ..lifecycle.admin_format import money
from ..models import CreditNote
from .admin_columns import DocumentColumns
from .documents import mail
from .estimate_panel import document_panel
from .payment_forms import SendForm
from .pdf_button import pdf_link


class DocumentAdmin(DocumentColumns, DetailPanelMixin, ReadOnly, ShopModelAdmin):
    """A document's list and its page."""

    panel_template = "admin/tickets/sheet.html"
    search_fields = ("number",)
    search_help_text = "Number, or that of the ticket"
    lookups: ClassVar[tuple[str, ...]] = ("customer", "ticket")
    ordering = ("-pk",)

    def detail_panel(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return document_panel(row.document)

    @pdf_link()
    def pdf(self, row: Any) -> dict[str, Any]:
        return row.document

    @button("E-mail", SendForm, icon="mail", permission="tickets.add_invoice")
    def email(self, request: HttpRequest, row: Any, to: str | None = None) -> str:
        return f"{row.number} goes to {mail.send_document(row.document, row.customer, to)}."

    def describe(self, row: Any) -> str:
        return f"{row.customer} · {money(row.total, row.currency)}"


@admin.register(CreditNote)
class CreditNoteAdmin(DocumentAdmin):
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
