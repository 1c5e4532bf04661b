"""Permissions of a ticket's customer, who owns the estimate, and of assigned mechanics."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from mechanic_shop.http.permissions import IsOwner

from ..models import Job, ServiceTicket, Status
from . import workflow


class OwnsEstimate(IsOwner):
    """The customer whose ticket it is, while the shop has not begun with it. Ask it
    last: it says why not.
    """

    def has_object_permission(self, request: Request, view: APIView, obj: ServiceTicket) -> bool:
        owns = super().has_object_permission(request, view, obj)
        if owns and obj.status != Status.ESTIMATE:
            raise PermissionDenied(f"Your ticket is {obj.status}: ask the shop to change it.")
        return owns


class IsAssigned(BasePermission):
    """A mechanic who is on the ticket, or on that of a job."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("tickets.work_on_assigned")

    def has_object_permission(
        self, request: Request, view: APIView, obj: ServiceTicket | Job
    ) -> bool:
        ticket = obj.ticket if isinstance(obj, Job) else obj
        return workflow.is_assigned(request.user, ticket)
