"""How the shop's documents look: fonts, colors, sizes. Points everywhere: 72 are an inch."""

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle

from .typefaces import BOLD, PLAIN

INK, GREY, HAIRLINE, ACCENT = (
    HexColor("#111827"),
    HexColor("#6b7280"),
    HexColor("#e5e7eb"),
    HexColor("#1d4ed8"),
)
GREEN, AMBER = HexColor("#047857"), HexColor("#b45309")

PAGE_SIZES = {"a4": A4, "letter": LETTER}
SIDE, TOP, BOTTOM = 48, 52, 58  # margins


def style(
    size: float = 8.5,
    leading: float = 12,
    *,
    font: str = PLAIN,
    color: HexColor = INK,
    **more: object,
) -> ParagraphStyle:
    """Named fonts throughout: reportlab's own defaults are fonts that a file does not
    hold.
    """
    # A word longer than its column is broken; who ends a page is decided by the tables.
    more = {"splitLongWords": 1, "allowWidows": 1, "allowOrphans": 1} | more
    return ParagraphStyle(
        "",
        fontName=font,
        bulletFontName=font,
        fontSize=size,
        leading=leading,
        textColor=color,
        **more,
    )


TEXT = style()
STRONG = style(font=BOLD)
SMALL = style(7.5, 10.5, color=GREY)
SMALL_RIGHT = style(7.5, 10.5, color=GREY, alignment=TA_RIGHT)
TEXT_RIGHT = style(alignment=TA_RIGHT)
LABEL = style(color=GREY)
TITLE = style(22, 27, font=BOLD)
SHOP = style(12, 15, font=BOLD, alignment=TA_RIGHT)
HEADLINE = style(15, 20, font=BOLD)
HEADING = style(9.5, 13, font=BOLD)
DUE = style(11, 15, font=BOLD)
TAG_YES, TAG_WAITS, TAG_NOT_NOW = (
    style(7, 10, font=BOLD, color=color, alignment=TA_RIGHT) for color in (GREEN, AMBER, GREY)
)
