"""What the benchmarks share: databases, servers and their CPU time, single calls, and
wrk.

CPU per request is the time of the server's process tree, plus that of the database's
backends and of Redis where they are used. It is the steadiest figure on a noisy
machine; requests per second share the cores with wrk.
"""

import getpass
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import gen
import psycopg
import redis

HERE, ROOT = Path(__file__).resolve().parent, gen.ROOT
DATA = ROOT / "var" / "bench"
POSTGRES_URL = (
    os.environ.get("BENCH_POSTGRES_URL") or f"postgres://{getpass.getuser()}@127.0.0.1:5432"
)
REDIS_URL = os.environ.get("BENCH_REDIS_URL") or "redis://127.0.0.1:6379/8"
MOST_SECONDS = 3 * 60 * 60  # after which `timeout` ends a server whose benchmark was killed
# Limits stay on, and count every request; they are only too high to be reached.
LIMITS = dict.fromkeys(
    (
        f"THROTTLE_{scope}"
        for scope in ("ANON", "CUSTOMER", "STAFF", "LOGIN", "SIGNUP", "RESET", "SHARED")
    ),
    "999999999/minute",
)
# of the caller's environment; what it says of a running shop is not for us
SETTINGS = {
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
}


def need(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            sys.exit(
                f"{program} is missing, and nothing is measured without it: on Debian and "
                f"Ubuntu, apt-get install {program}."
            )


# --- data -----------------------------------------------------------------------------


def fingerprint() -> str:
    """Changes with whatever the data depend on: the generator, the models, the
    migrations.
    """
    apps = (
        "mechanic_shop/accounts",
        "mechanic_shop/db",
        "customers",
        "mechanics",
        "inventory",
        "tickets",
    )
    files = [
        HERE / "gen.py",
        *(path for app in apps for path in sorted(ROOT.glob(f"{app}/migrations/*.py"))),
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def generate(url: str, tickets: int) -> None:
    say(f"writing {tickets:,} tickets …")
    if subprocess.run(
        [sys.executable, HERE / "gen.py", url, "--tickets", str(tickets)],
        cwd=ROOT,
        env=bare(),
        check=False,
    ).returncode:
        sys.exit("The data could not be written; what was wrong stands above.")


@contextmanager
def sqlite(tickets: int) -> Iterator[str]:
    """The DATABASE_URL of a fresh copy; the original is kept in var/bench for the next
    run.
    """
    DATA.mkdir(parents=True, exist_ok=True)
    original = DATA / f"shop-{tickets}-{fingerprint()}.sqlite3"
    if not original.exists():
        for old in DATA.glob(f"shop-{tickets}-*.sqlite3"):
            old.unlink()
        draft = DATA / f"draft-{os.getpid()}.sqlite3"
        generate(f"sqlite:///{draft}", tickets)
        draft.rename(original)
        remove(draft)
    copy = DATA / f"run-{os.getpid()}.sqlite3"
    shutil.copyfile(original, copy)
    try:
        yield f"sqlite:///{copy}"
    finally:
        remove(copy)


def remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


@contextmanager
def postgres(tickets: int) -> Iterator[str]:
    """The DATABASE_URL of a database of our own, which is dropped at the end."""
    name = f"bench_{os.getpid()}_{tickets}"
    with psycopg.connect(f"{POSTGRES_URL}/postgres", autocommit=True, connect_timeout=5) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            generate(f"{POSTGRES_URL}/{name}", tickets)
            yield f"{POSTGRES_URL}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def empty_redis() -> Iterator[str]:
    """REDIS_URL, emptied before and after; never one that holds somebody else's keys."""
    client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=5)
    try:
        if client.dbsize() and not client.exists("bench:owner"):
            sys.exit(
                f"{REDIS_URL} holds {client.dbsize()} keys that are not the benchmark's: "
                f"name an empty one in BENCH_REDIS_URL."
            )
    except redis.ConnectionError as error:
        sys.exit(
            f"Redis does not answer at {REDIS_URL} ({error}): start it, or name another "
            f"in BENCH_REDIS_URL."
        )
    client.flushdb()
    client.set("bench:owner", 1)
    try:
        yield REDIS_URL
    finally:
        client.flushdb()


def some_ids(url: str, status: str, most: int = 2000) -> list[int]:
    """Tickets of a status, spread over all that there are."""
    query = f"SELECT id FROM tickets_serviceticket WHERE status = '{status}' ORDER BY id"
    if url.startswith("postgres"):
        with psycopg.connect(url) as found:
            ids = [pk for (pk,) in found.execute(query)]
    else:
        import sqlite3

        with sqlite3.connect(url.removeprefix("sqlite:///")) as found:
            ids = [pk for (pk,) in found.execute(query)]
    return ids[:: max(1, len(ids) // most)][:most]


# --- servers --------------------------------------------------------------------------


@dataclass
class Server:
    """A running server. ``reconnects``: it opens a connection to the database for each
    request.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    database: str
    redis: str = ""
    reconnects: bool = False
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def token(self, email: str) -> str:
        """An access token; a new one before the old one ends, which is after five
        minutes where nobody chose (naive DRF).
        """
        made, token = self.tokens.get(email, (0.0, ""))
        if time.monotonic() - made > 200:
            status, _, body = self.call(
                "POST", "/auth/token/", body={"email": email, "password": gen.PASSWORD}
            )
            if status != 200:
                sys.exit(f"{self.name} does not let {email} log in: {status} {body}")
            made, token = self.tokens[email] = time.monotonic(), body["access"]
        return token

    def call(
        self,
        method: str,
        path: str,
        *,
        email: str = "",
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, Any]:
        """One request: (status, headers, body)."""
        sent = {"Accept": "application/json", **(headers or {})}
        if email:
            sent["Authorization"] = f"Bearer {self.token(email)}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.base + path,
            json.dumps(body).encode() if body is not None else None,
            sent,
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()[:300].decode(errors="replace")

    def cpu(self) -> "Spent":
        """The seconds of CPU that serving has taken so far."""
        return Spent(
            sum(map(cpu_of, tree(self.process.pid))) + self.cpu_of_redis(), *self.cpu_of_database()
        )

    def cpu_of_database(self) -> tuple[dict[int, float], float]:
        """Of each backend that serves this database, and of those that have ended."""
        if not self.database.startswith("postgres"):
            return {}, 0.0  # SQLite works inside the server's process
        name = urlsplit(self.database).path[1:]
        with psycopg.connect(f"{POSTGRES_URL}/postgres") as admin:
            backends = [
                pid
                for (pid,) in admin.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s", [name]
                )
            ]
            # What ended backends took is on the account of their parent, with those of
            # other databases.
            postmaster = parent(admin.info.backend_pid)
        ended = cpu_of(postmaster) - cpu_of(postmaster, reaped=False) if self.reconnects else 0.0
        return {pid: cpu_of(pid) for pid in backends}, ended

    def cpu_of_redis(self) -> float:
        if not self.redis:
            return 0.0
        found = redis.Redis.from_url(self.redis).info("cpu")
        return float(found["used_cpu_sys"]) + float(found["used_cpu_user"])


@dataclass
class Spent:
    """Seconds of CPU: of the server and Redis, of each backend of the database, of
    ended backends.
    """

    own: float
    backends: dict[int, float]
    ended: float

    def since(self, before: "Spent") -> float:
        database = sum(
            seconds - before.backends.get(pid, 0.0) for pid, seconds in self.backends.items()
        )
        return self.own - before.own + database + self.ended - before.ended

    def lost(self, before: "Spent") -> bool:
        """Has a backend ended, and taken the figure of its time with it?"""
        return not before.backends.keys() <= self.backends.keys()


def bare(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in SETTINGS} | more


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(
    name: str,
    command: str,
    cwd: Path,
    env: dict[str, str],
    database: str,
    redis_url: str = "",
    reconnects: bool = False,
) -> Iterator[Server]:
    """A server, until the block ends. ``{port}`` in the command or the environment is
    where it listens.
    """
    port = free_port()
    argv = [
        "timeout",
        "--foreground",
        "--kill-after=30",
        str(MOST_SECONDS),
        *command.format(port=port).split(),
    ]
    DATA.mkdir(parents=True, exist_ok=True)
    log = DATA / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=bare(**{key: value.format(port=port) for key, value in env.items()}),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        server = Server(name, port, process, database, redis_url, reconnects)
        await_answer(server, log)
        yield server
    finally:
        stop(process)


def await_answer(server: Server, log: Path) -> None:
    for _ in range(300):
        if server.process.poll() is not None:
            break
        try:
            if server.call("GET", "/mechanics/1/")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(
        f"{server.name} does not serve; {log} ends in:\n{log.read_text(errors='replace')[-1500:]}"
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()  # `timeout` hands it to the server alone, which ends its workers
        try:
            process.wait(35)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)  # its own session: nobody else is in it
    except ProcessLookupError:
        pass  # as it should be
    process.wait()


def stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def parent(pid: int) -> int:
    return int(stat(pid)[1])


def cpu_of(pid: int, reaped: bool = True) -> float:
    """Seconds, with those of children that ended."""
    try:
        times = stat(pid)[11 : 15 if reaped else 13]
    except OSError:
        return 0.0
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            children.setdefault(parent(int(entry)), []).append(int(entry))
        except OSError:
            pass
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


# --- load -----------------------------------------------------------------------------


@dataclass
class Request:
    """What is asked. Placeholders like ``{ticket}`` are drawn anew for every request,
    the same one once in it.

    ``who``: "manager", "customer" (four of them take turns), or nobody. ``tag``: send
    If-None-Match with the ETag of the path.
    """

    what: str
    path: str
    method: str = "GET"
    body: dict[str, Any] | None = None
    who: str = "manager"
    tag: bool = False
    status: int = 200
    connections: tuple[int, ...] = (1, 16)
    seconds: int = 1  # at least, for what takes long

    def emails(self) -> list[str]:
        return {"manager": [gen.MANAGER], "customer": [gen.email_of(n) for n in range(1, 5)]}.get(
            self.who, []
        )


WORDS = ["ann", "jonas", "ito", "kow", "brakes", "Mona"]
LUA = """
local ranges, lists, tokens = {%(ranges)s}, {%(lists)s}, {%(tokens)s}
local letters, drawn = "aeiornstlcdkmb", {}
local function draw(name)
  if drawn[name] then return drawn[name] end
  local found
  if ranges[name] then found = tostring(math.random(1, ranges[name]))
  elseif lists[name] then found = tostring(lists[name][math.random(#lists[name])])
  else
    local a, b = math.random(#letters), math.random(#letters)
    found = letters:sub(a, a) .. letters:sub(b, b)
  end
  drawn[name] = found
  return found
end
local path, body = %(path)s, %(body)s
local headers = {%(headers)s}
function init(args) math.randomseed(%(seed)d) end
function request()
  drawn = {}
  if #tokens > 0 then headers["Authorization"] = "Bearer " .. tokens[math.random(#tokens)] end
  return wrk.format("%(method)s", (path:gsub("{(%%w+)}", draw)), headers, body and (body:gsub("{(%%w+)}", draw)))
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
"""


class Draw:
    """What placeholders stand for: numbers up to a size, or one of a list. ``{pair}``,
    ``{other}`` are two letters.
    """

    def __init__(self, tickets: int, approved: list[int]) -> None:
        customers = max(100, tickets // 10)
        self.ranges = {
            "ticket": tickets,
            "customer": customers,
            "login": min(customers, gen.WITH_LOGIN),
            "mechanic": gen.MECHANICS,
        }
        self.lists: dict[str, list[Any]] = {
            "word": WORDS,
            "approved": approved,
            "active": list(filter(gen.is_active, range(1, gen.MECHANICS + 1))),
        }

    def lua(self) -> dict[str, str]:
        ranges = ", ".join(f"{name}={value}" for name, value in self.ranges.items())
        return {
            "ranges": ranges,
            "lists": ", ".join(
                f"{name}={{{', '.join(map(lua, values))}}}" for name, values in self.lists.items()
            ),
        }

    def fill(self, text: str, seed: int) -> str:
        """The same for every server that is asked with the same seed."""
        dice, drawn = random.Random(seed), {}

        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name not in drawn:
                limit, listed = (
                    self.ranges.get(name),
                    self.lists.get(name, ["an", "er", "in", "on"]),
                )
                drawn[name] = str(dice.randint(1, limit) if limit else listed[seed % len(listed)])
            return drawn[name]

        return re.sub(r"\{(\w+)\}", one, text)


def lua(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"[==[{value}]==]"


def text_of(body: dict[str, Any] | None) -> str | None:
    """JSON in which a placeholder that stands alone becomes a number."""
    return (
        re.sub(r'"(\{(?:customer|active)\})"', r"\1", json.dumps(body))
        if body is not None
        else None
    )


def ask(
    server: Server, request: Request, draw: Draw, seed: int, headers: dict[str, str] | None = None
) -> tuple[int, Any, Any]:
    """The request once, from Python."""
    body = text_of(request.body)
    sent = json.loads(draw.fill(body, seed)) if body else None
    email = next(iter(request.emails()), "")
    return server.call(
        request.method, draw.fill(request.path, seed), email=email, body=sent, headers=headers
    )


def measure(
    server: Server, request: Request, draw: Draw, connections: int, seconds: int
) -> dict[str, float] | None:
    """wrk's figures and the CPU time per request; None where the server has no ETag to
    send back.
    """
    seconds = max(seconds, request.seconds)
    headers = {"Accept": "application/json"} | (
        {"Content-Type": "application/json"} if request.body is not None else {}
    )
    tokens = [server.token(email) for email in request.emails()]
    if request.tag:
        tag = ask(server, request, draw, 0)[1].get("ETag")
        if not tag:
            return None
        headers["If-None-Match"] = tag
    for seed in range(8):  # statements are prepared, workers have met the request
        ask(server, request, draw, seed, headers if request.tag else None)
    body = text_of(request.body)
    script = LUA % {
        **draw.lua(),
        "tokens": ", ".join(map(lua, tokens)),
        "path": lua("/api/v1" + request.path),
        "body": lua(body) if body else "nil",
        "headers": ", ".join(f"[ {lua(name)} ]={lua(value)}" for name, value in headers.items()),
        "seed": random.randrange(1 << 30),
        "method": request.method,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "30s",
            "-s",
            file.name,
            f"http://127.0.0.1:{server.port}",
        ]
        for _ in range(3):
            before = server.cpu()
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds + 90, check=False
            )
            after = server.cpu()
            if server.reconnects or not after.lost(before):
                break  # else a pool let a connection go in between: once more
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", ended.stdout)
    if not found:
        sys.exit(f"wrk failed: {ended.stdout}{ended.stderr}")
    count, micros, p50, p99, failed = map(int, found.groups())
    if not count and seconds < 30:  # slower than that: nothing was answered in time
        return measure(server, request, draw, connections, 30)
    return {
        "rps": count / micros * 1e6,
        "p50": p50 / 1e3,
        "p99": p99 / 1e3,
        "cpu": after.since(before) / max(count, 1) * 1e6,
        "failed": failed,
        "requests": count,
    }


def plain_link(url: str | None) -> Any:
    """A link without its host, its parameters in order; what a page's first link leaves
    out is page 1.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    return parts.path, sorted(pair for pair in parse_qsl(parts.query) if pair != ("page", "1"))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def end_on_sigterm() -> None:
    """Servers and databases are put away on SIGTERM as they are on Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
