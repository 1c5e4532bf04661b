"""Bounds on the open connections of a process, and a time limit for responses that
clients do not read.

Granian limits connections as a whole and cuts off a client that sends no request within
10 seconds. It has no limit for one address and no time limit for writing. This module
looks at the process's connections and resets those that are too many or stuck; on
Linux, elsewhere it does nothing. docs/decisions/0009-unread-answers.md has the reasons
and the figures.
"""

import os
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from threading import Event
from typing import Literal

from django.conf import settings

from mechanic_shop.observability import metrics

from .sockets import DESCRIPTORS, IS_SUPPORTED, Connection, host_of, open_connections, reset

UNREAD_WITHIN = 10.0  # seconds in which a client has to take at least
UNREAD_STEP = 16 * 1024  # bytes of its answer; a phone on a bad day takes that in a second
UNREAD_MOST = 512  # unread answers of all addresses together; each holds up to 0.3 MB
KEEP = 0.75  # of a limit, when connections are ended, so that the next one is not above it again
LOOK_EVERY = 1.0  # seconds; and up to
LOOK_SOONER = 0.25  # when there are many connections; and, when a limit may have been passed,
LOOK_AT_ONCE = 0.05  # but not more often: a look at 1,000 connections takes 5 ms
FORGET_AFTER = 2.0  # seconds, in which a request of a connection that was ended may still come

Reason = Literal["too_many", "unread"]


class ConnectionGuard:
    """Ends the connections of a process that are too many, or whose client does not
    read.

    ``run`` is a thread of its own; all else but ``admits`` is called by that thread.
    """

    def __init__(self, port: int, per_address: int, in_all: int) -> None:
        self.port, self.per_address, self.in_all = port, per_address, in_all
        self.family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
        # Behind a proxy all connections come from its address: limiting addresses is
        # its task.
        self.limits_addresses = IS_SUPPORTED and settings.NUM_PROXIES == 0
        self.sooner, self.looked = Event(), 0.0
        self.known: set[str] = set()  # clients that were connected at the last look
        self.new: set[str] = set()  # clients that sent a request since
        self.room = per_address  # how many new ones no address can be above its limit with
        self.beyond: Counter[str] = Counter()  # new ones beyond that, by address
        self.ended: dict[str, float] = {}  # clients whose connection was ended, and when
        self.progress: dict[
            str, tuple[int, float]
        ] = {}  # bytes taken of an unread answer, and since when

    def admits(self, client: str) -> bool:
        """Take note that ``client`` sent a request. May it have an answer?

        No for one whose connection was ended, and for those of an address that opens
        connections faster than ``run`` can look at them.
        """
        if client in self.known or not self.limits_addresses:
            return True
        if client in self.ended:
            return False
        self.new.add(client)
        if len(self.new) <= self.room:
            return True
        self.sooner.set()
        address = address_group(client)
        self.beyond[address] += 1
        return self.beyond[address] <= self.per_address // 4

    def has_ended(self, client: str) -> bool:
        """Was the connection ended while its request waited?"""
        return client in self.ended

    def run(self) -> None:
        while IS_SUPPORTED:
            if self.sooner.wait(LOOK_SOONER):
                time.sleep(max(0, self.looked + LOOK_AT_ONCE - time.monotonic()))
                self.look()
            elif self.is_due():
                self.look()

    def is_due(self) -> bool:
        are_many = len(os.listdir(DESCRIPTORS)) > self.per_address
        return are_many or time.monotonic() - self.looked > LOOK_EVERY

    def look(self) -> None:
        """End what is stuck or too much, and take note of the rest."""
        self.sooner.clear()
        self.new.clear()
        self.beyond.clear()
        connections = list(open_connections(self.family, self.port))
        self.looked = time.monotonic()
        clients = {connection.client for connection in connections}
        recently = self.looked - FORGET_AFTER
        # A client that is connected again after its end uses the same port for a new
        # connection.
        self.ended = {
            client: when
            for client, when in self.ended.items()
            if when > recently and client not in clients
        }
        stuck = self.stuck(connections)
        rest = [connection for connection in connections if connection not in stuck]
        surplus = self.surplus(rest)
        self.end(stuck, "unread")
        self.end(surplus, "too_many")
        self.known = clients - self.ended.keys()
        largest = max(Counter(map(address_group, self.known)).values(), default=0)
        self.room = max(1, self.per_address - largest)

    def stuck(self, connections: list[Connection]) -> set[Connection]:
        """The connections whose client took next to nothing of its answer for
        UNREAD_WITHIN.
        """
        before, self.progress = self.progress, {}
        unread = {connection for connection in connections if connection.is_unread}
        for client, taken in ((one.client, one.taken) for one in unread):
            then, since = before.get(client, (taken, self.looked))
            moved = not then <= taken < then + UNREAD_STEP
            self.progress[client] = (taken, self.looked) if moved else (then, since)
        late = self.looked - UNREAD_WITHIN
        return {one for one in unread if self.progress[one.client][1] < late}

    def surplus(self, connections: list[Connection]) -> set[Connection]:
        """The connections above a limit: the newest stay."""
        unread = [connection for connection in connections if connection.is_unread]
        found = {*oldest_above(self.in_all, connections), *oldest_above(UNREAD_MOST, unread)}
        if self.limits_addresses:
            for of_one in by_address(connections):
                found.update(oldest_above(self.per_address, of_one))
        return found

    def end(self, connections: Iterable[Connection], reason: Reason) -> None:
        for connection in connections:
            self.ended[connection.client] = self.looked
            reset(connection, self.family)
            metrics.connections_ended.labels(reason).inc()


def by_address(connections: Iterable[Connection]) -> Iterable[list[Connection]]:
    found: dict[str, list[Connection]] = defaultdict(list)
    for connection in connections:
        found[address_group(connection.client)].append(connection)
    return found.values()


def address_group(client: str) -> str:
    """The address that a client counts for; of IPv6 its network, which is one
    customer's.
    """
    host = host_of(client)
    if ":" not in host or host.startswith("::ffff:"):
        return host
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8].hex()


def oldest_above(limit: int, connections: list[Connection]) -> list[Connection]:
    """Those to end so that ``limit`` holds for a while: first who does not read, then
    who is silent.
    """
    if len(connections) <= limit:
        return []
    oldest_first = sorted(connections, key=lambda one: (one.is_unread, one.silent), reverse=True)
    return oldest_first[: len(connections) - int(limit * KEEP)]
