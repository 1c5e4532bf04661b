"""Currencies with no decimals, with two and with three, from what is sent to what
stands on paper.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.test import Client as Browser
from rest_framework import serializers

from mechanic_shop.currency import AmountField, short
from mechanic_shop.fastpath.json_queries import json_rows
from mechanic_shop.fastpath.query_cache import page_query_cache, query_cache
from mechanic_shop.http import number_fields
from tickets.models import CannedJob, LaborRate
from tickets.work import canned_jobs

from .answers import refused
from .bodies import BODIES, body_of, walk
from .conftest import Client, forget
from .factories import MechanicFactory, PartFactory, UserFactory, make_ticket
from .security.attacks import API, do, there
from .test_matrix import MATRIX, World, undone
from .test_reading import RESOURCES
from .test_server import PROJECT

pytestmark = pytest.mark.django_db
PLACES = {"JPY": 0, "USD": 2, "KWD": 3}
# what is taken, what is refused
AMOUNTS = {
    "JPY": ("2", "1.5"),
    "USD": ("1.23", "1.234"),
    "KWD": ("1.234", "1.2345"),
}
UNIT_PRICES = {"JPY": ("2", "1.5"), "USD": ("1.2345", "1.23456"), "KWD": ("1.2345", "1.23456")}
LINE = {"kind": "fee", "description": "Disposal", "unit_price": "8"}
NOT_SHOWN = {"discount_amount", "expected_total", "unit_cost"}  # by every route that takes them


def use(settings: Any, currency: str) -> int:
    """From now on the shop has this currency; what was kept of another is forgotten."""
    settings.SHOP_CURRENCY, settings.SHOP_CURRENCY_PLACES = currency, PLACES[currency]
    query_cache.clear()
    page_query_cache.clear()
    forget()
    return PLACES[currency]


# --- what is sent ---------------------------------------------------------------------


def money_fields() -> Iterator[tuple[Any, str, Any]]:
    """(call, path, field) of all that is sent about money, on every route."""
    for call in BODIES:
        for path, field in walk(body_of(call)):
            if isinstance(field, (number_fields.MoneyField, number_fields.UnitPriceField)):
                yield call, path, field


def put(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    listed, _, name = path.rpartition("[].")
    if listed:
        return body | {listed: [LINE | {name: value}]}
    return {
        key: sent
        for key, sent in body.items()
        if key != "discount_percent" or name != "discount_amount"
    } | {name: value}


def values_of(document: Any, name: str) -> Iterator[Any]:
    """What a member of this name holds, at any depth."""
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        if key == name:
            yield value
        elif isinstance(value, (dict, list)):
            yield from values_of(value, name)


@pytest.mark.parametrize("currency", PLACES)
def test_every_amount_has_the_decimals_of_the_currency(
    request: pytest.FixtureRequest, settings: Any, manager: Client, currency: str
) -> None:
    """More of them are 400 on every route; what is taken is shown as it was sent, and
    can be sent again.
    """
    use(settings, currency)
    world = World(request)
    world.prepare(*MATRIX)
    tried, shown = 0, 0
    for call, path, field in money_fields():
        tried += 1
        taken, too_fine = (AMOUNTS if isinstance(field, number_fields.MoneyField) else UNIT_PRICES)[
            currency
        ]
        body, name = world.body(str(call), manager) or {}, path.rpartition(".")[2]
        body |= {"price": "12"} if "price" in body else {}
        refused(
            do(manager, call.method, there(world, call), put(body, path, too_fine)),
            400,
            field=path.replace("[]", ".0"),
        )
        with undone():
            answer = do(manager, call.method, there(world, call), put(body, path, taken))
            assert answer.status_code in (200, 201, 409), (call, path, answer.content)
            found = list(values_of(answer.json(), name))
            if answer.status_code != 409 and (found or name not in NOT_SHOWN):
                assert taken in found, (call, path, found)
                shown += 1
    assert (tried > 25, shown > 15) == (True, True), (tried, shown)


@pytest.mark.parametrize(
    ("currency", "sent", "kept"),
    [
        *[
            ("JPY", 375.0, "375"),
            ("JPY", "375.0000", "375"),
            ("JPY", "0.00000", "0"),
            ("KWD", 5, "5.000"),
            ("KWD", "5.12500000", "5.125"),
        ],
        *[
            ("USD", "5.4100", "5.41"),
            ("USD", "5.410", "5.41"),
            ("USD", "9999999999.00" + "0" * 40, "9999999999.00"),
        ],
    ],
)
def test_zeros_at_the_end_are_no_decimals(
    settings: Any, manager: Client, currency: str, sent: Any, kept: str
) -> None:
    """A program that writes 375.0 means 375."""
    use(settings, currency)
    assert (
        manager.post(f"{API}/labor-rates/", {"name": "Hour", "hourly": sent}).json()["hourly"]
        == kept
    )
    smith = Browser()
    smith.force_login(manager.user)
    assert (
        smith.post(
            "/admin/tickets/laborrate/add/",
            {"name": "Hour, typed", "hourly": sent, "is_active": "on"},
        ).status_code
        == 302
    )
    assert {f"{rate.hourly:f}" for rate in LaborRate.objects.all()} == {kept}


def test_zeros_at_the_end_count_in_no_number(manager: Client) -> None:
    part = manager.post(
        f"{API}/parts/",
        {"sku": "BOLT", "name": "Bolt", "price": "1.21500000", "reorder_point": "2.0000"},
    ).json()
    assert (part["price"], Decimal(part["reorder_point"])) == ("1.215", 2)
    code = manager.post(f"{API}/tax-codes/", {"name": "VAT", "rate": "19.00000"})
    assert code.status_code == 201, code.content
    for sent, code in (
        ("1.00001", "decimals"),
        ("1.2151500", "decimals"),
        ("1e9000", "max_digits"),
    ):
        refused(
            manager.post(f"{API}/parts/", {"sku": "NUT", "name": "Nut", "price": sent}),
            400,
            code,
            "price",
        )


@pytest.mark.parametrize(
    ("currency", "sent", "says"),
    [("USD", "5.411", "2 decimal"), ("USD", "5.41000001", "2 decimal"), ("JPY", "5.00001", "none")],
)
def test_real_decimals_too_many_are_refused_in_the_same_words(
    settings: Any, manager: Client, currency: str, sent: str, says: str
) -> None:
    use(settings, currency)
    refusal = refused(
        manager.post(f"{API}/labor-rates/", {"name": "Hour", "hourly": sent}), 400, field="hourly"
    )
    assert ("whole number" if says == "none" else says) in str(refusal["errors"])


@pytest.mark.parametrize(("currency", "least"), [("JPY", "1"), ("USD", "0.01"), ("KWD", "0.001")])
def test_the_least_that_is_paid_is_one_minor_unit(
    settings: Any, manager: Client, currency: str, least: str
) -> None:
    use(settings, currency)
    ticket = make_ticket(parts=[(PartFactory(stock=2, price=Decimal(5)), 1)])
    address = f"{API}/tickets/{ticket.pk}/deposits/"
    error = refused(
        manager.post(address, {"amount": "0", "method": "cash"}), 400, "min_value", "amount"
    )
    assert least in str(error["errors"])
    assert manager.post(address, {"amount": least, "method": "cash"}).json()["amount"] == least


# --- what is shown --------------------------------------------------------------------


def amounts_in(serializer: Any, document: Any) -> Iterator[tuple[str, str]]:
    """(name, amount) of each amount in the JSON of this serializer."""
    for name, field in serializer.fields.items():
        value = document.get(name)
        if isinstance(field, serializers.ListSerializer):
            for row in value:
                yield from amounts_in(field.child, row)
        elif isinstance(field, number_fields.MoneyField) and value is not None:
            yield name, value


@pytest.mark.parametrize("currency", PLACES)
def test_all_that_the_api_shows_has_exactly_the_decimals_of_the_currency(
    settings: Any, rf: Any, manager: Client, currency: str
) -> None:
    places = use(settings, currency)
    ticket = make_ticket(parts=[(PartFactory(stock=9, price=Decimal(375)), 3)])
    address = f"{API}/tickets/{ticket.pk}/"
    job = {
        "ticket": ticket.pk,
        "title": "Oil",
        "lines": [LINE | {"quantity": "1", "discount_amount": "1"}],
    }
    key = manager.post(f"{API}/jobs/", job).json()["id"]
    manager.put(f"{address}give-discount/", {"discount_amount": "3"})
    manager.post(f"{API}/mechanics/", {"name": "Mia", "hourly_cost": "41"})
    manager.post(f"{API}/labor-rates/", {"name": "Hour", "hourly": "95"})
    manager.post(f"{address}deposits/", {"amount": "7", "method": "cash"})
    for path, body in (("authorizations/", {}), ("transitions/", {"to": "in_progress"})):
        assert manager.post(f"{address}{path}", body).status_code in (200, 201)
    assert manager.put(f"{API}/jobs/{key}/finish/", {}).status_code == 200
    manager.post(f"{address}transitions/", {"to": "completed"})
    invoice = manager.post(f"{address}invoice/", {}).json()
    manager.post(
        f"{API}/invoices/{invoice['id']}/credit-notes/",
        {"reason": "x", "lines": [{"line": 1, "quantity": "1"}]},
    )
    exact = re.compile(rf"-?[0-9]+{rf'[.][0-9]{{{places}}}' if places else ''}")
    call = rf.get("/")
    call.user = manager.user
    names = set()
    for serializer, rows in RESOURCES:
        shape = serializer(context={"request": call})
        fast = [
            each
            for (text,) in json_rows(rows.all(), shape)
            for each in amounts_in(shape, orjson.loads(text))
        ]
        slow = [
            each
            for row in rows.all()
            for each in amounts_in(shape, serializer(row, context={"request": call}).data)
        ]
        assert fast == slow
        assert [each for each in fast if not exact.fullmatch(each[1])] == []
        names |= {name for name, _ in fast}
    assert {
        "hourly",
        "hourly_cost",
        "line_total",
        "parts_total",
        "total",
        "balance",
        "amount",
    } <= names
    estimate = manager.get(f"{address}estimate/").json()
    assert exact.fullmatch(estimate["total"])
    for path in (
        "reports/sales/",
        "reports/receivables/",
        "reports/tax/",
        f"customers/{ticket.customer_id}/statement/",
    ):
        found = manager.get(f"{API}/{path}").json()
        told = [
            value
            for name in ("net", "tax", "total", "balance", "base", "debit", "credit")
            for value in values_of(found, name)
        ]
        assert told
        assert [value for value in told if not exact.fullmatch(value)] == []
        text = manager.get(f"{API}/{path}", {"format": "csv"}).content.decode()
        assert any(value in text for value in told)


@pytest.mark.parametrize(
    ("currency", "price", "shown"),
    [
        *[
            ("JPY", "375.0000", "375"),
            ("JPY", "0", "0"),
            ("JPY", "100", "100"),
            ("JPY", "19.9900", "19.99"),
            ("JPY", "0.5", "0.5"),
        ],
        *[
            ("USD", "1.2150", "1.215"),
            ("USD", "10", "10.00"),
            ("KWD", "54.41", "54.410"),
            ("KWD", "0.1234", "0.1234"),
        ],
    ],
)
def test_a_price_has_the_decimals_that_it_needs(
    settings: Any, manager: Client, currency: str, price: str, shown: str
) -> None:
    use(settings, currency)
    part = PartFactory(price=Decimal(price))
    assert f"{short(Decimal(price)):f}" == shown
    assert manager.get(f"{API}/parts/{part.pk}/").json()["price"] == shown
    assert manager.get(f"{API}/parts/").json()["results"][0]["price"] == shown


# --- in the admin ---------------------------------------------------------------------


def shown_amounts(page: Any) -> Iterator[tuple[str, str]]:
    """(column, text) of all money that a page of the admin shows without a box."""
    forms = [
        page.context["adminform"],
        *(row for inline in page.context["inline_admin_formsets"] for row in inline),
    ]
    for field in (
        field for form in forms for fieldset in form for line in fieldset for field in line
    ):
        column = field.is_readonly and field.resolved_field and field.resolved_field[0]
        if isinstance(column, AmountField):
            yield str(column), field.contents()


@pytest.mark.parametrize("role", ["manager", "advisor", "mechanic"])
@pytest.mark.parametrize("currency", PLACES)
def test_the_admin_shows_amounts_with_the_decimals_of_the_currency(
    settings: Any, manager: Client, currency: str, role: str
) -> None:
    """Who may change an amount sees a box for it, others what it is; the column has
    more decimals.
    """
    places = use(settings, currency)
    part = PartFactory(stock=9, price=Decimal(375), cost=Decimal(120))
    rate, smith = (
        LaborRate.objects.create(name="Hour", hourly=Decimal(95)),
        MechanicFactory(hourly_cost=Decimal(41)),
    )
    canned = canned_jobs.write_canned_job(
        CannedJob(),
        name="Oil",
        lines=[LINE | {"quantity": Decimal(1), "unit_price": Decimal(8)}],
        by=None,
    )
    browser, found, boxes = Browser(), {}, []
    browser.force_login(UserFactory(role=role, is_staff=True))
    for row in (make_ticket(parts=[(part, 3)]), part, rate, smith, canned):
        page = browser.get(f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/")
        if page.status_code == 200:
            found |= dict(shown_amounts(page))
            boxes += [
                tag
                for tag in re.findall(r'<input type="number"[^>]*>', page.content.decode())
                if re.search(r' name="[^"]*(price|cost|hourly)"', tag)
            ]
    exact = re.compile(rf"[0-9]+{rf'[.][0-9]{{{places}}}' if places else ''}")
    assert [each for each in found.items() if not exact.fullmatch(each[1])] == []
    assert [tag for tag in boxes if 'step="any"' not in tag] == []
    assert ("tickets.LaborRate.hourly" in found, bool(boxes)) == (
        role != "manager",
        role == "manager",
    ), found
    assert role == "mechanic" or "tickets.TicketPart.line_total" in found


@pytest.mark.parametrize(
    ("currency", "taken", "too_fine"), [(name, *values) for name, values in AMOUNTS.items()]
)
def test_the_admin_takes_the_decimals_of_the_currency(
    settings: Any, manager: Client, currency: str, taken: str, too_fine: str
) -> None:
    use(settings, currency)
    browser = Browser()
    browser.force_login(manager.user)
    ticket = make_ticket(parts=[(PartFactory(stock=2, price=Decimal(50)), 1)])
    page = f"/admin/tickets/serviceticket/{ticket.pk}/"
    deposit = {"amount": too_fine, "method": "cash", "note": ""}
    assert browser.post(f"{page}take-deposit/", deposit).status_code == 200
    assert browser.post(f"{page}take-deposit/", deposit | {"amount": taken}).status_code == 302
    assert [str(payment.amount) for payment in ticket.payments.all()] == [taken]
    discount = {"discount_percent": "", "discount_amount": too_fine}
    assert browser.post(f"{page}give-discount/", discount).status_code == 200
    assert (
        browser.post(f"{page}give-discount/", discount | {"discount_amount": taken}).status_code
        == 302
    )
    ticket.refresh_from_db()
    assert str(ticket.discount_amount) == taken
    for hourly, status in ((too_fine, 200), (taken, 302)):
        new = {"name": "Hour", "hourly": hourly, "is_active": "on"}
        assert browser.post("/admin/tickets/laborrate/add/", new).status_code == status
    assert taken in browser.get("/admin/tickets/laborrate/").content.decode()


# --- what was there before ------------------------------------------------------------

THERE_AND_BACK = """
import django, json; django.setup()
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from decimal import Decimal
from inventory.tax_operations import add_tax_code
from mechanic_shop.db import triggers
from tests.factories import MechanicFactory, PartFactory, make_ticket, office
from tickets.billing import credit_notes, payments

