"""Tickets and what hangs on them: the work (tickets, jobs) and the money (invoices,
credit notes, payments).
"""

from .approvals import Authorization, Channel, ShareLink
from .assignments import TicketMechanic
from .canned_jobs import CannedJob, CannedJobLine, CannedJobPart, LaborRate
from .documents import DocumentSeries
from .invoices import (
    CreditNote,
    CreditNoteLine,
    CreditNoteLineTax,
    Invoice,
    InvoiceLine,
    InvoiceLineTax,
)
from .jobs import Job
from .lines import JobLine, TicketPart
from .payments import InvoiceAccount, Method, Payment, PaymentKind
from .priced import LineKind
from .status_changes import StatusChange
from .statuses import (
    AUTHORIZED,
    CLOSED_STATUSES,
    EDITABLE_STATUSES,
    STOCK_HOLDING_STATUSES,
    HoldReason,
    InvoiceState,
    JobStatus,
    Status,
)
from .ticket import ServiceTicket, ticket_number

__all__ = [
    "AUTHORIZED",
    "CLOSED_STATUSES",
    "EDITABLE_STATUSES",
    "STOCK_HOLDING_STATUSES",
    "Authorization",
    "CannedJob",
    "CannedJobLine",
    "CannedJobPart",
    "Channel",
    "CreditNote",
    "CreditNoteLine",
    "CreditNoteLineTax",
    "DocumentSeries",
    "HoldReason",
    "Invoice",
    "InvoiceAccount",
    "InvoiceLine",
    "InvoiceLineTax",
    "InvoiceState",
    "Job",
    "JobLine",
    "JobStatus",
    "LaborRate",
    "LineKind",
    "Method",
    "Payment",
    "PaymentKind",
    "ServiceTicket",
    "ShareLink",
    "Status",
    "StatusChange",
    "TicketMechanic",
    "TicketPart",
    "ticket_number",
]
