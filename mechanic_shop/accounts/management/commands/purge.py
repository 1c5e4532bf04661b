from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from mechanic_shop.db.models import IdempotentAnswer
from mechanic_shop.http.idempotency import KEPT


class Command(BaseCommand):
    """Delete expired rows: run it once a day."""

    help = (
        "Deletes expired tokens and sessions, and the answers kept for Idempotency-Keys "
        "older than 24 hours."
    )

    def handle(self, *args: object, **options: object) -> None:
        call_command("flushexpiredtokens")
        call_command("clearsessions")
        gone, _ = IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
        if options["verbosity"]:
            self.stdout.write(f"Purged: expired tokens and sessions, {gone} kept answers.")
