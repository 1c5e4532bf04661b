"""A garage to try things on."""

from time import monotonic
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model
from django.utils import timezone

from customers.models import Customer, Vehicle
from inventory.models import Part
from mechanics.models import Mechanic
from tickets.demo.loader import has_data, load
from tickets.models import ServiceTicket

from ...demo.clients import LOGINS, PASSWORD

LARGEST = 250
HAS_DATA = "This shop has data, so no demo was loaded into it"


class Command(BaseCommand):
    help = (
        "Fill an empty shop with a year of a demo garage's work. Its password is public: "
        "never in a real shop."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing, and call it a success, when the shop has data",
        )
        parser.add_argument(
            "--scale",
            type=int,
            default=1,
            metavar="N",
            help="N times the customers, vehicles and tickets",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["scale"] <= LARGEST:
            raise CommandError(
                f"--scale is {options['scale']}: use a whole number from 1 to {LARGEST}."
            )
        start = monotonic()
        if has_data() or not load(timezone.now(), options["scale"]):
            if options["if_empty"]:
                self.stdout.write(f"{HAS_DATA}.")
                # a demo from before: say again how to get in
                if get_user_model().objects.filter(email=LOGINS["manager"]).exists():
                    self.stdout.write(log_ins())
                return
            raise CommandError(
                f"{HAS_DATA}. Name another DATABASE_URL, or erase everything with manage.py flush."
            )
        rows = (Customer, Vehicle, Mechanic, Part, ServiceTicket)
        counts = ", ".join(
            f"{model.objects.count()} {NAMES.get(model) or model._meta.verbose_name_plural}"
            for model in rows
        )
        self.stdout.write(f"Loaded the demo garage in {monotonic() - start:.0f} s: {counts}.")
        self.stdout.write(log_ins())


NAMES: dict[type[Model], str] = {ServiceTicket: "tickets"}


def log_ins() -> str:
    """The demo's log-ins, and the channels that each opens."""
    host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
    home = f"http://{host}:{settings.PORT}"
    channels = dict.fromkeys(("manager", "advisor"), f"{home}/admin/ and {home}/api/v1/")
    lines = [
        f"  {role:<9} {email:<21} {PASSWORD:<17} {channels.get(role, f'{home}/api/v1/')}"
        for role, email in LOGINS.items()
    ]
    return "\n".join([f"  {'role':<9} {'e-mail':<21} {'password':<17} where", *lines])
