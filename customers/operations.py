"""What happens to customers and vehicles beyond one row: log-ins that go with them,
histories that keep them.
"""

import logging
from copy import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts import password_changes
from mechanic_shop.accounts.models import EMAIL_TAKEN, User
from mechanic_shop.accounts.permission_checks import may_manage
from mechanic_shop.admin.log import forget_in_log
from mechanic_shop.db import audit_trail, row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput, NotAllowed

from . import history, idempotency_redaction
from .models import Customer, Vehicle, erased

log = logging.getLogger("shop.privacy")


@atomic
def register(
    *,
    name: str,
    email: str | None = None,
    password_hash: str | None = None,
    by: User | None,
    **details: Any,
) -> Customer:
    """Add a customer; with a password they get a log-in by their e-mail.

    Raises InvalidInput ``email_taken`` when the e-mail was taken in the same moment.
    """
    user = accounts.create_login(email, password_hash, by=by) if email and password_hash else None
    try:
        with transaction.atomic():
            return Customer.objects.create(name=name, email=email, user=user, **details, by=by)
    except IntegrityError as error:
        raise InvalidInput("email", "email_taken", EMAIL_TAKEN) from error


@atomic
def update(
    customer: Customer, *, by: User, current_password: str | None = None, **changes: Any
) -> Customer:
    """Change what was sent. A customer's e-mail is their log-in, so both change, and
    they prove who they are.

    Raises InvalidInput ``wrong_password``, or ``email_required`` for taking the e-mail
    from somebody who logs in with it; NotAllowed ``login_of_staff`` for another's
    log-in that opens more than a customer's; DomainError ``customer_erased``.
    """
    row_locks.lock(customer, "user")
    if customer.erased_at:
        raise erased(customer.pk)
    email = changes.get("email")
    if "email" in changes and email != customer.email and customer.user is not None:
        _change_login(customer.user, email, by=by, current_password=current_password)
        customer.refresh_from_db(fields=["email"])  # done, and audited
    return customer.save_changes(**changes, by=by)


def _change_login(
    login: User, email: str | None, *, by: User, current_password: str | None
) -> None:
    """Change the e-mail with which a customer logs in. Raises as ``update``."""
    row_locks.lock(login)  # what the log-in opens is asked below
    if not email:
        raise InvalidInput(
            "email", "email_required", "This customer logs in with the e-mail: give another one."
        )
    if by.pk == login.pk:
        password_changes.check_current_password(login, current_password)
    elif login.is_shop_staff and not (
        by.has_perm("accounts.change_user") and may_manage(by, login)
    ):
        # The front desk could else send a manager's password reset to itself, and a
        # manager the owner's.
        raise NotAllowed(
            "login_of_staff",
            "This customer works here and logs in with that e-mail: they or the manager change it.",
        )
    accounts.set_email(login, email, by=by)


@atomic
def delete(customer: Customer, *, by: User | None) -> None:
    """Erase a customer who never had a ticket, with their vehicles and log-in, and what
    the audit trail knew of them.

    Raises DomainError ``customer_in_use`` for one with a history.
    """
    row_locks.lock(customer, "user")
    if history.is_kept(customer):
        raise DomainError(
            "customer_in_use",
            f"{customer.name} has tickets, so the record stays: erase who it was instead.",
        )
    rows: list[Any] = [*customer.vehicles.all(), customer]
    if customer.user is not None:
        row_locks.lock(customer.user)  # the user's roles stay as they are until the end
        # A mechanic or a clerk who is also a customer keeps the log-in for work.
        if not customer.user.is_shop_staff:
            rows.append(customer.user)
    for row in rows:
        gone = copy(row)  # a row that was deleted has no key any more
        row.delete(by=by)
        audit_trail.redact(gone)


@atomic
def erase(customer: Customer, *, by: User, current_password: str | None = None) -> None:
    """Forget who a customer was: the record, the log-in, plates and VINs. Tickets,
    their texts and the money stay.

    Raises DomainError ``already_erased``, or ``customer_has_open_tickets`` for one whom
    the shop still works for; InvalidInput ``wrong_password`` for somebody who erases
    themselves without proving who they are.
    """
    row_locks.lock(customer, "user")
    _ensure_not_erased(customer)
    user = customer.user
    if user is not None:
        row_locks.lock(user)  # the user's roles and password stay as they are until the end
        if by.pk == user.pk:
            password_changes.check_current_password(user, current_password)
    history.check_erasure(customer)
    vehicles = _erase_vehicles(customer)
    # A mechanic or a clerk who is also a customer keeps the log-in for work, and is a
    # customer no more.
    works_here = user is not None and user.is_shop_staff
    kept_login = None if works_here else user
    _empty(customer, kept_login)
    if kept_login is not None:
        accounts.erase_login(kept_login, by=by)
    idempotency_redaction.forget(customer, user)
    _forget_everywhere(customer, *vehicles, *filter(None, [kept_login]))
    log.info("customer erased", extra={"customer_id": customer.pk, "by_user_id": by.pk})


def _ensure_not_erased(customer: Customer) -> None:
    if customer.erased_at:
        raise DomainError(
            "already_erased",
            (
                f"Customer {customer.pk} was erased on {customer.erased_at:%Y-%m-%d}: nothing "
                f"is left to erase."
            ),
        )


def _empty(customer: Customer, login: User | None) -> None:
    """Empty what the record says of a person."""
    customer.save_changes(
        name=f"Erased customer {customer.pk}",
        email=None,
        phone="",
        address="",
        notes="",
        tax_certificate="",
        user=login,
        erased_at=timezone.now(),
    )


def _erase_vehicles(customer: Customer) -> list[Vehicle]:
    """Empty plates and VINs, which lead to a person; make, model and year stay, since
    they explain the repairs.
    """
    vehicles = list(row_locks.locking(customer.vehicles.all()))
    for vehicle in vehicles:
        vehicle.save_changes(plate="", vin="")
    return vehicles


def _forget_everywhere(*rows: Any) -> None:
    """What other tables remember of these rows as they were: the admin's log and the
    audit trail.
    """
    for row in rows:
        audit_trail.redact(row)
    forget_in_log(*rows)  # last: the log may know what they are called from now on
