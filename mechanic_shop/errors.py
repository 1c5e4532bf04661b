"""Refusals of the shop, in words that every channel shows as they are. Imports nothing of
Django REST.
"""

from typing import Any


class DomainError(Exception):
    """The shop's rules say no.

    ``code`` is stable snake_case for programs, ``message`` says to a person what to do
    next, and ``facts`` are the figures behind it (JSON-able). The API answers 409, the
    admin shows the message.
    """

    status = 409

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts


class InvalidInput(DomainError):
    """What was sent cannot be right whatever the state of the shop: 400, at ``field``."""

    status = 400

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(code, message)
        self.field = field


class NotAllowed(DomainError):
    """The actor may see this but not do it: 403."""

    status = 403


class Busy(DomainError):
    """The server does as much of this as it takes on at once: 503, and the same request
    works in a second.
    """

    status = 503
    headers = {"Retry-After": "1"}
