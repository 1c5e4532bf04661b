"""URLs of the environment that name a database, a cache or a mail server, as Django's
settings of it.
"""

import re
from pathlib import Path
from typing import Any

import dj_database_url
import dj_email_url

from .env import refuse, text

DATABASE_URLS = "use sqlite:///path or postgres://user:password@host:port/name"
REDIS_URLS = "use redis://host:port/number, or leave it out for the in-process cache"
EMAIL_URLS = (
    "use smtp://user:password@host:25, submission://user:password@host:587 (STARTTLS), "
    "smtp://…:465/?ssl=True or console:"
)
IN_SQLITE = {
    # Deferred transactions fail with "database is locked" whatever the timeout: writers
    # queue from BEGIN on.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA "
        "mmap_size=268435456;PRAGMA cache_size=-65536"
    ),
}


def database(name: str, url: str, folder: Path) -> dict[str, Any]:
    """Django's description of the database at ``url``, the value of the variable
    ``name``; a file's path is relative to ``folder``.
    """
    if not re.match(r"sqlite://(/.|:memory:$)|postgres(ql)?://.", url):
        refuse(name, url.split(":")[0] + ":…", DATABASE_URLS)  # the rest may hold a password
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=None))
    except ValueError:
        refuse(name, "not a URL", DATABASE_URLS)
    if not found["NAME"]:
        refuse(name, "a URL without the database's name", DATABASE_URLS)
    if is_postgresql(found):
        found["CONN_HEALTH_CHECKS"] = True
        found["OPTIONS"] = postgresql_options(name, found.get("OPTIONS", {}))
        return found
    if found["NAME"] != ":memory:":
        found["NAME"] = str(sqlite_file(name, url, folder / found["NAME"]))
    return found | {"OPTIONS": IN_SQLITE}


def is_postgresql(found: dict[str, Any]) -> bool:
    return "postgresql" in found["ENGINE"]


def postgresql_options(name: str, options: dict[str, Any]) -> dict[str, Any]:
    # What a connection runs for the third time is prepared: planning one ticket's
    # statement takes longer than running it. Not at the first: migrations send several
    # commands in one, which cannot be prepared.
    prepare = str(options.get("prepare_threshold", 2)).lower()
    if not re.fullmatch("none|[0-9]{1,3}", prepare):
        refuse(
            name,
            f"…?prepare_threshold={prepare}",
            "use a number of runs, or none behind a pooler that cannot prepare",
        )
    threshold = None if prepare == "none" else int(prepare)
    own = {"server_side_binding": True, "prepare_threshold": threshold}
    return {"connect_timeout": 5, **options, **own}


def sqlite_file(name: str, url: str, path: Path) -> Path:
    """The file, in a folder that exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        accepted = (
            f"{path.parent} cannot be made ({error.strerror}); name a file in a folder that "
            f"can be written"
        )
        refuse(name, url, accepted)
    if path.is_dir():
        refuse(name, url, "that is a folder; name a file")
    return path


def redis_url(name: str) -> str:
    found = text(name)
    if found and not re.fullmatch(
        r"rediss?://([^/]*@)?([^:/@\[\]]+|\[[0-9a-fA-F:.]+\])?(:[0-9]{1,5})?(/[0-9]*)?(\?.*)?"
        r"|unix://.+",
        found,
    ):
        refuse(name, found.split(":")[0] + ":…", REDIS_URLS)
    return found


def email_server(name: str, url: str) -> dict[str, Any]:
    """Django's EMAIL settings of ``url``, the value of the variable ``name``."""
    if not re.match(r"(console|memory|dummy):|smtp://[^/?]|submission://[^/?]", url):
        refuse(name, url.split(":")[0] + ":…", EMAIL_URLS)  # the rest may hold a password
    try:
        return dict(dj_email_url.parse(url))
    except ValueError:
        refuse(name, "not a URL", EMAIL_URLS)
