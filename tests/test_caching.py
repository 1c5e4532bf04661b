"""Cached pages: never one person's to another, never older than a write, and no need
for Redis.
"""

import pickle
import time
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.db import connection, transaction
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django_redis.client import DefaultClient

from inventory import tax_operations
from inventory.models import Part
from mechanic_shop.db.redis import SafeSerializer, ShopRedisCache
from mechanic_shop.fastpath import json_pages
from mechanic_shop.http import caching, throttling
from mechanics.models import Mechanic

from .answers import refused
from .conftest import Client, client_of
from .factories import MechanicFactory, PartFactory, UserFactory, make_ticket, office

pytestmark = pytest.mark.django_db
MECHANICS, POPULAR, PARTS = "/api/v1/mechanics/", "/api/v1/mechanics/popular/", "/api/v1/parts/"


def queries(client: Client, path: str) -> int:
    """How many queries of the page's own a read takes."""
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(
        [
            query
            for query in found.captured_queries
            if "mechanics_mechanic" in query["sql"] or '"inventory_part"' in query["sql"]
        ]
    )


def test_a_tax_codes_new_name_stands_in_the_list_of_parts(
    manager: Client, django_capture_on_commit_callbacks: Any
) -> None:
    code = tax_operations.add_tax_code(name="VAT", rate=Decimal(20), by=None)
    PartFactory(tax_code=code)
    assert manager.get(PARTS).json()["results"][0]["tax_code"] == {"id": code.pk, "name": "VAT"}
    with django_capture_on_commit_callbacks(execute=True):
        assert (
            manager.patch(f"/api/v1/tax-codes/{code.pk}/", {"name": "Sales tax"}).status_code == 200
        )
    assert manager.get(PARTS).json()["results"][0]["tax_code"] == {
        "id": code.pk,
        "name": "Sales tax",
    }


# --- whose page -----------------------------------------------------------------------


def test_a_page_is_shared_by_those_who_see_the_same(anonymous: Client, owner: Client) -> None:
    MechanicFactory()
    first = anonymous.get(MECHANICS)
    Mechanic.objects.update(name="Changed behind the cache's back")
    assert owner.get(MECHANICS).content == first.content


def test_cost_is_on_nobodys_page_but_theirs(manager: Client, assigned: Client) -> None:
    PartFactory(cost="8.51")
    for client, sees in ((manager, True), (assigned, False), (manager, True), (assigned, False)):
        assert ("8.51" in client.get(PARTS).content.decode()) is sees


def test_a_cached_page_is_no_way_round_permission(
    manager: Client, owner: Client, anonymous: Client
) -> None:
    PartFactory()
    manager.get(PARTS)
    refused(owner.get(PARTS), 403)
    refused(anonymous.get(PARTS), 401)
    refused(anonymous.get(MECHANICS, HTTP_AUTHORIZATION="Bearer x"), 401)


def test_a_user_who_was_switched_off_gets_no_cached_page(manager: Client) -> None:
    PartFactory()
    manager.get(PARTS)
    manager.user.is_active = False
    manager.user.save()
    refused(manager.get(PARTS), 401)


def test_a_right_that_was_taken_takes_the_page(manager: Client) -> None:
    PartFactory(cost="8.51")
    assert "8.51" in manager.get(PARTS).content.decode()
    manager.user.groups.clear()
    refused(client_of(type(manager.user).objects.get(pk=manager.user.pk)).get(PARTS), 403)


