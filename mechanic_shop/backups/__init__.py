"""Backups of the database: made while the shop serves, restored into an empty database
only. See docs/operations.md.
"""

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from mechanic_shop.http import caching

from . import files, postgresql, sqlite
from .files import Manifest

DATABASES: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}
CACHED = ("accounts", "mechanics", "parts")  # generations of cached pages and users


def write(folder: Path) -> tuple[Path, Manifest]:
    """Back the database up into ``folder``: the new file and its manifest. Raises
    CommandError or OSError, and leaves nothing behind.
    """
    database, made_at = DATABASES[connection.vendor], datetime.now(UTC)
    final = folder / f"shop-{made_at:%Y%m%dT%H%M%SZ}.{database.SUFFIX}"
    with files.draft(final) as data, files.draft(files.manifest_of(final)) as note:
        contents = database.dump(data)
        manifest: Manifest = {
            "format": files.FORMAT,
            "database": connection.vendor,
            "made_at": f"{made_at:%Y-%m-%dT%H:%M:%SZ}",
            "migrations": contents["migrations"],
            "rows": contents["rows"],
            "bytes": data.stat().st_size,
            "sha256": files.checksum(data),
        }
        files.write_manifest(note, manifest)
        files.finish(note, data)  # the data last: whatever bears its name is whole
    return final, manifest


def restore(path: Path) -> Manifest:
    """Put a backup into this empty database; its manifest.

    Raises CommandError, having changed nothing, for a backup that is not whole or does
    not fit, and for a database with data.
    """
    manifest = files.read_manifest(path)
    refuse_unfit(path, manifest)
    refuse_newer(manifest)
    refuse_unless_empty()
    DATABASES[connection.vendor].load(path, manifest)
    refuse_incomplete(manifest)
    caching.changed(*CACHED, at_once=True)
    connection.close()
    return manifest


def refuse_unfit(path: Path, manifest: Manifest) -> None:
    """Refuse a backup of another kind of database, or with another checksum."""
    if manifest["database"] != connection.vendor:
        raise CommandError(
            f"This is a backup of {manifest['database']}, and DATABASE_URL is of "
            f"{connection.vendor}: name a database of the same kind."
        )
    if files.checksum(path) != manifest["sha256"]:
        raise CommandError(
            f"{path.name} is not what was written: its SHA-256 differs from the "
            f"manifest's. Take another copy, or another backup."
        )


def refuse_incomplete(manifest: Manifest) -> None:
    """Refuse a restored database whose tables do not have the manifest's rows."""
    rows = DATABASES[connection.vendor].present()["rows"]
    if different := [
        table for table, number in manifest["rows"].items() if rows.get(table) != number
    ]:
        raise CommandError(
            f"Restored, but not all of it is there: {', '.join(different)}. Do not use "
            f"this database."
        )


def refuse_newer(manifest: Manifest) -> None:
    """Refuse a backup of a later version: its tables cannot be read."""
    present = MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}
    unknown = [
        f"{app}.{name}"
        for app, names in manifest["migrations"].items()
        for name in names
        if (app, name) not in present
    ]
    if unknown:
        raise CommandError(
            f"The backup is of another, newer version of the shop: this one does not know "
            f"{', '.join(unknown)}. Update the shop first."
        )


def refuse_unless_empty() -> None:
    """Refuse to write over data: the old database stays until the new one has proven
    itself.
    """
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("auth_", "django_content_type", "django_migrations")):
                continue  # migrate filled these
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 - a table's own name, quoted
            if cursor.fetchone():
                raise CommandError(
                    f"The database of DATABASE_URL has data ({table}), and a restore "
                    f"writes over nothing: name a new, empty one."
                )
