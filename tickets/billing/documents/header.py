"""The top of a document: what it is, whose, for whom and about which vehicle."""

from collections.abc import Iterable, Iterator
from typing import Any

from reportlab.platypus import Flowable, Paragraph, Spacer

from tickets.pricing.money_format import is_owed

from . import styles
from .layout import LONG, SHORT, STORY, TITLES, Layout
from .scripts import isolate
from .tables import box
from .text import clip, fold, one_line

RECEIVED = {
    "payment": "Payment received",
    "deposit": "Deposit received",
    "refund": "Refund paid out",
    "reversal": "Payment reversed",
}


def title_block(layout: Layout) -> Flowable:
    """What this is, and whose."""
    left = [
        Paragraph(TITLES[layout.kind], styles.TITLE),
        Spacer(0, 6),
        *layout.facts(document_facts(layout)),
    ]
    contact = [layout.shop.get(key, "") for key in ("address", "phone", "email")]
    tax_id = isolate(clip(one_line(layout.shop.get("tax_id", "")), SHORT))
    right = [
        layout.paragraph(clip(one_line(layout.shop.get("name", "")), SHORT), styles.SHOP),
        Spacer(0, 4),
        *(
            layout.paragraph(clip(fold(text, 4), LONG), styles.SMALL_RIGHT)
            for text in contact
            if text
        ),
        *([layout.paragraph(f"Tax ID {tax_id}", styles.SMALL_RIGHT)] if tax_id else []),
    ]
    return box([[left, right]], [layout.width * 0.55, layout.width * 0.45])


def document_facts(layout: Layout) -> list[tuple[str, str]]:
    document = layout.document
    ticket, invoice = document.get("ticket") or {}, document.get("invoice") or {}
    facts = [
        ("Number", document.get("number")),
        ("Date", layout.day(document.get("issued_on"))),
        ("Due", layout.day(document.get("due_on")) if layout.kind == "invoice" else ""),
        ("Invoice", invoice.get("number")),
        ("Ticket", ticket.get("number") if layout.kind != "estimate" else ""),
    ]
    return [(label, clip(layout.line(value), SHORT)) for label, value in facts]


def parties(layout: Layout) -> Flowable:
    customer, vehicle = layout.document.get("customer") or {}, layout.document.get("vehicle")
    who = {"estimate": "Prepared for", "receipt": "Customer"}.get(layout.kind, "Billed to")
    columns = [
        party(
            layout,
            who,
            customer.get("name"),
            [customer.get(key) for key in ("address", "phone", "email")],
        )
    ]
    if vehicle:
        columns.append(party(layout, "Vehicle", *vehicle_lines(layout, vehicle)))
    return box([columns], [layout.width / 2] * len(columns))


def vehicle_lines(layout: Layout, vehicle: dict[str, Any]) -> tuple[str, list[str]]:
    name = " ".join(str(vehicle[key]) for key in ("year", "make", "model") if vehicle.get(key))
    plate = vehicle.get("plate") or ""
    readings = [
        f"{vehicle[key]} {word}"
        for key, word in (("odometer_in", "in"), ("odometer_out", "out"))
        if vehicle.get(key) not in (None, "")
    ]
    return name or plate, [
        f"Plate {plate}" if plate and name else "",
        f"VIN {vehicle['vin']}" if vehicle.get("vin") else "",
        f"Odometer {', '.join(readings)}" if readings else "",
    ]


def party(layout: Layout, label: str, name: object, more: Iterable[object]) -> list[Flowable]:
    texts = [clip(fold(layout.text(text), 6), LONG) for text in more]
    return [
        layout.paragraph(label, styles.LABEL),
        layout.paragraph(clip(layout.line(name), SHORT + SHORT) or "–", styles.STRONG),
        *(layout.paragraph(text, styles.TEXT) for text in texts if text),
    ]


def headline(layout: Layout) -> Iterator[Flowable]:
    """The one thing that the reader looks for."""
    document = layout.document
    if layout.kind == "receipt":
        payment = document["payment"]
        text = (
            f"{RECEIVED.get(payment.get('kind'), RECEIVED['payment'])}: "
            f"{layout.money(payment['amount'])}"
        )
    elif layout.kind == "credit_note":
        text = f"{layout.money(document['total'])} credited"
    elif layout.kind == "estimate":
        text = f"{layout.money(document['total'])} estimated"
    elif not is_owed(document["due"]):
        text = "Paid in full"
    else:
        due = layout.day(document.get("due_on"))
        text = (
            f"{layout.money(document['due'])} due by {due}"
            if due
            else f"{layout.money(document['due'])} due"
        )
    yield from (layout.paragraph(text, styles.HEADLINE), Spacer(0, 10))


def notes(layout: Layout) -> Iterator[Flowable]:
    """What the customer said and what came of it; why there is a credit."""
    ticket = layout.document.get("ticket") or {}
    texts = [("Reason", layout.document.get("reason"))]
    if layout.kind != "receipt":
        texts += [(name, ticket.get(name.lower())) for name in STORY]
    facts = layout.facts(texts, layout.width)
    if facts:
        yield from (*facts, Spacer(0, 14))
