"""Compiled queries and serializer fields that are kept in the process, the last used of
them, up to so many bytes.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any


class QueryCache:
    """What was used last, by all that it depends on: a shape, the rights of users, a
    query string.

    It holds about ``size`` bytes.
    """

    def __init__(self, size: int) -> None:
        self.size, self.held = size, 0
        self.kept, self.lock = OrderedDict[tuple[Any, ...], Any](), Lock()

    def get(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        found = self.kept.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        else:
            with suppress(KeyError):  # another thread has made room in between
                self.kept.move_to_end(key)
        return found

    def put(self, key: tuple[Any, ...], made: Any) -> None:
        """Keep it, and drop what was not used for longest where there is no room."""
        with self.lock:
            if key in self.kept:  # two threads made it at once
                return
            self.kept[key] = made
            self.held += weight_of(key, made)
            while self.held > self.size and self.kept:
                self.held -= weight_of(*self.kept.popitem(last=False))

    def clear(self) -> None:
        with self.lock:
            self.kept.clear()
            self.held = 0


def weight_of(key: tuple[Any, ...], made: Any) -> int:
    """The bytes of an entry, about. Of the key only texts count, such as a query
    string: all else in it is shared.
    """
    text = sum(len(part) for part in key if isinstance(part, str))
    return 300 + text + made.weight


MEGABYTE = 1024 * 1024
# 64 MB for each process; tests/test_kept_statements.py weighs what they hold.
query_cache = QueryCache(32 * MEGABYTE)  # of single rows: some for each set of rights
# of lists, one for each query string: anybody can ask for new ones
page_query_cache = QueryCache(32 * MEGABYTE)
