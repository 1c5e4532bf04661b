"""Every filter and every ordering that is offered has its index: shown by the
database's own plan.
"""

import re
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.filters import CustomerFilter, VehicleFilter
from customers.views import CustomerViewSet, VehicleViewSet
from inventory.filters import PartFilter
from inventory.views import PartViewSet
from tickets.desk.views import ServiceTicketViewSet
from tickets.work.filters import ServiceTicketFilter

from .conftest import Client
from .factories import CustomerFactory, MechanicFactory, PartFactory, VehicleFactory, make_ticket

pytestmark = pytest.mark.django_db

MOMENT, DAY = "2026-01-02T03:04:05Z", "2026-01-02"
FILTERS = {
    ("tickets", ServiceTicketFilter): {
        "status": "approved",
        "on_hold": "true",
        "hold_reason": "parts",
        "customer": "1",
        "vehicle": "1",
        "mechanic": "1",
        "part": "1",
        "service_date": DAY,
        "opened_after": MOMENT,
        "opened_before": MOMENT,
        "promised_before": MOMENT,
        "updated_after": MOMENT,
    },
    ("customers", CustomerFilter): {"email": "a@example.com", "updated_after": MOMENT},
    ("vehicles", VehicleFilter): {
        "customer": "1",
        "plate": "AB",
        "vin": "AB",
        "make": "Honda",
        "year": "2003",
        "updated_after": MOMENT,
    },
    ("parts", PartFilter): {
        "unit": "each",
        "bin": "A-1",
        "barcode": "123",
        "sku": "X",
        "is_active": "true",
        "updated_after": MOMENT,
    },
}
# Few values, few rows in all, or no index that the comparison could use (``iexact``): on
# these the planner may walk the ordering's index until a page is full. A new filter
# belongs here only with such a reason; an exact filter on a large table needs an index.
WALKS = {
    ("parts", "barcode"),
    ("parts", "unit"),
    ("parts", "is_active"),
    ("parts", "bin"),
    ("parts", "sku"),
    ("parts", "updated_after"),
}
WALKS |= {
    ("vehicles", "make"),
    ("vehicles", "updated_after"),
    ("customers", "email"),
    ("customers", "updated_after"),
}
if not settings.FAST_PATH:  # which looks the keys of a page up first, by the filter's index
    WALKS |= {("tickets", "on_hold"), ("tickets", "hold_reason")}
TABLES = {
    "tickets": "tickets_serviceticket",
    "customers": "customers_customer",
    "vehicles": "customers_vehicle",
    "parts": "inventory_part",
}
OF_A_TABLE = re.compile(f'FROM "({"|".join(TABLES.values())})"')
VIEWS = {
    "tickets": ServiceTicketViewSet,
    "customers": CustomerViewSet,
    "vehicles": VehicleViewSet,
    "parts": PartViewSet,
}


@pytest.fixture
def _a_shop(db: Any) -> None:
    for _ in range(5):
        make_ticket(
            "approved",
            vehicle=VehicleFactory(),
            parts=[(PartFactory(), 1)],
            mechanics=[MechanicFactory()],
        )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # the plan for a large table, on a small one
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")


def plan(client: Client, url: str) -> list[str]:
    """How the database goes about the statement that reads the rows."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200, url
    read = [query["sql"] for query in captured if "json" in query["sql"]]
    if not settings.FAST_PATH:  # of an empty page the ORM runs the count alone
        read = [query["sql"] for query in captured if OF_A_TABLE.search(query["sql"])][-1:]
    return explained(read[0])


def plans(client: Client, url: str) -> list[list[str]]:
    """The same of each statement that reads customers, vehicles or tickets."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).json()["count"], url
    return [explained(query["sql"]) for query in captured if OF_A_TABLE.search(query["sql"])]


