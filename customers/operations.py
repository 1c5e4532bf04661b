"""What happens to customers and vehicles beyond one row: log-ins that go with them, histories that keep them."""

from copy import copy
from typing import Any

from django.db import IntegrityError, transaction

from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts.models import EMAIL_TAKEN
from mechanic_shop.accounts.rights import may_manage
from mechanic_shop.api import audit
from mechanic_shop.errors import DomainError, InvalidInput, NotAllowed

from .models import Customer, Vehicle


@transaction.atomic
def register(*, name: str, email: str | None = None, password_hash: str | None = None, by: Any, **details: Any) -> Customer:
    """Add a customer; with a password they get a log-in by their e-mail.

    Raises InvalidInput ``email_taken`` when the e-mail was taken in the same moment.
    """
    user = accounts.create_login(email, password_hash, by=by) if email and password_hash else None
    try:
        with transaction.atomic():
            return Customer.objects.create(name=name, email=email, user=user, **details, by=by)
    except IntegrityError as error:
        raise InvalidInput("email", "email_taken", EMAIL_TAKEN) from error


@transaction.atomic
def update(customer: Customer, *, by: Any, current_password: str | None = None, **changes: Any) -> Customer:
    """Change what was sent. A customer's e-mail is their log-in, so both change, and they prove who they are.

    Raises InvalidInput ``wrong_password``, or ``email_required`` for taking the e-mail from somebody who logs in with it;
    NotAllowed ``login_of_staff`` for another's log-in that opens more than a customer's.
    """
    email = changes.get("email")
    if "email" in changes and email != customer.email and customer.user is not None:
        if not email:
            raise InvalidInput("email", "email_required", "This customer logs in with the e-mail: give another one.")
        if by.pk == customer.user_id:
            accounts.check_current_password(by, current_password)
        elif customer.user.is_shop_staff and not (by.has_perm("accounts.change_user") and may_manage(by, customer.user)):
            # The front desk could else send a manager's password reset to itself, and a manager the owner's.
            raise NotAllowed("login_of_staff", "This customer works here and logs in with that e-mail: they or the manager change it.")
        accounts.set_email(customer.user, email, by=by)
        customer.refresh_from_db(fields=["email"])  # done, and told
    return customer.save_changes(**changes, by=by)


@transaction.atomic
def delete(customer: Customer, *, by: Any) -> None:
    """Erase a customer who never had a ticket, with their vehicles and log-in, and what the audit trail knew of them.

    Raises DomainError ``customer_in_use`` for one with a history.
    """
    if customer.tickets.exists():
        raise DomainError("customer_in_use", f"{customer.name} has tickets, so the record stays: empty the contact details instead.")
    rows: list[Any] = [*customer.vehicles.all(), customer]
    # A mechanic or a clerk who is also a customer keeps the log-in for work.
    if customer.user is not None and not customer.user.is_shop_staff:
        rows.append(customer.user)
    for row in rows:
        gone = copy(row)  # a row that was deleted has no key any more
        row.delete(by=by)
        audit.forget(gone)


@transaction.atomic
def delete_vehicle(vehicle: Vehicle, *, by: Any) -> None:
    """Erase a vehicle that was never repaired here. Raises DomainError ``vehicle_in_use`` for another."""
    if vehicle.tickets.exists():
        raise DomainError("vehicle_in_use", f"{vehicle} has tickets, so its record stays: change its customer if it was sold.")
    vehicle.delete(by=by)
