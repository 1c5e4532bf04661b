from django.apps import AppConfig
from django.core import checks


class TicketsConfig(AppConfig):
    name = "tickets"

    def ready(self) -> None:
        from inventory import integrity_checks

        from . import personal_data
        from .billing import customer_checks, stock_checks
        from .checks import check_supplies_tax

        integrity_checks.register(customer_checks.find_discrepancies)
        integrity_checks.register(stock_checks.find_discrepancies)
        personal_data.register()
        checks.register(check_supplies_tax, checks.Tags.database)
