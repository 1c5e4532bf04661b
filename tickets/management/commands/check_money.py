from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tickets.billing.integrity_checks import find_discrepancies
from tickets.models import CreditNote, Invoice, Payment


class Command(BaseCommand):
    help = (
        "Prove that series, documents, accounts, payments and tickets agree; status 1, and what "
        "is wrong, when they do not."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = find_discrepancies()
        for finding in wrong:
            self.stdout.write(finding)
        if wrong:
            raise CommandError(f"The books do not balance: {len(wrong)} found.")
        counts = ((Invoice, "invoices"), (CreditNote, "credit notes"), (Payment, "payments"))
        self.stdout.write(
            f"The books balance: "
            f"{', '.join(f'{model.objects.count()} {name}' for model, name in counts)}."
        )
