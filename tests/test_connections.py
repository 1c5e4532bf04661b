"""How many connections an address may have, and what becomes of answers that nobody
reads: on real sockets of this process.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from mechanic_shop.observability import metrics
from mechanic_shop.server import connections, sockets
from mechanic_shop.server.connections import ConnectionGuard, address_group
from mechanic_shop.server.sockets import IS_SUPPORTED, open_connections, reset

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="only Linux tells of a process's sockets")
ONE, OTHER = "127.0.0.1", "127.0.0.2"
# Seconds. The kernel counts silence in ticks of up to 10 ms, and a tick may pass while
# a guard looks.
TICKS = 0.05


class Door:
    """A listening socket, and both ends of the connections to it."""

    def __init__(self) -> None:
        self.listener = socket.create_server((ONE, 0))
        self.port = self.listener.getsockname()[1]
        self.stack = ExitStack()
        self.stack.enter_context(self.listener)

    def connect(
        self, address: str = ONE, times: int = 1
    ) -> list[tuple[socket.socket, socket.socket]]:
        """(client's end, server's end) of each."""
        made = []
        for _ in range(times):
            client = self.stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.bind((address, 0))
            client.connect((ONE, self.port))
            made.append((client, self.stack.enter_context(self.listener.accept()[0])))
        return made

    def guard(self, per_address: int = 1000, in_all: int = 1000) -> ConnectionGuard:
        return ConnectionGuard(self.port, per_address, in_all)


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    with door.stack:
        yield door


def stay(pairs: list[tuple[socket.socket, socket.socket]]) -> list[bool]:
    """Which clients can still write to the server."""
    found = []
    for client, _ in pairs:
        try:
            client.sendall(b"x")
            time.sleep(0.001)
            client.sendall(b"x")
            found.append(True)
        except OSError:
            found.append(False)
    return found


def stuff(end: socket.socket) -> None:
    """Send what fits, and a little more than the client takes."""
    end.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            end.send(b"x" * 65536)


def drain(end: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(end.recv(min(size, 65536)))


def clients(pairs: list[tuple[socket.socket, socket.socket]]) -> list[str]:
    return ["{}:{}".format(*client.getsockname()) for client, _ in pairs]


# --- as the kernel tells --------------------------------------------------------------


def test_the_kernel_tells_who_is_connected_how_long_silent_and_what_is_unread(door: Door) -> None:
    silent, reading, stuck = pairs = door.connect(times=3)
    stuff(stuck[1])
    reading[1].sendall(b"x" * 1000)
    drain(reading[0], 1000)
    time.sleep(0.05)
    reading[0].sendall(b"thanks")
    time.sleep(0.01)
    found = {
        connection.client: connection for connection in open_connections(socket.AF_INET, door.port)
    }
    assert list(found) == clients(pairs)
    first, second, third = found.values()
    assert [one.is_unread for one in (first, second, third)] == [False, False, True]
    assert (first.taken, second.taken) == (0, 1000)
    assert second.silent < 45 <= first.silent < 5000
    assert silent[1].fileno() == first.descriptor


def test_connections_to_others_and_files_are_left_alone(door: Door, tmp_path: Any) -> None:
    elsewhere = Door()
    with elsewhere.stack, (tmp_path / "file").open("w"):
        elsewhere.connect()
        assert list(open_connections(socket.AF_INET, door.port)) == []


def test_a_descriptor_that_became_something_else_is_not_reset(door: Door, tmp_path: Any) -> None:
    (_, gone), other = door.connect(times=2)
    [connection] = [
        one
        for one in open_connections(socket.AF_INET, door.port)
        if one.descriptor == gone.fileno()
    ]
    before = len(os.listdir(sockets.DESCRIPTORS))
    os.dup2(other[1].fileno(), gone.fileno())
    reset(connection, socket.AF_INET)
    with (tmp_path / "file").open("w") as file:
        os.dup2(file.fileno(), gone.fileno())
        reset(connection, socket.AF_INET)
        os.close(gone.detach())
        reset(connection, socket.AF_INET)
    assert stay([other]) == [True]
    assert len(os.listdir(sockets.DESCRIPTORS)) == before - 1


# --- what is too many -----------------------------------------------------------------


def test_an_address_above_its_limit_loses_its_oldest_and_others_none(door: Door) -> None:
    counted = count("too_many")
    oldest, theirs = door.connect(times=6), door.connect(OTHER, 9)
    time.sleep(TICKS)
    newer = door.connect(times=15)
    door.guard(per_address=20).look()
    assert stay(oldest) == [False] * 6
    assert stay(newer + theirs) == [True] * 24
    assert count("too_many") == counted + 6
    door.guard(per_address=20).look()  # 15 are left: enough for a while
    assert count("too_many") == counted + 6


def test_two_hundred_of_one_address_are_a_shop_behind_one_router(door: Door, settings: Any) -> None:
    pairs = door.connect(times=200)
    guard = door.guard(per_address=settings.CONNECTIONS_PER_ADDRESS)
    guard.look()
    assert all(guard.admits(client) for client in clients(pairs) * 20)
    assert all(stay(pairs))


def test_who_does_not_read_goes_first(door: Door) -> None:
    silent = door.connect(times=9)
    time.sleep(TICKS)
    stuck = door.connect(times=2)
    for _, end in stuck:
        stuff(end)
    door.guard(per_address=10).look()
    assert stay(stuck) == [False, False]
    assert stay(silent).count(False) == 2


def test_all_together_have_a_limit_too(door: Door) -> None:
    pairs = door.connect(times=6) + door.connect(OTHER, 6)
    door.guard(in_all=10).look()
    assert stay(pairs).count(True) == 7


def test_behind_a_proxy_no_address_has_a_limit(door: Door, settings: Any) -> None:
    settings.NUM_PROXIES = 1
    pairs = door.connect(times=12)
    guard = door.guard(per_address=2)
    guard.look()
    assert all(stay(pairs))
    assert all(guard.admits(f"10.0.0.1:{port}") for port in range(1000))


def test_an_address_that_connects_faster_than_the_guard_looks_is_refused_and_others_are_not() -> (
    None
):
    guard = ConnectionGuard(1, 20, 1000)
    assert [guard.admits(f"10.0.0.1:{port}") for port in range(30)] == [True] * 25 + [False] * 5
    assert guard.sooner.is_set()
    assert guard.admits("10.0.0.2:1")
    assert not guard.admits("10.0.0.1:99")
    guard.look()
    assert guard.admits("10.0.0.1:99")


def test_a_connection_that_was_ended_gets_no_answer_until_its_port_is_used_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = door.connect(times=12)
    guard = door.guard(per_address=10)
    guard.look()
    ended = [client for client in clients(pairs) if guard.has_ended(client)]
    assert len(ended) == 5
    assert not any(guard.admits(client) for client in ended)
    monkeypatch.setattr(connections, "FORGET_AFTER", 0)
    guard.look()
    assert all(guard.admits(client) for client in ended)


@pytest.mark.parametrize(
    ("client", "group"),
    [
        ("127.0.0.1:80", "127.0.0.1"),
        ("[2001:db8:1:2:3:4:5:6]:80", "20010db800010002"),
        ("[2001:db8:1:2::1]:9", "20010db800010002"),
        ("[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1"),
    ],
)
def test_an_address_of_ipv6_counts_for_its_network(client: str, group: str) -> None:
    assert address_group(client) == group


# --- what nobody reads ----------------------------------------------------------------


def test_an_answer_that_nobody_reads_ends_and_a_slow_reader_stays(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "UNREAD_WITHIN", 0.1)
    counted = count("unread")
    pairs = door.connect(times=3)
    stuck, slow = pairs[:2]
    guard = door.guard()
    stuff(stuck[1])
    stuff(slow[1])
    for _ in range(6):
        guard.look()
        drain(slow[0], connections.UNREAD_STEP * 2)
        time.sleep(0.04)
    assert stay(pairs) == [False, True, True]
    assert count("unread") == counted + 1


def test_all_unread_answers_together_have_a_limit(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "UNREAD_MOST", 8)
    pairs = door.connect(times=5) + door.connect(OTHER, 5)
    for _, end in pairs:
        stuff(end)
    idle = door.connect(times=5)
    door.guard().look()
    assert stay(pairs).count(True) == 6
    assert all(stay(idle))


def test_what_the_kernel_does_not_tell_is_bounded_by_granian_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Elsewhere than on Linux."""
    monkeypatch.setattr(connections, "IS_SUPPORTED", False)
    guard = ConnectionGuard(1, 16, 1000)
    guard.run()
    assert all(guard.admits(f"10.0.0.1:{port}") for port in range(100))


def count(reason: str) -> float:
    return (
        metrics.registry.get_sample_value("shop_connections_ended_total", {"reason": reason}) or 0
    )
