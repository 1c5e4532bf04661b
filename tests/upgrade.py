"""Fills an empty database as an earlier version left it, brings it up to date, and says
what is wrong then.

``python -m tests.upgrade v1.0.0`` with DATABASE_URL; prints a JSON list of sentences,
empty where nothing is wrong.
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

DATA = Path(__file__).parent / "data"
# The last migration of each app.
VERSIONS = {
    "v1.0.0": {
        "accounts": "0001_initial",
        "api": "0003_append_only_trail",
        "customers": "0002_erasure",
        "inventory": "0001_initial",
        "mechanics": "0001_initial",
        "tickets": "0001_initial",
    },
    "35a9794": {
        "accounts": "0001_initial",
        "api": "0004_job_entries",
        "customers": "0004_tax_exemption",
        "inventory": "0002_tax_codes",
        "mechanics": "0001_initial",
        "tickets": "0004_report_permission",
    },
}
TOKENS = ("token_blacklist", "0013_alter_blacklistedtoken_options_and_more")
API = "/api/v1/"
EACH = 2  # tickets with parts, of each old status; one without parts comes on top
SETTLED = ("invoiced", "closed")
STATUSES = ("estimate", "approved", "in_progress", "completed", *SETTLED, "cancelled")
DERIVED = {"customers.customer.phone_digits"}  # what a search finds a number by
GROWS = {"contenttypes.contenttype", "auth.permission", "auth.group"}  # with what the shop can do


def old_rows(version: str) -> list[dict[str, Any]]:
    packed = (DATA / f"{version}.json.xz").read_bytes()
    return [json.loads(line) for line in lzma.decompress(packed).splitlines()]


def fill(version: str, rows: list[dict[str, Any]]) -> None:
    """Make the tables of the version, and write its rows."""
    executor = MigrationExecutor(connection)
    last = [*VERSIONS[version].items(), TOKENS]
    executor.migrate(last)
    apps = executor.loader.project_state(last).apps
    later: list[Any] = []
    with transaction.atomic():  # relations are checked at its end
        for name, group in groupby(rows, key=lambda row: row["model"]):
            model = apps.get_model(name)
            for field in model._meta.concrete_fields:
                field.auto_now = field.auto_now_add = False  # the rows know when they were made
            model._default_manager.bulk_create(
                [build(model, row, later) for row in group], batch_size=500
            )
        for row, name, keys in later:
            getattr(row, name).set(keys)
    statements = connection.ops.sequence_reset_sql(
        no_style(), [apps.get_model(name) for name in {row["model"] for row in rows}]
    )
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


# --- what is wrong --------------------------------------------------------------------


def lost_rows(rows: list[dict[str, Any]]) -> list[str]:
    from django.apps import apps

    counts = Counter(row["model"] for row in rows)
    kept = {name: apps.get_model(name)._default_manager.count() for name in counts}
    changed = [
        name
        for name in counts
        if kept[name] != counts[name] and not (name in GROWS and kept[name] > counts[name])
    ]
    return [f"{name}: {counts[name]} rows, then {kept[name]}" for name in changed]


def changed_values(rows: list[dict[str, Any]]) -> list[str]:
    """Columns that hold another value than before, of those that still exist."""
    from django.apps import apps

    changed: Counter[str] = Counter()
    for name, group in groupby(rows, key=lambda row: row["model"]):
        model = apps.get_model(name)
        key = model._meta.pk.attname
        kept = {str(row[key]): row for row in model._default_manager.values()}
        for row in group:
            changed.update(
                f"{name}.{field}" for field in differing(model, row, kept.get(str(row["pk"]), {}))
            )
    return [f"{field}: {count} values changed" for field, count in changed.items()]


def differing(model: Any, row: dict[str, Any], kept: dict[str, Any]) -> list[str]:
    fields = {field.name: field for field in model._meta.concrete_fields}
    return [
        name
        for name, value in row["fields"].items()
        if name in fields and f"{row['model']}.{name}" not in DERIVED
        if not holds(kept.get(fields[name].attname), fields[name].to_python(value))
    ]


def holds(new: Any, old: Any) -> bool:
    """The same value, or a document with more in it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and holds(new[name], value) for name, value in old.items())
    return bool(new == old)


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
    """One of the old shop, who works on with it."""

    def __init__(self, role: str) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client
        from rest_framework.test import APIClient

        user = get_user_model().objects.get(email=f"{role}@example.com")
        self.role, self.api, self.admin, self.wrong = role, APIClient(), Client(), []
        self.api.force_authenticate(user)
        self.admin.force_login(user)

    def ask(
        self,
        method: str,
        path: str,
        expected: int,
        body: dict[str, Any] | None = None,
        *,
        says: str = "",
    ) -> Any:
        response = getattr(self.api, method)(
            API + path, body, format="json" if method != "get" else None
        )
        told = response.json() if response.content else {}
        if response.status_code != expected or says not in told.get("detail", ""):
            self.wrong.append(
                f"{self.role} {method} {path} {body}: {response.status_code} "
                f"{response.content[:300]!r}"
            )
        return told

    def page(self, path: str) -> None:
        status = self.admin.get(path).status_code
        if status != 200:
            self.wrong.append(f"{path}: {status}")

    def download(self, path: str) -> None:
        response = self.api.get(API + path)
        if response.status_code != 200 or not response.getvalue().startswith(b"%PDF"):
            self.wrong.append(f"{path}: {response.status_code}")

    def look_at(self, ticket: Any) -> None:
        for route in ("", "estimate/", "history/", "transitions/", "authorizations/", "deposits/"):
            self.ask("get", f"tickets/{ticket.pk}/{route}", 200)
        self.find(ticket, ticket.number)
        if ticket.vehicle and ticket.vehicle.plate:
            self.find(ticket, ticket.vehicle.plate)

    def find(self, ticket: Any, text: str) -> None:
        found = self.ask("get", f"tickets/?search={text}&page_size=100", 200)
        if ticket.pk not in [row["id"] for row in found["results"]]:
            self.wrong.append(f"{self.role} does not find {ticket.number} by {text}")

    def is_refused(self, ticket: Any) -> None:
        """What is refused says what to do."""
        for method, route, body in (
            ("post", "invoice/", {}),
            ("post", "deposits/", {"amount": "1.00", "method": "cash"}),
            ("patch", "", {"cause": "Worn"}),
        ):
            self.ask(
                method,
                f"tickets/{ticket.pk}/{route}",
                409,
                body,
                says="a manager moves it back to completed",
            )

    def is_sent_to_a_manager(self, ticket: Any) -> None:
        self.ask(
            "post",
            f"tickets/{ticket.pk}/transitions/",
            403,
            {"to": "completed"},
            says="ask a manager",
        )
        ways = {
            way["to"]: way
            for way in self.ask("get", f"tickets/{ticket.pk}/transitions/", 200)["next"]
        }
        if "ask a manager" not in ways["completed"]["blocked_by"][0]["detail"]:
            self.wrong.append(f"{ticket.number}: the advisor is told {ways}")

    def reopen(self, ticket: Any) -> None:
        self.ask(
            "post",
            f"tickets/{ticket.pk}/transitions/",
            200,
            {"to": "completed", "reason": "Settled on paper"},
        )

    def add_work(self, ticket: Any) -> None:
        """For a ticket on which nothing is to be invoiced."""
        address = f"tickets/{ticket.pk}/"
        self.ask("post", f"{address}invoice/", 409, says="close it, or reopen it and add the work")
        self.ask("post", f"{address}transitions/", 200, {"to": "in_progress"})
        fee = {"kind": "fee", "description": "Alignment", "quantity": "1", "unit_price": "89.00"}
        job = self.ask(
            "post", "jobs/", 201, {"ticket": ticket.pk, "title": "Alignment", "lines": [fee]}
        )["id"]
        self.ask("post", f"{address}authorizations/", 201, {"channel": "phone", "approve": [job]})
        self.ask("put", f"jobs/{job}/finish/", 200)
        self.ask("post", f"{address}transitions/", 200, {"to": "completed"})

    def settle(self, ticket: Any) -> None:
        invoice = self.ask("post", f"tickets/{ticket.pk}/invoice/", 201)
        self.ask(
            "post",
            f"invoices/{invoice['id']}/payments/",
            201,
            {"amount": invoice["balance"], "method": "cash"},
        )
        status = self.ask("get", f"tickets/{ticket.pk}/", 200)["status"]
        if status != "closed":
            self.wrong.append(f"{ticket.number} was paid, and is {status}")


