"""One retry key, one effect (issue 4, point 1), for every POST and PUT of the router;
on SQLite and on PostgreSQL.
"""

from collections import Counter
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from mechanic_shop.accounts import mail, passwords, sessions
from mechanic_shop.db.models import IdempotentAnswer
from mechanic_shop.http import idempotency

from ..answers import refused
from ..conftest import Client, client_of
from ..factories import PASSWORD, CustomerFactory
from ..races import at_once
from ..test_matrix import MATRIX, World
from .attacks import API, CALLS, Call, do, make, rows, there

pytestmark = pytest.mark.django_db
# a stored token is a stolen one
NEVER_KEPT = {
    "auth-token",
    "auth-token-refresh",
    "serviceticket-share",
}
ENDS_ITSELF = {"auth-password"}  # the retry's token has ended with the old password
KEYED = [
    call
    for call in CALLS
    if call.method in ("POST", "PUT") and call.route not in NEVER_KEPT | ENDS_ITSELF
]
SENT = {"HTTP_IDEMPOTENCY_KEY": "k-1"}


def actor(call: Call, manager: Client) -> Client:
    return Client() if call.route == "customer-list" else manager


def confirmation(user: Any) -> dict[str, str]:
    uid = mail.urlsafe_base64_encode(mail.force_bytes(user.pk))
    return {
        "uid": uid,
        "token": passwords.reset_tokens.make_token(user),
        "new_password": "Torque-to-47-newton",
    }


@pytest.mark.parametrize("call", KEYED, ids=str)
def test_a_retry_of_every_route_is_answered_byte_for_byte_and_changes_nothing(
    world: World, manager: Client, call: Call
) -> None:
    client, path, body = actor(call, manager), there(world, call), world.body(str(call), manager)
    first = do(client, call.method, path, body, **SENT)
    # The token of the first is none, the customer of the second has an open ticket:
    # refusals are kept as well.
    assert first.status_code == MATRIX[str(call)][-1] or (first.status_code, call.route) == (
        201,
        "customer-list",
    )
    kept = rows()

    again = do(client, call.method, path, body, **SENT)

    assert rows() == kept
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    for header in ("Content-Type", "ETag", "Location"):
        assert again.get(header) == first.get(header), header
    assert IdempotentAnswer.objects.count() == 1
    refused(do(client, call.method, path, {"other": 1}, **SENT), 422, "idempotency_key_reused")
    assert rows() == kept


@pytest.mark.parametrize("call", KEYED, ids=str)
def test_a_key_that_is_none_is_400_and_changes_nothing(
    world: World, manager: Client, call: Call
) -> None:
    before = rows()
    for key in ("", " ", "a b", "é", "x" * 256, "a\tb", "\x7f", "\x00"):
        refused(
            make(world, actor(call, manager), call, HTTP_IDEMPOTENCY_KEY=key),
            400,
            "invalid_idempotency_key",
        )
    assert rows() == before


