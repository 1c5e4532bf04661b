"""With FAST_PATH=off plain Django and Django REST answer, and they answer the same. That
all else works so, too, is shown by the whole suite, run with FAST_PATH=off.
"""

from typing import Any

import orjson
import pytest

from inventory.models import Part
from mechanic_shop.fastpath import switch
from mechanic_shop.http.etags import etag_of
from mechanic_shop.urls import router

from .conftest import Client
from .factories import CustomerFactory, VehicleFactory, make_ticket
from .test_express import ACTORS, PATHS
from .test_reading import fill_the_shop

pytestmark = pytest.mark.django_db
MODES = (True, False)
LISTS = [f"{prefix}/" for prefix, *_ in router.registry]


def ordered(body: bytes) -> list[Any]:
    """JSON with the order of its keys."""
    found = orjson.loads(body)
    return [found, keys_of(found)]


def keys_of(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, keys_of(inner)) for name, inner in value.items()]
    return [keys_of(inner) for inner in value] if isinstance(value, list) else None


def ask(settings: Any, client: Client, path: str, fast: bool) -> Any:
    settings.FAST_PATH = fast
    assert switch.is_on() is fast
    answer = client.get(f"/api/v1/{path}")
    if "ETag" in answer:
        assert answer["ETag"] == etag_of(answer.content)
    return answer


def compare(settings: Any, client: Client, path: str) -> None:
    fast, plain = (ask(settings, client, path, mode) for mode in MODES)
    assert fast.status_code == plain.status_code, path
    assert ("ETag" in fast) == ("ETag" in plain), path
    if fast.status_code >= 400:
        shown = [orjson.loads(found.content) | {"request_id": ""} for found in (fast, plain)]
        assert shown[0] == shown[1]
        return
    assert ordered(fast.content) == ordered(plain.content), path


def test_both_modes_answer_alike(
    request: pytest.FixtureRequest, settings: Any, owner: Client, assigned: Client
) -> None:
    fill_the_shop(owner, assigned)
    ticket = make_ticket(
        "approved",
        vehicle=VehicleFactory(customer=owner.user.customer),
        mechanics=[assigned.user.mechanic],
    )
    ids = {
        "ticket": ticket.pk,
        "vehicle": ticket.vehicle_id,
        "customer": ticket.customer_id,
        "part": Part.objects.first().pk,
        "mechanic": assigned.user.mechanic.pk,
    }
    paths = {*PATHS, *LISTS, "jobs/?cursor=", "parts/?cursor=1&page_size=2"}
    for client in map(request.getfixturevalue, ACTORS):
        for path in paths:
            compare(settings, client, path.format(**ids))


@pytest.mark.parametrize("mode", MODES)
def test_what_has_not_changed_is_304(settings: Any, manager: Client, mode: bool) -> None:
    seen = ask(settings, manager, "tickets/", mode)
    again = manager.get("/api/v1/tickets/", HTTP_IF_NONE_MATCH=seen["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_a_write_is_answered_alike_and_its_etag_is_the_one_that_is_read(
    settings: Any, manager: Client
) -> None:
    customer = CustomerFactory()
    bodies = []
    for mode in MODES:
        settings.FAST_PATH = mode
        made = manager.post("/api/v1/tickets/", {"customer": customer.pk, "concern": "Brakes"})
        assert made.status_code == 201
        address = made["Location"]
        assert made["ETag"] == manager.get(address)["ETag"] == etag_of(made.content)
        changed = manager.patch(address, {"concern": "Oil"}, HTTP_IF_MATCH=made["ETag"])
        assert changed.status_code == 200
        refused = manager.patch(address, {"concern": "No"}, HTTP_IF_MATCH=made["ETag"])
        assert refused.status_code == 412
        bodies.append((keys_of(made.json()), keys_of(changed.json())))
    assert bodies[0] == bodies[1]


def test_a_page_that_one_mode_cached_is_not_what_the_other_sends(
    settings: Any, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(settings, manager, "parts/", fast=True)
    asked = []
    monkeypatch.setattr(
        "mechanic_shop.http.listing.ListingViewSet.serialized_page",
        lambda *args: asked.append(args) or {"count": 0, "results": []},
    )
    assert ask(settings, manager, "parts/", fast=False).json() == {"count": 0, "results": []}
    assert len(asked) == 1, "then it is cached, too"