def some_tickets(status: str) -> list[Any]:
    """Of the newest with parts and without, and of the customer's own."""
    from tickets.models import ServiceTicket

    old = ServiceTicket.objects.filter(status=status, invoices=None).order_by("-pk").distinct()
    own = list(old.filter(customer__user__isnull=False, lines__isnull=False)[:1])
    others = old.exclude(pk__in=[ticket.pk for ticket in own])
    return [
        *own,
        *others.filter(lines__isnull=False)[: EACH - len(own)],
        *others.filter(lines=None)[:1],
    ]


def visit(status: str) -> list[str]:
    manager, advisor, customer = Visit("manager"), Visit("advisor"), Visit("customer")
    tickets = some_tickets(status)
    for ticket in tickets:
        own = ticket.customer.user_id is not None
        for visitor in (manager, advisor, *([customer] if own else [])):
            visitor.look_at(ticket)
        manager.page(f"/admin/tickets/serviceticket/{ticket.pk}/change/")
        if status in SETTLED:
            advisor.is_refused(ticket)
            advisor.is_sent_to_a_manager(ticket)
            manager.reopen(ticket)
            if not ticket.lines.exists():
                manager.add_work(ticket)
            manager.settle(ticket)
    few = [f"only {len(tickets)} tickets are {status}"] if len(tickets) <= EACH else []
    if status in SETTLED and all(ticket.customer.user_id is None for ticket in tickets):
        few.append(f"no customer with a log-in has a ticket that is {status}")
    return [*few, *manager.wrong, *advisor.wrong, *customer.wrong]


