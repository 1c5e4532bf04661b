"""The page of one document, and how its texts and amounts are set on it."""

from collections.abc import Iterable, Iterator
from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import (
    Flowable,
    Paragraph,
)

from tickets.pricing.money_format import (
    day,
    less,
    money,
)

from . import styles
from .paragraphs import paragraph
from .tables import box
from .text import clean, one_line

TITLES = {
    "estimate": "Estimate",
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "receipt": "Receipt",
}
STORY = ("Concern", "Cause", "Correction")
NOT_NOW = ("declined", "deferred")
LABELS = 64  # width of what says "Number" or "Concern"
# lines of a text in one row: a row is never broken, so it must fit on a page, at best
# with what belongs to it
ROOM = 12
# characters in a box that is never broken; the database's own limits are about these
LONG, SHORT = 400, 120


class Layout:
    """One document on its page."""

    def __init__(
        self, document: dict[str, Any], glyphs: frozenset[str], *, together: bool = True
    ) -> None:
        self.document, self.glyphs, self.together = document, glyphs, together
        self.kind, self.currency = document["kind"], document.get("currency", "")
        self.region = document.get("region", "")  # of the day on which it was issued
        self.title = f"{TITLES[self.kind]} {self.line(document.get('number'))}"
        self.shop = {key: self.text(value) for key, value in (document.get("shop") or {}).items()}
        self.size = styles.PAGE_SIZES.get(document.get("paper", ""), styles.PAGE_SIZES["a4"])
        self.width = self.size[0] - 2 * styles.SIDE
        taxes = document.get("taxes") or []
        names = {tax["name"] for tax in taxes}
        # else each line says its own
        self.tax_name = self.line(names.pop()) if len(names) == 1 else ""

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

    def paragraph(self, text: str, style: ParagraphStyle) -> Paragraph:
        return paragraph(text, style, self.glyphs)

    def pieces(self, text: str, style: ParagraphStyle, width: float) -> Iterator[Paragraph]:
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

    def facts(self, facts: Iterable[tuple[str, object]], width: float = 0) -> list[Flowable]:
        """Labels and what they stand for, one under the other; in a box unless they may
        go over pages.
        """
        wide = (width or self.width * 0.55) - LABELS
        rows = [
            [self.paragraph(name if index == 0 else "", styles.LABEL), piece]
            for name, value in facts
            for index, piece in enumerate(self.pieces(self.text(value), styles.TEXT, wide))
        ]
        return [box(rows, [LABELS, wide])] if rows else []
