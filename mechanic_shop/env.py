"""Values from the environment, checked: what the settings read.

A value that makes no sense stops the start with one sentence that names the variable,
what was found and what is accepted. docs/deployment.md lists the variables.
"""

import os
import re
import secrets
import sys
from collections.abc import Collection
from decimal import Decimal
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn

from environs import Env, EnvError

env = Env()


def refuse(name: str, found: object, accepted: str) -> NoReturn:
    """Stop the start: ``name`` holds ``found``, which is not among what is
    ``accepted``.
    """
    sys.exit(f"{name} is {found!r}, which does not work: {accepted}.")


def text(name: str, default: str = "") -> str:
    """The variable as it is; ``default`` where it is missing or empty."""
    return env.str(name, "") or default


def text_like(name: str, pattern: str, accepted: str, default: str = "") -> str:
    """A text that matches ``pattern`` as a whole."""
    found = text(name, default)
    if found and not re.fullmatch(pattern, found):
        refuse(name, found, accepted)
    return found


def one_of(name: str, choices: Collection[str], accepted: str, default: str) -> str:
    found = text(name, default)
    if found not in choices:
        refuse(name, found, accepted)
    return found


def flag(name: str, default: bool = False) -> bool:
    found = env.str(name, "")
    try:
        return env.bool(name) if found else default
    except EnvError:
        refuse(name, found, "use on or off")


def number(name: str, default: int, lowest: int, highest: int) -> int:
    found = env.str(name, "") or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", found) or not lowest <= int(found) <= highest:
        refuse(name, found, f"use a whole number from {lowest} to {highest}")
    return int(found)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in (env.str(name, "") or default).split(",") if word.strip()]


def matching(name: str, pattern: str, accepted: str, default: str = "") -> list[str]:
    """Comma-separated words, each of which matches ``pattern``."""
    found = words(name, default)
    for word in found:
        if not re.fullmatch(pattern, word):
            refuse(name, word, f"use comma-separated {accepted}")
    return found


def line_of(name: str, longest: int) -> str:
    """One line of text, or none."""
    found = env.str(name, "").strip()
    if not found.isprintable() or len(found) > longest:
        refuse(name, found[:100], f"use one line of at most {longest} characters")
    return found


def amount(name: str, places: int, default: Decimal | None = None) -> Any:
    found = env.str(name, "")
    if not found:
        return default
    if not re.fullmatch(with_places(places), found):
        refuse(name, found, f"use a number such as {example(places)}")
    return Decimal(found)


def with_places(places: int) -> str:
    """The pattern of a number with no more decimals."""
    return rf"[0-9]{{1,6}}(\.[0-9]{{1,{places}}})?" if places else "[0-9]{1,6}"


def example(places: int) -> str:
    return f"35 or {Decimal('12.5'):.{places}f}" if places else "35"


def series(name: str, default: str) -> str:
    """What the numbers of a document begin with; {year} is the year of issue, with which a
    new series begins.
    """
    found = env.str(name, "") or default
    if not re.fullmatch(r"[A-Za-z0-9/_-]{1,20}", found.replace("{year}", "", 1)):
        refuse(
            name,
            found,
            (
                "use letters, digits and - / _, at most 20, with {year} where each year "
                "begins at 1, such as INV-{year}"
            ),
        )
    return found


def rate(name: str, default: str) -> str:
    found = env.str(name, "") or default
    if found != "off" and not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour)", found):
        refuse(name, found, "use N/second, N/minute or N/hour with N from 1 to 999999999, or off")
    return found


def secret(name: str, folder: Path, required: bool) -> str:
    """The secret from the environment. Where it is not ``required``, the first start
    makes one and keeps it in ``folder``.
    """
    found = env.str(name, "")
    if found:
        if len(found.encode()) < 32:
            refuse(name, f"{len(found.encode())} bytes long", "use 32 random bytes or more")
        return found
    if required:
        refuse(
            name,
            "not set",
            "with DATABASE_URL on PostgreSQL it must be given, 32 random bytes or more",
        )
    return kept_secret(name, folder / name.lower())


def kept_secret(name: str, path: Path) -> str:
    """The secret of an earlier start, or a new one."""
    instead = "give the variable 32 random bytes or more"
    try:
        if not path.exists():
            make_secret(path)
        kept = path.read_text().strip()
    except OSError as error:
        refuse(name, "not set", f"{path} cannot be made or read ({error.strerror}); {instead}")
    if len(kept) < 32:
        refuse(name, "not set", f"{path} holds {len(kept)} bytes; remove that file or {instead}")
    return kept


def make_secret(path: Path) -> None:
    """Put a new secret at ``path``, whole or not at all.

    Of two processes that start in the same moment one makes it and both read it: a
    link, unlike a file that is opened and then written, is never seen empty and never
    replaces another.
    """
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
        new.write(secrets.token_urlsafe(48))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def visible_token(name: str) -> str:
    """A long secret that is sent in a header, or none."""
    found = text(name)
    if found and not re.fullmatch(r"[\x21-\x7e]{32,}", found):
        accepted = "use 32 or more visible ASCII characters, and no space"
        refuse(name, f"{len(found)} characters long", accepted)
    return found


# --- the network ----------------------------------------------------------------------
def listening_address(name: str, default: str) -> str:
    found = text(name, default)
    try:
        return "127.0.0.1" if found == "localhost" else str(ip_address(found))
    except ValueError:
        accepted = "use an IP address to listen on, such as 127.0.0.1 or 0.0.0.0, or localhost"
        refuse(name, found, accepted)


def sender(name: str, default: str) -> str:
    found = text(name, default)
    if not found.isprintable() or not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(found)[1]):
        accepted = "use an address such as shop@example.com or Demo Garage <shop@example.com>"
        refuse(name, found, accepted)
    return found


# --- money ----------------------------------------------------------------------------
# ISO 4217: currencies whose minor unit is not a hundredth.
WITHOUT_CENTS = {
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
}
WITH_THOUSANDTHS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
WITH_MORE = {"CLF", "UYW"}  # units of account with four decimals, not used for payments


def currency_places(name: str, currency: str) -> int:
    """The decimals of a currency: 0, 2 or 3."""
    if currency in WITH_MORE:
        accepted = "the shop keeps amounts with three decimals, and this currency has more"
        refuse(name, currency, accepted)
    return 0 if currency in WITHOUT_CENTS else 3 if currency in WITH_THOUSANDTHS else 2


def supplies(name: str, places: int) -> tuple[Decimal, Decimal]:
    """Shop supplies: percent of labor and parts, or an amount for each ticket."""
    found = text(name, "0")
    is_percent = found.endswith("%")
    pattern = rf"[0-9]{{1,3}}(\.[0-9]{{1,2}})?%|{with_places(places)}"
    if not re.fullmatch(pattern, found) or (is_percent and Decimal(found[:-1]) > 100):
        accepted = (
            f"use a percentage of labor and parts such as 5%, or an amount for each ticket such "
            f"as {example(places)}"
        )
        refuse(name, found, accepted)
    return (Decimal(found[:-1]), Decimal(0)) if is_percent else (Decimal(0), Decimal(found))
