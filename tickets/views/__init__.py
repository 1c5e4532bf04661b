"""The API of tickets: the work, the money, and what both add to customers and vehicles."""

from .customers import CustomerViewSet
from .reports import ReportViewSet
from .tickets import ServiceTicketViewSet

__all__ = ["CustomerViewSet", "ReportViewSet", "ServiceTicketViewSet"]
