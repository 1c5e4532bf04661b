"""Backups are made while the shop serves, are whole or not there, and go back into an
empty database only.
"""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import orjson
import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

from customers.models import Customer
from inventory.integrity_checks import find_discrepancies
from mechanic_shop.backups import files, postgresql
from tickets.desk import requests
from tickets.models import ServiceTicket
from tickets.work import parts as work_parts
from tickets.work import tickets

from .databases import ON_POSTGRESQL, url_of
from .factories import CustomerFactory, PartFactory, make_ticket, office
from .races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
SUFFIX = "pgdump" if ON_POSTGRESQL else "sqlite3"


def shop(*words: Any, url: str, before: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """manage.py in a process of its own, on the database ``url``."""
    env = {name: value for name, value in os.environ.items() if name != "REDIS_URL"} | {
        "DATABASE_URL": url
    }
    command = [*before, sys.executable, "manage.py", *map(str, words)]
    return subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def done(*words: Any, url: str) -> str:
    """What it said, after it succeeded."""
    result = shop(*words, url=url)
    assert result.returncode == 0, (words, result.stdout, result.stderr)
    return result.stdout


def column(url: str, query: str) -> list[Any]:
    with closing(
        psycopg.connect(url) if ON_POSTGRESQL else sqlite3.connect(url.removeprefix("sqlite:///"))
    ) as database:
        return [value for (value,) in database.execute(query).fetchall()]


@pytest.fixture
def here() -> str:
    """The tests' own database."""
    return url_of(connection.settings_dict["NAME"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


def backup(folder: Path, **options: Any) -> Path:
    """Make one here; the file with the data."""
    known = set(folder.iterdir())
    call_command("backup", folder, verbosity=0, **options)
    (made,) = [
        path for path in folder.iterdir() if path not in known and path.suffix == f".{SUFFIX}"
    ]
    return made


def rewrite(path: Path, **changes: Any) -> None:
    """Change what the manifest says."""
    note = files.manifest_of(path)
    note.write_bytes(orjson.dumps(orjson.loads(note.read_bytes()) | changes))


# --- what it is for -------------------------------------------------------------------


def test_what_was_acknowledged_before_a_backup_is_in_it_while_eight_write(
    folder: Path, here: str, another: Callable[[str], str]
) -> None:
    parts, customers, by = (
        [PartFactory(stock=5000) for _ in range(3)],
        [CustomerFactory() for _ in range(8)],
        office(),
    )
    acknowledged: list[int] = []
    over = Event()

    def work(customer: Customer) -> None:
        while not over.is_set():
            ticket = tickets.open_ticket(customer=customer, concern="Brakes", by=by)
            for part in parts:
                work_parts.add_part(ticket, part=part, by=by)
            requests.request_transition(ticket, to="approved", by=by)
            requests.request_transition(ticket, to="completed", by=by)
            acknowledged.append(ticket.pk)

    def back_up() -> tuple[list[int], int]:
        try:
            while len(acknowledged) < 16:
                time.sleep(0.01)
            before = list(acknowledged)
            done("backup", folder, url=here)
            return before, len(acknowledged)
        finally:
            over.set()

    *workers, (before, then) = at_once(
        *[lambda c=customer: work(c) for customer in customers], back_up
    )
    assert workers == [None] * 8
    assert then > len(before)  # the shop went on meanwhile
    (path,) = folder.glob(f"*.{SUFFIX}")
    target = another("restored")

    assert "Restored" in done("restore", path, url=target)

    found = column(target, "SELECT id FROM tickets_serviceticket")
    assert set(before) <= set(found)
    assert len(found) < ServiceTicket.objects.count()  # a moment in the middle of it
    assert "The books balance: 3 parts" in done("check_stock", url=target)
    assert find_discrepancies() == []


def test_a_restored_shop_goes_on_where_it_was(folder: Path, another: Callable[[str], str]) -> None:
    ticket = make_ticket("approved", parts=[(PartFactory(stock=3), 1)])
    path, target = backup(folder), another("restored")
    # as make setup does: tables without data are empty
    done("migrate", "--verbosity=0", url=target)

    assert done("restore", path, url=target).endswith("Z.\n")  # and no migration is missing

    assert column(target, "SELECT concern FROM tickets_serviceticket") == [ticket.concern]
    code = "from tests.factories import make_ticket; print(make_ticket().pk)"
    assert int(done("shell", "--verbosity=0", "-c", code, url=target).split()[-1]) == ticket.pk + 1


@pytest.mark.slow
def test_a_backup_of_an_older_version_is_migrated_after_the_restore(
    folder: Path, another: Callable[[str], str]
) -> None:
    old, target = another("old"), another("restored")
    for url, words in ((old, ()), (old, ("customers", "0001")), (target, ())):
        done("migrate", "--verbosity=0", *words, url=url)
    done("backup", folder, url=old)

    said = done("restore", next(folder.glob(f"*.{SUFFIX}")), url=target)

    assert "run manage.py migrate" in said
    done("migrate", "--verbosity=0", url=target)
    assert column(target, "SELECT erased_at FROM customers_customer") == []


def test_the_files_are_private_and_the_manifest_says_what_is_in_them(folder: Path) -> None:
    make_ticket()
    path = backup(folder)
    manifest = orjson.loads(files.manifest_of(path).read_bytes())
    assert manifest["database"] == connection.vendor
    assert manifest["rows"]["tickets_serviceticket"] == 1
    assert "0001_initial" in manifest["migrations"]["tickets"]
    assert (manifest["bytes"], manifest["sha256"]) == (path.stat().st_size, files.checksum(path))
    assert [oct(each.stat().st_mode & 0o777) for each in folder.iterdir()] == ["0o600"] * 2


# --- what a restore refuses -----------------------------------------------------------


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: None, "writes over nothing"),
        (flip_a_byte, "SHA-256"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "SHA-256"),
        (lambda path: files.manifest_of(path).unlink(), "without its manifest"),
        (lambda path: files.manifest_of(path).write_text("[1]"), "not the manifest"),
        (lambda path: files.manifest_of(path).write_text("{"), "not the manifest"),
        (lambda path: files.manifest_of(path).write_bytes(b"\xff\xfe"), "not the manifest"),
        (lambda path: path.unlink(), "no file"),
        (lambda path: rewrite(path, format=2), "of format 2"),
        (lambda path: rewrite(path, database="mysql"), "backup of mysql"),
        (
            lambda path: rewrite(
                path, migrations={"customers": ["0001_initial", "0999_of_next_year"]}
            ),
            "does not know customers.0999_of_next_year",
        ),
    ],
)
def test_a_restore_that_is_refused_changes_nothing(
    folder: Path, harm: Callable[[Path], None], reason: str
) -> None:
    CustomerFactory(name="Since the backup")
    path = backup(folder)
    harm(path)
    with pytest.raises(CommandError, match=reason):
        call_command("restore", path)
    assert Customer.objects.get().name == "Since the backup"


