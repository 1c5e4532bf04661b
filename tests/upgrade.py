"""Fills an empty database as release 1.0.0 left it, brings it up to date, and says what is wrong then.

``python -m tests.upgrade`` with DATABASE_URL; prints a JSON list of sentences, empty where nothing is wrong.
"""

import json
import lzma
import os
import sys
from collections import Counter
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

DUMP = Path(__file__).parent / "data" / "v1.0.0.json.xz"
RELEASE = [
    *(("accounts", "0001_initial"), ("api", "0003_append_only_trail"), ("customers", "0002_erasure"), ("inventory", "0001_initial")),
    *(("mechanics", "0001_initial"), ("tickets", "0001_initial"), ("token_blacklist", "0013_alter_blacklistedtoken_options_and_more")),
]
API = "/api/v1/"
EACH = 3  # tickets that are looked at, of each old status


def old_rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in lzma.decompress(DUMP.read_bytes()).splitlines()]


def fill(rows: list[dict[str, Any]]) -> None:
    """Make the tables of the release, and write its rows."""
    executor = MigrationExecutor(connection)
    executor.migrate(RELEASE)
    apps = executor.loader.project_state(RELEASE).apps
    later: list[Any] = []
    with transaction.atomic():  # relations are checked at its end
        for name, group in groupby(rows, key=lambda row: row["model"]):
            model = apps.get_model(name)
            model._default_manager.bulk_create([build(model, row, later) for row in group], batch_size=500)
        for row, name, keys in later:
            getattr(row, name).set(keys)
    statements = connection.ops.sequence_reset_sql(no_style(), [apps.get_model(name) for name in {row["model"] for row in rows}])
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def build(model: Any, row: dict[str, Any], later: list[Any]) -> Any:
    made = model(pk=row["pk"])
    for name, value in row["fields"].items():
        field = model._meta.get_field(name)
        if field.many_to_many:
            later.append((made, name, value))
        else:
            setattr(made, field.attname, field.to_python(value))
    return made


# --- what is wrong ---------------------------------------------------------------------------------


def lost_rows(rows: list[dict[str, Any]]) -> list[str]:
    from django.apps import apps

    counts = Counter(row["model"] for row in rows)
    kept = {name: apps.get_model(name)._default_manager.count() for name in counts}
    return [f"{name}: {counts[name]} rows, then {kept[name]}" for name in counts if kept[name] < counts[name]]


def failed_checks() -> list[str]:
    wrong = []
    for command in ("check_stock", "check_money"):
        told = StringIO()
        try:
            call_command(command, stdout=told, stderr=told)
        except CommandError as error:
            wrong.append(f"{command}: {error} {told.getvalue()[:1000]}")
    return wrong


class Visit:
    """The manager of the old shop, who works on with it."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client
        from rest_framework.test import APIClient

        user = get_user_model().objects.get(email="manager@example.com")
        self.api, self.admin, self.wrong = APIClient(), Client(), []
        self.api.force_authenticate(user)
        self.admin.force_login(user)

    def ask(self, method: str, path: str, expected: int, body: dict[str, Any] | None = None) -> Any:
        response = getattr(self.api, method)(API + path, body, format="json" if method != "get" else None)
        if response.status_code != expected:
            self.wrong.append(f"{method} {path} {body}: {response.status_code} {response.content[:300]!r}")
        return response.json() if response.content else {}

    def page(self, path: str) -> None:
        status = self.admin.get(path).status_code
        if status != 200:
            self.wrong.append(f"{path}: {status}")

    def look_at(self, ticket: Any) -> None:
        for route in ("", "estimate/", "history/", "transitions/", "authorizations/", "deposits/"):
            self.ask("get", f"tickets/{ticket.pk}/{route}", 200)
        found = self.ask("get", f"tickets/?search={ticket.number}", 200)
        if ticket.pk not in [row["id"] for row in found["results"]]:
            self.wrong.append(f"{ticket.number} is not found by its number")

    def settle_anew(self, ticket: Any) -> None:
        """What is refused says what to do; that is done, and the ticket is invoiced, paid and closed."""
        for route, body in (("invoice/", {}), ("deposits/", {"amount": "1.00", "method": "cash"})):
            told = self.ask("post", f"tickets/{ticket.pk}/{route}", 409, body)
            if "moves it back to completed" not in told.get("detail", ""):
                self.wrong.append(f"{ticket.number} {route}: advice that cannot be followed: {told}")
        self.ask("post", f"tickets/{ticket.pk}/transitions/", 200, {"to": "completed", "reason": "Settled on paper"})
        invoice = self.ask("post", f"tickets/{ticket.pk}/invoice/", 201)
        if invoice.get("balance"):
            self.ask("post", f"invoices/{invoice['id']}/payments/", 201, {"amount": invoice["balance"], "method": "cash"})
            status = self.ask("get", f"tickets/{ticket.pk}/", 200)["status"]
            if status != "closed":
                self.wrong.append(f"{ticket.number} was paid, and is {status}")


def visit(status: str) -> list[str]:
    from tickets.models import ServiceTicket

    manager = Visit()
    seen = 0
    for ticket in ServiceTicket.objects.filter(status=status, lines__isnull=False, invoices=None).distinct().order_by("-pk")[:EACH]:
        manager.look_at(ticket)
        manager.page(f"/admin/tickets/serviceticket/{ticket.pk}/change/")
        if status in ("invoiced", "closed"):
            manager.settle_anew(ticket)
        seen += 1
    return manager.wrong if seen == EACH else [f"only {seen} tickets are {status}"]


def shown_pages() -> list[str]:
    from customers.models import Customer, Vehicle
    from inventory.models import Part
    from mechanics.models import Mechanic

    manager = Visit()
    for model in (Customer, Vehicle, Part, Mechanic):
        name = f"{model._meta.app_label}/{model._meta.model_name}"
        manager.page(f"/admin/{name}/")
        manager.page(f"/admin/{name}/{model.objects.order_by('-pk')[0].pk}/change/")
    manager.page("/admin/tickets/serviceticket/")
    return manager.wrong


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.uncollected")
    django.setup()
    settings.ALLOWED_HOSTS.append("testserver")
    rows = old_rows()
    fill(rows)
    call_command("migrate", verbosity=0)
    wrong = [*lost_rows(rows), *failed_checks()]
    for status in ("estimate", "approved", "in_progress", "completed", "invoiced", "closed", "cancelled"):
        wrong += visit(status)
    json.dump([*wrong, *shown_pages(), *failed_checks()], sys.stdout)


if __name__ == "__main__":
    main()
