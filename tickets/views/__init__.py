"""The API of tickets: the work, the money, and what both add to customers and vehicles."""

from .customers import CustomerViewSet
from .jobs import CannedJobViewSet, JobViewSet, LaborRateViewSet
from .money import CreditNoteViewSet, InvoiceViewSet, PaymentViewSet
from .reports import ReportViewSet
from .shared import SharedAuthorizationsView, SharedPage, SharedView
from .tickets import ServiceTicketViewSet
from .vehicles import VehicleViewSet

__all__ = [
    "CannedJobViewSet",
    "CreditNoteViewSet",
    "CustomerViewSet",
    "InvoiceViewSet",
    "JobViewSet",
    "LaborRateViewSet",
    "PaymentViewSet",
    "ReportViewSet",
    "ServiceTicketViewSet",
    "SharedAuthorizationsView",
    "SharedPage",
    "SharedView",
    "VehicleViewSet",
]