RACES = [
    *(
        "POST customer-list",
        "POST vehicle-list",
        "POST part-list",
        "POST serviceticket-list",
        "PUT part-receive",
        "PUT part-adjust",
    ),
    *(
        "PUT serviceticket-add-part",
        "PUT serviceticket-remove-part",
        "POST serviceticket-transitions",
        "PUT customer-detail",
    ),
    *("PUT serviceticket-edit-mechanics", "PUT part-count"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", RACES)
def test_of_sixteen_twins_at_once_one_has_an_effect(
    request: pytest.FixtureRequest, manager: Client, name: str
) -> None:
    """Issue 4, "Shown by": one effect, one stored answer, replayed byte for byte;
    whoever comes meanwhile is told to wait.
    """
    world = World(request)
    call = next(call for call in KEYED if str(call) == name)
    path, body = there(world, call), world.body(name, manager)
    clients = [
        Client() if call.route == "customer-list" else client_of(manager.user) for _ in range(16)
    ]

    answers = at_once(
        *[lambda c=client: do(c, call.method, path, body, **SENT) for client in clients]
    )

    waiting = [
        answer
        for answer in answers
        if answer.status_code == 409 and answer.json()["code"] == "request_in_progress"
    ]
    done = [answer for answer in answers if answer not in waiting]
    assert {answer["Retry-After"] for answer in waiting} <= {"1"}
    assert (
        len(
            {
                (answer.status_code, answer.content, answer.get("ETag"), answer.get("Location"))
                for answer in done
            }
        )
        == 1
    )
    assert done[0].status_code in (200, 201)
    assert [answer.get("Idempotent-Replayed") for answer in done].count(None) == 1
    assert IdempotentAnswer.objects.count() == 1
    kept = rows()
    for client in clients:
        again = do(client, call.method, path, body, **SENT)
        assert (again.content, again["Idempotent-Replayed"]) == (done[0].content, "true")
    assert rows() == kept
    assert effects(name, world) == 1


def effects(name: str, world: World) -> int:
    """How often it happened, as the books say."""
    from customers.models import Customer, Vehicle
    from inventory.models import Part
    from tickets.models import ServiceTicket, StatusChange

    counts = {
        "POST customer-list": lambda: Customer.objects.filter(email="new@example.com").count(),
        "POST vehicle-list": lambda: Vehicle.objects.filter(plate="NEW1").count(),
        "POST part-list": lambda: Part.objects.filter(sku="NEW-1").count(),
        "POST serviceticket-list": lambda: ServiceTicket.objects.count() - 1,
        "PUT part-receive": lambda: world.part.movements.count() - 1,
        "PUT part-adjust": lambda: world.part.movements.count() - 1,
        "PUT part-count": lambda: world.part.movements.count() - 1,
        "PUT serviceticket-add-part": lambda: sum(
            line.quantity for line in world.ticket.lines.filter(part=world.other_part)
        ),
        "PUT serviceticket-remove-part": lambda: 1 - world.ticket.lines.count(),
        "POST serviceticket-transitions": lambda: StatusChange.objects.filter(
            ticket=world.ticket, to_status="approved"
        ).count(),
        "PUT customer-detail": lambda: Customer.objects.filter(name="Olive").count(),
        "PUT serviceticket-edit-mechanics": lambda: world.ticket.assignments.filter(
            mechanic=world.other_mechanic
        ).count(),
    }
    return int(counts[name]())


# --- accounts: their effect and its answer are one transaction, too -------------------


def test_a_crash_before_the_answer_is_kept_takes_the_new_password_back(
    anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was set in a transaction of its own before: the retry of a lost answer was
    then refused as a used reset.
    """
    user = CustomerFactory(login=True).user
    body = confirmation(user)
    anonymous.raise_request_exception = False

    def crash(*args: Any) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(idempotency.Idempotency, "keep", crash)
    assert anonymous.post(f"{API}/auth/password/reset/confirm/", body, **SENT).status_code == 500
    monkeypatch.undo()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    for _ in range(2):
        assert (
            anonymous.post(f"{API}/auth/password/reset/confirm/", body, **SENT).status_code == 204
        )
    user.refresh_from_db()
    assert user.check_password(body["new_password"])


class NoCache:
    """A Redis that is gone."""

    def add(self, *args: Any) -> None: ...

    def delete(self, *args: Any) -> None: ...


@pytest.mark.django_db(transaction=True)
def test_sixteen_twins_of_a_reset_are_told_the_same_even_without_a_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing turns the twins away, and the one that loses must not be the one whose
    refusal is kept.
    """
    user = CustomerFactory(login=True).user
    body = confirmation(user)
    monkeypatch.setattr(idempotency, "cache", NoCache())
    answers = at_once(
        *[
            lambda: Client().post(f"{API}/auth/password/reset/confirm/", body, **SENT)
            for _ in range(8)
        ]
    )
    assert Counter(answer.status_code for answer in answers) == {204: 8}
    user.refresh_from_db()
    assert user.check_password(body["new_password"])


def test_a_password_change_has_one_effect_although_its_retry_must_log_in_again(
    owner: Client,
) -> None:
    body = {"current_password": PASSWORD, "new_password": "Torque-to-47-newton"}
    assert owner.post(f"{API}/auth/password/", body, **SENT).status_code == 204
    kept = rows("accounts")
    refused(owner.post(f"{API}/auth/password/", body, **SENT), 401, "token_not_valid")
    assert rows("accounts") == kept


def test_tokens_are_kept_for_no_key(anonymous: Client) -> None:
    user = CustomerFactory(login=True).user
    answers = [
        anonymous.post(f"{API}/auth/token/", {"email": user.email, "password": PASSWORD}, **SENT)
        for _ in range(2)
    ]
    refresh = {"refresh": sessions.token_pair(user)["refresh"]}
    answers += [anonymous.post(f"{API}/auth/token/refresh/", refresh, **SENT) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 401]
    assert answers[0].content != answers[1].content
    assert not IdempotentAnswer.objects.exists()


# --- whose key, and for how long ------------------------------------------------------


def test_a_visitors_key_is_of_the_address_and_nobody_elses(
    anonymous: Client, owner: Client
) -> None:
    """Else a guessed key would give somebody the answer to another's sign-up."""
    body = {"name": "Alice", "email": "alice@example.com", "password": PASSWORD}
    first = anonymous.post(f"{API}/customers/", body, **SENT)
    assert first.status_code == 201
    assert anonymous.post(f"{API}/customers/", body, **SENT).content == first.content
    elsewhere = anonymous.post(f"{API}/customers/", body, REMOTE_ADDR="192.0.2.44", **SENT)
    refused(elsewhere, 400, "email_taken")
    forged = anonymous.post(
        f"{API}/customers/",
        body,
        REMOTE_ADDR="192.0.2.45",
        HTTP_X_FORWARDED_FOR="127.0.0.1",
        **SENT,
    )
    refused(forged, 400, "email_taken")
    assert "Idempotent-Replayed" not in owner.post(f"{API}/vehicles/", {"plate": "X"}, **SENT)


def test_a_key_is_no_way_past_a_token_that_ended(owner: Client) -> None:
    """The kept answer is for its user, who has to be one still."""
    assert owner.post(f"{API}/vehicles/", {"plate": "SECRET1"}, **SENT).status_code == 201
    sessions.end_sessions(owner.user)
    response = owner.post(f"{API}/vehicles/", {"plate": "SECRET1"}, **SENT)
    refused(response, 401, "token_not_valid")
    assert "SECRET1" not in response.content.decode()


@pytest.mark.parametrize(("hours", "kept"), [(23, True), (25, False)])
def test_the_purge_removes_what_is_older_than_a_day(owner: Client, hours: int, kept: bool) -> None:
    owner.post(f"{API}/vehicles/", {"plate": "X"}, **SENT)
    IdempotentAnswer.objects.update(created_at=timezone.now() - timezone.timedelta(hours=hours))
    call_command("purge", verbosity=0)
    assert IdempotentAnswer.objects.exists() is kept


def test_the_answer_is_kept_in_the_transaction_of_its_effect(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither without the other: in the moment in which the answer is stored, no commit
    lies between them.
    """
    seen: list[bool] = []
    keep = idempotency.Idempotency.keep

    def watched(self: Any, response: Any) -> None:
        seen.append(
            len(transaction.get_connection().savepoint_ids) >= 2
            or transaction.get_connection().in_atomic_block
        )
        keep(self, response)
        raise RuntimeError("power cut")

    owner.raise_request_exception = False
    monkeypatch.setattr(idempotency.Idempotency, "keep", watched)
    before = rows("customers", "api")
    assert owner.post(f"{API}/vehicles/", {"plate": "X"}, **SENT).status_code == 500
    assert seen == [True]
    assert rows("customers", "api") == before
