"""The disk is full: writes are refused, reads go on, and it works again as soon as
there is room.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from typing import Any

import pytest

from .house import Load, Postgres, Shop, until

KIB = 1024


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """24 MiB of a file system of their own, which only root may mount."""
    folder = Path(tempfile.mkdtemp(prefix="shop-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "none", folder],
        capture_output=True,
        text=True,
    )
    assert mounted.returncode == 0, f"a small disk is root's to mount: {mounted.stderr.strip()}"
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


def fill_up(disk: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4 * KIB):
                pass
        except OSError:
            pass  # that was the point
    return ballast


def refuses(load: Load) -> None:
    """Until writes are refused; then reads go on."""
    until(lambda: load.statuses()[503] >= 5, 60)
    before = load.reads[200]
    until(lambda: load.reads[200] >= before + 20)


def prove(load: Load, fault: str) -> None:
    assert load.statuses().keys() <= {200, 201, 503}
    assert {sent.code for sent in load.sent if sent.status == 503} == {"database_unavailable"}
    assert set(load.reads) == {200}
    load.prove(fault)


def test_a_full_disk_under_sqlite(
    seeded_file: tuple[Path, dict[str, Any]], small_disk: Path, tmp_path: Path
) -> None:
    shutil.copy(seeded_file[0], small_disk)
    shop = Shop(tmp_path, seeded_file[1], DATABASE_URL=f"sqlite:///{small_disk}/shop.sqlite3")
    with shop.running():
        assert shop.log_in() == 200
        with Load(shop).running() as load:
            ballast = fill_up(small_disk)
            refuses(load)
            ballast.unlink()
            load.go_on()
        prove(load, "disk full")


def test_a_file_that_may_not_grow_under_sqlite(embedded: Shop) -> None:
    """What a quota does, and anybody can try: the write-ahead log stops where it is."""
    with Load(embedded).running() as load:
        [worker] = embedded.workers()
        prlimit(worker, RLIMIT_FSIZE, (64 * KIB, RLIM_INFINITY))
        refuses(load)
        prlimit(worker, RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))
        load.go_on()
    prove(load, "files that may not grow")


class TestPostgres:
    @pytest.fixture
    def tablespace(self, cluster: Postgres, small_disk: Path) -> Iterator[str]:
        """The shop's tables on the small disk; PostgreSQL's log of transactions,
        without which it stops itself, stays on the large one.
        """
        place = small_disk / "tables"
        place.mkdir(mode=0o700)
        cluster.give(place)
        cluster.sql(f"CREATE TABLESPACE small LOCATION '{place}'")
        yield "small"
        cluster.sql("DROP TABLESPACE small")

    def test_a_full_disk_under_postgresql(self, small_disk: Path, production: Shop) -> None:
        with Load(production).running() as load:
            ballast = fill_up(small_disk)
            refuses(load)
            ballast.unlink()
            load.go_on()
        prove(load, "disk full")
