"""What a document comes to: the discount, each tax, the total and what is due."""

from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import (
    Flowable,
    Table,
)

from tickets.pricing.money_format import (
    is_nothing,
    percent,
)

from . import styles
from .layout import Layout
from .scripts import isolate
from .tables import PLAIN_TABLE
from .text import clip

TOTALS = (156, 100)


def totals_table(layout: Layout) -> Flowable:
    rows = totals_rows(layout)
    table = Table(
        [[layout.paragraph(label, style), amount] for label, amount, style in rows],
        colWidths=TOTALS,
        hAlign="RIGHT",
    )
    style: list[tuple[Any, ...]] = [
        *PLAIN_TABLE,
        ("ALIGN", (1, 0), (1, -1), "RIGHT"),
        ("LINEBELOW", (0, 0), (-1, -2), 0.5, styles.HAIRLINE),
    ]
    style += [
        ("FONT", (1, place), (1, place), own.fontName, own.fontSize, own.leading)
        for place, (_, _, own) in enumerate(rows)
    ]
    if layout.kind == "invoice":
        style += [
            ("LINEABOVE", (0, -1), (-1, -1), 1, styles.INK),
            ("TOPPADDING", (0, -1), (-1, -1), 6),
        ]
    table.setStyle(style)
    return table


def totals_rows(layout: Layout) -> list[tuple[str, str, ParagraphStyle]]:
    """What it comes to, from the top down: label, amount, style."""
    document, inclusive = layout.document, layout.document.get("prices_include_tax")
    sums: list[tuple[str, str, ParagraphStyle]] = []
    if not is_nothing(document.get("discount")):
        sums.append(("Discount", layout.less(document["discount"]), styles.TEXT))
    total = ("Total", layout.money(document["total"]), styles.STRONG)
    before = ("Net" if inclusive else "Subtotal", layout.money(document["subtotal"]), styles.TEXT)
    taxes = [
        tax_row(layout, tax, "of which " if inclusive else "")
        for tax in document.get("taxes") or []
    ]
    if len(taxes) > 1:
        taxes.append(
            (
                "of which tax altogether" if inclusive else "Tax",
                layout.money(document["tax"]),
                styles.TEXT,
            )
        )
    sums += [total, *taxes, before] if inclusive else [before, *taxes, total]
    if layout.kind == "invoice":
        if not is_nothing(document.get("deposits")):
            sums.append(("Paid in advance", layout.less(document["deposits"]), styles.TEXT))
        sums.append(("Amount due", layout.money(document["due"]), styles.DUE))
    return sums


def tax_row(layout: Layout, tax: dict[str, Any], before: str) -> tuple[str, str, ParagraphStyle]:
    name = isolate(clip(layout.line(tax["name"]), 40))
    number = isolate(clip(layout.line(tax.get("number")), 40))
    words = f"{before}{name} {percent(tax['rate'], layout.region)} on {layout.money(tax['base'])}"
    return f"{words} (no. {number})" if number else words, layout.money(tax["amount"]), styles.TEXT
