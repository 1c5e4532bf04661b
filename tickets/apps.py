from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "tickets"

    def ready(self) -> None:
        from inventory import books

        from . import customer_checks, personal_data

        books.register(customer_checks.find_discrepancies)
        personal_data.register()
