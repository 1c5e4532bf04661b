"""The document of a credit note: what stands on the invoice, as far as it is taken back."""

from typing import Any

from django.utils import timezone

from inventory.models import ZERO

from ..models import Invoice
from ..pricing import amounts as pricing_amounts
from ..pricing import sums as pricing_sums
from . import document_body
from .credited_lines import CreditedLine

# what a credit note takes from its invoice's document as it is
KEPT = (
    "paper",
    "region",
    "shop",
    "customer",
    "vehicle",
    "ticket",
    "currency",
    "prices_include_tax",
    "tax_rounding",
)


def credit_document(
    invoice: Invoice, chosen: list[CreditedLine], sums: pricing_sums.Sums, number: str, reason: str
) -> dict[str, Any]:
    invoiced = document_body.lines_by_id(invoice.document)
    return {
        "kind": "credit_note",
        "number": number,
        "issued_on": timezone.localdate().isoformat(),
        **{name: invoice.document[name] for name in KEPT if name in invoice.document},
        "jobs": [],
        "lines": [
            credited_line(position, invoiced[credited.line.position], credited, invoice)
            for position, credited in enumerate(chosen, 1)
        ],
        "discount": pricing_amounts.money(ZERO),
        "taxes": [document_body.tax_facts(tax) for tax in sums.taxes],
        **pricing_amounts.totals(sums),
        "invoice": {"id": invoice.pk, "number": invoice.number},
        "reason": reason,
    }


def credited_line(
    position: int, line: dict[str, Any], credited: CreditedLine, invoice: Invoice
) -> dict[str, Any]:
    """A line of the invoice's document, with the amounts that are taken back."""
    net, tax = credited.net, credited.tax
    amounts = {
        "net": net,
        "tax": tax,
        "total": net + tax,
        "amount": net + tax if invoice.prices_include_tax else net,
        "share": ZERO,
        "discount": ZERO,
    }
    return line | {
        "id": position,
        "invoice_line": line["id"],
        "quantity": f"{credited.quantity:.3f}",
        **{name: pricing_amounts.money(value) for name, value in amounts.items()},
        "taxes": [document_body.share_facts(share) for share in credited.tax_shares],
    }