NONSENSE = (None, 7, True, "x", [], ["x"], {}, {"x": None}, {"x": ["y", 1]})


def test_a_manifest_that_lacks_a_member_or_has_nonsense_there_is_refused_in_a_sentence(
    folder: Path,
) -> None:
    CustomerFactory(name="Since the backup")
    path = backup(folder)
    note = files.manifest_of(path)
    whole = orjson.loads(note.read_bytes())
    for name in whole:
        lacking = {member: value for member, value in whole.items() if member != name}
        for harmed in (lacking, *(whole | {name: value} for value in NONSENSE)):
            note.write_bytes(orjson.dumps(harmed))
            with pytest.raises(CommandError):
                call_command("restore", path)
    note.write_bytes(orjson.dumps({"format": 1}))
    with pytest.raises(
        CommandError, match="database, made_at, sha256, bytes, rows, migrations is missing or wrong"
    ):
        call_command("restore", path)


# --- what a backup refuses ------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "reason"),
    [("nowhere", "not a folder"), ("a file", "not a folder"), ("/proc", "failed")],
    ids=["missing", "file", "unwritable"],
)
def test_a_folder_that_takes_no_file_is_said_so(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "a file").write_text("x")
    with pytest.raises(CommandError, match=reason):
        call_command("backup", tmp_path / place)


