from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.integrity_checks import find_discrepancies
from inventory.models import Part, StockMovement


class Command(BaseCommand):
    help = (
        "Prove that movements, counts and tickets agree for every part; status 1, and what "
        "is wrong, when they do not."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = find_discrepancies()
        for finding in wrong:
            self.stdout.write(finding)
        if wrong:
            raise CommandError(f"The books do not balance: {len(wrong)} found.")
        self.stdout.write(
            f"The books balance: {Part.objects.count()} parts, "
            f"{StockMovement.objects.count()} movements."
        )
