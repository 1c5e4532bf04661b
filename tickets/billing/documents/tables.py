"""Tables as the shop's documents have them: no boxes, few lines, amounts to the right."""

from typing import Any

from reportlab.platypus import Table

from . import styles

PLAIN_TABLE = [
    ("FONT", (0, 0), (-1, -1), styles.PLAIN, styles.TEXT.fontSize, styles.TEXT.leading),
    ("TEXTCOLOR", (0, 0), (-1, -1), styles.INK),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
]


def box(rows: list[list[Any]], widths: list[float]) -> Table:
    table = Table(rows, colWidths=widths, hAlign="LEFT")
    table.setStyle(
        [*PLAIN_TABLE, ("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)]
    )
    return table


class Rows:
    """The rows of the table of lines, and how each is drawn."""

    def __init__(self, together: bool) -> None:
        self.together = together  # keep rows on one page that belong together
        self.cells: list[list[Any]] = []
        self.style: list[tuple[Any, ...]] = [
            *PLAIN_TABLE,
            ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ]
        self.repeated = 0

    def add(self, cells: list[Any], *style: tuple[Any, ...]) -> None:
        """Style commands without their places are of this row."""
        row = len(self.cells)
        self.cells.append(cells)
        self.style += [
            (name, (first, row), (last, row), *more) for name, first, last, *more in style
        ]

    def keep(self, first: int) -> None:
        """This row and the one after it."""
        if self.together:
            self.style.append(("NOSPLIT", (0, first), (0, first + 1)))

    def keep_with_next(self) -> None:
        self.keep(len(self.cells) - 1)

    def keep_with_last(self) -> None:
        self.keep(len(self.cells) - 2)

    def across(self, cell: Any) -> None:
        self.add([cell, "", "", "", ""], ("SPAN", 0, -1))
        self.repeated += 1

    def header(self, names: list[str]) -> None:
        self.add(names, ("FONT", 0, -1, styles.PLAIN, 7.5), ("TEXTCOLOR", 0, -1, styles.GREY))
        self.repeated += 1

    def heading(self, title: Any, tag: Any) -> None:
        # on one base line
        self.add(
            [title, "", tag, "", ""],
            ("SPAN", 0, 1),
            ("SPAN", 2, 4),
            ("TOPPADDING", 0, 1, 10),
            ("TOPPADDING", 2, 4, 12.3),
        )
        self.keep_with_next()

    def notes(self, texts: list[Any]) -> None:
        """The last one stays with the first line. Not all of them: together they may be
        longer than a page.
        """
        for text in texts:
            self.add(
                [text, "", "", "", ""],
                ("SPAN", 0, 3),
                ("TOPPADDING", 0, -1, 0),
                ("BOTTOMPADDING", 0, -1, 6 if text is texts[-1] else 0),
            )
        if texts:
            self.keep_with_next()

    def line(self, text: Any, amounts: list[Any]) -> None:
        self.add(
            [text, *amounts], ("RIGHTPADDING", 0, 0, 12), ("LINEABOVE", 0, -1, 0.5, styles.HAIRLINE)
        )

    def more(self, text: Any) -> None:
        """A description goes on."""
        self.style.append(("BOTTOMPADDING", (0, len(self.cells) - 1), (-1, len(self.cells) - 1), 0))
        self.add([text, "", "", "", ""], ("RIGHTPADDING", 0, 0, 12), ("TOPPADDING", 0, -1, 0))

    def foot(self, words: Any, amount: str) -> None:
        strong = (
            ("FONT", 4, 4, styles.BOLD, 7.5, 10.5),
            ("LINEABOVE", 0, -1, 0.5, styles.HAIRLINE),
            ("BOTTOMPADDING", 0, -1, 8),
        )
        self.add([words, "", "", "", amount], ("SPAN", 0, 3), *strong)
        self.keep_with_last()

    def totals(self, table: Table) -> None:
        self.add(
            [table, "", "", "", ""],
            ("SPAN", 0, -1),
            ("ALIGN", 0, 0, "RIGHT"),
            ("TOPPADDING", 0, -1, 8),
            ("LINEABOVE", 0, -1, 0.75, styles.INK),
        )
        self.keep_with_last()

    def table(self, widths: list[float]) -> Table:
        table = Table(self.cells, colWidths=widths, repeatRows=self.repeated)
        # The header's rule comes last: on later pages a line's own would be drawn over
        # it.
        table.setStyle(
            [
                *self.style,
                ("LINEBELOW", (0, self.repeated - 1), (-1, self.repeated - 1), 0.75, styles.INK),
            ]
        )
        return table