def test_a_full_disk_leaves_no_half_backup(folder: Path, here: str) -> None:
    """No file may grow beyond 64 blocks (32 or 64 KiB), which a process meets as it
    meets a full disk: in the middle of a write.
    """
    result = shop(
        "backup", folder, url=here, before=("sh", "-c", 'ulimit -f 64 && exec "$@"', "sh")
    )
    assert result.returncode == 1
    assert result.stderr.startswith("CommandError: "), result.stderr
    assert list(folder.iterdir()) == []


def test_no_backup_takes_the_place_of_another(folder: Path) -> None:
    final = folder / f"shop-20260309T150405Z.{SUFFIX}"
    final.write_text("the first")
    with pytest.raises(CommandError, match="there already"), files.draft(final):
        pass
    with files.draft(folder / "new"), pytest.raises(FileExistsError), files.draft(folder / "new"):
        pass
    assert [path.read_text() for path in folder.iterdir()] == ["the first"]


def test_keep_removes_old_backups_and_nothing_else(folder: Path) -> None:
    for day in ("20260101", "20260102", "20260103"):
        for name in (f"shop-{day}T030000Z.{SUFFIX}", f"shop-{day}T030000Z.{SUFFIX}.json"):
            (folder / name).write_text("old")
    killed, running = (
        folder / f"shop-20260104T030000Z.{SUFFIX}.part",
        folder / f"shop-20260105T030000Z.{SUFFIX}.part",
    )
    for path in (killed, running, folder / "notes.txt", folder / f"shop-20250101T030000Z.{SUFFIX}"):
        path.write_text("x")
    os.utime(killed, (0, 0))

    new = backup(folder, keep=2)

    kept = f"shop-20260103T030000Z.{SUFFIX}"
    without_manifest = f"shop-20250101T030000Z.{SUFFIX}"
    assert {path.name for path in folder.iterdir()} == {
        *(kept, f"{kept}.json", new.name, f"{new.name}.json"),
        *(running.name, "notes.txt", without_manifest),
    }


def test_keeping_none_is_refused(folder: Path) -> None:
    with pytest.raises(CommandError, match="from 1 on"):
        call_command("backup", folder, keep=0)
    assert list(folder.iterdir()) == []


# --- PostgreSQL's programs, as they may be found --------------------------------------


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("name", ["pg_dump", "pg_restore"])
def test_a_missing_or_old_program_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        CommandError, match=f"{name} is not installed here.*apt-get install postgresql-client-17"
    ):
        postgresql.tool(name, 17)
    put(tmp_path, name, f'echo "{name} (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)"')
    with pytest.raises(
        CommandError, match=r"of version 15, older than the server's 17.*postgresql-client-17"
    ):
        postgresql.tool(name, 17)
    assert postgresql.tool(name, 15) == str(tmp_path / name)


def test_the_password_is_no_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(
        tmp_path,
        "pg_dump",
        (
            'echo "$@" > "$(dirname "$0")/said"; echo "$PGPASSWORD" > "$(dirname '
            '"$0")/secret"; echo "it broke" >&2; exit 3'
        ),
    )
    known = {
        "NAME": "shop",
        "USER": "clerk",
        "PASSWORD": "Secret-9",
        "HOST": "db.example.com",
        "PORT": 6543,
        "OPTIONS": {},
    }
    monkeypatch.setattr(
        postgresql, "connection", SimpleNamespace(client=DatabaseClient, settings_dict=known)
    )

    with pytest.raises(CommandError, match=r"pg_dump failed \(status 3\): it broke"):
        postgresql.run(str(tmp_path / "pg_dump"), "--format=custom")

    said = (tmp_path / "said").read_text()
    assert all(
        word in said
        for word in ("clerk", "db.example.com", "6543", "--dbname=shop", "--no-password")
    )
    assert "Secret-9" not in said
    assert (tmp_path / "secret").read_text() == "Secret-9\n"
