"""Text that people typed, made fit for paper: nobody's name may break a page, and nobody's address may become markup.

What the fonts cannot show becomes �, which the reader sees; nothing disappears unseen but characters that are not text.
"""

import re
import unicodedata
from html import escape

UNKNOWN = "\ufffd"
BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BLANK_LINES = re.compile(r"\n\s*\n\s*\n")  # two and more
NOT_TEXT = {"Cc", "Cf"}  # control characters, and those that turn or join what stands beside them
VARIANTS = range(0xFE00, 0xFE10)  # which of two looks an emoji has


def clean(text: object, glyphs: frozenset[str]) -> str:
    """Characters of these glyphs, and line ends."""
    plain = BREAKS.sub("\n", unicodedata.normalize("NFC", "" if text is None else str(text)).replace("\t", " "))
    if not plain.isascii() or not plain.isprintable():
        plain = "".join(shown(character, glyphs) for character in plain)
    return BLANK_LINES.sub("\n\n", plain.strip())


def shown(character: str, glyphs: frozenset[str]) -> str:
    if character == "\n":
        return character
    if unicodedata.category(character) in NOT_TEXT or ord(character) in VARIANTS:
        return ""
    return character if character in glyphs else UNKNOWN


def one_line(text: str) -> str:
    return " ".join(text.split())


def clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def fold(text: str, lines: int) -> str:
    """As many lines as there is room for; the rest follows in the last one."""
    found = [line.strip() for line in text.split("\n") if line.strip()]
    return "\n".join([*found[: lines - 1], ", ".join(found[lines - 1 :])]).strip()


def markup(text: str) -> str:
    """Clean text as a Paragraph takes it."""
    return escape(text, quote=False).replace("\n", "<br/>")
