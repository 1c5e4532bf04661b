"""The receipt of a payment, as a document."""

from typing import Any

from django.utils import timezone

from .. import billing
from ..models import Payment


def receipt(payment: Payment) -> dict[str, Any]:
    """What stands on the receipt: the same at any time, since a payment never changes; heading and customer are of today."""
    ticket, invoice = payment.ticket, payment.invoice
    return {
        "kind": "receipt",
        "number": payment.number,
        "issued_on": timezone.localtime(payment.received_at).date().isoformat(),
        **billing.heading(ticket),
        "invoice": invoice and {"id": invoice.pk, "number": invoice.number},
        "payment": {
            "number": payment.number,
            "kind": payment.kind,
            "method": payment.method,
            "amount": billing.money(payment.amount),
            "reference": payment.reference,
            "received_at": payment.received_at.isoformat(),
        },
    }
