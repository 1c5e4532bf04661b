"""PostgreSQL's own tools: pg_dump and pg_restore."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection, transaction

from mechanic_shop.db import triggers

from .files import Contents, Manifest

SUFFIX = "pgdump"


def dump(path: Path) -> Contents:
    """Dump the database and return what is in the dump: pg_dump and the counts read the
    same snapshot.
    """
    program = tool("pg_dump", server_version())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        contents = present()
        # A migration in this moment locks tables: better no backup than a shop that
        # waits for one.
        run(
            program,
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--lock-wait-timeout=60000",
            f"--snapshot={snapshot}",
            f"--file={path}",
        )
    return contents


def load(path: Path, manifest: Manifest) -> None:
    """Restore the dump, all or nothing. The empty tables of the shop make room for
    those of the dump, which may be of an older version.
    """
    program = tool("pg_restore", server_version())
    run_listing(program, path)  # a dump that cannot be read must not cost the empty tables
    drop_tables(manifest)
    connection.close()
    # The only comment is PostgreSQL's own on an extension, which only the
    # extension's owner may write again.
    run(
        program,
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        last=[str(path)],
    )


def drop_tables(manifest: Manifest) -> None:
    """Drop the shop's own tables and functions, of this version and of the dump's."""
    with connection.cursor() as cursor:
        ours = set(connection.introspection.table_names(cursor)) & {
            *manifest["rows"],
            *connection.introspection.django_table_names(),
            "django_migrations",
        }
        if ours:
            cursor.execute(
                f"DROP TABLE {', '.join(map(connection.ops.quote_name, sorted(ours)))} CASCADE"
            )
        cursor.execute(f"DROP FUNCTION IF EXISTS {', '.join(triggers.FUNCTIONS)}")


def present() -> Contents:
    """The migrations and the number of rows of each table."""
    migrations: dict[str, list[str]] = {}
    rows: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        for app, name in cursor.fetchall():
            migrations.setdefault(app, []).append(name)
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table's own name, quoted
            rows[table] = cursor.fetchone()[0]
    return {"migrations": migrations, "rows": rows}


# --- the programs ---------------------------------------------------------------------


def server_version() -> int:
    return connection.get_database_version()[0]


def tool(name: str, server: int) -> str:
    """The path of one of PostgreSQL's programs that understands the server. Raises
    CommandError, with what to install.
    """
    path = shutil.which(name)
    package = f"on Debian and Ubuntu, apt-get install postgresql-client-{server}"
    if path is None:
        raise CommandError(
            f"{name} is not installed here, and PostgreSQL is backed up with it: {package}."
        )
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - found on the PATH
    version = re.search(r"\) ([0-9]+)", output)
    if version is None or int(version[1]) < server:
        raise CommandError(
            f"{path} is of version {version[1] if version else 'unknown'}, older than the "
            f"server's {server}: {package}."
        )
    return path


def run(program: str, *options: str, last: list[str] | None = None) -> None:
    """Run a program on the shop's database.

    The password goes by the environment: everybody on the machine can read arguments.
    """
    arguments, secrets = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    *where, name = arguments[1:]  # what Django calls psql with
    command = [program, *options, *where, f"--dbname={name}", "--no-password", *(last or [])]
    done(
        subprocess.run(  # noqa: S603
            command,
            env=os.environ | (secrets or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    )


def run_listing(program: str, path: Path) -> None:
    done(
        subprocess.run(  # noqa: S603
            [program, "--list", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    )


def done(finished: "subprocess.CompletedProcess[str]") -> None:
    if finished.returncode:
        name, message = Path(finished.args[0]).name, " ".join(finished.stderr.split()[-60:])
        raise CommandError(
            f"{name} failed (status {finished.returncode}): {message or 'it said nothing'}"
        )
