"""Retries: one effect for one Idempotency-Key."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from mechanic_shop.db.models import IdempotentAnswer
from mechanic_shop.db.row_locks import remember_locks
from mechanic_shop.db.transactions import in_rounds
from mechanic_shop.errors import DomainError

from . import form_keys
from .errors import problem_handler
from .etags import wants_page
from .renderers import PROBLEM, to_json
from .throttling import address_of

KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT = timedelta(hours=24)
# Seconds after which a request that never came back no longer blocks its retry. One
# that takes longer has its twin beside it from then on, and the unique row lets only
# one of the two commit.
RUNNING = 10
FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}
KEPT_HEADERS = ("Content-Type", "ETag", "Location")
# Refusals that the same request may outgrow: with a new token or right, the new ETag,
# after a while.
PASSING = {401, 403, 412, 428, 429}


class Idempotency:
    """One effect for one key.

    The answer is stored in the transaction of its effect, a refusal after the rollback
    in one of its own. While the first request runs, a flag in the cache turns its twins
    away; should the cache fail, the unique row still lets only one of them commit.
    """

    def __init__(self, request: Any) -> None:
        self.request = request
        self.key = key_of(request)
        if not self.key:
            return
        user = request.user
        self.owner = f"user:{user.pk}" if user.is_authenticated else f"addr:{address_of(request)}"
        body = (
            form_body(request)
            if is_form(request)
            else (request.content_type or "").encode() + b"\n" + raw_body(request)
        )
        # Keyed: bodies hold passwords, and a plain hash of one could be guessed from a
        # copy of the database.
        sent = f"{request.method}\n{request.get_full_path()}\n".encode() + body
        self.fingerprint = salted_hmac(
            "mechanic_shop.http.idempotency", sent, algorithm="sha256"
        ).hexdigest()
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
            error = DomainError(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request: take a new one.",
            )
            error.status = 422
            raise error
        response = (
            self.page(known)
            if wants_page(self.request)
            else HttpResponse(bytes(known.body), status=known.status, headers=known.headers)
        )
        if not known.body:
            del response["Content-Type"]  # it has no content
        response["Idempotent-Replayed"] = "true"
        return response

    def page(self, known: IdempotentAnswer) -> Response:
        """The stored answer for a browser, which is shown it on a page."""
        headers = {name: value for name, value in known.headers.items() if name != "Content-Type"}
        response = Response(
            orjson.loads(bytes(known.body)) if known.body else None,
            status=known.status,
            headers=headers,
        )
        response.exception = known.status >= 400
        return response

    def run(self, answer: Callable[[], Any], prepare: Callable[[], Any] = lambda: None) -> Any:
        """``answer()`` once per key, in one transaction; its twins get what it
        answered.

        ``prepare()`` runs before the transaction: what is slow (hashing a password)
        must not hold SQLite's one write lock.
        """
        if not self.key:
            prepare()
            return self.effect(answer)
        if replay := self.stored():
            return replay
        if cache.add(self.flag, 1, RUNNING) is False:
            raise self.in_progress()
        try:
            if replay := self.stored():  # it ended between the look and the flag
                return replay
            return self.first(answer, prepare)
        except IntegrityError:
            if replay := self.stored():
                return replay
            raise
        finally:
            cache.delete(self.flag)

    def effect(self, answer: Callable[[], Any]) -> Any:
        """The answer, in one transaction with what it writes; what the database refused
        is explained once that is undone.
        """

        def run() -> Any:
            with transaction.atomic(), remember_locks():
                response = answer()
                if self.key:
                    self.keep(response)
            return response

        try:
            return in_rounds(run)
        except IntegrityError as error:
            if explain := getattr(error, "explain", None):
                explain()
            raise

    def first(self, answer: Callable[[], Any], prepare: Callable[[], Any]) -> Any:
        """The answer to the first request with this key, stored for its twins; also
        when it refuses for good.
        """
        try:
            prepare()
            return self.effect(answer)
        except Exception as error:
            refusal = self.final_refusal(error)
            if refusal is None:
                raise
            with transaction.atomic():
                self.keep(refusal)
            return refusal

    def final_refusal(self, error: Exception) -> Response | None:
        """What the client is told of ``error``, if that is the last word; None for what
        may pass by itself.
        """
        if isinstance(error, IntegrityError) and not isinstance(error, ProtectedError):
            return None  # a clash with somebody else's write, or with a twin's answer
        response = problem_handler(error, {"request": self.request})
        if response is None or response.status_code >= 500 or response.status_code in PASSING:
            return None
        response.exception = True
        return response

    def keep(self, response: Any) -> None:
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        # not rendered yet: its Content-Type is not what the client will get
        if isinstance(response, Response):
            headers["Content-Type"] = PROBLEM if response.status_code >= 400 else "application/json"
            body = b"" if response.data is None else to_json(response.data)
        else:
            body = response.content
        IdempotentAnswer.objects.create(
            owner=self.owner,
            key=self.key,
            fingerprint=self.fingerprint,
            status=response.status_code,
            headers=headers,
            body=body,
        )

    def in_progress(self) -> DomainError:
        error = DomainError(
            "request_in_progress",
            "The first request with this Idempotency-Key is still running: try again in a second.",
        )
        error.headers = {"Retry-After": "1"}  # type: ignore[attr-defined]
        return error


def is_form(request: Any) -> bool:
    return (request.content_type or "").partition(";")[0].strip() in FORMS


def key_of(request: Any) -> str:
    """The Idempotency-Key of a program, or the key of a page's form; empty where there
    is none.

    Raises ParseError for a malformed one.
    """
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        key = request.data.get(form_keys.FIELD, "") if is_form(request) else ""
        return form_keys.PREFIX + key if form_keys.KEY.fullmatch(key) else ""
    if not KEY.fullmatch(key):
        raise ParseError(
            "An Idempotency-Key is 1 to 255 visible ASCII characters.", "invalid_idempotency_key"
        )
    return key


def form_body(request: Any) -> bytes:
    """What a form holds: its bytes have another boundary each time that a browser sends
    them.
    """
    return to_json(
        sorted(
            (name, request.data.getlist(name))
            for name in request.data
            if name not in form_keys.NOT_CONTENT
        )
    )


def raw_body(request: Any) -> bytes:
    body: bytes = request.body
    return body
