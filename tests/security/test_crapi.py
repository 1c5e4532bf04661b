"""OWASP crAPI, a deliberately vulnerable vehicle-service API: its attacks that are no
row of another module (docs/security.md lists all).
"""

import socket
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from customers.models import Customer
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part
from tickets.desk import requests
from tickets.models import ServiceTicket

from ..answers import refused
from ..conftest import Client, client_of
from ..factories import PASSWORD, PartFactory, UserFactory, make_ticket, office
from ..races import at_once
from ..test_matrix import World
from .attacks import API, CALLS, LISTS, do, make, rows, there

pytestmark = pytest.mark.django_db


def test_2_counting_through_every_ticket_finds_ones_own(world: World, stranger: Client) -> None:
    """Sequential report numbers: each key near one's own, at the ticket, its history
    and its transitions.
    """
    mine = make_ticket(customer=stranger.user.customer)
    for _ in range(3):
        make_ticket()
    for ending in ("", "history/", "transitions/"):
        found = [
            key
            for key in range(max(1, mine.pk - 10), mine.pk + 10)
            if stranger.get(f"{API}/tickets/{key}/{ending}").status_code != 404
        ]
        assert found == [mine.pk]


def test_3_a_four_digit_code_is_guessed_nowhere(anonymous: Client, settings: Any) -> None:
    """A reset token is no number, and guesses have a limit."""
    user = UserFactory()
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"reset": "5/hour"}
    answers = Counter()
    for code in range(20):
        body = {"uid": "MQ", "token": f"{code:04d}", "new_password": "Torque-to-47-newton"}
        answers[anonymous.post(f"{API}/auth/password/reset/confirm/", body).status_code] += 1
    assert answers == {400: 5, 429: 15}
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("size", ["1000000000", "101", "9999999999999999999999"])
def test_6_a_page_is_never_larger_than_a_hundred_rows(manager: Client, size: str) -> None:
    Part.objects.bulk_create(Part(sku=f"S{number}", name="N", price=1) for number in range(130))
    for call in LISTS:
        if not call.keyed:
            response = manager.get(call.address(), {"page_size": size})
            assert response.status_code in (200, 400)
            assert len(response.json().get("results", [])) <= 100


@pytest.mark.django_db(transaction=True)
def test_9_a_part_is_taken_back_once_however_often_it_is_asked(advisor: Client) -> None:
    """A refund for each repeated return: sixteen at once, then one by one."""
    part = PartFactory(stock=9)
    ticket = make_ticket("completed", parts=[(part, 3)])
    requests.request_transition(ticket, to="in_progress", by=office())
    path, body = f"{API}/tickets/{ticket.pk}/remove-part/", {"part": part.pk, "quantity": 3}
    found = Counter(
        answer.status_code
        for answer in at_once(
            *[lambda c=client_of(advisor.user): c.put(path, body) for _ in range(16)]
        )
    )
    assert found == {200: 1, 409: 15}
    refused(advisor.put(path, body), 409, "part_not_on_ticket")
    part.refresh_from_db()
    assert (part.on_hand, part.allocated) == (9, 0)
    assert find_discrepancies() == []


@pytest.mark.django_db(transaction=True)
def test_9_a_ticket_that_is_deleted_by_sixteen_gives_nothing_back_twice(manager: Client) -> None:
    part = PartFactory(stock=9)
    ticket = make_ticket(parts=[(part, 3)])
    path = f"{API}/tickets/{ticket.pk}/"
    found = Counter(
        answer.status_code
        for answer in at_once(
            *[lambda c=client_of(manager.user): c.delete(path) for _ in range(16)]
        )
    )
    assert found == {204: 1, 404: 15}
    part.refresh_from_db()
    assert (part.on_hand, part.allocated) == (9, 0)
    assert find_discrepancies() == []


def test_11_no_column_holds_an_address_that_the_shop_would_call() -> None:
    """A URL field, a webhook or a file is a decision about SSRF: take it here."""
    found = [
        f"{model.__name__}.{field.name}"
        for label in ("customers", "mechanics", "inventory", "tickets", "accounts", "api")
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, (models.URLField, models.FileField))
        or field.name.endswith(("url", "webhook", "callback"))
    ]
    assert found == []


