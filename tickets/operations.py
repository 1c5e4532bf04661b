"""What happens to tickets. Every operation is atomic, locks the ticket before any part,
and records who did it.
"""

from .approvals.operations import authorize
from .approvals.share_links import authorize_shared, revoke_share, share, shared
from .billing.credits import apply_credit
from .billing.invoices import credit, issue_invoice
from .billing.payments import deposit, pay, refund, refund_deposit
from .billing.reversals import reverse
from .desk.requests import request_transition
from .work.assignments import assign_mechanic, edit_mechanics, remove_mechanic
from .work.canned_jobs import add_canned_job, write_canned_job
from .work.job_lines import add_line, edit_line, remove_line
from .work.jobs import add_job, cancel_job, delete_job, finish_job, reopen_job, update_job
from .work.part_edits import edit_part
from .work.parts import add_part, remove_part
from .work.recommendations import add_recommendation
from .work.tickets import delete, give_discount, open_ticket, update

__all__ = [
    "add_canned_job",
    "add_job",
    "add_line",
    "add_part",
    "add_recommendation",
    "apply_credit",
    "assign_mechanic",
    "authorize",
    "authorize_shared",
    "cancel_job",
    "credit",
    "delete",
    "delete_job",
    "deposit",
    "edit_line",
    "edit_mechanics",
    "edit_part",
    "finish_job",
    "give_discount",
    "issue_invoice",
    "open_ticket",
    "pay",
    "refund",
    "refund_deposit",
    "remove_line",
    "remove_mechanic",
    "remove_part",
    "reopen_job",
    "request_transition",
    "reverse",
    "revoke_share",
    "share",
    "shared",
    "update",
    "update_job",
    "write_canned_job",
]
