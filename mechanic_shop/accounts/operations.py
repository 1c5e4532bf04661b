"""Log-ins: creation, e-mail, deactivation and erasure."""

import logging
from typing import Any
from uuid import uuid4

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from .emails import normalize_email
from .models import EMAIL_TAKEN, User
from .sessions import end_sessions

log = logging.getLogger("shop.security")


@atomic
def deactivate(user: User, *, by: User | None) -> None:
    """Take the log-in away at once; the user and what they did stay on record."""
    row_locks.lock(user)
    user.is_active = False
    user.save(update_fields=["is_active"], by=by)
    end_sessions(user, by=by)


@atomic
def erase_login(user: User, *, by: User | None) -> None:
    """Empty the log-in. The row stays, since the history of tickets names it; its
    e-mail is free again.

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


def customers() -> Any:
    """The customers, by the reverse name: accounts imports no app that builds on it."""
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
def create_login(email: str, password_hash: str, *, by: User | None = None) -> User:
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
def set_email(user: User, email: str, *, by: User | None = None) -> None:
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
