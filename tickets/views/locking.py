"""What hangs on a ticket is locked by its ticket."""

from typing import Any

from django.http import Http404

from mechanic_shop.api.concurrency import check_if_match

from ..models import ServiceTicket


class LockedByTicket:
    """Of a ViewSet whose rows hang on a ticket: jobs, invoices, credit notes, payments.

    Every operation locks the ticket first. Whoever locked the row first would wait for the ticket while somebody
    who has the ticket waits for the row.
    """

    def get_locked_object(self: Any) -> Any:
        rows = type(self).queryset.visible_to(self.request.user).prefetch_related(None)
        ticket_id = rows.filter(pk=self.key).values_list("ticket_id", flat=True).first()
        ticket = ServiceTicket.objects.select_related("customer", "vehicle").select_for_update(of=("self",)).filter(pk=ticket_id).first()
        found = rows.filter(pk=self.key, ticket=ticket).first()  # as it is under the lock
        if ticket is None or found is None:
            raise Http404
        ticket.is_locked = True
        found.ticket = ticket
        self.check_object_permissions(self.request, found)
        check_if_match(self.request, lambda: self.document(found.pk))
        return found
