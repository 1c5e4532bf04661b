"""A whole shop that tests may break: the real server, with a database, a Redis and
clients of its own.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from ..factories import PASSWORD
from ..test_server import PROJECT, Server

BOSS = "boss@example.com"
BROKEN = (OSError, http.client.HTTPException)  # of the client: the connection was refused or lost
counted: list[str] = []  # a line for each fault, shown at the end


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def until(true: Any, seconds: float = 20) -> None:
    """Wait for it, and fail where it does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {true}"
        time.sleep(0.05)


class Shop(Server):
    """`manage.py serve` with the shop's own settings; ``seeded`` are the keys of what
    is in it.
    """

    token = ""

    def __init__(self, folder: Path, seeded: dict[str, Any], **environment: str) -> None:
        super().__init__(folder)
        self.seeded = seeded
        off = dict.fromkeys(("THROTTLE_ANON", "THROTTLE_STAFF"), "off")
        self.environment |= (
            {"DJANGO_SETTINGS_MODULE": "tests.uncollected", "THREADS": "4", "EMAIL_URL": "dummy:"}
            | off
            | environment
        )

    def manage(self, command: str) -> subprocess.Popen[bytes]:
        """As a group of processes, which can be killed as a whole."""
        with self.log.open("ab") as log:
            arguments = [sys.executable, "manage.py", command]
            return subprocess.Popen(
                arguments,
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def inside(self, what: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.faults.inside", what]
        return json.loads(
            subprocess.run(
                command, cwd=PROJECT, env=self.environment, stdout=subprocess.PIPE, check=True
            ).stdout
        )

    def workers(self) -> list[int]:
        return [
            int(pid)
            for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            .read_text()
            .split()
        ]

    def kill(self) -> None:
        """All of it, at once, as a machine that is switched off would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        self.process = self.manage("serve")
        self.wait(30)

    def call(
        self, method: str, path: str, body: Any = None, timeout: float = 30, **headers: str
    ) -> tuple[int, dict, Any]:
        """The answer to the boss, or to whom ``Authorization`` names."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        status, told, text = self.ask(
            method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, sent, timeout
        )
        return status, told, json.loads(text) if text else None

    def log_in(self, password: str = PASSWORD, email: str = BOSS) -> int:
        status, _, body = self.call(
            "POST", "auth/token/", {"email": email, "password": password}, Authorization=""
        )
        if status == 200:
            self.token = body["access"]
        return status


@dataclass(eq=False)
class Sent:
    """A write that a client sent; ``status`` is None while nobody knows what became of
    it.
    """

    method: str
    path: str
    body: dict[str, Any]
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: int | None = None
    code: str = ""


class Load:
    """Clients that write without a pause: each opens tickets, and adds one part after
    the other to a ticket of its own.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop, self.over, self.lock = shop, Event(), Lock()
        self.sent: list[Sent] = []
        self.reads: Counter[int | None] = Counter()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        clients = [
            Thread(target=self.client, args=(ticket,)) for ticket in self.shop.seeded["tickets"]
        ]
        clients += [Thread(target=self.reader) for _ in range(2)]
        for client in clients:
            client.start()
        try:
            until(lambda: len(self.done()) >= 20)
            yield self
        finally:
            self.over.set()
            for client in clients:
                client.join()

    def client(self, ticket: int) -> None:
        part, customer = self.shop.seeded["part"], self.shop.seeded["customer"]
        while not self.over.is_set():
            self.write(Sent("PUT", f"tickets/{ticket}/add-part/", {"part": part, "quantity": "1"}))
            opened = Sent("POST", "tickets/", {"customer": customer})
            opened.body["concern"] = opened.key
            self.write(opened)

    def write(self, sent: Sent) -> None:
        with self.lock:
            self.sent.append(sent)
        self.send(sent)

    def send(self, sent: Sent) -> None:
        """Send it once; who finds the door shut has sent nothing, and knocks again."""
        sent.status = None
        while True:
            try:
                sent.status, _, told = self.shop.call(
                    sent.method, sent.path, sent.body, Idempotency_Key=sent.key
                )
                sent.code = told.get("code", "")
                return
            except ConnectionRefusedError:
                time.sleep(0.2)
                if self.over.is_set():
                    return
            except BROKEN:
                return

    def reader(self) -> None:
        while not self.over.is_set():
            for path in (f"tickets/{self.shop.seeded['tickets'][0]}/", "tickets/", "parts/"):
                try:
                    self.reads[self.shop.call("GET", path)[0]] += 1
                except BROKEN:
                    self.reads[None] += 1
                    time.sleep(0.2)

    def done(self) -> list[Sent]:
        return [sent for sent in self.sent.copy() if sent.status in (200, 201)]

    def statuses(self) -> Counter[int | None]:
        return Counter(sent.status for sent in self.sent)

    def go_on(self, more: int = 20) -> None:
        """Until the shop has answered so many more writes with a yes."""
        before = len(self.done())
        until(lambda: len(self.done()) >= before + more, 60)

    def retry(self) -> None:
        """What every client does that was not told yes, and the last fifty that were:
        send it again, with the same key, until it is done.
        """
        done = self.done()
        unsure = [sent for sent in self.sent if sent not in done]

        def again(sent: Sent) -> None:
            end = time.monotonic() + 90
            while True:
                self.send(sent)
                if sent.status in (200, 201):
                    return
                assert sent.status in (None, 503) or sent.code == "request_in_progress", sent
                assert time.monotonic() < end, sent
                time.sleep(0.2)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(again, unsure + done[-50:]))

    def prove(self, fault: str) -> None:
        """Acknowledged ≤ found ≤ sent, nothing half done; then they try again: each
        request has had one effect, no more.
        """
        found, done = self.shop.inside("found"), self.done()
        effects = self.effects(found)
        assert found["findings"] == []
        assert found["without_history"] == 0
        for place, wanted in self.expected(done).items():
            assert wanted <= effects[place] <= self.expected(self.sent)[place], place
        answered = set(found["answers"])
        assert {sent.key for sent in done} <= answered
        # each effect with its answer, each answer with its effect
        assert len(answered) == effects.total()
        told = {
            status: number for status, number in self.statuses().items() if status not in (200, 201)
        }
        counted.append(
            f"{fault} "
            f"({'production' if 'REDIS_URL' in self.shop.environment else 'embedded'}): "
            f"{len(self.sent)} writes sent, "
            f"{len(done)} acknowledged, {effects.total()} found; not acknowledged: {told}"
        )
        self.retry()
        found = self.shop.inside("found")
        assert self.effects(found) == self.expected(self.sent)
        assert found["findings"] == []

    def expected(self, writes: list[Sent]) -> Counter[str]:
        return Counter(sent.path if sent.method == "PUT" else sent.key for sent in writes)

    def effects(self, found: dict[str, Any]) -> Counter[str]:
        """The parts on each ticket, and the tickets that were opened for each key."""
        parts = {
            f"tickets/{ticket}/add-part/": quantity for ticket, quantity in found["parts"].items()
        }
        return Counter(
            parts | {key: number for key, number in found["created"].items() if len(key) == 32}
        )


# --- what a shop stands on ------------------------------------------------------------


class Postgres:
    """A cluster of our own. Its server refuses to run as root, so root lends it to
    `postgres`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.port = folder, folder / "data", free_port()
        self.give(folder)
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync")
        self.start()

    def give(self, folder: Path) -> None:
        if os.getuid() == 0:
            subprocess.run(["chown", "postgres", folder], check=True)

    def run(self, program: str, *arguments: Any) -> None:
        [*_, path] = sorted(
            glob(f"/usr/lib/postgresql/*/bin/{program}"), key=lambda path: int(path.split("/")[4])
        )
        lent = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        with (self.folder.parent / "postgres.log").open("ab") as log:
            subprocess.run(
                [*lent, path, *map(str, arguments)], cwd="/", stdout=log, stderr=log, check=True
            )

    def start(self) -> None:
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c shared_buffers=32MB"
        )
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def url(self, name: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres") -> list[Any]:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


class Redis:
    """A Redis of our own, which keeps nothing over its end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.start()

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self.folder),
        ]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self.answers)

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)  # a stopped process would not hear the next
        self.process.kill()
        self.process.wait()


class SlowRoad:
    """A proxy that lets each piece of an answer wait for ``delay`` seconds."""

    def __init__(self, to: int) -> None:
        self.to, self.delay = to, 0.0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                theirs = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                ours.close()
                continue
            Thread(target=self.carry, args=(ours, theirs, False), daemon=True).start()
            Thread(target=self.carry, args=(theirs, ours, True), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket, slowly: bool) -> None:
        try:
            while piece := source.recv(65536):
                if slowly:
                    time.sleep(self.delay)
                target.sendall(piece)
        except OSError:
            pass  # one of the two hung up
        finally:
            for end in (source, target):  # wakes who carries the other way
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
