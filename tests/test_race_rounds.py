"""The races of ``race_rounds.py``: in threads of one process, and between servers.

``RACE_ROUNDS`` says how many rounds each is played; ``make races`` plays 200 and shows
how they ended.
"""

import http.client
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as Browser

from mechanic_shop.accounts.sessions import token_pair

from .conftest import Client, client_of
from .hosts import serving
from .race_rounds import RACES, Call, Round, manager
from .races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
User = get_user_model()
Send = Callable[[], int]
SECRET = "x" * 32  # of the CSRF cookie, which the form repeats


class Threads:
    """Requests within this process, each in a thread with a connection of its own."""

    def __init__(self) -> None:
        self.manager = manager()

    def sender(self, call: Call, number: int, played: Round) -> Send:
        if call.who == "desk":
            browser = Browser()
            browser.force_login(self.manager)
            return lambda: browser.post(call.path, call.body).status_code
        user = {"manager": self.manager, "owner": played.owner}.get(call.who)
        client = client_of(user) if user else Client()
        return lambda: (
            client.generic(
                call.method, call.path, json.dumps(call.body), "application/json"
            ).status_code
        )


class Servers:
    """Requests to servers: the first of a round to the first, the second to the second."""

    def __init__(self, addresses: list[str]) -> None:
        self.hosts = [urlsplit(address).netloc for address in addresses]
        self.manager = manager()
        browser = Browser()
        browser.force_login(self.manager)
        self.session = browser.cookies[settings.SESSION_COOKIE_NAME].value

    def sender(self, call: Call, number: int, played: Round) -> Send:
        connection = http.client.HTTPConnection(self.hosts[number % len(self.hosts)], timeout=60)
        connection.connect()
        body, headers = self.written(call, played)

        def send() -> int:
            connection.request(call.method, call.path, body, headers)
            status = connection.getresponse().status
            connection.close()
            return status

        return send

    def written(self, call: Call, played: Round) -> tuple[str, dict[str, str]]:
        if call.who == "desk":
            cookies = {
                settings.SESSION_COOKIE_NAME: self.session,
                settings.CSRF_COOKIE_NAME: SECRET,
            }
            form = urlencode(call.body | {"csrfmiddlewaretoken": SECRET})
            sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
            return form, {"Cookie": sent, "Content-Type": "application/x-www-form-urlencoded"}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if user := {"manager": self.manager, "owner": played.owner}.get(call.who):
            headers["Authorization"] = f"Bearer {token_pair(user)['access']}"
        return json.dumps(call.body), headers


@contextmanager
def servers() -> Iterator[Servers]:
    """Two processes on PostgreSQL; SQLite is for one, which has many threads."""
    one = {
        "WEB_CONCURRENCY": "1",
        "THROTTLE_ANON": "off",
        "THROTTLE_SHARED": "off",
        "THROTTLE_CUSTOMER": "off",
    }
    with ExitStack() as stack:
        count = 2 if connection.vendor == "postgresql" else 1
        yield Servers([stack.enter_context(serving(**one)).address for _ in range(count)])


def play(channel: Threads | Servers, name: str, rounds: int) -> Counter[str]:
    """How the rounds ended: "" for those with which nothing is wrong."""
    ended: Counter[str] = Counter()
    for turn in range(rounds):
        played = RACES[name]()
        calls = list(enumerate(played.calls))
        if turn % 2:
            calls.reverse()
        sends = [
            delayed(channel.sender(call, number, played), place * (turn % 4) / 1000)
            for place, (number, call) in enumerate(calls)
        ]
        answers = dict(zip([number for number, _ in calls], at_once(*sends), strict=True))
        ended[played.find_fault([answers[number] for number in sorted(answers)])] += 1
    return ended


def delayed(send: Send, seconds: float) -> Send:
    """The second request of a round starts up to 3 ms after the first, so that they
    meet at every place.
    """

    def late() -> int:
        time.sleep(seconds)
        return send()

    return late


def play_all(channel: Threads | Servers) -> dict[str, dict[str, int]]:
    """The wrong rounds of each race; with many rounds, how all of them ended is
    printed.
    """
    wrong = {}
    for name in RACES:
        ended = play(channel, name, ROUNDS)
        faults = {fault: count for fault, count in ended.items() if fault}
        if faults:
            wrong[name] = faults
        if ROUNDS >= 100:
            sys.stderr.write(f"{name}: {sum(faults.values())} of {ROUNDS} wrong {faults or ''}\n")
    return wrong


def test_no_round_between_threads_is_wrong() -> None:
    assert play_all(Threads()) == {}


def test_no_round_between_servers_is_wrong() -> None:
    with servers() as channel:
        assert play_all(channel) == {}
