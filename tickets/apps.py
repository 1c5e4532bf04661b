from django.apps import AppConfig
from django.core import checks


class TicketsConfig(AppConfig):
    name = "tickets"

    def ready(self) -> None:
        from customers import history
        from inventory import demand, integrity_checks
        from mechanics.assignments import assignments

        from . import customer_history, personal_data
        from .billing import customer_checks, stock_checks
        from .checks import check_supplies_tax
        from .models import TicketMechanic, TicketPart

        demand.lines.register(TicketPart.objects)
        assignments.register(TicketMechanic.objects)
        history.register(keeps=customer_history.keeps, check_erasure=customer_history.check_erasure)
        integrity_checks.register_holder(stock_checks.wrong_lines)
        integrity_checks.register(customer_checks.find_discrepancies)
        integrity_checks.register(stock_checks.find_discrepancies)
        personal_data.register()
        checks.register(check_supplies_tax, checks.Tags.database)
