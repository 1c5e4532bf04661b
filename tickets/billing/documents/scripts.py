"""Scripts beyond Latin, Greek and Cyrillic: joined, ordered from right to left, and in
fonts for Chinese, Japanese and Korean.

What has neither a glyph nor such a font is written in Latin letters;
``text.unprintable`` says where.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from anyascii import anyascii
from arabic_reshaper import ArabicReshaper
from bidi import get_display
from bidi.mirror import MIRRORED

from .typefaces import CJK, cjk_glyphs

UNKNOWN = "\ufffd"
JOINERS = "\u200c\u200d"  # say whether Arabic letters join, and show nothing
NO_JOINERS = dict.fromkeys(map(ord, JOINERS))
OPEN, CLOSE = "\u2068", "\u2069"  # around a text that has a direction of its own
ISOLATED = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}?")
RTL = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
ARABIC = "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff"
JOINED = re.compile(f"[{ARABIC}{JOINERS}]+")
BRACKETS = f"[{re.escape(''.join(MIRRORED))}]"
CJK_START = "\u1100"  # no Chinese, Japanese or Korean character stands before it


# --- from right to left ---------------------------------------------------------------


def is_rtl(text: str) -> bool:
    """Does it hold anything that is written from right to left?"""
    return not text.isascii() and RTL.search(text) is not None


def direction(text: str) -> str:
    """R or L, by the first character that has a direction and is not of an isolated
    piece.
    """
    for char in ISOLATED.sub("", text):
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL"):
            return "L" if kind == "L" else "R"
    return "L"


def isolate(text: str) -> str:
    """The text as a piece of a line, whose own direction does not turn what stands
    around it.
    """
    return f"{OPEN}{text}{CLOSE}" if is_rtl(text) else text


@cache
def reshaper(ligatures: bool) -> ArabicReshaper:
    return ArabicReshaper(
        {"delete_harakat": False, "support_ligatures": ligatures, "ARABIC LIGATURE ALLAH": False}
    )


def joined(text: str, glyphs: frozenset[str]) -> str:
    """Arabic letters in the form that their neighbors ask for, as far as there are
    glyphs.
    """

    def join(found: re.Match[str]) -> str:
        for ligatures in (True, False):
            shaped = reshaper(ligatures).reshape(found[0])
            if glyphs.issuperset(shaped.translate(NO_JOINERS)):
                return str(shaped)
        return found[0]

    return JOINED.sub(join, text).translate(NO_JOINERS)


def visual(text: str, base: str, glyphs: frozenset[str]) -> str:
    """One line of text in the order in which it is drawn, from left to right; the font
    draws a vowel mark onto what follows it.
    """
    if not is_rtl(text):
        return text
    # The library leaves brackets as they are. A mark behind each of them is drawn
    # before it where the line runs backwards.
    marked = re.sub(BRACKETS, "\\g<0>\u200b", joined(text, glyphs))
    drawn = re.sub(
        f"({BRACKETS})\u200b|\u200b({BRACKETS})",
        lambda found: found[1] or MIRRORED[found[2]],
        get_display(marked, base_dir=base),
    )
    return re.sub(f"[{OPEN}{CLOSE}\u200b]", "", drawn)


# --- other fonts ----------------------------------------------------------------------


def is_cjk(char: str) -> bool:
    return char >= CJK_START and char in cjk_glyphs()


def runs(text: str, glyphs: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(font, piece) of a text; the font is empty for the document's own."""
    if text.isascii() or all(char in glyphs for char in text):
        yield "", text
        return
    for font, chars in groupby(
        text, lambda char: CJK if char not in glyphs and is_cjk(char) else ""
    ):
        yield font, "".join(chars)


# --- what no font holds ---------------------------------------------------------------


def is_held(char: str, glyphs: frozenset[str]) -> bool:
    return char in glyphs or char == "\n" or char in JOINERS or is_cjk(char)


def in_latin(text: str, glyphs: frozenset[str]) -> str:
    """The text with Latin letters in the place of characters that no font holds."""
    return "".join(char if is_held(char, glyphs) else latin(char) for char in text)


def latin(char: str) -> str:
    """What has no counterpart in Latin letters has to be seen, unless it only changes
    the letter before it.
    """
    return anyascii(char) or ("" if unicodedata.combining(char) else UNKNOWN)
