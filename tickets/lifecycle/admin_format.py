"""How the admin writes money, and in which colors it shows what became of things."""

from datetime import date
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as in_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mechanic_shop.admin.formatting import badge, in_one_line

from ..models import Invoice, InvoiceState, JobStatus, PaymentKind, ServiceTicket, Status
from ..pricing import amounts
from ..pricing import money_format as written

COLORS = {
    Status.ESTIMATE: "",
    Status.APPROVED: "info",
    Status.IN_PROGRESS: "primary",
    Status.COMPLETED: "success",
    Status.INVOICED: "warning",
    Status.CLOSED: "",
    Status.CANCELLED: "danger",
}
JOB_COLORS = {
    JobStatus.PROPOSED: "warning",
    JobStatus.APPROVED: "info",
    JobStatus.DONE: "success",
    JobStatus.DECLINED: "danger",
}
STATE_COLORS = {
    InvoiceState.OPEN: "info",
    InvoiceState.OVERDUE: "danger",
    InvoiceState.PAID: "success",
}
KIND_COLORS = {
    PaymentKind.PAYMENT: "success",
    PaymentKind.DEPOSIT: "info",
    PaymentKind.REFUND: "warning",
    PaymentKind.REVERSAL: "danger",
}


def money(amount: Decimal | str, currency: str = "") -> str:
    """As the shop's region writes it: $1,234.50."""
    return written.money(amounts.money(Decimal(amount)), currency or settings.SHOP_CURRENCY)


def price(amount: Decimal | str, currency: str = "") -> str:
    """Of one unit, with all its decimals: $1.215."""
    return written.money(amounts.price(Decimal(amount)), currency or settings.SHOP_CURRENCY)


def sum_of_money(amount: Decimal | str, currency: str = "") -> SafeString:
    """In a column of a list."""
    return in_one_line(money(amount, currency))


def status_badge(ticket: ServiceTicket) -> SafeString:
    return badge(ticket.get_status_display(), COLORS[Status(ticket.status)])


def job_badge(status: str) -> SafeString:
    return badge(JobStatus(status).label, JOB_COLORS.get(JobStatus(status), ""))


def state_badge(invoice: Invoice) -> SafeString:
    state = InvoiceState(invoice.state)
    return badge(state.label, STATE_COLORS.get(state, ""))


def page_of(page: str, pk: int) -> str:
    return reverse(f"admin:{page}_change", args=(pk,))


def link(page: str, pk: int, text: str) -> SafeString:
    return format_html(
        '<a class="text-link whitespace-nowrap" href="{}">{}</a>', page_of(page, pk), text
    )


def day_of(day: date) -> str:
    """As short as it can be told: "Nov 21"; with the year when it is another one."""
    return in_format(day, "M j" if day.year == timezone.localdate().year else "M j, Y")
