"""The lines of invoices less those of credit notes."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from ..models import CreditNoteLine, InvoiceLine
from .exact_sums import exact, thousandths

DAY = "issued_on"


def lines(
    start: date, end: date, *facts: str, **only: Any
) -> Iterator[tuple[tuple[Any, ...], Decimal, Decimal, Decimal]]:
    """(facts, net, tax, quantity) of all lines that share these facts of their invoice
    line; of credit notes with a minus.

    ``DAY`` is the day of the document itself: what is credited counts on the day on which
    it was.
    """
    for sign, model, document, line in (
        (1, InvoiceLine, "invoice", ""),
        (-1, CreditNoteLine, "credit_note", "line__"),
    ):
        columns = [f"{document}__{DAY}" if fact == DAY else line + fact for fact in facts]
        conditions = {f"{document}__{DAY}__range": (start, end)} | {
            line + name: value for name, value in only.items()
        }
        sums = {
            "of_net": thousandths("net"),
            "of_tax": thousandths("tax"),
            "of_quantity": thousandths("quantity"),
        }
        for *values, net, tax, amount in (
            model.objects.filter(**conditions).order_by().values_list(*columns).annotate(**sums)
        ):
            yield tuple(values), sign * exact(net), sign * exact(tax), sign * exact(amount)