def fill():
    add_tax_code(name="VAT", rate=Decimal("8.25"), is_default=True, by=None)
    MechanicFactory(hourly_cost=Decimal("41.57"))
    for price in ("19.99", "333.33", "0.0719"):
        ticket = make_ticket("closed", parts=[(PartFactory(stock=9, price=Decimal(price)), 7)])
        credit_notes.credit(ticket.invoices.get(), reason="x", lines=[{"line": 1, "quantity": Decimal(2)}], by=office())
    payments.deposit(make_ticket(parts=[(PartFactory(stock=9), 1)]), amount=Decimal("12.34"), by=office())

def rows():
    models = [model for label in ("tickets", "mechanics") for model in apps.get_app_config(label).get_models()]
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in models}

def unguarded():
    for table in triggers.guarded_tables():
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(statement)
            except IntegrityError:
                continue
            yield statement

call_command("migrate", verbosity=0)
fill()
before, wrong = rows(), []
for steps in ((("tickets", "0019"), ("mechanics", "0001")), (("tickets",), ("mechanics",))):
    for step in steps:
        call_command("migrate", *step, verbosity=0)
    wrong += [name for name, found in rows().items() if found != before[name]] + list(unguarded())
call_command("check_money", verbosity=0)
print("TOLD", json.dumps([wrong, [len(before[name]) for name in ("Invoice", "CreditNote", "Payment")]]))
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_rows_survive_the_wider_columns_and_stay_guarded(another: Callable[[str], str]) -> None:
    """There, and back again: each table of money is made anew on SQLite, and rewritten
    on PostgreSQL.
    """
    beside = {
        "DATABASE_URL": another("wider"),
        "REDIS_URL": "",
        "EMAIL_URL": "dummy:",
        "DJANGO_SETTINGS_MODULE": "tests.uncollected",
    }
    command = [sys.executable, "-c", THERE_AND_BACK]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | beside,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.partition("TOLD ")[2]) == [[], [3, 3, 4]]