def test_hosts_and_queries_do_not_share_a_page(anonymous: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    MechanicFactory.create_batch(2)
    first = anonymous.get(MECHANICS + "?page_size=1", HTTP_HOST="one.example")
    second = anonymous.get(MECHANICS + "?page_size=1", HTTP_HOST="two.example")
    assert "one.example" in first.json()["next"]
    assert "two.example" in second.json()["next"]
    assert (
        anonymous.get(MECHANICS + "?page_size=1&page=2", HTTP_HOST="one.example").json()["results"]
        != first.json()["results"]
    )


def test_what_goes_out_is_private_and_asked_for_again(anonymous: Client) -> None:
    for _ in range(2):
        response = anonymous.get(MECHANICS)
        assert response["Cache-Control"] == "private, no-cache"
        assert not {"Expires", "Age", "Set-Cookie"} & set(response.headers)


def test_a_refusal_is_not_cached(anonymous: Client) -> None:
    refused(anonymous.get(MECHANICS + "?page=2"), 404)
    Mechanic.objects.bulk_create(Mechanic(name=f"M{number}") for number in range(26))
    assert anonymous.get(MECHANICS + "?page=2").status_code == 200


def test_a_page_for_people_is_not_a_page_for_programs(anonymous: Client) -> None:
    MechanicFactory()
    for accept, kind in (
        ("text/html", "text/html"),
        ("application/json", "application/json"),
        ("text/html", "text/html"),
        ("*/*", "application/json"),
    ):
        assert anonymous.get(MECHANICS, HTTP_ACCEPT=accept)["Content-Type"].startswith(kind)


# --- how old --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", ["create", "patch", "put", "delete"])
@pytest.mark.parametrize("path", [MECHANICS, POPULAR])
def test_a_write_is_seen_by_the_next_read(
    manager: Client, anonymous: Client, path: str, write: str
) -> None:
    mechanic = MechanicFactory(name="Before")
    before = [client.get(path).content for client in (manager, anonymous)]
    address = f"{MECHANICS}{mechanic.pk}/"
    {
        "create": lambda: manager.post(MECHANICS, {"name": "After"}),
        "patch": lambda: manager.patch(address, {"name": "After"}),
        "put": lambda: manager.put(address, {"name": "After"}),
        "delete": lambda: manager.delete(address),
    }[write]()
    after = [client.get(path).json() for client in (manager, anonymous)]
    assert all(("After" in str(page)) is (write != "delete") for page in after)
    assert [client.get(path).content for client in (manager, anonymous)] != before


@pytest.mark.django_db(transaction=True)
def test_a_rollback_does_not_make_pages_old(anonymous: Client) -> None:
    MechanicFactory()
    anonymous.get(MECHANICS)
    generation = caching.known_generation("mechanics")
    with transaction.atomic():
        caching.changed("mechanics")
        transaction.set_rollback(True)
    assert caching.known_generation("mechanics") == generation
    assert queries(anonymous, MECHANICS) == 0


@pytest.mark.django_db(transaction=True)
def test_a_write_under_way_is_not_told_before_its_commit(anonymous: Client) -> None:
    """A reader in between must not store the old rows under the new generation."""
    generation = caching.known_generation("parts")
    with transaction.atomic():
        caching.changed("parts")
        assert caching.known_generation("parts") == generation
    assert caching.known_generation("parts") > generation


@pytest.mark.django_db(transaction=True)
def test_a_page_built_while_a_write_commits_is_old_at_once(
    anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows were read before the write, the page is stored after it."""
    mechanic = MechanicFactory(name="Before")
    store = caching.cache_page

    def written_meanwhile(*args: Any, **kwargs: Any) -> Any:
        def around(view: Any) -> Any:
            def read(request: Any) -> Any:
                response = view(request)
                Mechanic.objects.filter(pk=mechanic.pk).update(name="After")
                caching.changed("mechanics")
                return response

            return store(*args, **kwargs)(read)

        return around

    monkeypatch.setattr(caching, "cache_page", written_meanwhile)
    assert "Before" in anonymous.get(MECHANICS).content.decode()
    monkeypatch.undo()
    assert "After" in anonymous.get(MECHANICS).content.decode()


def test_groups_do_not_disturb_each_other(
    anonymous: Client, manager: Client, django_capture_on_commit_callbacks: Any
) -> None:
    MechanicFactory()
    anonymous.get(MECHANICS)
    with django_capture_on_commit_callbacks(execute=True):
        manager.post(PARTS, {"sku": "A", "name": "A", "price": 1})
    assert queries(anonymous, MECHANICS) == 0


def test_a_lost_generation_does_not_bring_old_pages_back(anonymous: Client) -> None:
    MechanicFactory(name="Before")
    anonymous.get(MECHANICS)
    Mechanic.objects.update(name="After")
    cache.delete("generation:mechanics")  # evicted, together with the note that it changed
    caching.generations.clear()
    assert "After" in anonymous.get(MECHANICS).content.decode()


def test_a_write_of_stock_is_a_write_of_parts(
    manager: Client, django_capture_on_commit_callbacks: Any
) -> None:
    part = PartFactory(stock=5)
    manager.get(PARTS)
    with django_capture_on_commit_callbacks(execute=True):
        make_ticket("completed", parts=[(part, 2)])
    assert manager.get(PARTS).json()["results"][0]["on_hand"] == "3.000"
    assert office().pk


# --- what is written to Redis ---------------------------------------------------------


@pytest.mark.parametrize(
    "value", [None, True, 0, 1, -5, 10**18, 1.5, "text", "ü", ["a", 1], {"a": [1]}, ""]
)
def test_values_come_back_as_they_went(value: Any) -> None:
    store = SafeSerializer({})
    assert store.loads(store.dumps(value)) == value


def test_a_page_comes_back_as_its_parts() -> None:
    store = SafeSerializer({})
    page = HttpResponse(
        b'{"a":"\xc3\xbc"}', status=200, content_type="application/json", headers={"ETag": '"x"'}
    )
    found = store.loads(store.dumps(page))
    assert isinstance(found, HttpResponse)
    assert (found.status_code, found.content, dict(found.items())) == (
        200,
        page.content,
        dict(page.items()),
    )


class Bomb:
    gone_off = False

    def __reduce__(self) -> Any:
        return setattr, (Bomb, "gone_off", True)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_never_opened(protocol: int) -> None:
    assert SafeSerializer({}).loads(pickle.dumps(Bomb(), protocol)) is None
    assert not Bomb.gone_off


@pytest.mark.parametrize(
    "found",
    [
        b"",
        b"5",
        b"[]",
        b"{}",
        b"null",
        b'"page"',
        b'{"page":5}',
        b'{"page":[200]}',
        b"\x80\x04",
        b'{"page":[1,{},""]}',
        b'["page"]',
    ],
)
def test_what_the_shop_did_not_write_is_not_there(found: bytes) -> None:
    assert SafeSerializer({}).loads(found) is None


# --- Redis is gone --------------------------------------------------------------------


@pytest.fixture
def gone(settings: Any, monkeypatch: pytest.MonkeyPatch) -> ShopRedisCache:
    """A Redis to which nobody listens, in place of the cache."""
    monkeypatch.setattr(ShopRedisCache, "down_until", 0.0)
    monkeypatch.setattr(caching, "pending_groups", set())
    throttling.fallback.clear()
    options = {
        "SERIALIZER": "mechanic_shop.db.redis.SafeSerializer",
        "SOCKET_CONNECT_TIMEOUT": 0.25,
        "SOCKET_TIMEOUT": 0.25,
    }
    settings.CACHES = {
        "default": {
            "BACKEND": "mechanic_shop.db.redis.ShopRedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": options,
        }
    }
    return caches["default"]


def test_a_redis_that_is_gone_answers_none(gone: ShopRedisCache) -> None:
    answers = [
        gone.get("a"),
        gone.set("a", 1),
        gone.add("a", 1),
        gone.incr("a"),
        gone.delete("a"),
        gone.touch("a"),
        gone.delete_many(["a"]),
        gone.clear(),
    ]
    assert answers == [None] * 8
    assert (gone.get_many(["a"]), gone.set_many({"a": 1}), gone.has_key("a")) == ({}, [], False)


def test_a_redis_that_failed_is_left_alone_for_a_while(
    gone: ShopRedisCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(DefaultClient, "get", lambda self, *args, **kwargs: asked.append(args))
    gone.set("a", 1)
    assert gone.is_down
    assert [gone.get("a") for _ in range(100)] == [None] * 100
    assert asked == []
    monkeypatch.setattr(ShopRedisCache, "down_until", time.monotonic() - 1)
    gone.get("a")
    assert len(asked) == 1


def test_the_shop_goes_on_without_redis(
    gone: ShopRedisCache, manager: Client, anonymous: Client, settings: Any
) -> None:
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"anon": "1/hour", "staff": "1/hour"}
    start = time.monotonic()
    for _ in range(3):
        assert anonymous.get(MECHANICS).status_code == 200
        assert anonymous.get(POPULAR).status_code == 200
    created = manager.post(PARTS, {"sku": "A", "name": "A", "price": 1}, HTTP_IDEMPOTENCY_KEY="k")
    assert created.status_code == 201
    assert (
        manager.post(PARTS, {"sku": "A", "name": "A", "price": 1}, HTTP_IDEMPOTENCY_KEY="k").content
        == created.content
    )
    assert [row["sku"] for row in manager.get(PARTS).json()["results"]] == ["A"]
    assert (
        manager.put(f"{PARTS}{Part.objects.get().pk}/receive/", {"quantity": 1}).json()["on_hand"]
        == "1.000"
    )
    assert manager.get(PARTS).json()["results"][0]["on_hand"] == "1.000"
    assert time.monotonic() - start < 3


def test_guessing_passwords_is_limited_without_redis(
    gone: ShopRedisCache, anonymous: Client, settings: Any
) -> None:
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"login": "2/hour"}
    UserFactory(email="alice@example.com")
    answers = [
        anonymous.post(
            "/api/v1/auth/token/", {"email": "alice@example.com", "password": "wrong"}
        ).status_code
        for _ in range(3)
    ]
    assert answers == [401, 401, 429]


def test_who_found_no_redis_trusts_nothing_that_it_knew_before(gone: ShopRedisCache) -> None:
    """Another process may have changed something, and could not say so."""
    assert caching.known_generation("parts") is None
    assert caching.pending_groups == set(caching.CACHE_GROUPS)


def test_pages_from_before_an_outage_do_not_come_back_with_redis(
    anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed while nobody could be told is told as soon as somebody listens
    again.
    """
    MechanicFactory(name="Before")
    anonymous.get(MECHANICS)
    Mechanic.objects.update(name="After")
    with monkeypatch.context() as outage:
        outage.setattr(caching, "is_shared", lambda: True)
        outage.setattr(
            caching, "cache", type("Gone", (), {"look": lambda *a: None, "set": lambda *a: None})()
        )
        caching.new_generation("mechanics")
        assert caching.pending_groups == {"mechanics"}
    assert "After" in anonymous.get(MECHANICS).content.decode()
    assert caching.pending_groups == set()


@pytest.mark.django_db(transaction=True)
def test_a_cached_page_keeps_no_count_from_before_it(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count of a long list may be a second old, but not for as long as a page is
    cached.
    """
    monkeypatch.setattr(json_pages, "LONG", 1)
    PartFactory(), PartFactory()
    assert manager.get("/api/v1/parts/").json()["count"] == 2
    manager.post("/api/v1/parts/", {"sku": "NEW", "name": "New", "price": 1})
    assert manager.get("/api/v1/parts/").json()["count"] == 3
