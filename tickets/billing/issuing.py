"""What issuing an invoice and issuing a credit note share."""

from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from mechanic_shop.accounts.models import User

from ..models import DocumentSeries, ServiceTicket
from ..pricing import engine
from ..pricing import sums as pricing_sums


def document_fields(
    ticket: ServiceTicket,
    bill: engine.Bill | pricing_sums.Sums,
    document: dict[str, Any],
    *,
    by: User | None,
) -> dict[str, Any]:
    """What invoices and credit notes share."""
    return {
        "ticket": ticket,
        "customer_id": ticket.customer_id,
        "issued_on": document["issued_on"],
        "by": by,
        "currency": settings.SHOP_CURRENCY,
        "subtotal": bill.subtotal,
        "tax": bill.tax,
        "total": bill.total,
        "document": document,
    }


def next_number(pattern: str) -> dict[str, Any]:
    """The next number of a series. Its row stays locked until the transaction ends,
    which takes the number back if it fails.
    """
    name = pattern.replace("{year}", str(timezone.localdate().year))
    DocumentSeries.objects.get_or_create(name=name)
    DocumentSeries.objects.filter(name=name).update(last=F("last") + 1)
    sequence = DocumentSeries.objects.values_list("last", flat=True).get(name=name)
    return {"series": name, "sequence": sequence, "number": f"{name}-{sequence:06d}"}
