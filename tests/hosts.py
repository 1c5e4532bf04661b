"""Servers as production runs them: each its own process group on its own port, all on
the database and the Redis of the tests.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Answer:
    status: int
    headers: Any
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Host:
    """A running server."""

    address: str

    def ask(
        self, method: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> Answer:
        """One request; underscores in the names of headers are dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {
            "Content-Type": "application/json"
        }
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, refusal.headers, refusal.read())

    def ask_when_free(self, method: str, path: str, body: Any) -> Answer:
        """One request that hashes a password; while others do, it is sent again, as the
        shop says.
        """
        while (answer := self.ask(method, path, body)).status == 503:
            assert answer.json()["code"] == "login_busy"
            time.sleep(0.1)
        return answer


def database_url() -> str:
    """The address of the test database."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT'] or 5432}/{found['NAME']}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(**more: str) -> Iterator[Host]:
    """A server until the block ends: two processes where a Redis is shared, else one
    process of threads.
    """
    redis = settings.CACHES["default"].get("LOCATION", "")
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "DJANGO_SETTINGS_MODULE": "tests.uncollected",
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "JWT_SIGNING_KEY": settings.JWT_SIGNING_KEY,
        "PORT": str(port),
        "REDIS_URL": redis,
        "WEB_CONCURRENCY": "2" if redis else "1",
        "THROTTLE_STAFF": "off",
        **more,
    }
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, start_new_session=True
    )
    host = Host(f"http://127.0.0.1:{port}")
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{host.address}/healthz/", timeout=2)
                break
            except OSError:
                time.sleep(0.1)
        yield host
    finally:
        server.send_signal(signal.SIGTERM)
        ended = server.wait(30)
    assert ended in (0, -signal.SIGTERM)


@contextmanager
def two_hosts(**more: str) -> Iterator[list[Host]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(**more)) for _ in range(2)]
