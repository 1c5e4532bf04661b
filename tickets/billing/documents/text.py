"""Text that people typed, made fit for paper: nobody's name may break a page, and
nobody's address may become markup.

What no font holds is written in Latin letters, and ``unprintable`` says so; nothing
disappears unseen but characters that are not text.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from .scripts import ARABIC, JOINERS, in_latin, is_held
from .typefaces import glyphs

BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BLANK_LINES = re.compile(r"\n\s*\n\s*\n")  # two and more
NOT_TEXT = {"Cc", "Cf"}  # control characters, and those that turn or join what stands beside them
VARIANTS = range(0xFE00, 0xFE10)  # which of two looks an emoji has
ARABIC_LETTER = re.compile(f"[{ARABIC}]")


def clean(text: object, known: frozenset[str]) -> str:
    """Characters of these glyphs and of the fonts for Chinese, Japanese and Korean, and
    line ends.
    """
    plain = normalized("" if text is None else str(text))
    if not plain.isascii():
        plain = in_latin(plain, known)
    return BLANK_LINES.sub("\n\n", plain.strip())


def normalized(text: str) -> str:
    """The text without what is none; line ends of one kind."""
    plain = BREAKS.sub("\n", unicodedata.normalize("NFC", text).replace("\t", " "))
    if plain.isascii() and plain.isprintable():
        return plain
    kept = "\n" + (JOINERS if ARABIC_LETTER.search(plain) else "")
    return "".join(char for char in plain if char in kept or is_text(char))


def is_text(char: str) -> bool:
    return unicodedata.category(char) not in NOT_TEXT and ord(char) not in VARIANTS


def with_unprintable(document: dict[str, Any]) -> dict[str, Any]:
    """The document, and under ``unprintable`` what of it cannot be printed as it was
    written.
    """
    return document | {"unprintable": list(unprintable(document))}


def unprintable(document: Any, path: str = "") -> Iterator[dict[str, str]]:
    """{field, text, printed} of every text in a document that no font holds."""
    members = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for name, value in members:
        yield from unprintable(value, f"{path}.{name}" if path else str(name))
    if isinstance(document, str) and not document.isascii():
        known = glyphs()
        if not all(is_held(char, known) for char in normalized(document)):
            yield {"field": path, "text": document, "printed": clean(document, known)}


def one_line(text: str) -> str:
    return " ".join(text.split())


def clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def fold(text: str, lines: int) -> str:
    """As many lines as there is room for; the rest follows in the last one."""
    found = [line.strip() for line in text.split("\n") if line.strip()]
    return "\n".join([*found[: lines - 1], ", ".join(found[lines - 1 :])]).strip()
