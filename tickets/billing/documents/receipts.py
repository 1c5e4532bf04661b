"""The receipt of a payment, as a document."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from tickets.models import Invoice, Payment, ServiceTicket

from ...pricing import amounts
from .. import document_body
from .text import with_unprintable

HEADING = ("paper", "region", "shop", "customer", "vehicle", "currency")


def receipt_document(
    ticket_id: int, invoice: Invoice | None, amount: Decimal, received_at: datetime, **payment: str
) -> dict[str, Any]:
    """What a receipt says, as it is to be kept with its payment: what changes
    afterwards changes no receipt.

    Its number follows from the payment's key, which there is only afterwards.
    """
    ticket = ServiceTicket.objects.select_related("customer", "vehicle").get(pk=ticket_id)
    heading = document_body.header(ticket)
    document = {
        "kind": "receipt",
        "issued_on": timezone.localtime(received_at).date().isoformat(),
        **{name: heading[name] for name in HEADING},
        "time_zone": settings.TIME_ZONE,
        "ticket": {"id": ticket.pk, "number": ticket.number},
        "invoice": invoice and {"id": invoice.pk, "number": invoice.number},
        "payment": {
            **payment,
            "amount": amounts.money(amount),
            "received_at": received_at.isoformat(),
        },
    }
    return with_unprintable(document)


def receipt(payment: Payment) -> dict[str, Any]:
    """The receipt as it was when the money came or went."""
    document = payment.document
    return document | {
        "number": payment.number,
        "payment": document["payment"] | {"number": payment.number},
    }
