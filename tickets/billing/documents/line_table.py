"""The table of a document's jobs and lines."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from reportlab.platypus import (
    Flowable,
    Paragraph,
    Table,
)

from tickets.pricing.money_format import (
    is_nothing,
    number,
    percent,
)

from . import styles
from .layout import LONG, NOT_NOW, SHORT, STORY, Layout
from .scripts import direction, isolate
from .tables import Rows
from .text import clip

# What a line is called that has no description.
LINES = {
    "labor": "Labor",
    "part": "Part",
    "sublet": "Sublet work",
    "fee": "Fee",
    "trade_in": "Trade-in",
    "supplies": "Shop supplies",
}
UNITS = {
    "each": "",
    "hour": "h",
    "litre": "L",
    "gallon": "gal",
    "quart": "qt",
    "kilogram": "kg",
    "gram": "g",
    "metre": "m",
    "foot": "ft",
}
TAGS = {
    "proposed": ("Waiting for your approval", styles.TAG_WAITS),
    "approved": ("Approved", styles.TAG_YES),
    "done": ("Done", styles.TAG_YES),
    "declined": ("Declined", styles.TAG_NOT_NOW),
    "deferred": ("Deferred", styles.TAG_NOT_NOW),
}
# widths of what stands beside a description: quantity, price, tax, amount
NUMBERS = (
    62,
    84,
    66,
    84,
)


def line_table(
    layout: Layout,
    jobs: list[dict[str, Any]],
    others: list[dict[str, Any]],
    totals: Table | None = None,
    heading: str = "",
) -> Flowable:
    """One table with the totals as its last row, so that its header comes again on
    every page and the totals never stand alone on one.
    """
    widths = [layout.width - sum(NUMBERS), *NUMBERS]
    rows = Rows(layout.together)
    if heading:
        rows.across([layout.paragraph(heading, styles.HEADING)])
    rows.header(["Description", "Quantity", "Unit price", tax_heading(layout), "Amount"])
    for job in jobs:
        job_rows(layout, rows, job, widths)
    if others and jobs:
        rows.heading(layout.paragraph("Other charges", styles.HEADING), "")
    for line in others:
        line_rows(layout, rows, line, widths[0])
        if "status" in line and line["total"] != line["amount"]:  # it is decided on by itself
            rows.foot(*job_total(layout, {**line, "lines": [line]}, "Part total"))
    if totals:
        rows.totals(totals)
    return rows.table(widths)


def tax_heading(layout: Layout) -> str | Paragraph:
    name = clip(layout.tax_name, 12)
    if not layout.tax_name.isascii():
        return layout.paragraph(name, styles.SMALL_RIGHT)
    return name or "Tax"


def job_rows(layout: Layout, rows: Rows, job: dict[str, Any], widths: list[float]) -> None:
    status = job.get("status", "")
    # on an invoice all that is charged was done
    is_tagged = layout.kind == "estimate" or status in NOT_NOW
    tag = layout.paragraph(*TAGS[status]) if is_tagged and status in TAGS else ""
    rows.heading(
        layout.paragraph(clip(layout.line(job.get("title")), LONG) or "Job", styles.HEADING), tag
    )
    texts = [
        f"{name}:{separator(text)}{text}"
        for name in STORY
        if (text := layout.text(job.get(name.lower())))
    ]
    rows.notes(list(layout.pieces("\n".join(texts), styles.SMALL, sum(widths[:4]))))
    for line in job.get("lines") or []:
        line_rows(layout, rows, line, widths[0])
    rows.foot(*job_total(layout, job))


def job_total(
    layout: Layout, job: dict[str, Any], label: str = "Job total"
) -> tuple[Paragraph, str]:
    words = label
    share = sum((Decimal(line.get("share") or 0) for line in job.get("lines") or []), Decimal(0))
    if share:
        words = f"Discount {layout.less(str(share))}  ·  {words}"
    if not is_nothing(job.get("tax")):
        words = (
            f"Net {layout.money(job['net'])}  ·  "
            f"{isolate(clip(layout.tax_name, 40)) or 'tax'} {layout.money(job['tax'])}  ·  "
            f"{words}"
        )
    return layout.paragraph(words, styles.SMALL_RIGHT), layout.money(job["total"])


def line_rows(layout: Layout, rows: Rows, line: dict[str, Any], width: float) -> None:
    unit = clip(layout.line(line.get("unit")), 12)
    amounts = [
        f"{number(line['quantity'], layout.region)} {UNITS.get(unit, unit)}".strip(),
        layout.money(line["unit_price"]),
        tax_cell(layout, line),
        layout.money(line["amount"]),
    ]
    description = layout.text(line.get("description")) or LINES.get(line.get("kind", ""), "")
    texts: list[list[Flowable]] = [
        [piece] for piece in layout.pieces(description, styles.TEXT, width - 12)
    ] or [[]]
    small = " · ".join(line_details(layout, line))
    if small:
        texts[-1].append(layout.paragraph(small, styles.SMALL))
    rows.line(texts[0], amounts)
    for text in texts[1:]:
        rows.more(text)


def line_details(layout: Layout, line: dict[str, Any]) -> Iterator[str]:
    if (line.get("part") or {}).get("sku"):
        yield isolate(clip(layout.line(line["part"]["sku"]), SHORT))
    if (line.get("mechanic") or {}).get("name"):
        yield isolate(clip(layout.line(line["mechanic"]["name"]), SHORT))
    if not is_nothing(line.get("discount")):
        yield f"Discount {layout.less(line['discount'])}"


def tax_cell(layout: Layout, line: dict[str, Any]) -> str | list[Paragraph]:
    """The rate; with the name where the document has several; with the amount where
    tax is rounded line by line.
    """
    if not line.get("tax_name"):
        return "–"
    small = [] if layout.tax_name else [clip(layout.line(line["tax_name"]), 40)]
    if layout.document.get("tax_rounding") == "line":
        small.append(layout.money(line["tax"]))
    rate = percent(line["tax_rate"], layout.region)
    if not small:
        return rate
    return [
        layout.paragraph(rate, styles.TEXT_RIGHT),
        *(layout.paragraph(text, styles.SMALL_RIGHT) for text in small),
    ]


def separator(text: str) -> str:
    """What stands between a label and its text: a text from right to left begins on a
    line of its own.
    """
    return "\n" if direction(text) == "R" else " "
