"""The first page of the admin: the shop's day, in a fixed number of queries."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from inventory.models import Part
from inventory.quantities import show
from mechanic_shop.accounts.models import User
from mechanic_shop.admin.formatting import badge, moment
from mechanic_shop.dates import day_end, day_start

from ..lifecycle.admin_format import day_of, money
from ..models import Invoice, Job, JobStatus, ServiceTicket, Status, TicketPart
from ..pricing import arithmetic
from ..reports import chart, daily_sales

ROWS = 8  # of each list; its title leads to all
DAYS = 30  # of sales


def shops_day(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: what each permission of the user allows to see."""
    user: User | AnonymousUser = request.user
    tables = []
    if user.has_perm("tickets.view_serviceticket"):
        context["states"] = states()
        tables += [promised_today(), waiting_for_word(), on_hold(), waiting_for_parts()]
    if user.has_perm("tickets.view_invoice"):
        context["sales"] = sales_of_late()
        tables.append(unpaid_invoices())
    if user.has_perm("inventory.view_part"):
        tables.append(low_stock())
    return context | {"tables": tables}


def states() -> list[dict[str, Any]]:
    """How many tickets are in each status in which somebody still has something to do."""
    shown = (
        Status.ESTIMATE,
        Status.APPROVED,
        Status.IN_PROGRESS,
        Status.COMPLETED,
        Status.INVOICED,
    )
    counts = dict(
        ServiceTicket.objects.filter(status__in=shown)
        .order_by()
        .values_list("status")
        .annotate(Count("pk"))
    )
    return [
        {
            "title": status.label,
            "count": counts.get(status, 0),
            "link": tickets_where(status__exact=status),
        }
        for status in shown
    ]


def promised_today() -> dict[str, Any]:
    """Cars that their owners come for today, and those that should have been ready
    before.
    """
    today = timezone.localdate()
    due = (
        ServiceTicket.objects.open()
        .filter(promised_at__lt=day_end(today))
        .order_by("promised_at", "pk")
    )
    rows = [(*named(ticket), at(ticket.promised_at, day_start(today))) for ticket in some(due)]
    return table(
        "Promised today or late",
        "schedule",
        tickets_where(promised="due"),
        ("Ticket", "Customer", "Vehicle", "Promised"),
        rows,
    )


def waiting_for_word() -> dict[str, Any]:
    """Whom to call: their tickets have jobs to which they have said nothing yet."""
    proposed = Prefetch(
        "jobs", Job.objects.filter(status=JobStatus.PROPOSED).order_by("position", "pk")
    )
    tickets = some(ServiceTicket.objects.undecided().order_by("opened_at", "pk")).prefetch_related(
        proposed
    )
    rows = [
        (
            *named(ticket)[:2],
            cell(ticket.customer.phone or "–"),
            ", ".join(job.title for job in ticket.jobs.all()),
        )
        for ticket in tickets
    ]
    return table(
        "Waiting for the customer's approval",
        "call",
        tickets_where(waits="word"),
        ("Ticket", "Customer", "Phone", "Jobs"),
        rows,
    )


def unpaid_invoices() -> dict[str, Any]:
    """Those that have been due for the longest first."""
    today = timezone.localdate()
    open_ones = (
        Invoice.objects.with_account()
        .filter(account__balance__gt=0)
        .defer("document")
        .order_by("due_on", "pk")[:ROWS]
    )
    rows = [
        (
            cell(invoice.number, "tickets_invoice", invoice.pk),
            cell(invoice.customer.name),
            cell(money(invoice.account.balance, invoice.currency)),
            cell(
                badge(day_of(invoice.due_on), "danger")
                if invoice.due_on < today
                else day_of(invoice.due_on)
            ),
        )
        for invoice in open_ones
    ]
    address = reverse("admin:tickets_invoice_changelist", query={"state": "unpaid"})
    return table(
        "Unpaid invoices", "receipt_long", address, ("Invoice", "Customer", "To pay", "Due"), rows
    )


def sales_of_late() -> dict[str, Any]:
    """What was sold in the last days, without tax, less what was credited."""
    days = daily_sales.by_day(timezone.localdate(), DAYS)
    total = arithmetic.add(amount for _, amount in days)
    drawn = chart.bars(days, money) if any(amount for _, amount in days) else None
    return {"title": f"Sales of the last {DAYS} days", "total": money(total), "chart": drawn}


def on_hold() -> dict[str, Any]:
    held = ServiceTicket.objects.open().filter(on_hold=True).order_by("opened_at", "pk")
    rows = [(*named(ticket), ticket.get_hold_reason_display()) for ticket in some(held)]
    return table(
        "On hold",
        "pause_circle",
        tickets_where(on_hold__exact=1),
        ("Ticket", "Customer", "Vehicle", "Waits for"),
        rows,
    )


def waiting_for_parts() -> dict[str, Any]:
    lines = TicketPart.objects.backordered().select_related(
        "part", "ticket__customer", "ticket__vehicle"
    )[:ROWS]
    rows = [(*named(line.ticket)[:2], f"{show(line.backordered)} × {line.part}") for line in lines]
    return table(
        "Waiting for parts",
        "pending_actions",
        tickets_where(waits="parts"),
        ("Ticket", "Customer", "Part"),
        rows,
    )


def low_stock() -> dict[str, Any]:
    rows = [
        (
            cell(part.sku, "inventory_part", part.pk),
            cell(part.name),
            cell(f"{show(part.available)} {part.unit}"),
            cell(show(part.reorder_quantity)),
        )
        for part in Part.objects.low_stock().order_by("sku")[:ROWS]
    ]
    address = reverse("admin:inventory_part_changelist", query={"stock": "low"})
    return table(
        "Low stock",
        "production_quantity_limits",
        address,
        ("SKU", "Part", "Available", "To order"),
        rows,
    )


def table(
    title: str, icon: str, link: str, headers: tuple[str, ...], rows: list[Any]
) -> dict[str, Any]:
    shown = [
        [cell(column) if isinstance(column, str) else column for column in row] for row in rows
    ]
    return {"title": title, "icon": icon, "link": link, "headers": headers, "rows": shown}


def some(tickets: QuerySet) -> QuerySet:
    return tickets.select_related("customer", "vehicle")[:ROWS]


def named(ticket: ServiceTicket) -> tuple[Any, ...]:
    return (
        cell(ticket.number, "tickets_serviceticket", ticket.pk),
        cell(ticket.customer.name),
        cell(str(ticket.vehicle or "–")),
    )


def cell(text: str, page: str = "", pk: int = 0) -> dict[str, str]:
    return {"text": text, "link": reverse(f"admin:{page}_change", args=(pk,)) if page else ""}


def at(promise: datetime, start_of_day: datetime) -> dict[str, str]:
    """The hour, for today; for an earlier day its date."""
    return (
        cell(f"{timezone.localtime(promise):%H:%M}")
        if promise >= start_of_day
        else cell(badge(moment(promise), "danger"))
    )


def tickets_where(**query: Any) -> str:
    return reverse("admin:tickets_serviceticket_changelist", query=query)
