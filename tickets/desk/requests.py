"""What people ask of a ticket's status; what each move brings with it."""

from decimal import Decimal

from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic

from ..approvals import operations
from ..billing import invoices
from ..lifecycle import workflow
from ..lifecycle.locking import lock_as_read
from ..lifecycle.transitions import apply_transition
from ..models import ServiceTicket, Status


@atomic
def request_transition(
    ticket: ServiceTicket,
    *,
    to: str,
    reason: str = "",
    version: int | None = None,
    expected_total: Decimal | None = None,
    by: User,
) -> None:
    """Move the ticket along the workflow: approving it approves its proposed jobs,
    invoicing it issues the invoice.

    ``version`` and ``expected_total`` are those of the estimate that was read, for
    whoever approves it. Raises DomainError ``transition_not_allowed``,
    ``status_changed``, ``estimate_changed`` or what blocks the move; NotAllowed when it
    is not this user's.
    """
    lock_as_read(ticket)
    transition = workflow.check(ticket, to, by)
    if to == Status.APPROVED:
        operations.approve_all(ticket, version=version, expected_total=expected_total, by=by)

    def check() -> None:
        # the lines may have been filled until the locks were ours
        vars(ticket).pop("_prefetched_objects_cache", None)
        if blocks := transition.blocked_by(ticket):
            raise blocks[0]

    if to == Status.INVOICED:
        invoices.issue_invoice(ticket, reason=reason, by=by)
    else:
        apply_transition(ticket, to, reason=reason, by=by, check=check)
