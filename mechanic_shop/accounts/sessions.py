"""Logging in and out: attempts, tokens and the end of all sessions."""

import hashlib
import logging

from django.contrib.auth import authenticate
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from mechanic_shop.db import audit, row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.http.throttling import address_of, hit, limited

from .emails import normalize_email
from .hashing import slots
from .models import User
from .tokens import ShopRefreshToken, not_valid, read_refresh, retire, user_of

log = logging.getLogger("shop.security")
WRONG_LOGIN = "No active account has this e-mail and password."


def log_in(request: HttpRequest | Request, email: str, password: str) -> User:
    """The user with this e-mail and password; every log-in of the shop calls this.

    Raises AuthenticationFailed, the same for an unknown, a wrong and an inactive one;
    and Throttled after too many attempts, also for the right password, or guessing
    would go on until it hits. Raises Busy while others hash.
    """
    email, address = normalize_email(email), address_of(request)
    # before the attempt is counted: a request that does not get to the password is none
    with slots.hold():
        count_attempt(email, address)
        # For an unknown e-mail Django hashes the password too, so the time tells
        # nothing.
        user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        log.warning("log-in failed", extra=pseudonyms(email, address))
        raise AuthenticationFailed(WRONG_LOGIN, "no_active_account")
    give_attempt_back(email, address)
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    return user


def count_attempt(email: str, address: str) -> None:
    """Count before looking at the password: forty guesses at once must not all pass.

    An attempt that its account's limit turns away does not count for the address: one
    locked account must not lock its neighbours out.
    """
    refusal = limited(hit("login", pair(email, address))) or limited(
        hit("login", address, times=10)
    )
    if refusal:
        log.warning("log-in throttled", extra=pseudonyms(email, address))
        raise refusal


def give_attempt_back(email: str, address: str) -> None:
    hit("login", pair(email, address), by=-1)
    hit("login", address, times=10, by=-1)


def pseudonyms(email: str, address: str) -> dict[str, str]:
    """Account and address as pseudonyms for the log: equal ones stay equal, without
    names.
    """
    identifiers = {"account": email, "address": address}
    return {
        name: salted_hmac("mechanic_shop.accounts.log", value, algorithm="sha256").hexdigest()[:12]
        for name, value in identifiers.items()
    }


def pair(email: str, address: str) -> str:
    """The key of an account seen from one address: another address cannot lock its
    owner out.
    """
    return hashlib.sha256(f"{address} {email}".encode()).hexdigest()


def token_pair(user: User) -> dict[str, str]:
    """A new access and refresh token."""
    refresh = ShopRefreshToken.for_user(user)
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


@atomic
def rotate(token: ShopRefreshToken) -> dict[str, str]:
    """A new pair for a refresh token, which is used up: of parallel calls one succeeds.
    Raises AuthenticationFailed.
    """
    user = user_of(token)
    if not retire(token):
        log.warning("a used refresh token came again", extra={"of_user_id": user.pk})
        raise not_valid()
    return token_pair(user)


@atomic
def log_out(token: ShopRefreshToken) -> None:
    """End a refresh token; doing it again changes nothing."""
    retire(token)


def check_refresh(refresh: str) -> dict[str, ShopRefreshToken]:
    """The keywords of ``rotate`` and ``log_out``, read before a transaction begins.
    Raises AuthenticationFailed for what is no token.
    """
    return {"token": read_refresh(refresh)}


@atomic
def end_sessions(user: User, *, by: User | None = None) -> None:
    """Log ``user`` out everywhere: sessions, access and refresh tokens, resets under
    way.
    """
    row_locks.lock(user)
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    audit.record_event(user, sessions=[None, "ended"], by=by)
    log.info("sessions ended", extra={"of_user_id": user.pk, "by_user_id": by and by.pk})
