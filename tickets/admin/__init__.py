"""The admin of tickets: the work and the money."""

from .authorizations import AuthorizationAdmin
from .catalogue import CannedJobAdmin, LaborRateAdmin
from .papers import CreditNoteAdmin, InvoiceAdmin, PaymentAdmin
from .tickets import ServiceTicketAdmin

__all__ = [
    "AuthorizationAdmin",
    "CannedJobAdmin",
    "CreditNoteAdmin",
    "InvoiceAdmin",
    "LaborRateAdmin",
    "PaymentAdmin",
    "ServiceTicketAdmin",
]