def explained(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            ("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + sql
        )
        return [str(row[-1]) for row in cursor.fetchall()]


def scans(lines: list[str], table: str) -> list[str]:
    """Lines that read the whole table without an index."""
    whole = (
        rf"Seq Scan on {table}\b"
        if connection.vendor == "postgresql"
        else rf"SCAN ({table}|U0|V0)\b(?!.*USING.*INDEX)"
    )
    return [line for line in lines if re.search(whole, line)]


def searches(lines: list[str]) -> bool:
    """Does it go to the rows by a value, instead of passing all of them?"""
    on_sqlite = (
        r"SEARCH .*INDEX (?!.*\(id=\?\))|SEARCH .*\((ticket_id|mechanic_id|part_id|vehicle_id)"
    )
    wanted = r"Index Cond" if connection.vendor == "postgresql" else on_sqlite
    return any(re.search(wanted, line) for line in lines)


SEARCHES = [
    ("tickets", "{number}", ["tickets_serviceticket_pkey"]),
    ("tickets", "zelda", ["customers_by_text", "vehicles_by_text", "tickets_by_customer"]),
    (
        "tickets",
        "AB-12 CD",
        ["customers_by_text", "vehicles_by_text", "tickets_serviceticket_vehicle_id"],
    ),
    ("tickets", "555-0147", ["customers_by_text"]),
    (
        "customers",
        "zelda quick",
        ["customers_by_text", "vehicles_by_text", "customers_customer_pkey"],
    ),
    ("customers", "(555) 0147", ["customers_by_text"]),
    ("vehicles", "moss zelda", ["customers_by_text", "vehicles_by_text", "customers_vehicle_pkey"]),
    ("vehicles", "ab12", ["customers_by_text", "vehicles_by_text"]),
]


@pytest.mark.usefixtures("_a_shop")
@pytest.mark.parametrize(("route", "term", "indexes"), SEARCHES)
def test_a_search_goes_from_index_to_index(
    manager: Client, route: str, term: str, indexes: list[str]
) -> None:
    zelda = CustomerFactory(name="Zelda Quick", phone="555-0147")
    term = term.format(
        number=make_ticket(
            vehicle=VehicleFactory(customer=zelda, plate="AB-12 CD", color="moss")
        ).number
    )
    with connection.cursor() as cursor:
        # nor along another index, which costs nothing on a small table
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute("SET LOCAL enable_indexonlyscan = off")
    lines = [line for each in plans(manager, f"/api/v1/{route}/?search={term}") for line in each]
    if connection.vendor == "postgresql":
        assert [
            index for index in indexes if not any(f" on {index}" in line for line in lines)
        ] == []
        assert [line for table in TABLES.values() for line in scans(lines, table)] == []
    else:
        # which has no index for a piece of text: customers and vehicles are read once,
        # tickets never
        assert not scans(lines, TABLES["tickets"]), lines


def test_the_table_names_every_filter() -> None:
    for (route, filterset), values in FILTERS.items():
        assert set(values) == set(filterset.base_filters), f"{route}: give FILTERS a value"


EVERY_FILTER = [
    (route, name, value) for (route, _), values in FILTERS.items() for name, value in values.items()
]


@pytest.mark.usefixtures("_a_shop")
@pytest.mark.parametrize(("route", "name", "value"), EVERY_FILTER)
def test_a_filter_has_its_index(manager: Client, route: str, name: str, value: str) -> None:
    lines = plan(manager, f"/api/v1/{route}/?{name}={value}")
    if (route, name) not in WALKS:
        assert searches(lines), f"no index for {name}: add one, or a reason to WALKS: {lines}"
        assert not scans(lines, TABLES[route]), lines


@pytest.mark.usefixtures("_a_shop")
@pytest.mark.parametrize(
    ("route", "field"),
    [
        (route, field)
        for route, view in VIEWS.items()
        for field in view.ordering_fields
        if field != "number"
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_ordering_has_its_index(manager: Client, route: str, field: str, sign: str) -> None:
    lines = plan(manager, f"/api/v1/{route}/?ordering={sign}{field}")
    assert not scans(lines, TABLES[route]), lines


@pytest.mark.parametrize("deep", [1, 3])
def test_a_walk_reads_by_the_key(manager: Client, deep: int) -> None:
    tickets = [make_ticket() for _ in range(7)]
    url: str | None = "/api/v1/tickets/?cursor=&page_size=2"
    seen = []
    while url:
        page = manager.get(url).json()
        assert (page["count"], page["previous"]) == (None, None)
        seen += [ticket["id"] for ticket in page["results"]]
        url = page["next"]
    assert seen == [ticket.pk for ticket in tickets]


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=-1", "cursor=&page=2", "cursor=&ordering=number", "cursor=" + "9" * 19],
)
def test_a_walk_that_cannot_be_is_refused(manager: Client, query: str) -> None:
    assert manager.get(f"/api/v1/tickets/?{query}").status_code == 400


def test_a_walk_shows_a_customer_nobody_elses(owner: Client, stranger: Client) -> None:
    make_ticket(customer=owner.user.customer)
    assert stranger.get("/api/v1/tickets/?cursor=").json()["results"] == []
    assert len(owner.get("/api/v1/tickets/?cursor=").json()["results"]) == 1
