"""Fill a shop's database, or count what is in it, in a process with that shop's
settings: `python -m tests.faults.inside seed`.
"""

import json
import sys
from collections import Counter
from typing import Any

import django

CLIENTS = 8


def seed() -> dict[str, Any]:
    """One part on the shelf, a manager, and a ticket for each client that will add
    parts.
    """
    from ..factories import CustomerFactory, PartFactory, UserFactory, make_ticket

    UserFactory(email="boss@example.com", role="manager", is_staff=True)
    part, customer = PartFactory(stock=100_000), CustomerFactory()
    return {
        "part": part.pk,
        "customer": customer.pk,
        "tickets": [make_ticket("approved", customer=customer).pk for _ in range(CLIENTS)],
    }


def found() -> dict[str, Any]:
    """What was written, and what the books say about it."""
    from inventory.integrity_checks import find_discrepancies
    from mechanic_shop.db.models import IdempotentAnswer
    from tickets.models import ServiceTicket, StatusChange, TicketPart

    created = ServiceTicket.objects.values_list("concern", flat=True)
    return {
        "findings": find_discrepancies(),
        "created": Counter(created),
        "without_history": ServiceTicket.objects.exclude(
            pk__in=StatusChange.objects.values("ticket")
        ).count(),
        "parts": {line.ticket_id: int(line.quantity) for line in TicketPart.objects.all()},
        "answers": list(IdempotentAnswer.objects.values_list("key", flat=True)),
    }


if __name__ == "__main__":
    django.setup()
    json.dump({"seed": seed, "found": found}[sys.argv[1]](), sys.stdout)
