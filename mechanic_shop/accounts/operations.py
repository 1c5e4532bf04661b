"""Logging in and out, passwords and log-ins. Every door of the shop comes through here."""

import hashlib
import logging
from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import AuthenticationFailed

from mechanic_shop.db import audit, row_locks
from mechanic_shop.db.transactions import atomic, outside
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.http.throttling import address_of, hit, limited

from .emails import normalize_email
from .hashing import slots
from .mail import in_background, send_reset_mail
from .models import EMAIL_TAKEN, User
from .passwords import hash_new_password, invalid_token, user_to_reset
from .tokens import ShopRefreshToken, not_valid, read_refresh, retire, user_of

log = logging.getLogger("shop.security")
WRONG_LOGIN = "No active account has this e-mail and password."

# --- logging in and out ---------------------------------------------------------------


def log_in(request: Any, email: str, password: str) -> User:
    """The user with this e-mail and password: the one way in for every door.

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
    """Account and address as the log may know them: the same ones are the same there,
    and nobody is named.
    """
    found = {"account": email, "address": address}
    return {
        name: salted_hmac("mechanic_shop.accounts.log", value, algorithm="sha256").hexdigest()[:12]
        for name, value in found.items()
    }


def pair(email: str, address: str) -> str:
    """An account as seen from one address: nobody can lock its owner out from
    elsewhere.
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
def end_sessions(user: User, *, by: Any = None) -> None:
    """Log ``user`` out everywhere: sessions, access and refresh tokens, resets under
    way.
    """
    row_locks.lock(user)
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    audit.record_event(user, sessions=[None, "ended"], by=by)
    log.info("sessions ended", extra={"of_user_id": user.pk, "by_user_id": by and by.pk})


@atomic
def deactivate(user: User, *, by: Any) -> None:
    """Take the log-in away at once; the user and what they did stay on record."""
    row_locks.lock(user)
    user.is_active = False
    user.save(update_fields=["is_active"], by=by)
    end_sessions(user, by=by)


@atomic
def erase_login(user: User, *, by: Any) -> None:
    """Make the log-in nobody's. The row stays, since the history of tickets names it;
    its e-mail is free again.

    The new address cannot be guessed: nobody signs up with it beforehand, nobody asks
    for its reset.
    """
    row_locks.lock(user)
    user.email, user.password, user.last_login = (
        f"{uuid4().hex}@erased.invalid",
        make_password(None),
        None,
    )
    user.save(update_fields=["email", "password", "last_login"], by=by)
    deactivate(user, by=by)


# --- passwords ------------------------------------------------------------------------


def check_current_password(
    user: User, password: str | None, field: str = "current_password"
) -> None:
    """Make sure that it is really ``user`` who asks for something sensitive.

    Raises InvalidInput ``wrong_password``; and Throttled: a stolen token must not
    become a way to guess the password. Within a transaction call it with a user who is
    locked: the password is looked at outside, and again if another was set meanwhile.
    """
    outside(
        ("check", user.pk, user.password, password, field),
        partial(_check_current_password, user, password, field),
    )


def _check_current_password(user: User, password: str | None, field: str) -> None:
    who = f"user:{user.pk}"
    with slots.hold():  # before the attempt is counted, as at a log-in
        if refusal := limited(hit("login", who)):
            raise refusal
        if not password or not user.check_password(password):
            log.warning("wrong current password", extra={"of_user_id": user.pk})
            raise InvalidInput(field, "wrong_password", "This is not your present password.")
        hit("login", who, by=-1)


def change_password(user: User, current: str, new: str, *, by: Any) -> None:
    """Check and set a new password; raises what the two steps raise."""
    set_password(**check_change(user, current_password=current, new_password=new), by=by)


def check_change(user: User, *, current_password: str, new_password: str) -> dict[str, Any]:
    """What ``set_password`` needs, of somebody who proved to be ``user``. Raises
    InvalidInput ``wrong_password`` or ``weak_password``.
    """
    key = "change", user.pk, user.password, user.email, current_password, new_password
    return outside(key, partial(_check_change, user, current_password, new_password))


def _check_change(user: User, current_password: str, new_password: str) -> dict[str, Any]:
    # for both hashes, or the second could find that another request came between
    with slots.hold():
        check_current_password(user, current_password)
        new_hash = hash_new_password(
            new_password, email=user.email, name=user.display_name, field="new_password"
        )
    return {"user": user, "new_hash": new_hash}


@atomic
def set_password(user: User, new_hash: str, *, by: Any) -> None:
    """Set a new password, which ends every session. Raises DomainError when the log-in
    was changed in the same moment.
    """
    if not store_password(user, new_hash, by=by):
        raise DomainError("conflict", "The log-in was changed in this very moment: log in again.")
    log.info("password changed", extra={"of_user_id": user.pk, "by_user_id": by.pk})


