"""What hangs on a ticket is locked by its ticket."""

from typing import Any

from django.http import Http404

from mechanic_shop.db import row_locks
from mechanic_shop.http.etags import check_if_match

from ..models import ServiceTicket


class LockedByTicket:
    """Of a ViewSet whose rows hang on a ticket: jobs, invoices, credit notes, payments.

    Every operation locks the ticket first. Whoever locked the row first would wait for
    the ticket while somebody who has the ticket waits for the row.
    """

    def get_locked_object(self: Any) -> Any:
        rows = type(self).queryset.visible_to(self.request.user).prefetch_related(None)
        ticket_id = rows.filter(pk=self.key).values_list("ticket_id", flat=True).first()
        if ticket_id is None:
            raise Http404
        if others := self.other_tickets():
            row_locks.lock_keys(ServiceTicket, {ticket_id, *others})
        if not row_locks.lock_key(ServiceTicket, ticket_id):
            raise Http404
        rows = rows.select_related("ticket__customer", "ticket__vehicle")
        row = rows.filter(pk=self.key, ticket=ticket_id).first()  # as it is under the lock
        if row is None:
            raise Http404
        row_locks.mark_locked(row.ticket)
        row_locks.mark_locked(row)
        self.check_object_permissions(self.request, row)
        check_if_match(self.request, lambda: self.document(row.pk))
        return row

    def other_tickets(self) -> set[int]:
        """Keys of tickets that the operation locks beside the row's own: all are locked
        at once, in the order of their keys.
        """
        return set()
