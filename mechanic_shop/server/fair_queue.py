"""Requests that wait for a thread: in the order of arrival, or by turns of their
addresses.

As long as few wait, the first is served first. When many do, each address has its turn,
so that a thousand requests of one client delay those of another by one request each.
"""

from collections import deque
from queue import SimpleQueue
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
FEW = 16  # waiting requests, up to which turns would cost more time than they save


class FairQueue(Generic[Item]):
    """A queue of items that belong to addresses."""

    def __init__(self) -> None:
        # True: the address whose turn it is
        self.turns: SimpleQueue[Item | bool | None] = SimpleQueue()
        self.lines: dict[str, deque[Item]] = {}  # what waits of each address
        self.order: deque[str] = deque()  # whose turn is next
        self.lock = Lock()

    def qsize(self) -> int:
        return self.turns.qsize()

    def put(self, item: Item, address: str) -> None:
        if self.turns.qsize() < FEW:
            self.turns.put(item)
            return
        with self.lock:
            if address not in self.lines:
                self.lines[address] = deque()
                self.order.append(address)
            self.lines[address].append(item)
        self.turns.put(True)

    def end_one(self) -> None:
        """Let one thread end, after all that waits now: its ``get`` returns None."""
        self.turns.put(None)

    def get(self) -> Item | None:
        """The next item; waits until there is one."""
        turn = self.turns.get()
        if isinstance(turn, bool):
            return self.next_by_turns()
        return turn

    def next_by_turns(self) -> Item:
        with self.lock:
            address = self.order.popleft()
            line = self.lines[address]
            item = line.popleft()
            if line:
                self.order.append(address)
            else:
                del self.lines[address]
        return item
