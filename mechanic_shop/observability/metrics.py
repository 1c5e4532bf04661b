"""The shop's metrics, for Prometheus.

One process counts in its memory. Several count in files of one folder (``manage.py
serve`` makes it anew at each start), and whichever of them is asked adds them up. Each
takes a numbered place there; who replaces a dead worker takes its place and counts on,
so that nothing falls back to zero and no file is left over.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from io import BufferedRandom
from pathlib import Path
from shutil import rmtree
from time import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Bytes of a process's files. They are written in full beforehand: on a full disk a hole
# in a mapped file would kill the process.
ROOM = {
    "histogram": 2 * 1024 * 1024,
    "counter": 128 * 1024,
    "gauge_livesum": 64 * 1024,
    "gauge_max": 64 * 1024,
}
# combinations of route, method and status that are told apart: what fits into that
# room, and more than there are
MOST = 500
MOST_CODES = 200
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
OTHER = "other"


# --- where several processes count ----------------------------------------------------


def make_folder(under: Path) -> Path:
    """An empty folder for the processes of one server; those of servers that have ended
    go.

    The lock on it passes to whatever program this process becomes, and ends with the
    last of its children.
    """
    under.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (under / "lock").open("ab") as one_by_one:
        flock(one_by_one, LOCK_EX)
        for old in under.glob("*/"):
            remove_if_left(old)
        folder = Path(tempfile.mkdtemp(dir=under))
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        flock(lock, LOCK_EX)
        os.set_inheritable(lock, True)
    return folder


def remove_if_left(folder: Path) -> None:
    with suppress(OSError):  # what cannot be removed is no reason not to start
        if lock := locked(folder / "lock"):
            lock.close()
            rmtree(folder)


def locked(path: Path) -> BufferedRandom | None:
    """The file, locked until it is closed or its process ends; None where another
    process has it.
    """
    file = path.open("a+b")
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def take_place(folder: Path) -> tuple[int, BufferedRandom]:
    """The first place that no living process has, with its files in full length, and
    the lock that keeps it.

    Raises OSError, on a full disk for instance.
    """
    number = 0
    while (lock := locked(folder / f"{number}.lock")) is None:
        number += 1
    for kind, size in ROOM.items():
        fill(folder / f"{kind}_{number}.db", size)
    return number, lock


def fill(path: Path, size: int) -> None:
    """A file of zeros, unless it is there: its counts go on."""
    if not path.exists():
        try:
            path.write_bytes(bytes(size))
        except OSError:
            path.unlink(missing_ok=True)
            raise


registry = CollectorRegistry()
place: tuple[int, BufferedRandom] | None = None
values.ValueClass = values.MutexValue
if folder := os.environ.get(FOLDER):
    try:
        place = take_place(Path(folder))
        values.ValueClass = values.MultiProcessValue(lambda: place and place[0])
    except OSError:  # a full disk, say: then each process tells of itself alone
        del os.environ[FOLDER]


# --- what is counted ------------------------------------------------------------------

requests = Histogram(
    "shop_request_seconds",
    "Requests.",
    ["route", "method", "status"],
    buckets=SECONDS,
    registry=registry,
)
refusals = Counter(
    "shop_refusals",
    "Refused and failed requests, by the code they were told.",
    ["code"],
    registry=registry,
)
replays = Counter(
    "shop_idempotent_replays", "Answers that an Idempotency-Key had replayed.", registry=registry
)
cached_pages = Counter(
    "shop_cached_pages",
    "Cached lists that were asked for: found (hit) or built (miss).",
    ["result"],
    registry=registry,
)
redis_failures = Counter(
    "shop_redis_failures",
    "Times that Redis did not answer; it is then left alone for 2 s.",
    registry=registry,
)
database_failures = Counter(
    "shop_database_failures",
    "Statements and connections that the database failed.",
    registry=registry,
)
connections_ended = Counter(
    "shop_connections_ended",
    "Connections that the server ended: too many, or unread.",
    ["reason"],
    registry=registry,
)
mail_failures = Counter("shop_mail_failures", "Mails that could not be sent.", registry=registry)
threads_busy = Gauge(
    "shop_threads_busy",
    "Threads with a request in hand.",
    multiprocess_mode="livesum",
    registry=registry,
)
requests_waiting = Gauge(
    "shop_requests_waiting",
    "Whole requests that wait for a thread.",
    multiprocess_mode="livesum",
    registry=registry,
)
worker_started = Gauge(
    "shop_worker_started_seconds",
    "When the youngest process began.",
    multiprocess_mode="max",
    registry=registry,
)
worker_started.set(time())
cached_page_hit, cached_page_miss = (cached_pages.labels(result).inc for result in ("hit", "miss"))

answered: dict[tuple[str, str, int], Callable[[float], None]] = {}
refused: dict[str, Callable[[], None]] = {}


def time_answer(route: str, method: str, status: int, seconds: float) -> None:
    try:
        answered[route, method, status](seconds)
    except KeyError:
        labels = (route, method, str(status)) if len(answered) < MOST else (OTHER,) * 3
        observe = answered[route, method, status] = requests.labels(*labels).observe
        observe(seconds)


def count_refusal(code: str) -> None:
    if code not in refused:
        refused[code] = refusals.labels(code if len(refused) < MOST_CODES else OTHER).inc
    refused[code]()


def exposition() -> bytes:
    """All of it in Prometheus's text format, of all processes together."""
    if place is None:
        return generate_latest(registry)
    every = CollectorRegistry()
    MultiProcessCollector(every)
    return generate_latest(every)
