"""Lines and paragraphs of any script, in reportlab's terms."""

from collections.abc import Iterator
from html import escape
from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph
from reportlab.platypus.paragraph import cleanBlockQuotedText

from .scripts import direction, is_rtl, joined, runs, visual


def paragraph(text: str, style: ParagraphStyle, glyphs: frozenset[str]) -> Paragraph:
    """Clean text; a line end begins a new line."""
    return (
        OrderedParagraph(text, style, glyphs)
        if is_rtl(text)
        else Paragraph(markup(text, glyphs), style)
    )


def markup(text: str, glyphs: frozenset[str]) -> str:
    """Clean text as a Paragraph takes it."""
    pieces = [
        (font, escape(piece, quote=False).replace("\n", "<br/>"))
        for font, piece in runs(text, glyphs)
    ]
    return "".join(
        f'<font name="{font}">{piece}</font>' if font else piece for font, piece in pieces
    )


def width_of(text: str, font: str, size: float, glyphs: frozenset[str]) -> float:
    return sum(stringWidth(piece, own or font, size) for own, piece in runs(text, glyphs))


def draw(
    canvas: Canvas,
    x: float,
    y: float,
    text: str,
    font: str,
    size: float,
    glyphs: frozenset[str],
    *,
    to_left: bool = False,
) -> None:
    """One line from ``x`` on, or up to it."""
    shown = visual(text, "L", glyphs)
    x -= width_of(shown, font, size, glyphs) if to_left else 0
    for own, piece in runs(shown, glyphs):
        canvas.setFont(own or font, size)
        canvas.drawString(x, y, piece)
        x += stringWidth(piece, own or font, size)


class OrderedParagraph(Paragraph):
    """Text that runs from right to left, in part at least: broken into lines as it is
    read, each then put in the order of drawing.
    """

    def __init__(self, text: str, style: ParagraphStyle, glyphs: frozenset[str]) -> None:
        self.logical, self.glyphs, self.ordered = text, glyphs, [text]
        super().__init__("", style)

    def breakLines(self, width: Any) -> Any:  # noqa: N802
        self.ordered = list(
            self.visual_lines(min(width) if isinstance(width, (list, tuple)) else width)
        )
        self._setup(
            markup("\n".join(self.ordered), self.glyphs),
            self.style,
            None,
            None,
            cleanBlockQuotedText,
        )
        return super().breakLines(width)

    def split(self, width: float, height: float) -> list[Any]:
        """As many lines as there is room for, and the rest; lines that were ordered
        stay as they are.
        """
        self.wrap(width, height)
        fits = int(height // self.style.leading)
        if not 0 < fits < len(self.ordered):
            return [self] if fits else []
        return [
            Paragraph(markup("\n".join(lines), self.glyphs), self.style)
            for lines in (self.ordered[:fits], self.ordered[fits:])
        ]

    def visual_lines(self, width: float) -> Iterator[str]:
        for text in self.logical.split("\n"):
            base = direction(text)
            for line in self.broken(text, width):
                yield visual(line, base, self.glyphs)

    def broken(self, text: str, width: float) -> Iterator[str]:
        """Lines of whole words; a word that is wider than a line is cut."""
        space, line, used = self.measure(" "), "", 0.0
        for word in (piece for whole in text.split() for piece in self.cut(whole, width)):
            wide = self.measure(word)
            if line and used + space + wide > width:
                yield line
                line, used = "", 0.0
            line, used = (f"{line} {word}", used + space + wide) if line else (word, wide)
        yield line

    def cut(self, word: str, width: float) -> Iterator[str]:
        while len(word) > 1 and self.measure(word) > width:
            fits = next(
                size
                for size in range(len(word) - 1, 0, -1)
                if size == 1 or self.measure(word[:size]) <= width
            )
            yield word[:fits]
            word = word[fits:]
        yield word

    def measure(self, text: str) -> float:
        return width_of(
            joined(text, self.glyphs), self.style.fontName, self.style.fontSize, self.glyphs
        )
