"""Retries and lost updates: Idempotency-Key, ETag, If-Match, If-None-Match."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import parse_etags
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from mechanic_shop.errors import DomainError

from .errors import PreconditionFailed
from .models import IdempotentAnswer
from .renderers import to_json
from .throttling import address_of

KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT = timezone.timedelta(hours=24)
RUNNING = 60  # seconds after which a request that never came back no longer blocks its retry
KEPT_HEADERS = ("Content-Type", "ETag", "Location")


def etag_of(body: bytes) -> str:
    """A strong tag: other bytes, other tag. Roles see other fields, so they get other tags."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def check_if_match(request: Any, current: Callable[[], Any]) -> None:
    """Refuse with 412 unless If-Match names the present state; call it with the row locked."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    tags = parse_etags(wanted)
    tag = etag_of(to_json(current()))
    if tags != ["*"] and tag not in tags:
        error = PreconditionFailed()
        error.headers = {"ETag": tag}  # type: ignore[attr-defined]
        raise error


def not_modified(request: Any, tag: str) -> bool:
    """May the client keep what it has?"""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return tags == ["*"] or tag in [known.removeprefix("W/") for known in tags]


class Idempotency:
    """One effect for one key.

    The answer is stored in the transaction of its effect. While the first request runs, a flag in the
    cache turns its twins away; should the cache fail, the unique row still lets only one of them commit.
    """

    def __init__(self, request: Any) -> None:
        self.key = request.headers.get("Idempotency-Key")
        if self.key is None:
            return
        if not KEY.fullmatch(self.key):
            raise ParseError("An Idempotency-Key is 1 to 255 visible ASCII characters.", "invalid_idempotency_key")
        user = request.user
        self.owner = f"user:{user.pk}" if user.is_authenticated else f"addr:{address_of(request)}"
        parts = (request.method, request.get_full_path(), request.content_type or "")
        self.fingerprint = hashlib.sha256("\n".join(parts).encode() + b"\n" + request._request.body).hexdigest()
        self.flag = "running:" + hashlib.sha256(f"{self.owner} {self.key}".encode()).hexdigest()

    def stored(self) -> HttpResponse | None:
        """The answer to the first request with this key, if there is one."""
        known = IdempotentAnswer.objects.filter(owner=self.owner, key=self.key).first()
        if known is None:
            return None
        if known.created_at < timezone.now() - KEPT:
            known.delete()
            return None
        if known.fingerprint != self.fingerprint:
            error = DomainError("idempotency_key_reused", "This Idempotency-Key was used for another request: take a new one.")
            error.status = 422
            raise error
        response = HttpResponse(bytes(known.body), status=known.status, headers=known.headers)
        response["Idempotent-Replayed"] = "true"
        return response

    def run(self, answer: Callable[[], Any], prepare: Callable[[], Any] = lambda: None) -> Any:
        """``answer()`` once per key, in one transaction; its twins get what it answered.

        ``prepare()`` runs before the transaction: what is slow (hashing a password) must not hold SQLite's one write lock.
        """
        if self.key is None:
            prepare()
            with transaction.atomic():
                return answer()
        if replay := self.stored():
            return replay
        if cache.add(self.flag, 1, RUNNING) is False:
            raise self.in_progress()
        try:
            if replay := self.stored():  # it ended between the look and the flag
                return replay
            prepare()
            with transaction.atomic():
                response = answer()
                self.keep(response)
            return response
        except IntegrityError:
            if replay := self.stored():
                return replay
            raise
        finally:
            cache.delete(self.flag)

    def keep(self, response: Any) -> None:
        body = to_json(response.data) if isinstance(response, Response) and response.data is not None else response_body(response)
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        headers.setdefault("Content-Type", "application/json")
        IdempotentAnswer.objects.create(
            owner=self.owner, key=self.key, fingerprint=self.fingerprint, status=response.status_code, headers=headers, body=body
        )

    def in_progress(self) -> DomainError:
        error = DomainError("request_in_progress", "The first request with this Idempotency-Key is still running: try again in a second.")
        error.headers = {"Retry-After": "1"}  # type: ignore[attr-defined]
        return error


def response_body(response: Any) -> bytes:
    return b"" if isinstance(response, Response) else response.content
