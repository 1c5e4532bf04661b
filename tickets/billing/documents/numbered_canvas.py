"""Pages with their numbers, and what stands at their edges."""

from typing import Any

from reportlab.pdfgen.canvas import Canvas

from . import styles
from .layout import Layout
from .paragraphs import draw, width_of
from .scripts import isolate
from .text import clip, one_line


class NumberedCanvas(Canvas):
    """Every page says how many there are, which only the end knows: pages wait until
    then, and get their edges.
    """

    def __init__(self, layout: Layout, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.layout = layout
        self.waiting: list[dict[str, Any]] = []
        self.setViewerPreference("DisplayDocTitle", "true")

    def showPage(self) -> None:  # noqa: N802
        self.waiting.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self.waiting, start=1):
            self.__dict__.update(page)
            self.edges(number, len(self.waiting))
            super().showPage()
        super().save()

    def edges(self, page: int, pages: int) -> None:
        width, height = self.layout.size
        left, right = styles.SIDE, width - styles.SIDE
        shop = one_line(self.layout.shop.get("name", ""))
        if page == 1:
            self.setFillColor(styles.ACCENT)
            self.rect(0, height - 6, width, 6, stroke=0, fill=1)
        self.setFont(styles.PLAIN, 7)
        self.setFillColor(styles.GREY)
        if page > 1:
            self.text_at(left, height - 34, self.fitting(shop, 0.6))
            self.text_at(right, height - 34, self.fitting(self.layout.title, 0.35), to_left=True)
        self.setStrokeColor(styles.HAIRLINE)
        self.setLineWidth(0.5)
        self.line(left, 42, right, 42)
        self.text_at(left, 30, self.fitting(self.contact(shop), 0.6))
        title = self.fitting(self.layout.title, 0.3)
        self.text_at(right, 30, f"{title}  ·  page {page} of {pages}", to_left=True)

    def contact(self, shop: str) -> str:
        texts = (shop, self.layout.shop.get("phone", ""), self.layout.shop.get("email", ""))
        return "  ·  ".join(isolate(one_line(text)) for text in texts if text)

    def text_at(self, x: float, y: float, text: str, *, to_left: bool = False) -> None:
        draw(self, x, y, text, styles.PLAIN, 7, self.layout.glyphs, to_left=to_left)

    def fitting(self, text: str, share: float) -> str:
        """As much of the text as fits into this share of the line."""
        while (
            text and width_of(text, styles.PLAIN, 7, self.layout.glyphs) > self.layout.width * share
        ):
            text = clip(text, max(len(text) * 9 // 10, 1)) if len(text) > 1 else ""
        return text
