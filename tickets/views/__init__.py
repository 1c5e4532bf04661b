"""The API of tickets: the work, the money, and what both add to customers and vehicles."""

from .customers import CustomerViewSet
from .shared import SharedAuthorizationsView, SharedPage, SharedView
from .tickets import ServiceTicketViewSet

__all__ = ["CustomerViewSet", "ServiceTicketViewSet", "SharedAuthorizationsView", "SharedPage", "SharedView"]
