"""The shop as an attacker finds it: every route, read from the router, so that a new
one is attacked by itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.apps import apps
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client as Browser
from django.urls import URLResolver, get_resolver, reverse

from ..test_matrix import World

API = "/api/v1"
MISSING = 987_654_321
HTML = "text/html"


@dataclass(frozen=True)
class Call:
    """A method of a route of the API."""

    method: str
    route: str
    view: Any
    keyed: bool

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def room(self) -> str:
        """customer, vehicle, mechanic, part, serviceticket, or whatever else the name
        begins with.
        """
        return self.route.partition("-")[0]

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def lists(self) -> bool:
        """Does it answer with pages?"""
        single = (
            None,
            "retrieve",
            "transitions",
            "export",
            "statement",
            "estimate",
            "as_issued",
            "pdf",
        )
        return (
            self.method == "GET"
            and getattr(self.view, "actions", {}).get("get") not in single
            and self.room != "report"
        )

    def address(self, key: int | None = None) -> str:
        return reverse(self.route, args=[key] if self.keyed else [])


def find(patterns: list[Any], under: str = "") -> Iterator[Call]:
    for pattern in patterns:
        path = under + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if "api/v1/".startswith(path) or path in ("api/v1/", "api/v1/auth/"):
                yield from find(pattern.url_patterns, path)
        elif path.startswith("api/v1/"):
            view = pattern.callback
            methods = getattr(view, "actions", None) or [
                name
                for name in ("get", "post", "put", "patch", "delete")
                if hasattr(view.view_class, name)
            ]
            for method in methods:
                if method != "head":
                    yield Call(
                        method.upper(), pattern.name, view, "pk" in pattern.pattern.regex.groupindex
                    )


CALLS = list(find(get_resolver().url_patterns))
WRITES = [call for call in CALLS if call.writes]
READS = [call for call in CALLS if not call.writes]
LISTS = [call for call in CALLS if call.lists]


def key_of(world: World, call: Call) -> int:
    """The row of the world that this route is about."""
    return world.row(call.room).pk


def there(world: World, call: Call) -> str:
    if call.room == "shared":
        return reverse(call.route, args=[world.token])
    return call.address(key_of(world, call) if call.keyed else None)


def do(client: Any, method: str, path: str, body: Any = None, **headers: Any) -> Any:
    """A request with ``body`` as JSON."""
    sent = {} if body is None else {"data": orjson.dumps(body), "content_type": "application/json"}
    return client.generic(method, path, **sent, **headers)


def make(world: World, client: Any, call: Call, **headers: Any) -> Any:
    """The call as it would succeed for whoever may."""
    return do(client, call.method, there(world, call), world.body(str(call), client), **headers)


def rows(*labels: str) -> dict[str, list[Any]]:
    """Every row of these apps, or of the shop: what an attack must leave as it was."""
    labels = labels or ("customers", "mechanics", "inventory", "tickets", "accounts", "api", "auth")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return {model.__name__: whole_table(model) for model in models}


def whole_table(model: Any) -> list[Any]:
    """As the driver gives it: asked so often, Django's way would take longer than the
    attacks.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY {model._meta.pk.column}")
        return cursor.fetchall()


def text_of(response: Any) -> str:
    """The answer as text; of a PDF what is readable."""
    return response.content.decode("utf-8", "replace")


def told(response: Any, key: int) -> tuple[Any, ...]:
    """All that an answer tells: status, headers and body, but for the key in addresses
    and what is drawn anew for each answer.
    """
    text = re.sub(
        rb'(csrfmiddlewaretoken" value="|csrfToken": "|form_key" value=")[\w-]+',
        rb"\1",
        response.content,
    )
    headers = {
        name: value
        for name, value in response.items()
        if name not in ("X-Request-ID", "Content-Length")
    }
    return response.status_code, headers, text.replace(b"/%d/" % key, b"/KEY/")


def browser_of(user: Any, **kwargs: Any) -> Browser:
    """A browser in which somebody is logged in."""
    browser = Browser(**kwargs)
    browser.force_login(user)
    return browser


class Hashings:
    """Counts how often a password is hashed."""

    def __init__(self, monkeypatch: Any) -> None:
        self.count = 0
        encode = hashers.MD5PasswordHasher.encode

        def counted(hasher: Any, *args: Any, **kwargs: Any) -> str:
            self.count += 1
            return encode(hasher, *args, **kwargs)

        monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counted)

    def of(self, act: Any) -> int:
        before = self.count
        act()
        return self.count - before