def test_11_no_request_makes_the_shop_call_anybody(
    world: World, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses in every field of every route; nothing connects but to the database and
    the cache.
    """
    evil = "http://127.0.0.1:1/latest/meta-data/"
    called: list[Any] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and address[1] == 1:
            called.append(address)
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    world.prepare(*map(str, CALLS))
    for call in CALLS:
        if call.route != "auth-password":
            body = world.body(str(call), manager) or {}
            do(
                manager,
                call.method,
                there(world, call),
                body
                | dict.fromkeys(
                    ("url", "mechanic_api", "callback", "webhook", "image", "avatar"), evil
                ),
            )
            do(manager, call.method, there(world, call), dict.fromkeys(body, evil) or None)
    assert called == []


def test_14_a_walk_without_a_token_ends_at_every_door(world: World, anonymous: Client) -> None:
    """Orders, products and reports were open: here a stranger gets mechanics,
    documentation and the sign-up, and by a link its estimate.
    """
    world.prepare(*map(str, CALLS))
    before = rows()
    opened = {
        str(call)
        for call in CALLS
        if not call.writes and make(world, anonymous, call).status_code == 200
    }
    mechanics = {"GET mechanic-list", "GET mechanic-detail", "GET mechanic-popular"}
    assert opened == {
        "GET api-root",
        "GET schema",
        "GET docs",
        "GET redoc",
        "GET shared",
        *mechanics,
    }
    assert rows() == before


def test_code_the_next_number_is_the_databases(manager: Client, owner: Client) -> None:
    """``Max(id) + 1`` gave two orders one number, and the number of a deleted one
    again.
    """
    numbers = []
    for _ in range(3):
        ticket = owner.post(f"{API}/tickets/", {"concern": "C"}).json()
        numbers.append(ticket["number"])
        assert manager.delete(f"{API}/tickets/{ticket['id']}/").status_code == 204
    assert len(set(numbers)) == 3


def test_code_what_is_logged_is_masked(
    anonymous: Client, owner: Client, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """``log_error(request.data)`` wrote passwords; requirement 40 (A16.3, A16.5.1)."""
    with caplog.at_level("DEBUG"):
        anonymous.post(
            f"{API}/auth/token/", {"email": "zq@example.com", "password": "zq-password-1"}
        )
        anonymous.post(
            f"{API}/customers/", {"name": "zq", "email": "zq\nFAKE", "password": "zq-password-1"}
        )
        anonymous.get(f"{API}/parts/", HTTP_AUTHORIZATION="Bearer zq-token")
        owner.get(f"{API}/parts/", HTTP_X_REQUEST_ID="zq-request")
        owner.post(
            f"{API}/auth/password/",
            {"current_password": "zq-password-1", "new_password": "zq-password-2"},
        )
    text = "\n".join(record.getMessage() for record in caplog.records) + capfd.readouterr().err
    assert "log-in failed" in text
    refusal = next(line for line in text.splitlines() if "zq-request" in line and "403" in line)
    assert str(owner.user.pk) in refusal  # who was refused, and under which id
    for secret in ("zq-password", "zq-token", "zq@example.com", owner.user.email):
        assert secret not in text


def test_code_the_settings_are_closed_by_default() -> None:
    """``CORS_ORIGIN_ALLOW_ALL``, ``ALLOWED_HOSTS = *``, DEBUG: the start values are
    those of tests/test_settings.py.
    """
    assert settings.DEBUG is False
    assert settings.CORS_ALLOWED_ORIGINS == []
    assert not getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False)
    assert "*" not in settings.ALLOWED_HOSTS or "testserver" in settings.ALLOWED_HOSTS
    assert settings.PASSWORD_RESET_TIMEOUT <= 3600


def test_8_nothing_is_for_free(world: World, owner: Client) -> None:
    """The total of a ticket is what its lines cost, whatever its customer sends."""
    path = f"{API}/tickets/{world.ticket.pk}/"
    for body in (
        {"status": "closed"},
        {"parts_total": "0"},
        {"parts": []},
        {"paid": True},
        {"customer": 1},
    ):
        owner.patch(path, body)
    found = owner.get(path).json()
    assert (found["status"], found["parts_total"]) == ("estimate", "39.98")
    assert Decimal(found["parts"][0]["unit_price"]) == world.part.price
    assert ServiceTicket.objects.get().customer == Customer.objects.get(pk=world.customer.pk)
