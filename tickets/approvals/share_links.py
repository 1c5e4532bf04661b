"""Links by which customers decide on an estimate without an account."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import InvalidInput

from ..lifecycle.locking import lock
from ..models import (
    Authorization,
    Channel,
    ServiceTicket,
    ShareLink,
)
from .operations import authorize


@atomic
def share(ticket: ServiceTicket, *, days: int = 14, by: User | None) -> tuple[ShareLink, str]:
    """A link to this ticket, and its token, which is shown once: the shop keeps its
    hash.
    """
    lock(ticket)
    token = secrets.token_urlsafe(32)
    link = ShareLink(
        ticket=ticket,
        token_hash=hash_of(token),
        created_by=by,
        expires_at=timezone.now() + timedelta(days=days),
    )
    link.save(by=by)
    return link, token


@atomic
def revoke_share(ticket: ServiceTicket, *, share: int, by: User | None) -> None:
    """End a link. Raises InvalidInput for one that is not this ticket's; nothing
    changes when it has ended.
    """
    lock(ticket)
    link = ShareLink.objects.filter(ticket=ticket, pk=share).first()
    if link is None:
        raise InvalidInput(
            "share", "share_of_another_ticket", f"Link {share} is not of {ticket.number}."
        )
    if link.revoked_at is None:
        link.save_changes(revoked_at=timezone.now(), by=by)


def shared(token: str) -> ShareLink | None:
    """The open link with this token."""
    link = (
        ShareLink.objects.select_related("ticket__customer", "ticket__vehicle")
        .filter(token_hash=hash_of(token))
        .first()
    )
    return link if link is not None and link.is_open else None


@atomic
def authorize_shared(token: str, **decisions: Any) -> Authorization | None:
    """What whoever has the link says to the jobs, in nobody's name; None for a link
    that is not open. Raises as ``authorize``.
    """
    link = shared(token)
    if link is None:
        return None
    ticket = link.ticket
    try:
        lock(ticket)  # a link is revoked under the ticket's lock: from here on it stays as it is
        row_locks.refresh(link)
    except row_locks.RowGone:
        return None
    link.ticket = ticket
    return (
        authorize(link.ticket, **decisions, channel=Channel.PORTAL, share=link, by=None)
        if link.is_open
        else None
    )


def hash_of(token: str) -> str:
    """Of 256 random bits: no salt is needed, and none would let the row be found."""
    return hashlib.sha256(token.encode()).hexdigest()
