"""Two hosts of two processes each, which share PostgreSQL and Redis: whatever one of
them does, the other knows at once.

Collected where the tests run on PostgreSQL and Redis (conftest.py): without a shared
Redis there is only one process.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Group

from customers.models import Customer
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part, StockMovement
from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.sessions import token_pair
from mechanics.models import Mechanic

from .factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    make_ticket,
)
from .hosts import Answer, Host, two_hosts
from .test_kept_rights import PATHS, WRITES, Crew

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    with two_hosts(
        THROTTLE_ANON="off", THROTTLE_CUSTOMER="20/hour", THROTTLE_LOGIN="5/hour"
    ) as found:
        yield found


def at_once(hosts: list[Host], count: int, call: Callable[[Host, int], Answer]) -> list[Answer]:
    """``count`` calls in the same moment, to the hosts in turns."""
    barrier = Barrier(count)

    def run(turn: tuple[int, Host]) -> Answer:
        barrier.wait(30)
        return call(turn[1], turn[0])

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, zip(range(count), cycle(hosts))))


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def test_what_one_host_writes_the_other_reads_next(hosts: list[Host]) -> None:
    manager = token_pair(UserFactory(role="manager", is_staff=True))["access"]
    mechanic, part = MechanicFactory(name="Before"), PartFactory(stock=5)
    one, other = hosts
    for turn in range(10):
        for host in hosts * 2:  # every process has its pages in memory
            host.ask("GET", "mechanics/")
            host.ask("GET", "mechanics/popular/")
            host.ask("GET", "parts/", token=manager)
        name = f"Name {turn}"
        assert one.ask("PATCH", f"mechanics/{mechanic.pk}/", {"name": name}, manager).status == 200
        assert one.ask("PUT", f"parts/{part.pk}/receive/", {"quantity": 1}, manager).status == 200
        for _ in range(4):
            assert name in other.ask("GET", "mechanics/").content.decode()
            assert name in other.ask("GET", "mechanics/popular/").content.decode()
            assert (
                other.ask("GET", "parts/", token=manager).json()["results"][0]["on_hand"]
                == f"{turn + 6}.000"
            )
        one, other = other, one


def test_a_user_who_is_deactivated_is_refused_by_every_process_at_once(hosts: list[Host]) -> None:
    boss = UserFactory(role="manager")
    for _ in range(5):
        user = UserFactory(role="advisor")
        token = token_pair(user)["access"]
        assert {host.ask("GET", "tickets/", token=token).status for host in hosts * 4} == {200}
        accounts.deactivate(user, by=boss)
        assert {host.ask("GET", "tickets/", token=token).status for host in hosts * 4} == {401}


# One of each kind: tests/test_kept_rights.py has them all, in one process.
OF_EACH_KIND = (
    *(
        "roles are cleared",
        "a user is put into a role",
        "a role loses a right",
        "a right leaves its roles",
        "roles are deleted",
    ),
    *(
        "superusers are made in bulk",
        "users are switched off",
        "users are deleted",
        "a mechanic is unlinked",
        "customers are deleted",
    ),
)


def test_every_change_of_rights_is_seen_by_every_process_at_once() -> None:
    with two_hosts(THROTTLE_ANON="off", THROTTLE_CUSTOMER="off") as hosts:
        for write in OF_EACH_KIND:
            see_everywhere(hosts, write)


def see_everywhere(hosts: list[Host], write: str) -> None:
    with undone():
        crew = Crew()
        token = crew.token.removeprefix("Bearer ")
        before = {seen(host, token) for host in hosts * 4}
        assert len(before) == 1, write
        WRITES[write](crew)
        assert len(before | {seen(host, token) for host in hosts * 4}) == 2, write


def seen(host: Host, token: str) -> tuple[Any, ...]:
    answers = [host.ask("GET", path, token=token) for path in PATHS]
    return tuple(
        (answer.status, answer.content if answer.status == 200 else b"") for answer in answers
    )


@contextmanager
def undone() -> Iterator[None]:
    """Roles and rights as they were, and nobody who was made meanwhile."""
    groups = {group: list(group.permissions.all()) for group in Group.objects.all()}
    try:
        yield
    finally:
        for group, rights in groups.items():
            group.save()
            for right in rights:
                right.save()
            group.permissions.set(rights)
        for model in (Mechanic, Customer, User):
            model.objects.all().delete()


def test_limits_are_counted_over_all_processes(hosts: list[Host]) -> None:
    token = token_pair(CustomerFactory(login=True).user)["access"]
    answers = at_once(hosts, 40, lambda host, _: host.ask("GET", "tickets/", token=token))
    assert statuses(answers) == {200: 20, 429: 20}
    assert sorted(int(answer.headers["RateLimit-Remaining"]) for answer in answers) == [
        0
    ] * 21 + list(range(1, 20))


def test_guesses_at_a_password_are_counted_over_all_processes(hosts: list[Host]) -> None:
    UserFactory(email="alice@example.com")
    answers = at_once(
        hosts,
        16,
        lambda host, n: host.ask_when_free(
            "POST", "auth/token/", {"email": "alice@example.com", "password": f"guess-number-{n}"}
        ),
    )
    assert statuses(answers) == {401: 5, 429: 11}
    assert (
        hosts[1]
        .ask("POST", "auth/token/", {"email": "alice@example.com", "password": PASSWORD})
        .status
        == 429
    )


def test_a_key_has_one_effect_whichever_host_is_asked(hosts: list[Host]) -> None:
    manager, part = token_pair(UserFactory(role="manager"))["access"], PartFactory()

    def receive(host: Host, _: int) -> Answer:
        return host.ask(
            "PUT",
            f"parts/{part.pk}/receive/",
            {"quantity": 3},
            manager,
            Idempotency_Key="one-delivery",
        )

    first = at_once(hosts, 16, receive)
    assert set(statuses(first)) <= {200, 409}
    assert {answer.json()["code"] for answer in first if answer.status == 409} <= {
        "request_in_progress"
    }
    later = at_once(hosts, 16, receive)
    assert statuses(later) == {200: 16}
    assert len({answer.content for answer in [*first, *later] if answer.status == 200}) == 1
    assert StockMovement.objects.filter(part=part).count() == 1


def test_of_sixteen_writers_with_one_etag_one_wins(hosts: list[Host]) -> None:
    manager, part = token_pair(UserFactory(role="manager"))["access"], PartFactory()
    tag = hosts[0].ask("GET", f"parts/{part.pk}/", token=manager).headers["ETag"]
    answers = at_once(
        hosts,
        16,
        lambda host, n: host.ask(
            "PATCH", f"parts/{part.pk}/", {"name": f"Writer {n}"}, manager, If_Match=tag
        ),
    )
    assert statuses(answers) == {200: 1, 412: 15}
    won = next(answer for answer in answers if answer.status == 200)
    assert {answer.headers["ETag"] for answer in answers} == {won.headers["ETag"]}
    assert Part.objects.get(pk=part.pk).name == won.json()["name"]


def test_ten_parts_are_sold_ten_times(hosts: list[Host]) -> None:
    token, part = token_pair(UserFactory(role="advisor"))["access"], PartFactory(stock=10)
    tickets = [make_ticket("approved") for _ in range(40)]
    answers = at_once(
        hosts,
        40,
        lambda host, n: host.ask(
            "PUT", f"tickets/{tickets[n].pk}/add-part/", {"part": part.pk}, token
        ),
    )
    assert statuses(answers) == {200: 10, 409: 30}
    assert find_discrepancies() == []


def test_a_refresh_token_works_once(hosts: list[Host]) -> None:
    for _ in range(5):
        refresh = token_pair(UserFactory())["refresh"]
        answers = at_once(
            hosts,
            8,
            lambda host, _, sent=refresh: host.ask(
                "POST", "auth/token/refresh/", {"refresh": sent}
            ),
        )
        assert statuses(answers) == {200: 1, 401: 7}


def test_one_mailbox_gets_one_account(hosts: list[Host]) -> None:
    def sign_up(host: Host, n: int) -> Answer:
        email = "SAME@example.com" if n % 2 else "same@example.com"
        return host.ask_when_free(
            "POST", "customers/", {"name": "Sam", "email": email, "password": "a-long-enough-1"}
        )

    answers = at_once(hosts, 16, sign_up)
    assert statuses(answers) == {201: 1, 400: 15}
    assert Customer.objects.filter(email="same@example.com").count() == 1


def test_pages_of_a_walk_may_come_from_either_host(hosts: list[Host]) -> None:
    token = token_pair(UserFactory(role="advisor"))["access"]
    tickets = [make_ticket() for _ in range(7)]
    seen: list[Any] = []
    path: str = "tickets/?cursor=&page_size=2"
    for host in cycle(hosts):
        page = host.ask("GET", path, token=token).json()
        seen += [ticket["id"] for ticket in page["results"]]
        if page["next"] is None:
            break
        path = page["next"].partition("/api/v1/")[2]
    assert seen == [ticket.pk for ticket in tickets]
