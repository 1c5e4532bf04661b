from typing import NoReturn

from auditlog.management.commands import auditlogflush
from django.core.management.base import CommandError


class Command(auditlogflush.Command):
    """In the place of django-auditlog's command, which deletes entries."""

    help = "Refuses: the audit trail is append-only."

    def handle(self, *args: object, **options: object) -> NoReturn:
        raise CommandError("The audit trail is append-only: what was written stays.")
