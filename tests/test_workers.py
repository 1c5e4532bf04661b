"""The production server as it is run, on the database of the tests: two workers where a Redis is shared, else one process of threads."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from inventory.books import findings
from mechanic_shop.accounts.operations import token_pair

from .factories import PartFactory, UserFactory, make_ticket

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent


def database_url() -> str:
    """The address of the test database."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT'] or 5432}/{found['NAME']}"


@pytest.fixture
def shop() -> Iterator[str]:
    """The address of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    redis = settings.CACHES["default"].get("LOCATION", "")
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "JWT_SIGNING_KEY": settings.JWT_SIGNING_KEY,
        "PORT": str(port),
        "REDIS_URL": redis,
        "WEB_CONCURRENCY": "2" if redis else "1",
        "THROTTLE_STAFF": "off",
    }
    server = subprocess.Popen([sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/healthz/", timeout=2)
            break
        except OSError:
            time.sleep(0.1)
    yield address
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) in (0, -signal.SIGTERM)


def put(address: str, token: str, body: Any) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_forty_parallel_requests_for_ten_parts(shop: str) -> None:
    token = token_pair(UserFactory(role="advisor"))["access"]
    part = PartFactory(stock=10)
    tickets = [make_ticket("approved") for _ in range(40)]

    with ThreadPoolExecutor(40) as pool:
        found = Counter(pool.map(lambda ticket: put(f"{shop}/api/v1/tickets/{ticket.pk}/add-part/", token, {"part": part.pk}), tickets))

    assert found == {200: 10, 409: 30}
    part.refresh_from_db()
    assert (part.on_hand, part.allocated) == (10, 10)
    assert findings() == []
