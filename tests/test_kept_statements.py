"""Statements that are kept: shared by users with the same rights, and no more than so
many bytes.
"""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from customers.models import Customer
from mechanic_shop.fastpath import json_pages
from mechanic_shop.fastpath.query_cache import (
    MEGABYTE,
    QueryCache,
    page_query_cache,
    query_cache,
    weight_of,
)

from .conftest import Client, client_of
from .factories import CustomerFactory, UserFactory, VehicleFactory, make_ticket

pytestmark = pytest.mark.django_db
LISTS = (
    "tickets",
    "tickets/mine",
    "vehicles",
    "customers",
    "jobs",
    "invoices",
    "credit-notes",
    "payments",
    "mechanics",
)


class Garage:
    """A customer with a car on a ticket, and what they do all day."""

    def __init__(self) -> None:
        self.customer = CustomerFactory(login=True)
        self.vehicle = VehicleFactory(customer=self.customer)
        self.ticket = make_ticket(customer=self.customer, vehicle=self.vehicle)
        self.client = client_of(self.customer.user)

    def read(self) -> dict[str, Any]:
        """Every list, walked too, and every row of their own, by its address."""
        rows = {
            f"tickets/{self.ticket.pk}",
            f"vehicles/{self.vehicle.pk}",
            f"customers/{self.customer.pk}",
        }
        return {path: self.get(f"{path}/") for path in (*LISTS, *rows)} | {
            f"{path}?cursor=": self.get(f"{path}/?cursor=") for path in LISTS[2:4]
        }

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, (path, answer.content)
        return answer.json()

    def write(self) -> None:
        changed = self.client.patch(
            f"/api/v1/customers/{self.customer.pk}/", {"phone": f"555-01{self.customer.pk:02}"}
        )
        opened = self.client.post(
            "/api/v1/tickets/", {"vehicle": self.vehicle.pk, "concern": "It squeaks"}
        )
        assert (changed.status_code, opened.status_code) == (200, 201), (
            changed.content,
            opened.content,
        )


def kept() -> tuple[int, int]:
    return len(query_cache.kept), len(page_query_cache.kept)


# --- shared ---------------------------------------------------------------------------


def test_customers_share_what_is_kept_and_see_their_own() -> None:
    first, *others = [Garage() for _ in range(4)]
    first.read()
    first.write()
    before = kept()
    for garage in others:
        seen = garage.read()
        assert [row["id"] for row in seen["tickets"]["results"]] == [garage.ticket.pk]
        assert seen["tickets/mine"] == seen["tickets"]
        assert (
            [row["id"] for row in seen["vehicles"]["results"]]
            == [row["id"] for row in seen["vehicles?cursor="]["results"]]
            == [garage.vehicle.pk]
        )
        assert [row["id"] for row in seen["customers"]["results"]] == [garage.customer.pk]
        garage.write()
        assert [row["id"] for row in first.read()["vehicles"]["results"]] == [first.vehicle.pk]
    assert kept() == before


def test_what_another_customer_owns_is_not_there_by_any_kept_statement() -> None:
    first, second = Garage(), Garage()
    first.read()
    first.write()
    for path in (
        f"tickets/{first.ticket.pk}",
        f"vehicles/{first.vehicle.pk}",
        f"customers/{first.customer.pk}",
    ):
        assert second.client.get(f"/api/v1/{path}/").status_code == 404
        assert second.client.patch(f"/api/v1/{path}/", {}).status_code == 404
    refused = second.client.post(
        "/api/v1/tickets/", {"vehicle": first.vehicle.pk, "concern": "Mine now"}
    )
    assert refused.json()["errors"][0]["code"] == "does_not_exist"


def test_other_rights_are_another_statement() -> None:
    """The same person, before and after a role is given."""
    garage, stranger = Garage(), CustomerFactory()
    before = garage.read()
    assert len(before["customers"]["results"]) == 1
    assert "notes" not in before["customers"]["results"][0]
    advisor = UserFactory(role="advisor")
    CustomerFactory(user=advisor, email=advisor.email)
    seen = client_of(advisor).get("/api/v1/customers/").json()["results"]
    assert stranger.pk in [row["id"] for row in seen]
    assert "notes" in seen[0]
    assert len(garage.read()["customers"]["results"]) == 1


def test_a_long_list_is_counted_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count is kept for a second, where all see the same list."""
    monkeypatch.setattr(json_pages, "LONG", 0)
    first, second = Garage(), Garage()
    for _ in range(2):
        make_ticket(customer=first.customer)
    for _ in range(2):
        assert (first.get("tickets/")["count"], second.get("tickets/")["count"]) == (3, 1)


def test_no_value_of_the_user_stays_in_what_is_made_in_their_name(owner: Client) -> None:
    stand_in = owner.user.stand_in()
    assert stand_in.get_all_permissions() is owner.user.get_all_permissions()
    assert (stand_in.email, stand_in.password, stand_in.last_login) == ("", "", None)
    with pytest.raises(Customer.DoesNotExist):
        assert stand_in.customer


# --- bounded --------------------------------------------------------------------------


class Heavy:
    weight = 1000


def test_a_shelf_drops_what_was_not_used_for_longest() -> None:
    small = QueryCache(5 * weight_of((0,), Heavy()))
    for number in range(5):
        small.get((number,), Heavy)
    kept_before = small.get((0,), Heavy)
    small.get((5,), Heavy)
    assert list(small.kept) == [(2,), (3,), (4,), (0,), (5,)]
    assert small.kept[(0,)] is kept_before
    assert small.held == small.size


def test_what_fits_on_no_shelf_is_not_kept() -> None:
    small = QueryCache(100)
    assert isinstance(small.get((1,), Heavy), Heavy)
    assert (small.held, len(small.kept)) == (0, 0)


def test_a_query_string_counts_with_its_length() -> None:
    assert weight_of((int, "x" * 5000), Heavy()) - weight_of((int, ""), Heavy()) == 5000


def test_both_shelves_are_64_megabytes_of_a_process() -> None:
    assert query_cache.size + page_query_cache.size == 64 * MEGABYTE


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    """The bytes that Python holds, by what was made since."""
    tracemalloc.start()

    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    yield held
    tracemalloc.stop()


@pytest.mark.fast_path
def test_what_is_kept_holds_the_bytes_that_it_says(
    traced: Callable[[], int], manager: Client
) -> None:
    garage = Garage()
    rows = (f"tickets/{garage.ticket.pk}", f"vehicles/{garage.vehicle.pk}")

    def ask() -> None:
        for path in (*LISTS, "parts", "canned-jobs", "tax-codes", *rows):
            assert manager.get(f"/api/v1/{path}/").status_code == 200
        garage.write()

    ask()  # all else that is kept, once
    query_cache.clear()
    page_query_cache.clear()
    before = traced()
    ask()
    real = traced() - before
    said = query_cache.held + page_query_cache.held
    assert said > 150_000
    assert 0.6 * real < said < 2 * real, (said, real)