def shown_pages() -> list[str]:
    from customers.models import Customer, Vehicle
    from inventory.models import Part
    from mechanics.models import Mechanic

    manager = Visit("manager")
    for model in (Customer, Vehicle, Part, Mechanic):
        name = f"{model._meta.app_label}/{model._meta.model_name}"
        manager.page(f"/admin/{name}/")
        manager.page(f"/admin/{name}/{model.objects.order_by('-pk')[0].pk}/change/")
    manager.page("/admin/tickets/serviceticket/")
    return manager.wrong


def after_release_1() -> list[str]:
    """Tickets of every status of a shop from before money are read, and settled ones
    reopened and invoiced.
    """
    return [problem for status in STATUSES for problem in visit(status)]


def after_35a9794() -> list[str]:
    """Documents are printed and open invoices are paid."""
    from tickets.models import CreditNote, Invoice, ServiceTicket

    manager = Visit("manager")
    for status in STATUSES:
        manager.look_at(ServiceTicket.objects.filter(status=status).order_by("-pk")[0])
    for invoice in Invoice.objects.order_by("-pk")[:EACH]:
        manager.download(f"invoices/{invoice.pk}/pdf/")
    for note in CreditNote.objects.order_by("-pk")[:EACH]:
        manager.download(f"credit-notes/{note.pk}/pdf/")
    unpaid = manager.ask("get", "invoices/?state=open", 200)["results"]
    for invoice in unpaid[:EACH]:
        body = {"amount": invoice["balance"], "method": "cash"}
        manager.ask("post", f"invoices/{invoice['id']}/payments/", 201, body)
    few = [] if len(unpaid) >= EACH else [f"only {len(unpaid)} invoices are open"]
    return [*few, *manager.wrong]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.uncollected")
    django.setup()
    settings.ALLOWED_HOSTS.append("testserver")
    version = sys.argv[1]
    rows = old_rows(version)
    fill(version, rows)
    call_command("migrate", verbosity=0)
    wrong = [*lost_rows(rows), *failed_checks()]
    if version == "35a9794":
        wrong += [*changed_values(rows), *after_35a9794()]
    else:
        wrong += after_release_1()
    json.dump([*wrong, *shown_pages(), *failed_checks()], sys.stdout)


if __name__ == "__main__":
    main()
