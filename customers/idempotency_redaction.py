"""Answers that are kept for an Idempotency-Key, as far as they speak of a customer."""

from typing import Any

import orjson

from mechanic_shop.db.models import IdempotentAnswer
from mechanic_shop.http import form_keys

from .models import Customer


def forget(customer: Customer, user: Any) -> None:
    """Remove what ``user`` was answered, and what anybody was answered about the
    customer: whoever signs up is no user yet.

    A request that comes again has no second effect, since nothing is written about
    somebody erased. Forms stay known as done, without what they said.
    """
    form_keys.forget_details()
    if user is not None:
        IdempotentAnswer.objects.filter(owner=f"user:{user.pk}").delete()
    rows = IdempotentAnswer.objects.values_list(
        "pk", "body"
    ).iterator()  # a day's worth, and what is in them no database can search
    IdempotentAnswer.objects.filter(
        pk__in=[pk for pk, body in rows if speaks_of(customer, bytes(body))]
    ).delete()


def speaks_of(customer: Customer, body: bytes) -> bool:
    """Is it the customer's record, or a vehicle or ticket of theirs?"""
    # PostgreSQL writes JSON with spaces
    if b'"id":%d' % customer.pk not in body.replace(b" ", b""):
        return False
    found = orjson.loads(body)
    if not isinstance(found, dict):
        return False
    owner = found if "has_login" in found else found.get("customer")
    return isinstance(owner, dict) and owner.get("id") == customer.pk
