"""Clients that cost a shop much and themselves nothing: unread answers, idle
connections, wrong log-ins.
"""

import http.client
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import settings

from .house import Shop, until

FLOOD = 5200  # connections of one address: more than a process takes
LARGE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"  # 1.5 MB
ASK = f"GET {LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
HOME = {"127.0.0.1": "the flood's own address", "127.0.0.2": "another one"}
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _room_for_connections() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FLOOD + 500:
        pytest.fail(f"this needs {FLOOD + 500} open files, and the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FLOOD + 500), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def environment() -> dict[str, str]:
    # with its static files
    return {
        "THROTTLE_LOGIN": "off",
        "DJANGO_SETTINGS_MODULE": "mechanic_shop.settings",
    }


@contextmanager
def flood(shop: Shop, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections of one address that send this, and read nothing."""
    opened = []
    try:
        for _ in range(FLOOD):
            client = socket.socket()
            opened.append(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(5)
            client.connect(("127.0.0.1", shop.port))
            try:
                client.sendall(sent)
            except OSError:
                pass  # the shop was quicker and hung up
        yield opened
    finally:
        for client in opened:
            client.close()


def memory(shop: Shop) -> int:
    """Of the largest worker, in bytes."""
    statuses = [Path(f"/proc/{worker}/status").read_text() for worker in shop.workers()]
    return max(int(status.partition("VmRSS:")[2].split()[0]) * 1024 for status in statuses)


def descriptors(shop: Shop) -> int:
    """Of the worker that has the most."""
    return max(len(list(Path(f"/proc/{worker}/fd").iterdir())) for worker in shop.workers())


def health(shop: Shop, address: str) -> tuple[Any, float]:
    """(status, seconds) of a look at /healthz/ over a new connection."""
    begun = time.monotonic()
    client = http.client.HTTPConnection(
        "127.0.0.1", shop.port, timeout=10, source_address=(address, 0)
    )
    try:
        client.request("GET", "/healthz/")
        return client.getresponse().status, time.monotonic() - begun
    finally:
        client.close()


def middle(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


def proves_healthy(shop: Shop, seconds: float = 0.1) -> None:
    """Both addresses are answered, nearly always within ``seconds``: other tests may
    run beside this one.
    """
    for address, whose in HOME.items():
        answers = [health(shop, address) for _ in range(40)]
        assert {status for status, _ in answers} == {200}, whose
        late = sorted(taken for _, taken in answers)[35:]
        assert late[0] < seconds, (whose, late)


@pytest.mark.parametrize("sent", [ASK, b""], ids=["unread files", "silent"])
def test_thousands_of_connections_of_one_address_stop_nobody_and_give_their_memory_back(
    shop: Shop, sent: bytes
) -> None:
    before, most = (memory(shop), descriptors(shop)), 0
    with flood(shop, sent):
        time.sleep(1)
        for _ in range(3):
            proves_healthy(shop)
            most = max(most, memory(shop))
        assert most < 300 * MIB
        # A connection has a descriptor, and one for its file.
        until(lambda: descriptors(shop) <= before[1] + 2 * settings.CONNECTIONS_PER_ADDRESS)
        # unread for 10 seconds, or without a request for as long
        until(lambda: descriptors(shop) <= before[1] + 20, 40)
        until(lambda: memory(shop) < before[0] + 60 * MIB)
    # A new connection may get the port of one that was ended a moment ago: 503 with
    # Retry-After 1.
    until(lambda: shop.log_in() == 200, 5)


def test_thirty_two_wrong_log_ins_at_once_delay_nobody(shop: Shop) -> None:
    over, answers = Event(), Counter[tuple[int, str]]()

    def guess(client: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            body = {"email": f"guess-{client}-{number}@example.com", "password": "wrong"}
            status, headers, told = shop.call("POST", "auth/token/", body, Authorization="")
            answers[status, told["code"]] += 1
            assert (status == 503) == (headers.get("retry-after") == "1")
            time.sleep(0.1)

    seconds: list[float] = []
    with ThreadPoolExecutor(32) as pool:
        guessing = [pool.submit(guess, client) for client in range(32)]
        time.sleep(0.5)
        for path in ("tickets/", "parts/") * 30:
            begun = time.monotonic()
            assert shop.call("GET", path)[0] == 200
            seconds.append(time.monotonic() - begun)
            time.sleep(0.02)
        proves_healthy(shop)
        over.set()
        for done in guessing:
            done.result(60)
    assert middle(seconds) < 0.05, sorted(seconds)
    assert answers.keys() == {(401, "no_active_account"), (503, "login_busy")}
    assert shop.log_in() == 200
