"""Refusals of a write, in the shop's words."""

import logging

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django.db.models import ProtectedError
from rest_framework.exceptions import Throttled

from mechanic_shop.errors import DomainError

log = logging.getLogger("shop.admin")
# ProtectedError is an IntegrityError
REFUSALS = (
    DomainError,
    Throttled,
    IntegrityError,
    ObjectDoesNotExist,
)


def to_domain_error(error: Exception) -> DomainError:
    """Translate an exception of ``REFUSALS``."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, Throttled):
        seconds = getattr(error, "wait", 0)
        return DomainError("throttled", f"Too many attempts, try again in {seconds} seconds.")
    if isinstance(error, ProtectedError):
        return DomainError(
            "in_use", "Other records refer to this one, so it stays: deactivate it instead."
        )
    log.warning("a write was refused", extra={"kind": type(error).__name__})
    return DomainError(
        "conflict",
        (
            "This clashes with something that was written in the same moment: look at it "
            "again, then try again."
        ),
    )
