"""Put mechanics on a ticket, and take them off."""

from collections.abc import Collection, Sequence
from typing import Any

from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.fastpath.compiled_queries import CompiledQuery
from mechanics.models import Mechanic

from ..lifecycle.locking import increment_version, links_changed, lock_open
from ..models import ServiceTicket, TicketMechanic


def assign_mechanic(
    ticket: ServiceTicket,
    *,
    mechanic: Mechanic,
    role: str = TicketMechanic.Role.ASSISTANT,
    by: User | None,
) -> None:
    """Put a mechanic on the ticket; nothing changes when he or she is on it already."""
    edit_mechanics(ticket, add=[mechanic], role=role, by=by)


def remove_mechanic(ticket: ServiceTicket, *, mechanic: Mechanic, by: User | None) -> None:
    """Take a mechanic off the ticket. Raises DomainError ``mechanic_not_on_ticket``."""
    edit_mechanics(ticket, remove=[mechanic], by=by)


@atomic
def edit_mechanics(
    ticket: ServiceTicket,
    *,
    add: Sequence[Mechanic] = (),
    remove: Sequence[Mechanic] = (),
    role: str = TicketMechanic.Role.ASSISTANT,
    by: User | None,
) -> None:
    """Put mechanics on the ticket and take others off, all or nothing.

    Raises DomainError ``ticket_locked``, ``mechanic_inactive`` or
    ``mechanic_not_on_ticket``; InvalidInput for one who is in both lists.
    """
    lock_open(ticket)
    if both := {mechanic.pk for mechanic in add} & {mechanic.pk for mechanic in remove}:
        raise InvalidInput("remove", "added_and_removed", f"Mechanic {min(both)} is in both lists.")
    on_ticket = {mechanic for (mechanic,) in mechanics_of.run(ticket.pk)}
    ensure_on_ticket(ticket, remove, on_ticket)
    new = {mechanic.pk: mechanic for mechanic in add if mechanic.pk not in on_ticket}
    if new:
        ensure_active(new)
    for mechanic in new.values():
        TicketMechanic.objects.create(
            ticket=ticket, mechanic=mechanic, role=role, assigned_by=by, by=by
        )
    if remove:
        TicketMechanic.objects.filter(ticket=ticket, mechanic__in=remove).delete(by=by)
    if new or remove:
        increment_version(ticket)
        links_changed()


def ensure_on_ticket(
    ticket: ServiceTicket, mechanics: Sequence[Mechanic], on_ticket: set[int]
) -> None:
    for mechanic in mechanics:
        if mechanic.pk not in on_ticket:
            raise DomainError(
                "mechanic_not_on_ticket",
                f"{mechanic.name} is not on {ticket.number}.",
                mechanic=mechanic.pk,
            )


def ensure_active(mechanics: Collection[int]) -> None:
    """Raises DomainError ``mechanic_inactive``, by what the rows say now."""
    for key, name in inactive.run():  # they are few
        if key in mechanics:
            raise DomainError(
                "mechanic_inactive",
                f"{name} no longer works here: assign somebody else.",
                mechanic=key,
            )


@CompiledQuery
def inactive() -> Any:
    return Mechanic.objects.filter(is_active=False).values_list("pk", "name")


@CompiledQuery
def mechanics_of(ticket: int) -> Any:
    return TicketMechanic.objects.filter(ticket=ticket).values_list("mechanic_id")
