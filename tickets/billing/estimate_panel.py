"""The ticket's page: its jobs with their lines, and what it all comes to; in six
queries, however much is on it.
"""

from decimal import Decimal
from typing import Any

from django.utils.html import format_html

from inventory.quantities import show

from ..lifecycle.admin_format import job_badge, link, money, price, state_badge
from ..lifecycle.snapshot import load_snapshot
from ..models import Invoice, LineKind, ServiceTicket, Status
from ..pricing import arithmetic
from ..pricing import money_format as written
from . import estimates
from .invoice_balances import open_deposits

UNITS = {"each": "", "hour": "h"}
KINDS: dict[str, str] = {
    LineKind.LABOR: "Labor",
    LineKind.SUBLET: "Sublet",
    LineKind.FEE: "Fee",
    LineKind.TRADE_IN: "Trade-in",
    "part": "Part",
    "supplies": "",
}


def sheet(ticket: ServiceTicket, user: Any) -> dict[str, Any]:
    found = load_snapshot(ticket)
    document = estimates.estimate(ticket, found)
    invoice = (
        ticket.invoices.select_related("account").order_by("-pk").first()
        if user.has_perm("tickets.view_invoice")
        else None
    )
    jobs = {job.pk: job for job in found.jobs}
    billed = invoice if ticket.status in (Status.INVOICED, Status.CLOSED) else None
    return {
        "jobs": [
            job_row(facts, authorized=jobs[facts["id"]].authorized_total, status=facts["status"])
            for facts in document["jobs"]
        ],
        "lines": [line_row(facts) for facts in document["lines"]],
        # What was invoiced stays as it was, also when a tax changes.
        "sums": sums(
            billed.document if billed else document,
            None if billed else document["authorized_total"] or document["authorized"]["total"],
        )
        + (deposits(ticket) if billed is None and user.has_perm("tickets.view_payment") else [])
        + ([named(invoice), *account(invoice)] if invoice else []),
    }


def decision_row(told: dict[str, Any]) -> dict[str, Any]:
    """An entry of an authorization: what was decided, and what it was to cost, with tax
    and discounts.
    """
    return job_row(told, status=told["decision"]) | {
        "total": money(told["total"]),
        "has_no_lines": told.get("kind") == "supplies",
    }


def job_row(
    facts: dict[str, Any], *, authorized: Decimal | None = None, status: str = ""
) -> dict[str, Any]:
    """A job of ``billing``'s document."""
    total = arithmetic.add(Decimal(line["amount"]) for line in facts["lines"])
    return {
        "title": facts["title"],
        "badge": job_badge(status) if status else "",
        "total": money(total),
        "authorized": "" if authorized in (None, total) else money(authorized),
        "lines": [line_row(line) for line in facts["lines"]],
    }


def line_row(facts: dict[str, Any]) -> dict[str, str]:
    """A line of ``billing``'s document."""
    part, mechanic, unit = facts.get("part"), facts.get("mechanic"), facts.get("unit", "each")
    return {
        "kind": KINDS[facts["kind"]],
        "description": facts["description"],
        "about": part["sku"] if part else mechanic["name"] if mechanic else "",
        "quantity": f"{show(Decimal(facts['quantity']))} {UNITS.get(unit, unit)}".strip(),
        "unit_price": price(facts["unit_price"]),
        "discount": ""
        if written.is_nothing(facts["discount"])
        else money(-Decimal(facts["discount"])),
        "amount": money(facts["amount"]),
    }


def document_panel(document: dict[str, Any]) -> dict[str, Any]:
    """An invoice or a credit note, as it was issued."""
    return {
        "jobs": [job_row(facts) for facts in document["jobs"]],
        "lines": [line_row(facts) for facts in document["lines"]],
        "sums": sums(document, None),
    }


def sums(document: dict[str, Any], authorized: str | None) -> list[dict[str, Any]]:
    """From the discount down to the total, as on paper."""
    inclusive, currency = document["prices_include_tax"], document["currency"]
    taxes = [
        row(
            f"{'of which ' if inclusive else ''}{tax['name']} {written.percent(tax['rate'])}",
            tax["amount"],
            currency,
        )
        for tax in document["taxes"]
    ]
    subtotal, total = (
        row("Net" if inclusive else "Subtotal", document["subtotal"], currency),
        row("Total", document["total"], currency, strong=True),
    )
    found = (
        []
        if written.is_nothing(document["discount"])
        else [row("Discount", -Decimal(document["discount"]), currency)]
    )
    found += [total, *taxes, subtotal] if inclusive else [subtotal, *taxes, total]
    return found if authorized is None else [*found, row("Authorized", authorized, currency)]


def deposits(ticket: ServiceTicket) -> list[dict[str, Any]]:
    paid = open_deposits(ticket)
    return [row("Deposits", paid)] if paid else []


def named(invoice: Invoice) -> dict[str, Any]:
    return {
        "label": link("tickets_invoice", invoice.pk, invoice.number),
        "amount": state_badge(invoice),
        "rule": True,
    }


def account(invoice: Invoice) -> list[dict[str, Any]]:
    """What became of an invoice."""
    kept, currency = invoice.account, invoice.currency
    named = {"Paid": kept.paid, "Refunded": kept.refunded, "Credited": kept.credited}
    return [
        *(
            row(label, amount, currency)
            for label, amount in named.items()
            if amount or label == "Paid"
        ),
        row("Balance", kept.balance, currency, strong=True),
    ]


def row(
    label: str, amount: Decimal | str, currency: str = "", *, strong: bool = False
) -> dict[str, Any]:
    return {"label": format_html("{}", label), "amount": money(amount, currency), "strong": strong}
