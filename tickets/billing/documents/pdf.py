"""An estimate, an invoice, a credit note or a receipt as a PDF for the customer.

Pure: the document says everything, and the same document is the same bytes at any time
and in any process. No amount is made here; what has one was given it by
``tickets.pricing.engine``.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from io import BytesIO
from threading import Lock
from typing import Any

from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)
from reportlab.platypus.doctemplate import LayoutError

from tickets.pricing.money_format import (
    day,
    is_nothing,
    is_owed,
    less,
    moment,
    money,
    number,
    percent,
)

from . import look
from .paragraphs import draw, paragraph, width_of
from .scripts import direction, isolate
from .tables import PLAIN_TABLE, Rows, box
from .text import clean, clip, fold, one_line
from .typefaces import glyphs

TITLES = {
    "estimate": "Estimate",
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "receipt": "Receipt",
}
RECEIVED = {
    "payment": "Payment received",
    "deposit": "Deposit received",
    "refund": "Refund paid out",
    "reversal": "Payment reversed",
}
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
STORY = ("Concern", "Cause", "Correction")
TAGS = {
    "proposed": ("Waiting for your approval", look.TAG_WAITS),
    "approved": ("Approved", look.TAG_YES),
    "done": ("Done", look.TAG_YES),
    "declined": ("Declined", look.TAG_NOT_NOW),
    "deferred": ("Deferred", look.TAG_NOT_NOW),
}
NOT_NOW = ("declined", "deferred")
# widths of what stands beside a description: quantity, price, tax, amount
NUMBERS = (
    62,
    84,
    66,
    84,
)
LABELS = 64  # width of what says "Number" or "Concern"
TOTALS = (156, 100)
# lines of a text in one row: a row is never broken, so it must fit on a page, at best
# with what belongs to it
ROOM = 12
# characters in a box that is never broken; the database's own limits are about these
LONG, SHORT = (
    400,
    120,
)

# reportlab's reader of a font has one position in its file for everybody. Threads would
# not gain by working side by side: all this is Python.
drawing = Lock()


def file_name(document: dict[str, Any]) -> str:
    return f"{document['number'].replace('/', '-')}.pdf"


def render(document: dict[str, Any]) -> bytes:
    with drawing:
        try:
            return Sheet(document, glyphs()).pdf()
        except LayoutError:  # what belongs together is more than a page
            return Sheet(document, glyphs(), together=False).pdf()


class Sheet:
    """One document on its way to paper."""

    def __init__(
        self, document: dict[str, Any], glyphs: frozenset[str], *, together: bool = True
    ) -> None:
        self.document, self.glyphs, self.together = document, glyphs, together
        self.kind, self.currency = document["kind"], document.get("currency", "")
        self.region = document.get("region", "")  # of the day on which it was issued
        self.title = f"{TITLES[self.kind]} {self.line(document.get('number'))}"
        self.shop = {key: self.text(value) for key, value in (document.get("shop") or {}).items()}
        self.size = look.PAPERS.get(document.get("paper", ""), look.PAPERS["a4"])
        self.width = self.size[0] - 2 * look.SIDE
        taxes = document.get("taxes") or []
        names = {tax["name"] for tax in taxes}
        # else each line says its own
        self.tax_name = self.line(names.pop()) if len(names) == 1 else ""

    def pdf(self) -> bytes:
        out = BytesIO()
        frame = Frame(
            look.SIDE, look.BOTTOM, self.width, self.size[1] - look.TOP - look.BOTTOM, 0, 0, 0, 0
        )
        template = BaseDocTemplate(
            out,
            pagesize=self.size,
            pageTemplates=[PageTemplate(frames=[frame])],
            title=self.title,
            author=one_line(self.shop.get("name", "")),
            subject=self.title,
            creator="Mechanic Shop",
            lang="en",
            invariant=1,
            initialFontName=look.PLAIN,
        )
        template.build(list(self.story()), canvasmaker=self.canvas)
        return out.getvalue()

    def canvas(self, *args: Any, **more: Any) -> "Numbered":
        return Numbered(self, *args, **more)

    # --- what stands where ------------------------------------------------------------

    def story(self) -> Iterator[Flowable]:
        yield from (self.top(), Spacer(0, 16), self.parties(), Spacer(0, 18))
        yield from self.headline()
        yield from self.notes()
        if self.kind == "receipt":
            yield self.received()
            return
        jobs = [job for job in self.document.get("jobs") or [] if job.get("status") != "cancelled"]
        now, totals = [job for job in jobs if job.get("status") not in NOT_NOW], self.totals()
        yield self.lines(now, self.document.get("lines") or [], totals if self.together else None)
        if not self.together:
            yield from (Spacer(0, 12), totals)
        later = [job for job in jobs if job.get("status") in NOT_NOW]
        if later:
            heading = f"Recommended, not part of this {TITLES[self.kind].lower()}"
            yield from (Spacer(0, 22), self.lines(later, [], heading=heading))
        if self.kind == "estimate":
            yield from (Spacer(0, 22), self.approval())

    def top(self) -> Flowable:
        """What this is, and whose."""
        left = [Paragraph(TITLES[self.kind], look.TITLE), Spacer(0, 6), *self.facts(self.about())]
        contact = [self.shop.get(key, "") for key in ("address", "phone", "email")]
        tax_id = self.shop.get("tax_id", "")
        right = [
            self.paragraph(clip(one_line(self.shop.get("name", "")), SHORT), look.SHOP),
            Spacer(0, 4),
            *(
                self.paragraph(clip(fold(text, 4), LONG), look.SMALL_RIGHT)
                for text in contact
                if text
            ),
            *(
                [
                    self.paragraph(
                        f"Tax ID {isolate(clip(one_line(tax_id), SHORT))}", look.SMALL_RIGHT
                    )
                ]
                if tax_id
                else []
            ),
        ]
        return box([[left, right]], [self.width * 0.55, self.width * 0.45])

    def about(self) -> list[tuple[str, str]]:
        document = self.document
        ticket, invoice = document.get("ticket") or {}, document.get("invoice") or {}
        facts = [
            ("Number", document.get("number")),
            ("Date", self.day(document.get("issued_on"))),
            ("Due", self.day(document.get("due_on")) if self.kind == "invoice" else ""),
            ("Invoice", invoice.get("number")),
            ("Ticket", ticket.get("number") if self.kind != "estimate" else ""),
        ]
        return [(label, clip(self.line(value), SHORT)) for label, value in facts]

    def parties(self) -> Flowable:
        customer, vehicle = self.document.get("customer") or {}, self.document.get("vehicle")
        who = {"estimate": "Prepared for", "receipt": "Customer"}.get(self.kind, "Billed to")
        columns = [
            self.party(
                who,
                customer.get("name"),
                [customer.get(key) for key in ("address", "phone", "email")],
            )
        ]
        if vehicle:
            columns.append(self.party("Vehicle", *self.car(vehicle)))
        return box([columns], [self.width / 2] * len(columns))

    def car(self, vehicle: dict[str, Any]) -> tuple[str, list[str]]:
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

    def party(self, label: str, name: Any, more: Iterable[Any]) -> list[Flowable]:
        texts = [clip(fold(self.text(text), 6), LONG) for text in more]
        return [
            self.paragraph(label, look.LABEL),
            self.paragraph(clip(self.line(name), SHORT + SHORT) or "–", look.STRONG),
            *(self.paragraph(text, look.TEXT) for text in texts if text),
        ]

    def headline(self) -> Iterator[Flowable]:
        """The one thing that the reader looks for."""
        document = self.document
        if self.kind == "receipt":
            payment = document["payment"]
            text = (
                f"{RECEIVED.get(payment.get('kind'), RECEIVED['payment'])}: "
                f"{self.money(payment['amount'])}"
            )
        elif self.kind == "credit_note":
            text = f"{self.money(document['total'])} credited"
        elif self.kind == "estimate":
            text = f"{self.money(document['total'])} estimated"
        elif not is_owed(document["due"]):
            text = "Paid in full"
        else:
            due = self.day(document.get("due_on"))
            text = (
                f"{self.money(document['due'])} due by {due}"
                if due
                else f"{self.money(document['due'])} due"
            )
        yield from (self.paragraph(text, look.HEADLINE), Spacer(0, 10))

    def notes(self) -> Iterator[Flowable]:
        """What the customer said and what came of it; why there is a credit."""
        ticket = self.document.get("ticket") or {}
        found = [("Reason", self.document.get("reason"))]
        if self.kind != "receipt":
            found += [(name, ticket.get(name.lower())) for name in STORY]
        facts = self.facts(found, self.width)
        if facts:
            yield from (*facts, Spacer(0, 14))

    def received(self) -> Flowable:
        payment = self.document["payment"]
        own = payment.get("number")
        facts = [
            ("Amount", self.money(payment["amount"])),
            ("Method", str(payment.get("method") or "").capitalize()),
            ("Reference", payment.get("reference")),
            (
                "Received",
                moment(payment.get("received_at"), self.region, self.document.get("time_zone", "")),
            ),
            ("Payment", own if own != self.document.get("number") else ""),
        ]
        rows = [
            [
                self.paragraph(label, look.LABEL),
                self.paragraph(clip(fold(self.text(text), 6), LONG), look.TEXT),
            ]
            for label, text in facts
            if text
        ]
        table = Table(rows, colWidths=[LABELS, self.width - LABELS])
        table.setStyle(
            [
                *PLAIN_TABLE,
                ("LINEABOVE", (0, 0), (-1, -1), 0.5, look.HAIRLINE),
                ("LINEBELOW", (0, -1), (-1, -1), 0.5, look.HAIRLINE),
            ]
        )
        return table

    # --- lines ------------------------------------------------------------------------

    def lines(
        self,
        jobs: list[dict[str, Any]],
        others: list[dict[str, Any]],
        totals: Any = None,
        heading: str = "",
    ) -> Flowable:
        """One table with the totals as its last row, so that its header comes again on
        every page and the totals never stand alone on one.
        """
        widths = [self.width - sum(NUMBERS), *NUMBERS]
        rows = Rows(self.together)
        if heading:
            rows.across([self.paragraph(heading, look.HEADING)])
        tax = (
            self.paragraph(clip(self.tax_name, 12), look.SMALL_RIGHT)
            if not self.tax_name.isascii()
            else clip(self.tax_name, 12)
        )
        rows.header(["Description", "Quantity", "Unit price", tax or "Tax", "Amount"])
        for job in jobs:
            self.job(rows, job, widths)
        if others and jobs:
            rows.heading(self.paragraph("Other charges", look.HEADING), "")
        for line in others:
            self.priced(rows, line, widths[0])
            if "status" in line and line["total"] != line["amount"]:  # it is decided on by itself
                rows.foot(*self.sum_of({**line, "lines": [line]}, "Part total"))
        if totals:
            rows.totals(totals)
        return rows.table(widths)

    def job(self, rows: Rows, job: dict[str, Any], widths: list[float]) -> None:
        status = job.get("status", "")
        # on an invoice all that is charged was done
        told_apart = self.kind == "estimate" or status in NOT_NOW
        tag = self.paragraph(*TAGS[status]) if told_apart and status in TAGS else ""
        rows.heading(
            self.paragraph(clip(self.line(job.get("title")), LONG) or "Job", look.HEADING), tag
        )
        told = [
            f"{name}:{lead(text)}{text}"
            for name in STORY
            if (text := self.text(job.get(name.lower())))
        ]
        rows.notes(list(self.pieces("\n".join(told), look.SMALL, sum(widths[:4]))))
        for line in job.get("lines") or []:
            self.priced(rows, line, widths[0])
        rows.foot(*self.sum_of(job))

    def sum_of(self, job: dict[str, Any], label: str = "Job total") -> tuple[Paragraph, str]:
        words = label
        share = sum(
            (Decimal(line.get("share") or 0) for line in job.get("lines") or []), Decimal(0)
        )
        if share:
            words = f"Discount {self.less(str(share))}  ·  {words}"
        if not is_nothing(job.get("tax")):
            words = (
                f"Net {self.money(job['net'])}  ·  "
                f"{isolate(clip(self.tax_name, 40)) or 'tax'} {self.money(job['tax'])}  ·  "
                f"{words}"
            )
        return self.paragraph(words, look.SMALL_RIGHT), self.money(job["total"])

    def priced(self, rows: Rows, line: dict[str, Any], width: float) -> None:
        unit = clip(self.line(line.get("unit")), 12)
        amounts = [
            f"{number(line['quantity'], self.region)} {UNITS.get(unit, unit)}".strip(),
            self.money(line["unit_price"]),
            self.taxed(line),
            self.money(line["amount"]),
        ]
        description = self.text(line.get("description")) or LINES.get(line.get("kind", ""), "")
        texts: list[list[Flowable]] = [
            [piece] for piece in self.pieces(description, look.TEXT, width - 12)
        ] or [[]]
        small = " · ".join(self.details(line))
        if small:
            texts[-1].append(self.paragraph(small, look.SMALL))
        rows.line(texts[0], amounts)
        for text in texts[1:]:
            rows.more(text)

    def details(self, line: dict[str, Any]) -> Iterator[str]:
        if (line.get("part") or {}).get("sku"):
            yield isolate(clip(self.line(line["part"]["sku"]), SHORT))
        if (line.get("mechanic") or {}).get("name"):
            yield isolate(clip(self.line(line["mechanic"]["name"]), SHORT))
        if not is_nothing(line.get("discount")):
            yield f"Discount {self.less(line['discount'])}"

    def taxed(self, line: dict[str, Any]) -> Any:
        """The rate; with the name where the document has several; with the amount where
        tax is rounded line by line.
        """
        if not line.get("tax_name"):
            return "–"
        small = [] if self.tax_name else [clip(self.line(line["tax_name"]), 40)]
        if self.document.get("tax_rounding") == "line":
            small.append(self.money(line["tax"]))
        rate = percent(line["tax_rate"], self.region)
        if not small:
            return rate
        return [
            self.paragraph(rate, look.TEXT_RIGHT),
            *(self.paragraph(text, look.SMALL_RIGHT) for text in small),
        ]

    # --- totals -----------------------------------------------------------------------

    def totals(self) -> Flowable:
        rows = self.sums()
        table = Table(
            [[self.paragraph(label, style), amount] for label, amount, style in rows],
            colWidths=TOTALS,
            hAlign="RIGHT",
        )
        style: list[tuple[Any, ...]] = [
            *PLAIN_TABLE,
            ("ALIGN", (1, 0), (1, -1), "RIGHT"),
            ("LINEBELOW", (0, 0), (-1, -2), 0.5, look.HAIRLINE),
        ]
        style += [
            ("FONT", (1, place), (1, place), own.fontName, own.fontSize, own.leading)
            for place, (_, _, own) in enumerate(rows)
        ]
        if self.kind == "invoice":
            style += [
                ("LINEABOVE", (0, -1), (-1, -1), 1, look.INK),
                ("TOPPADDING", (0, -1), (-1, -1), 6),
            ]
        table.setStyle(style)
        return table

    def sums(self) -> list[tuple[str, str, Any]]:
        """What it comes to, from the top down: label, amount, style."""
        document, inclusive = self.document, self.document.get("prices_include_tax")
        sums: list[tuple[str, str, Any]] = []
        if not is_nothing(document.get("discount")):
            sums.append(("Discount", self.less(document["discount"]), look.TEXT))
        total = ("Total", self.money(document["total"]), look.STRONG)
        before = ("Net" if inclusive else "Subtotal", self.money(document["subtotal"]), look.TEXT)
        taxes = [
            self.tax(tax, "of which " if inclusive else "") for tax in document.get("taxes") or []
        ]
        if len(taxes) > 1:
            taxes.append(
                (
                    "of which tax altogether" if inclusive else "Tax",
                    self.money(document["tax"]),
                    look.TEXT,
                )
            )
        sums += [total, *taxes, before] if inclusive else [before, *taxes, total]
        if self.kind == "invoice":
            if not is_nothing(document.get("deposits")):
                sums.append(("Paid in advance", self.less(document["deposits"]), look.TEXT))
            sums.append(("Amount due", self.money(document["due"]), look.DUE))
        return sums

    def tax(self, tax: dict[str, Any], before: str) -> tuple[str, str, Any]:
        name = isolate(clip(self.line(tax["name"]), 40))
        number = isolate(clip(self.line(tax.get("number")), 40))
        words = f"{before}{name} {percent(tax['rate'], self.region)} on {self.money(tax['base'])}"
        return f"{words} (no. {number})" if number else words, self.money(tax["amount"]), look.TEXT

    def approval(self) -> Flowable:
        words = (
            f"I approve this estimate of {self.money(self.document['total'])} and ask for the "
            f"work to be done."
        )
        gap, wide, narrow = 18, (self.width - 36) / 5 * 2, (self.width - 36) / 5
        table = Table(
            [
                [self.paragraph(words, look.TEXT), "", "", "", ""],
                ["Signature", "", "Name", "", "Date"],
            ],
            colWidths=[wide, gap, wide, gap, narrow],
            rowHeights=[52, None],
            splitByRow=0,
        )
        small = [
            ("FONT", (0, 1), (-1, 1), look.PLAIN, 7.5),
            ("TEXTCOLOR", (0, 1), (-1, 1), look.GREY),
        ]
        rules = [("LINEABOVE", (column, 1), (column, 1), 0.75, look.INK) for column in (0, 2, 4)]
        table.setStyle([*PLAIN_TABLE, ("SPAN", (0, 0), (-1, 0)), *small, *rules])
        return table

    # --- words ------------------------------------------------------------------------

    def text(self, value: object) -> str:
        return clean(value, self.glyphs)

    def line(self, value: object) -> str:
        return one_line(self.text(value))

    def money(self, amount: str) -> str:
        return money(amount, self.currency, self.region)

    def less(self, amount: str) -> str:
        return less(amount, self.currency, self.region)

    def day(self, iso: str | None) -> str:
        return day(iso, self.region)

    def paragraph(self, text: str, style: Any) -> Paragraph:
        return paragraph(text, style, self.glyphs)

    def pieces(self, text: str, style: Any, width: float) -> Iterator[Paragraph]:
        """A text as paragraphs of no more than so many lines each. First cut where it
        has line ends: splitting measures all that follows.
        """
        typed = text.split("\n") if text else []
        for first in range(0, len(typed), ROOM):
            some = "\n".join(typed[first : first + ROOM])
            rest = [self.paragraph(some, style)]
            while rest:
                if len(some) > SHORT:
                    rest[0].wrap(width, 0)
                    rest = rest[0].split(width, ROOM * style.leading)
                yield rest[0]
                rest = rest[1:]

    def facts(self, facts: Iterable[tuple[str, Any]], width: float = 0) -> list[Flowable]:
        """Labels and what they stand for, one under the other; in a box unless they may
        go over pages.
        """
        wide = (width or self.width * 0.55) - LABELS
        rows = [
            [self.paragraph(name if place == 0 else "", look.LABEL), piece]
            for name, value in facts
            for place, piece in enumerate(self.pieces(self.text(value), look.TEXT, wide))
        ]
        return [box(rows, [LABELS, wide])] if rows else []


class Numbered(Canvas):
    """Every page says how many there are, which only the end knows: pages wait until
    then, and get their edges.
    """

    def __init__(self, sheet: Sheet, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.sheet = sheet
        self.waiting: list[dict[str, Any]] = []
        self.setViewerPreference("DisplayDocTitle", "true")

    def showPage(self) -> None:  # noqa: N802
        self.waiting.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for place, page in enumerate(self.waiting, start=1):
            self.__dict__.update(page)
            self.edges(place, len(self.waiting))
            super().showPage()
        super().save()

    def edges(self, page: int, pages: int) -> None:
        width, height = self.sheet.size
        left, right = look.SIDE, width - look.SIDE
        shop = one_line(self.sheet.shop.get("name", ""))
        if page == 1:
            self.setFillColor(look.ACCENT)
            self.rect(0, height - 6, width, 6, stroke=0, fill=1)
        self.setFont(look.PLAIN, 7)
        self.setFillColor(look.GREY)
        if page > 1:
            self.text_at(left, height - 34, self.fitting(shop, 0.6))
            self.text_at(right, height - 34, self.fitting(self.sheet.title, 0.35), to_left=True)
        self.setStrokeColor(look.HAIRLINE)
        self.setLineWidth(0.5)
        self.line(left, 42, right, 42)
        contact = [
            isolate(one_line(text))
            for text in (shop, self.sheet.shop.get("phone", ""), self.sheet.shop.get("email", ""))
            if text
        ]
        self.text_at(left, 30, self.fitting("  ·  ".join(contact), 0.6))
        self.text_at(
            right,
            30,
            f"{self.fitting(self.sheet.title, 0.3)}  ·  page {page} of {pages}",
            to_left=True,
        )

    def text_at(self, x: float, y: float, text: str, *, to_left: bool = False) -> None:
        draw(self, x, y, text, look.PLAIN, 7, self.sheet.glyphs, to_left=to_left)

    def fitting(self, text: str, share: float) -> str:
        """As much of the text as fits into this share of the line."""
        while text and width_of(text, look.PLAIN, 7, self.sheet.glyphs) > self.sheet.width * share:
            text = clip(text, max(len(text) * 9 // 10, 1)) if len(text) > 1 else ""
        return text


def lead(text: str) -> str:
    """What stands between a label and its text: a text from right to left begins on a
    line of its own.
    """
    return "\n" if direction(text) == "R" else " "
