"""How many rooms a request goes through: one line for each of three writes.

    .venv/bin/python bench/walks.py            a room is a folder of the project
    .venv/bin/python bench/walks.py --files    a room is a file
    .venv/bin/python bench/walks.py --rooms    names them

A request "turns back" where a call goes from one room into another that it has been in
before; "ways" counts each pair of such rooms once, however often a loop goes there. Few
of each mean that a reader finds the way of a request in few places. Everything runs in
this process, on a database in memory, by Django's test client.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("WALK_ROOT") or Path(__file__).resolve().parent.parent)
APPS = ("mechanic_shop", "customers", "mechanics", "inventory", "tickets")
API = "/api/v1/"
FOLDERS = "--files" not in sys.argv
PASSWORD = "Walk-the-garage-1"


class Walk:
    """The modules of the project in the order in which calls enter them."""

    def __init__(self) -> None:
        self.rooms: list[str] = []
        self.turns = 0
        self.ways: set[tuple[str | None, str]] = set()

    def __call__(self, frame: Any, event: str, _: Any) -> None:
        if event != "call":
            return
        room, before = room_of(frame), caller_of(frame)
        if room is None or room == before:
            return
        if room in self.rooms:
            self.turns += 1
            self.ways.add((before, room))
        else:
            self.rooms.append(room)


def room_of(frame: Any) -> str | None:
    """The project's file that a frame runs in."""
    name = frame.f_code.co_filename
    if not name.startswith(f"{ROOT}/"):
        return None
    path = name.removeprefix(f"{ROOT}/")
    if not path.startswith(APPS):
        return None
    return os.path.dirname(path) if FOLDERS else path


def caller_of(frame: Any) -> str | None:
    """The project's file from which the call came, past the frames of libraries."""
    while frame := frame.f_back:
        if room := room_of(frame):
            return room
    return None


@contextmanager
def walked() -> Iterator[Walk]:
    walk, before = Walk(), sys.getprofile()
    sys.setprofile(walk)
    try:
        yield walk
    finally:
        sys.setprofile(before)


class Garage:
    """A shop with one customer, and an advisor who works at the API."""

    def __init__(self) -> None:
        from django.contrib.auth.models import Group
        from rest_framework.test import APIClient

        from mechanic_shop.accounts.models import User

        user = User.objects.create_user(email="manager@example.com", password=PASSWORD)
        user.groups.add(*Group.objects.filter(name__iexact="manager"))
        user.is_staff = True
        user.save()
        self.client, self.visitor = APIClient(), APIClient()
        token = self.ask("post", "auth/token/", {"email": user.email, "password": PASSWORD})
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token['access']}")
        self.customer = self.ask("post", "customers/", {"name": "Sam", "phone": "555-0171"})["id"]
        car = {
            "customer": self.customer,
            "plate": "ABC-1",
            "make": "Honda",
            "model": "Civic",
            "year": 2006,
        }
        self.vehicle = self.ask("post", "vehicles/", car)["id"]
        part = {"sku": "P1", "name": "Brake shoes", "price": "40.00", "cost": "20.00"}
        self.part = self.ask("post", "parts/", part)["id"]
        self.ask("put", f"parts/{self.part}/receive/", {"quantity": 100, "unit_cost": "20.00"})

    def ask(self, method: str, path: str, body: Any = None, client: Any = None) -> Any:
        client = client or self.client
        headers = {"HTTP_ACCEPT": "application/json"}
        response = getattr(client, method)(API + path, body, format="json", **headers)
        if response.status_code >= 400:
            raise SystemExit(f"{method} {path}: {response.status_code} {response.content!r}")
        return response.json()

    def ticket(self) -> str:
        """A ticket with one job of an hour's labor."""
        body = {"customer": self.customer, "vehicle": self.vehicle, "concern": "Grinding"}
        path = f"tickets/{self.ask('post', 'tickets/', body)['id']}"
        line = {"kind": "labor", "description": "Shoes", "quantity": "1", "unit_price": "90.00"}
        job = {"ticket": int(path.split("/")[1]), "title": "Shoes", "lines": [line]}
        self.job = self.ask("post", "jobs/", job)["id"]
        return path

    def completed(self) -> str:
        path = self.ticket()
        self.ask("put", f"{path}/add-part/", {"part": self.part, "quantity": 1, "job": self.job})
        self.ask("post", f"{path}/authorizations/", {"approve": [self.job], "channel": "phone"})
        self.ask("post", f"{path}/transitions/", {"to": "in_progress"})
        self.ask("put", f"jobs/{self.job}/finish/")
        self.ask("post", f"{path}/transitions/", {"to": "completed"})
        return path

    def shared(self) -> tuple[str, dict[str, Any]]:
        """The route of a share link, and the decision that the customer sends there."""
        link = self.ask("post", f"{self.ticket()}/share/", {})
        path = f"shared/{link['url'].rstrip('/').rsplit('/', 1)[-1]}"
        estimate = self.ask("get", f"{path}/", client=self.visitor)
        return path, {"approve": [self.job], "version": estimate["version"]}


def requests(garage: Garage) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is walked: its name, and the request, for which all is prepared."""
    for _ in range(2):  # the first time statements are compiled and caches filled
        path = garage.ticket()
        part = {"part": garage.part, "quantity": 1}
        yield "add a part", lambda p=path, b=part: garage.ask("put", f"{p}/add-part/", b)
        shared, decision = garage.shared()
        yield (
            "approve by share link",
            lambda p=shared, d=decision: garage.ask(
                "post", f"{p}/authorizations/", d, garage.visitor
            ),
        )
        path = garage.completed()
        yield "issue an invoice", lambda p=path: garage.ask("post", f"{p}/invoice/", {})


def main() -> None:
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    logging.disable()
    os.environ |= {
        "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_SETTINGS_MODULE": "mechanic_shop.settings",
    }
    os.environ |= {"SECRET_KEY": "w" * 50, "JWT_SIGNING_KEY": "W" * 50, "LOG_FORMAT": "line"}
    warnings.simplefilter("ignore")  # no static files are needed here
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from mechanic_shop.observability import logs

    logs.write = lambda line: None  # the figures alone are shown
    settings.ALLOWED_HOSTS.append("testserver")
    call_command("migrate", verbosity=0)
    found = {}
    for name, request in requests(Garage()):
        with walked() as walk:
            request()
        found[name] = walk
    for name, walk in found.items():
        print(f"{name:24} {len(walk.rooms):3} rooms {walk.turns:4} turns {len(walk.ways):4} ways")
        if "--rooms" in sys.argv:
            print(*(f"    {room}" for room in walk.rooms), sep="\n")


if __name__ == "__main__":
    main()
