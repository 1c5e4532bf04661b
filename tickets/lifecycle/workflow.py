"""The one table of the workflow: which moves people may ask for, who may, and what
blocks them.

Money makes some moves by itself: a payment closes the ticket, a credit note in full
makes it completed again (billing/invoice_balances.py, billing/credit_notes.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser

from mechanic_shop.accounts.models import User
from mechanic_shop.errors import DomainError, NotAllowed

from ..models import JobStatus, ServiceTicket, Status
from .price_limits import price_above_approval
from .snapshot import load_snapshot

Who = Callable[[Any, ServiceTicket], bool]
Block = Callable[[ServiceTicket], DomainError | None]
WAY_BACK = "a manager moves it back to completed"  # where no invoice stands


def can_move_any(user: User | AnonymousUser, ticket: ServiceTicket) -> bool:
    """Whoever may make every move."""
    return user.has_perm("tickets.move_serviceticket")


def is_owner(user: User | AnonymousUser | None, ticket: ServiceTicket) -> bool:
    """The customer whose ticket it is."""
    return user is not None and ticket.owner_id is not None and ticket.owner_id == user.pk


def is_assigned(user: User | AnonymousUser, ticket: ServiceTicket) -> bool:
    """A mechanic who is on the ticket."""
    return (
        user.has_perm("tickets.work_on_assigned")
        and ticket.assignments.filter(mechanic__user=user.pk).exists()
    )


def unfilled_backorder(ticket: ServiceTicket) -> DomainError | None:
    """A ticket is not complete while parts that it needs are not here."""
    missing = [
        line
        for line in ticket.lines.select_related("part", "job").order_by("pk")
        if line.is_authorized and line.backordered
    ]
    if not missing:
        return None
    named = ", ".join(f"{line.backordered.normalize():f} × {line.part.sku}" for line in missing)
    return DomainError(
        "backorder_unfilled",
        f"Waiting for {named}: receive the parts, or remove them from the ticket.",
        parts=[
            {"id": line.part_id, "sku": line.part.sku, "missing": str(line.backordered)}
            for line in missing
        ],
    )


def unfinished_jobs(ticket: ServiceTicket) -> DomainError | None:
    """What the customer said yes to is done, or somebody said that it is not done after
    all.
    """
    jobs = list(ticket.jobs.filter(status=JobStatus.APPROVED).order_by("position", "pk"))
    if not jobs:
        return None
    named = ", ".join(f'"{job.title}"' for job in jobs)
    return DomainError(
        "jobs_unfinished",
        f"Not done yet: {named}. Finish or cancel them first.",
        jobs=[job.pk for job in jobs],
    )


def waits_for_approval(ticket: ServiceTicket) -> DomainError | None:
    """What was approved once and grew, or got another price, is decided on before the
    work is completed.
    """
    jobs = ticket.jobs.filter(status=JobStatus.PROPOSED, authorized_total__isnull=False)
    parts = ticket.lines.filter(job=None, status=JobStatus.PROPOSED, approved_amount__isnull=False)
    named = [f'"{job.title}"' for job in jobs] + [
        line.part.name for line in parts.select_related("part")
    ]
    if not named:
        return None
    return DomainError(
        "approval_pending", f"{', '.join(named)} waits for the customer: record the decision first."
    )


def balance_due(ticket: ServiceTicket) -> DomainError | None:
    """A ticket is closed when its invoice is settled."""
    invoice = ticket.invoices.select_related("account").order_by("-pk").first()
    if invoice is None or invoice.account.balance <= 0:
        return None
    due = str(invoice.account.balance)
    return DomainError(
        "balance_due",
        (
            f"{due} {invoice.currency} of {invoice.number} are not paid: take the payment, "
            f"and the ticket closes."
        ),
        balance=due,
    )


def nothing_to_invoice(ticket: ServiceTicket) -> DomainError | None:
    """An invoice is of something."""
    return nothing_is_approved(ticket) if has_nothing_to_invoice(ticket) else None


def nothing_is_approved(ticket: ServiceTicket) -> DomainError:
    detail = (
        f"Nothing on {ticket.number} was approved, so nothing is invoiced: close it, or "
        f"reopen it and add the work."
    )
    return DomainError("nothing_to_invoice", detail)


def always(ticket: ServiceTicket) -> bool:
    return True


def has_nothing_to_invoice(ticket: ServiceTicket) -> bool:
    """Was nothing approved? Then the ticket ends without an invoice."""
    return not load_snapshot(ticket).authorized_bill().lines


def has_no_invoice(ticket: ServiceTicket) -> bool:
    """Does no invoice stand? One that stands is credited first, which reopens the
    ticket.
    """
    return not ticket.invoices.filter(account__is_credited=False).exists()


@dataclass(frozen=True)
class Move:
    """A move of the workflow; the office may always make it, ``also`` says who else."""

    also: tuple[Who, ...] = ()
    needs: str = ""  # a permission that the office must have besides
    blocks: tuple[Block, ...] = ()
    exists: Callable[[ServiceTicket], bool] = always

    def allows(self, user: User | AnonymousUser, ticket: ServiceTicket) -> bool:
        return any(who(user, ticket) for who in (can_move_any, *self.also)) and (
            not self.needs or user.has_perm(self.needs)
        )

    def blocked_by(self, ticket: ServiceTicket) -> list[DomainError]:
        return [found for block in self.blocks if (found := block(ticket))]


COMPLETION: tuple[Block, ...] = (
    unfilled_backorder,
    unfinished_jobs,
    waits_for_approval,
    price_above_approval,
)
MOVES: dict[tuple[str, str], Move] = {
    (Status.ESTIMATE, Status.APPROVED): Move(also=(is_owner,)),
    (Status.ESTIMATE, Status.CANCELLED): Move(also=(is_owner,)),
    (Status.APPROVED, Status.IN_PROGRESS): Move(also=(is_assigned,)),
    (Status.APPROVED, Status.COMPLETED): Move(
        also=(is_assigned,), blocks=COMPLETION
    ),  # a walk-in oil change
    (Status.APPROVED, Status.CANCELLED): Move(),
    (Status.IN_PROGRESS, Status.COMPLETED): Move(also=(is_assigned,), blocks=COMPLETION),
    (Status.IN_PROGRESS, Status.CANCELLED): Move(),
    (Status.COMPLETED, Status.IN_PROGRESS): Move(),
    (Status.COMPLETED, Status.INVOICED): Move(
        needs="tickets.add_invoice", blocks=(nothing_to_invoice,)
    ),
    (Status.COMPLETED, Status.CLOSED): Move(exists=has_nothing_to_invoice),
    (Status.INVOICED, Status.CLOSED): Move(blocks=(balance_due,)),
    (Status.INVOICED, Status.COMPLETED): Move(
        needs="tickets.add_creditnote", exists=has_no_invoice
    ),
    (Status.CLOSED, Status.COMPLETED): Move(needs="tickets.add_creditnote", exists=has_no_invoice),
}


def moves_from(ticket: ServiceTicket) -> dict[str, Move]:
    """The moves that exist from where the ticket is, by the status that they lead to."""
    found = {to: move for (start, to), move in MOVES.items() if start == ticket.status}
    return {to: move for to, move in found.items() if move.exists(ticket)}


def whom_to_ask(user: User | AnonymousUser, ticket: ServiceTicket) -> str:
    """The front desk does not send anybody to the front desk."""
    return "a manager" if can_move_any(user, ticket) else "the front desk"


def check(ticket: ServiceTicket, to: str, user: User | AnonymousUser) -> Move:
    """The move to ``to``. Raises DomainError ``transition_not_allowed`` where there is
    none, NotAllowed where it is not this user's.
    """
    move = moves_from(ticket).get(to)
    if move is None:
        possible = list(moves_from(ticket))
        raise DomainError(
            "transition_not_allowed",
            (
                f"{ticket.number} is {ticket.status}: from there it goes to "
                f"{', '.join(possible) or 'nowhere'}."
            ),
            status_from=ticket.status,
            status_to=to,
            possible=possible,
        )
    if not move.allows(user, ticket):
        raise NotAllowed(
            "permission_denied",
            (
                f"Moving a ticket from {ticket.status} to {to} is not yours to do: ask "
                f"{whom_to_ask(user, ticket)}."
            ),
        )
    return move


def options(ticket: ServiceTicket, user: User | AnonymousUser) -> list[dict[str, Any]]:
    """Where the ticket can go, for the API and the admin: [{to, allowed, blocked_by:
    [{code, detail}]}].
    """
    found = []
    for to, move in moves_from(ticket).items():
        reasons = [
            {"code": error.code, "detail": error.message} for error in move.blocked_by(ticket)
        ]
        if not move.allows(user, ticket):
            detail = f"This move is not yours to make: ask {whom_to_ask(user, ticket)}."
            reasons.insert(0, {"code": "permission_denied", "detail": detail})
        found.append({"to": str(to), "allowed": not reasons, "blocked_by": reasons})
    return found
