"""SQLite's own online backup."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection

from .files import Contents, Manifest

SUFFIX = "sqlite3"


def dump(path: Path) -> Contents:
    """Copy the database as it is in one moment, and say what is in the copy.

    All pages in one step: that is one read, which stops no writer; in several steps it
    would begin anew at every write between them.
    """
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as copy:
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, which needs no other beside it
            result = copy.execute("PRAGMA integrity_check").fetchone()[0]
            if result != "ok":
                raise CommandError(
                    f"The database is damaged, and so is its copy, which was thrown away: {result}"
                )
            return contents(copy.execute)
    except sqlite3.Error as error:
        raise CommandError(f"SQLite could not write the copy: {error}.") from error


def load(path: Path, manifest: Manifest) -> None:
    """Write the copy over this empty database, in one transaction."""
    connection.ensure_connection()
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as copy:
            copy.backup(connection.connection)
    except sqlite3.Error as error:
        raise CommandError(f"SQLite could not restore the copy: {error}.") from error


def present() -> Contents:
    """The migrations and the number of rows of each table."""
    connection.ensure_connection()
    return contents(connection.connection.execute)


def contents(execute: Callable[[str], Any]) -> Contents:
    migrations: dict[str, list[str]] = {}
    for app, name in execute("SELECT app, name FROM django_migrations ORDER BY id"):
        migrations.setdefault(app, []).append(name)
    tables = [
        name
        for (name,) in execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE "
            "'sqlite~_%' ESCAPE '~' ORDER BY name"
        )
    ]
    rows = {table: execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables}  # noqa: S608 - a table's own name
    return {"migrations": migrations, "rows": rows}
