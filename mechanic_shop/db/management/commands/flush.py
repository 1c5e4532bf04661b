from typing import Any

from django.core.management.commands import flush
from django.db import connections

from mechanic_shop.db import triggers


class Command(flush.Command):
    """Django's, which empties every table: the audit trail, which refuses to lose one
    entry, goes with all the rest.
    """

    def handle(self, **options: Any) -> None:
        with triggers.triggers_disabled(connections[options["database"]]):
            super().handle(**options)
