"""The fonts of the documents: DejaVu Sans, and WenQuanYi Micro Hei for Chinese,
Japanese and Korean.
"""

from functools import cache
from pathlib import Path
from threading import Lock

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

FILES = Path(__file__).parent / "fonts"
PLAIN, BOLD, CJK = "DejaVuSans", "DejaVuSans-Bold", "WenQuanYiMicroHei"
NAMES = {PLAIN: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf", CJK: "wqy-microhei.ttc"}

# reading a font takes longer than a page: once per process, when it is first needed
loading = Lock()


def glyphs() -> frozenset[str]:
    """What both the plain and the bold font can show."""
    with loading:
        return load(PLAIN) & load(BOLD)


def cjk_glyphs() -> frozenset[str]:
    """What the font for Chinese, Japanese and Korean can show."""
    with loading:
        return load(CJK)


@cache
def load(name: str) -> frozenset[str]:
    """Register a font; returns the characters that it can show."""
    font = TTFont(name, str(FILES / NAMES[name]))
    registerFont(font)
    return frozenset(map(chr, font.face.charToGlyph))