@atomic
def store_password(user: User, new_hash: str, *, by: Any = None) -> bool:
    """Compare-and-set: False, and nothing changed, when somebody changed the e-mail or
    password or ended the sessions meanwhile.
    """
    return bool(
        user.same_revision()
        .filter(is_active=True)
        .update_by(by, password=new_hash, session_epoch=F("session_epoch") + 1)
    )


def request_reset(email: str) -> None:
    """Mail the owner of this address how to set a password, if the shop knows it; a
    stranger learns nothing.

    Even the look-up happens in the background, so that the time of the answer is the
    same for all.
    """
    email = normalize_email(email)
    transaction.on_commit(lambda: in_background(mail_reset, email))


def mail_reset(email: str) -> None:
    over = limited(hit("reset", "mailbox:" + hashlib.sha256(email.encode()).hexdigest()))
    user = None if over else User.objects.filter(email=email).first() or login_for_walk_in(email)
    if user is not None and user.is_active:
        send_reset_mail(user)


@atomic
def login_for_walk_in(email: str) -> User | None:
    """A log-in without a password yet, for a customer whom the shop knows by this
    e-mail only.

    It is worth nothing without the mail that follows.
    """
    rows = customers().filter(user=None).alias(known=Lower("email")).filter(known=email)
    customer = row_locks.locking(rows).first()
    if customer is None:
        return None
    user = create_login(email, make_password(None))
    customer.save_changes(user=user)
    return user


def check_reset(*, uid: str, token: str, new_password: str) -> dict[str, Any]:
    """What ``reset_password`` needs, of somebody who got the mail. Slow on purpose.

    Raises InvalidInput ``invalid_token``, or ``weak_password``, after which the token
    still works.
    """
    user = user_to_reset(uid, token)
    return {
        "user": user,
        "new_hash": hash_new_password(
            new_password, email=user.email, name=user.display_name, field="new_password"
        ),
    }


@atomic
def reset_password(user: User, new_hash: str) -> None:
    """Set the password that a reset mail allows: once, and every session ends. Raises
    InvalidInput ``invalid_token`` when it was used meanwhile.
    """
    if not store_password(user, new_hash):
        raise invalid_token()
    log.info("password reset", extra={"of_user_id": user.pk})


# --- log-ins --------------------------------------------------------------------------


def customers() -> Any:
    """The customers, by the reverse name: accounts knows nobody who builds on it."""
    return User._meta.get_field("customer").related_model._default_manager


def email_is_taken(email: str, *, besides: User | None = None) -> bool:
    """Does another log-in or customer have this e-mail?"""
    email = normalize_email(email)
    users, others = (
        User.objects.filter(email=email),
        customers().alias(known=Lower("email")).filter(known=email),
    )
    if besides is not None:
        users, others = users.exclude(pk=besides.pk), others.exclude(user=besides)
    return users.exists() or others.exists()


@atomic
def create_login(email: str, password_hash: str, *, by: Any = None) -> User:
    """A log-in for somebody whose password is hashed already. Raises InvalidInput
    ``email_taken``.
    """
    try:
        with transaction.atomic():  # the outer transaction must go on working after a refusal
            user = User(email=email, password=password_hash)
            user.save(by=by)
            return user
    except IntegrityError as error:
        raise InvalidInput("email", "email_taken", EMAIL_TAKEN) from error


def lock_login(user: int) -> Any:
    """Lock the customer of a log-in, then the log-in: every lock of both is taken in
    this order. Returns the customer.
    """
    customer = row_locks.locking(customers().filter(user=user)).first()
    row_locks.lock_key(User, user)
    return customer


@atomic
def set_email(user: User, email: str, *, by: Any = None) -> None:
    """Change the log-in name, and the customer's e-mail with it: they are the same.
    Raises InvalidInput ``email_taken``.
    """
    email = normalize_email(email)
    customer = lock_login(user.pk)
    row_locks.refresh(user)
    if email_is_taken(email, besides=user):
        raise InvalidInput("email", "email_taken", EMAIL_TAKEN)
    if customer and customer.erased_at:
        raise DomainError(
            "customer_erased",
            "This log-in was erased with its customer: it stays empty.",
            customer=customer.pk,
        )
    try:
        with transaction.atomic():
            user.email = email
            user.save(update_fields=["email"], by=by)
            if customer:
                customer.save_changes(email=email, by=by)
    except IntegrityError as error:  # taken in the same moment
        raise InvalidInput("email", "email_taken", EMAIL_TAKEN) from error
    log.info("e-mail changed", extra={"of_user_id": user.pk, "by_user_id": by and by.pk})
