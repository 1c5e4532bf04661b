"""The admin of tickets: the work and the money."""

from .tickets import ServiceTicketAdmin

__all__ = ["ServiceTicketAdmin"]
