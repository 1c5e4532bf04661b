"""What typed text may be: one set of rules for every channel. Pure functions, no
Django.
"""

import re
import unicodedata
from hashlib import sha256

# Letters and symbols that print nothing, in addition to format characters (Cf) and
# spaces.
UNSEEN = frozenset("\u2800\u3164\u115f\u1160\uffa0\u034f\u17b4\u17b5")
# Joiners are part of words in Persian and Indic scripts and of emoji, and so are the
# tags of flags.
JOINERS = frozenset("\u200c\u200d") | {chr(code) for code in range(0xE0020, 0xE0080)}
LINE_BREAKS = re.compile(r"[\t\r\n\v\f\x85\u2028\u2029]+")


class InputError(ValueError):
    """Text that no field takes. ``code`` is the error code of the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def clean_text(text: str, *, lines: bool = False) -> str:
    """The text in Unicode's composed form (NFC), without invisible characters.

    Text that shows nothing is "". In a field of one line, line breaks and tabs are a
    space; with ``lines`` they stay. Raises InputError ``invalid_characters`` for other
    control characters.
    """
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text)
    if not lines:
        text = LINE_BREAKS.sub(" ", text)
    kept = "".join(
        character for character in text if character in JOINERS or not is_format(character)
    )
    if any(
        unicodedata.category(character) == "Cc" and character not in "\t\r\n" for character in kept
    ):
        raise InputError("invalid_characters", "Leave out control characters.")
    return kept if shows_something(kept) else ""


def is_format(character: str) -> bool:
    """Is it an instruction, such as the direction of writing, and no character of its
    own?
    """
    return unicodedata.category(character) == "Cf"


def shows_something(text: str) -> bool:
    return any(not (each.isspace() or each in UNSEEN or each in JOINERS) for each in text)


LONGEST_KEY = 200


def text_key(text: str) -> str:
    """What is the same for all spellings of a text: "Straße" and "STRASSE", "É" of one
    or two characters, full-width letters.

    A key that would be too long for its column is a digest: some characters become 18.
    """
    folded = unicodedata.normalize(
        "NFKC", unicodedata.normalize("NFKD", text).casefold()
    ).casefold()
    key = unicodedata.normalize(
        "NFKC", "".join(each for each in folded if not is_format(each))
    ).strip()
    return key if len(key) <= LONGEST_KEY else sha256(key.encode()).hexdigest()


# --- plates and VINs ------------------------------------------------------------------

NO_VIN = frozenset(
    [
        "NA",
        "NONE",
        "NULL",
        "UNKNOWN",
        "UNK",
        "TBD",
        "TBA",
        "NOVIN",
        "MISSING",
        "NOTAVAILABLE",
        "NOTKNOWN",
        "PENDING",
        "XXX",
        "TEST",
    ]
)


def clean_plate(text: str) -> str:
    """Upper case; letters with their vowel signs, and digits: "ab 12-cd" → "AB12CD"."""
    text = unicodedata.normalize("NFKC", text).upper()
    return "".join(
        each for each in text if unicodedata.category(each)[0] in "LNM" and not is_accent(each)
    )


def is_accent(character: str) -> bool:
    """Is it an accent above a letter, as upper case may leave one behind? Plates have
    none.
    """
    return unicodedata.combining(character) == 230  # canonical combining class "above"


def clean_vin(text: str) -> str:
    """Upper case, letters and digits; "" for what people write where there is none."""
    vin = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).upper())
    return "" if vin in NO_VIN or (1 < len(vin) <= 17 and len(set(vin)) == 1) else vin
