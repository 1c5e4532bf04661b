"""Requests that hash a password, kept away from the threads until one of them may.

``accounts.hashing`` bounds how many threads hash at the same time, whatever asks for
it. This lane stands in front of the routes that people use most: there a few requests
may wait without a thread, and the rest is refused without one, so that a flood of
log-ins costs other requests nothing.
"""

from collections import deque
from enum import Enum
from functools import cached_property
from threading import Lock
from typing import Generic, Protocol, TypeVar

from django.urls import reverse

Item = TypeVar("Item")
WAITING = 4  # requests for each thread that may hash: the last one waits for some two seconds
ROUTES = (
    *("auth-token", "auth-password", "auth-password-reset-confirm"),
    *("rest_framework:login", "admin:login", "admin:password_change"),
)
SIGN_UP = "customer-list"  # to which staff also post, with a token and without a password


class Headers(Protocol):
    def get(self, name: str) -> str | None: ...


class Admission(Enum):
    NOW = "now"
    LATER = "later"
    NEVER = "never"


class PasswordLane(Generic[Item]):
    """Lets ``places`` requests in at a time."""

    def __init__(self, places: int) -> None:
        self.places, self.inside = places, 0
        self.waiting: deque[Item] = deque()
        self.lock = Lock()

    @cached_property
    def paths(self) -> frozenset[str]:
        return frozenset(map(reverse, ROUTES))

    @cached_property
    def sign_up(self) -> str:
        return reverse(SIGN_UP)

    def is_for(self, method: str, path: str, headers: Headers) -> bool:
        """Does this request hash a password?"""
        if method != "POST":
            return False
        if path == self.sign_up:
            return not (headers.get("authorization") or "").lower().startswith("bearer ")
        return path in self.paths

    def enter(self, item: Item) -> Admission:
        """Ask for a place. A caller that is admitted, now or later, calls ``leave``
        when it is done.
        """
        with self.lock:
            if self.inside < self.places:
                self.inside += 1
                return Admission.NOW
            if len(self.waiting) < WAITING * self.places:
                self.waiting.append(item)
                return Admission.LATER
        return Admission.NEVER

    def leave(self) -> Item | None:
        """Give the place back; returns the request that has it from now on."""
        with self.lock:
            if self.waiting:
                return self.waiting.popleft()
            self.inside -= 1
        return None
