"""Locks are taken by key, on one table, in one place; and the races that a joined lock
lost.
"""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from customers.models import Customer, Vehicle
from inventory.models import Part
from mechanic_shop.db import row_locks
from mechanic_shop.errors import DomainError
from tickets.models import ServiceTicket

from .conftest import Client
from .factories import CustomerFactory, PartFactory, VehicleFactory, make_ticket
from .races import at_once
from .test_imports import modules
from .test_races import again

ROOT = Path(__file__).resolve().parent.parent


def test_rows_are_locked_in_one_module() -> None:
    users = [
        name
        for path, name, _ in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "select_for_update"
    ]
    assert users == ["mechanic_shop.db.row_locks"]


@pytest.mark.parametrize(
    "rows",
    [
        lambda: ServiceTicket.objects.select_related("customer"),
        lambda: ServiceTicket.objects.filter(customer__user=1),
        lambda: Vehicle.objects.filter(customer__name="x"),
        lambda: Part.objects.exclude(tax_code__name="x"),
    ],
)
def test_a_locked_read_that_joins_is_refused(rows: object) -> None:
    with pytest.raises(TypeError, match="joins other tables"):
        str(row_locks.locking(rows()).query)  # type: ignore[operator]


@pytest.mark.django_db
def test_every_model_is_locked_by_one_statement_on_one_table() -> None:
    for model in apps.get_models():
        rows = row_locks.locking(model._base_manager.filter(pk=1).values_list("pk"))
        sql, _ = rows.query.get_compiler(connection=connection).as_sql()
        assert " JOIN " not in sql
        assert sql.count(" FROM ") == 1


# --- races ----------------------------------------------------------------------------

ROUNDS = 6
API = "/api/v1/"
race = pytest.mark.django_db(transaction=True)


@race
def test_a_lock_needs_a_transaction() -> None:
    with pytest.raises(TransactionManagementError, match="begin one"):
        row_locks.lock(Customer(pk=1))
    with pytest.raises(DomainError) as refusal, transaction.atomic():
        row_locks.lock(ServiceTicket(pk=404))
    assert refusal.value.status == 404


@race
def test_a_ticket_never_gets_the_car_of_another_customer(manager: Client) -> None:
    for _ in range(ROUNDS):
        one, two = CustomerFactory(), CustomerFactory()
        ticket, car = make_ticket(customer=one), VehicleFactory(customer=one)
        address = f"{API}tickets/{ticket.pk}/"
        answers = at_once(
            lambda c=again(manager), a=address, v=car: c.patch(a, {"vehicle": v.pk}),
            lambda c=again(manager), a=address, t=two: c.patch(a, {"customer": t.pk}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        ticket.refresh_from_db()
        assert ticket.vehicle is None or ticket.vehicle.customer_id == ticket.customer_id


@race
def test_what_waits_for_a_ticket_that_changes_hands_finds_it(manager: Client) -> None:
    part = PartFactory(stock=100)
    for _ in range(ROUNDS):
        ticket, other = make_ticket(), CustomerFactory()
        address = f"{API}tickets/{ticket.pk}/"
        answers = at_once(
            lambda c=again(manager), a=address, o=other: c.patch(a, {"customer": o.pk}),
            lambda c=again(manager), a=address: c.put(f"{a}add-part/", {"part": part.pk}),
            lambda c=again(manager), t=ticket: c.post(
                f"{API}jobs/", {"ticket": t.pk, "title": "X"}
            ),
        )
        assert [answer.status_code for answer in answers] == [200, 200, 201]


@race
def test_what_waits_for_a_car_that_changes_hands_finds_it(manager: Client) -> None:
    for _ in range(ROUNDS):
        car, other = VehicleFactory(), CustomerFactory()
        address = f"{API}vehicles/{car.pk}/"
        answers = at_once(
            lambda c=again(manager), a=address, o=other: c.patch(a, {"customer": o.pk}),
            lambda c=again(manager), a=address: c.patch(a, {"color": "red"}),
        )
        assert [answer.status_code for answer in answers] == [200, 200]


@race
def test_a_deposit_belongs_to_whoever_has_the_ticket(manager: Client) -> None:
    for _ in range(ROUNDS):
        ticket, other = make_ticket(), CustomerFactory()
        address = f"{API}tickets/{ticket.pk}/"
        moved, paid = at_once(
            lambda c=again(manager), a=address, o=other: c.patch(a, {"customer": o.pk}),
            lambda c=again(manager), a=address: c.post(
                f"{a}deposits/", {"amount": "5.00", "method": "cash"}
            ),
        )
        assert (moved.status_code, paid.status_code) in [(200, 201), (409, 201)]
        ticket.refresh_from_db()
        assert ticket.payments.get().customer_id == ticket.customer_id
