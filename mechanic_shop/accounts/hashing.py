"""Password hashing, by at most one thread in four, so that the others go on answering.

A hash takes a third of a second of CPU on purpose. The hasher itself keeps the bound:
no code that checks or sets a password can forget it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, local

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from mechanic_shop.errors import Busy

MESSAGE = "Others are logging in at this moment: try again in a second."


class HashingSlots:
    """The right to hash. A thread that holds it already does not need another."""

    def __init__(self, number: int) -> None:
        self.number, self.free, self.held = number, BoundedSemaphore(number), local()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Raise Busy ``login_busy`` at once where no slot is free: a thread that waits
        is held, too.
        """
        if getattr(self.held, "by_this_thread", False):
            yield
            return
        if not self.free.acquire(blocking=False):
            raise Busy("login_busy", MESSAGE)
        self.held.by_this_thread = True
        try:
            yield
        finally:
            self.held.by_this_thread = False
            self.free.release()


slots = HashingSlots(max(1, settings.THREADS // 4))


class BoundedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's hasher within ``slots``; its hashes are the same. Checking and hardening
    call ``encode``, too.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with slots.hold():
            return super().encode(password, salt, iterations)
