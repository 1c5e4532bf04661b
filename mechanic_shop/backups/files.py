"""The files of a backup: the data and its manifest (``….json``)."""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict, cast

import orjson
from django.core.management.base import CommandError

FORMAT = 1
NAME = re.compile(r"shop-[0-9]{8}T[0-9]{6}Z\.(sqlite3|pgdump)")
DAY = 24 * 60 * 60


class Contents(TypedDict):
    """The applied migrations of each app, and the number of rows of each table."""

    migrations: dict[str, list[str]]
    rows: dict[str, int]


class Manifest(Contents):
    format: int
    database: str
    made_at: str
    bytes: int
    sha256: str


def manifest_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


@contextmanager
def draft(final: Path) -> Iterator[Path]:
    """A new file, readable by its owner alone, to be renamed to ``final`` when it is
    whole; on a failure it is removed.
    """
    part = final.with_name(f"{final.name}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        if final.exists():
            raise CommandError(f"{final} is there already: one backup a second is enough.")
        yield part
    finally:
        for left in final.parent.glob(f"{part.name}*"):  # a database's journal too
            left.unlink(missing_ok=True)


def finish(*parts: Path) -> None:
    """Give the drafts their names, in this order, once they are on the disk."""
    for part in parts:
        sync(part)
    for part in parts:
        part.rename(part.with_suffix(""))
    sync(parts[0].parent)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checksum(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def write_manifest(path: Path, manifest: Manifest) -> None:
    path.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_manifest(path: Path) -> Manifest:
    """The checked manifest of the backup ``path``. Raises CommandError."""
    note = manifest_of(path)
    if not path.is_file():
        raise CommandError(f"There is no file {path}.")
    if not note.is_file():
        raise CommandError(
            f"{note.name} is not beside {path.name}: without its manifest nobody can tell "
            f"whether a backup is whole."
        )
    manifest = parse_manifest(note)
    if manifest["format"] != FORMAT:
        raise CommandError(
            f"{note.name} is of format {manifest['format']}, this shop reads {FORMAT}: "
            f"use the version of the shop that wrote it."
        )
    if wrong := [name for name, is_right in MEMBERS.items() if not is_right(manifest.get(name))]:
        raise CommandError(
            f"{note.name} was damaged: {', '.join(wrong)} is missing or wrong. Take "
            f"another copy, or another backup."
        )
    return cast(Manifest, manifest)


def parse_manifest(note: Path) -> dict[str, Any]:
    try:
        manifest = orjson.loads(note.read_bytes())
    except orjson.JSONDecodeError as error:
        raise not_a_manifest(note) from error
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise not_a_manifest(note)
    return manifest


def not_a_manifest(note: Path) -> CommandError:
    return CommandError(f"{note.name} is not the manifest of a backup.")


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def are_rows(value: object) -> bool:
    """{table: number of rows}"""
    return isinstance(value, dict) and all(map(is_number, value.values()))


def are_migrations(value: object) -> bool:
    """{app: [names]}"""
    return isinstance(value, dict) and all(
        isinstance(names, list) and all(map(is_text, names)) for names in value.values()
    )


# What a manifest holds in addition to its format.
MEMBERS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("database", "made_at", "sha256"), is_text),
    "bytes": is_number,
    "rows": are_rows,
    "migrations": are_migrations,
}


def throw_away(folder: Path, keep: int) -> list[Path]:
    """Remove all but the ``keep`` newest backups, and the drafts of killed ones.

    Returns the removed backups.
    """
    whole = sorted(
        path
        for path in folder.iterdir()
        if NAME.fullmatch(path.name) and manifest_of(path).exists()
    )
    old = whole[:-keep]
    for path in old:
        path.unlink()
        manifest_of(path).unlink()
    for part in folder.glob("shop-*.part*"):
        if part.stat().st_mtime < time.time() - DAY:
            part.unlink(missing_ok=True)
    return old
