"""Columns that invoices, credit notes and payments share in the admin."""

from typing import Any

from unfold.decorators import display

from mechanic_shop.admin.formatting import badge, in_one_line, moment

from ..lifecycle.admin_format import KIND_COLORS, day_of, link, sum_of_money
from ..models import Payment, PaymentKind


class MoneyColumns:
    """The columns of documents and payments alike."""

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


class DocumentColumns(MoneyColumns):
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
