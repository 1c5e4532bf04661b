"""Changing and resetting passwords."""

import hashlib
import logging
from functools import partial
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Lower

from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic, outside
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.http.throttling import hit, limited

from .emails import normalize_email
from .hashing import slots
from .mail import in_background, send_reset_mail
from .models import User
from .operations import create_login, customers
from .passwords import hash_new_password, invalid_token, user_to_reset

log = logging.getLogger("shop.security")


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


def change_password(user: User, current: str, new: str, *, by: User | None) -> None:
    """Check and set a new password; raises what the two steps raise."""
    set_password(**check_change(user, current_password=current, new_password=new), by=by)


def check_change(user: User, *, current_password: str, new_password: str) -> dict[str, Any]:
    """Check the passwords and return the arguments of ``set_password``. Raises
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
def store_password(user: User, new_hash: str, *, by: User | None = None) -> bool:
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
    """Check the token and return the arguments of ``reset_password``. Slow on purpose.

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
