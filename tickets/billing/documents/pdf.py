"""An estimate, an invoice, a credit note or a receipt as a PDF for the customer.

Pure: the document says everything, and the same document is the same bytes at any time
and in any process. No amount is made here; what has one was given it by
``tickets.pricing.engine``.
"""

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from threading import Lock
from typing import Any

from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
    Spacer,
    Table,
)
from reportlab.platypus.doctemplate import LayoutError

from tickets.pricing.money_format import (
    moment,
)

from . import styles
from .header import headline, notes, parties, title_block
from .layout import LABELS, LONG, NOT_NOW, TITLES, Layout
from .line_table import line_table
from .numbered_canvas import NumberedCanvas
from .tables import PLAIN_TABLE
from .text import clip, fold, one_line
from .totals import totals_table
from .typefaces import glyphs

# reportlab's reader of a font has one position in its file for everybody. Threads would
# not gain by working side by side: all this is Python.
drawing = Lock()


def file_name(document: dict[str, Any]) -> str:
    return f"{document['number'].replace('/', '-')}.pdf"


def render(document: dict[str, Any]) -> bytes:
    with drawing:
        try:
            return draw_pages(Layout(document, glyphs()))
        except LayoutError:  # what belongs together is more than a page
            return draw_pages(Layout(document, glyphs(), together=False))


def draw_pages(layout: Layout) -> bytes:
    out = BytesIO()
    template = BaseDocTemplate(
        out,
        pagesize=layout.size,
        pageTemplates=[PageTemplate(frames=[text_frame(layout)])],
        title=layout.title,
        author=one_line(layout.shop.get("name", "")),
        subject=layout.title,
        creator="Mechanic Shop",
        lang="en",
        invariant=1,
        initialFontName=styles.PLAIN,
    )
    template.build(list(story(layout)), canvasmaker=partial(NumberedCanvas, layout))
    return out.getvalue()


def text_frame(layout: Layout) -> Frame:
    height = layout.size[1] - styles.TOP - styles.BOTTOM
    return Frame(styles.SIDE, styles.BOTTOM, layout.width, height, 0, 0, 0, 0)


def story(layout: Layout) -> Iterator[Flowable]:
    """Everything on the document, from the top down."""
    yield from (title_block(layout), Spacer(0, 16), parties(layout), Spacer(0, 18))
    yield from headline(layout)
    yield from notes(layout)
    if layout.kind == "receipt":
        yield receipt_details(layout)
        return
    yield from lines_and_totals(layout)
    if layout.kind == "estimate":
        yield from (Spacer(0, 22), signature_block(layout))


def lines_and_totals(layout: Layout) -> Iterator[Flowable]:
    """What is charged, with its totals; below, what was declined or deferred."""
    document = layout.document
    jobs = [job for job in document.get("jobs") or [] if job.get("status") != "cancelled"]
    charged = [job for job in jobs if job.get("status") not in NOT_NOW]
    totals = totals_table(layout)
    yield line_table(
        layout, charged, document.get("lines") or [], totals if layout.together else None
    )
    if not layout.together:
        yield from (Spacer(0, 12), totals)
    recommended = [job for job in jobs if job.get("status") in NOT_NOW]
    if recommended:
        heading = f"Recommended, not part of this {TITLES[layout.kind].lower()}"
        yield from (Spacer(0, 22), line_table(layout, recommended, [], heading=heading))


def receipt_details(layout: Layout) -> Flowable:
    rows = [
        [
            layout.paragraph(label, styles.LABEL),
            layout.paragraph(clip(fold(layout.text(text), 6), LONG), styles.TEXT),
        ]
        for label, text in payment_facts(layout)
        if text
    ]
    table = Table(rows, colWidths=[LABELS, layout.width - LABELS])
    table.setStyle(
        [
            *PLAIN_TABLE,
            ("LINEABOVE", (0, 0), (-1, -1), 0.5, styles.HAIRLINE),
            ("LINEBELOW", (0, -1), (-1, -1), 0.5, styles.HAIRLINE),
        ]
    )
    return table


def payment_facts(layout: Layout) -> list[tuple[str, Any]]:
    document, payment = layout.document, layout.document["payment"]
    number = payment.get("number")
    received_at = moment(payment.get("received_at"), layout.region, document.get("time_zone", ""))
    return [
        ("Amount", layout.money(payment["amount"])),
        ("Method", str(payment.get("method") or "").capitalize()),
        ("Reference", payment.get("reference")),
        ("Received", received_at),
        ("Payment", number if number != document.get("number") else ""),
    ]


def signature_block(layout: Layout) -> Flowable:
    words = (
        f"I approve this estimate of {layout.money(layout.document['total'])} and ask for the "
        f"work to be done."
    )
    gap, wide, narrow = 18, (layout.width - 36) / 5 * 2, (layout.width - 36) / 5
    table = Table(
        [
            [layout.paragraph(words, styles.TEXT), "", "", "", ""],
            ["Signature", "", "Name", "", "Date"],
        ],
        colWidths=[wide, gap, wide, gap, narrow],
        rowHeights=[52, None],
        splitByRow=0,
    )
    small = [
        ("FONT", (0, 1), (-1, 1), styles.PLAIN, 7.5),
        ("TEXTCOLOR", (0, 1), (-1, 1), styles.GREY),
    ]
    rules = [("LINEABOVE", (column, 1), (column, 1), 0.75, styles.INK) for column in (0, 2, 4)]
    table.setStyle([*PLAIN_TABLE, ("SPAN", (0, 0), (-1, 0)), *small, *rules])
    return table
