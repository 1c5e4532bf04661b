"""Every list of the API: pages, parameters, order, search, and the number of its
queries.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, resolve

from customers.models import Customer, Vehicle
from inventory import operations as stock
from inventory import tax_operations
from inventory.models import Part
from mechanic_shop.http import search
from mechanics.models import Mechanic
from tickets.approvals import operations as approvals
from tickets.approvals import share_links
from tickets.billing import credit_notes, payments
from tickets.models import CannedJob, Invoice, Job, LaborRate, ServiceTicket, StatusChange
from tickets.work import canned_jobs, jobs, parts

from .answers import refused
from .conftest import Client, forget
from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
    office,
)

pytestmark = pytest.mark.django_db


@dataclass
class List:
    """A list route, how ``fill`` adds a row to it, and whether it can be searched."""

    path: str
    fill: Callable[[], Any]
    searched: bool = True


def the_part() -> Part:
    return Part.objects.filter(sku="LEDGER").first() or PartFactory(sku="LEDGER")


def the_ticket() -> ServiceTicket:
    return ServiceTicket.objects.filter(concern="history").first() or make_ticket(concern="history")


def a_whole_ticket(**details: Any) -> ServiceTicket:
    """With all that a list of tickets shows of one."""
    return make_ticket(
        vehicle=VehicleFactory(**details),
        mechanics=[MechanicFactory()],
        parts=[(PartFactory(), 2), (PartFactory(), 1)],
    )


def move_back_and_forth() -> None:
    by = MechanicFactory(user=UserFactory()).user
    StatusChange.objects.create(
        ticket=the_ticket(), from_status="approved", to_status="in_progress", by=by
    )


def receive() -> None:
    stock.receive(the_part(), quantity=Decimal(1), by=MechanicFactory(user=UserFactory()).user)


def a_mechanic_with_a_ticket() -> None:
    make_ticket(mechanics=[MechanicFactory()])


def a_ticket_of_the_office() -> None:
    customer = getattr(office(), "customer", None) or CustomerFactory(
        user=office(), email="office@example.com"
    )
    a_whole_ticket(customer=customer)


def unique(what: str) -> str:
    return f"{what} {next(numbers)}"


def a_job(ticket: ServiceTicket) -> Job:
    """With all that a list of jobs shows of one."""
    lines = [
        {"kind": "fee", "description": "Towing", "quantity": Decimal(1), "unit_price": Decimal(40)}
    ] * 2
    job = jobs.add_job(ticket, title="Towing", lines=lines, by=office())
    parts.add_part(ticket, part=PartFactory(), job=job, by=office())
    return job


def decide() -> None:
    job = jobs.add_job(the_ticket(), title="Towing", by=office())
    approvals.authorize(the_ticket(), defer=[job.pk], by=MechanicFactory(login=True).user)


def pay_in_advance() -> None:
    payments.deposit(the_ticket(), amount=Decimal(5), by=office())


def the_vehicle() -> Vehicle:
    return Vehicle.objects.filter(plate="LATER").first() or VehicleFactory(plate="LATER")


def decline() -> None:
    job = a_job(make_ticket(vehicle=the_vehicle()))
    approvals.authorize(job.ticket, decline=[job.pk], by=office())


def decline_a_part() -> None:
    part = PartFactory()
    ticket = make_ticket(vehicle=the_vehicle(), parts=[(part, 1)])
    approvals.authorize(ticket, decline_parts=[part.pk], by=office())


def a_canned_job() -> None:
    lines = [
        {"kind": "fee", "description": "Towing", "quantity": Decimal(1), "unit_price": Decimal(40)}
    ]
    canned_jobs.write_canned_job(
        CannedJob(),
        name=unique("job"),
        lines=lines,
        parts=[{"part": PartFactory(), "quantity": Decimal(1)}],
        by=office(),
    )


def an_invoice() -> Invoice:
    return make_ticket(
        "invoiced", parts=[(PartFactory(stock=200, price=Decimal(10)), 100)]
    ).invoices.get()


def the_invoice() -> Invoice:
    return Invoice.objects.order_by("pk").first() or an_invoice()


def pay() -> None:
    payments.pay(the_invoice(), amount=Decimal(1), by=office())


def credit(invoice: Invoice) -> None:
    credit_notes.credit(
        invoice, reason="Goodwill", lines=[{"line": 1, "quantity": Decimal(1)}], by=office()
    )


numbers = itertools.count()
LISTS = {
    "customer-list": List("customers/", CustomerFactory),
    "vehicle-list": List("vehicles/", VehicleFactory),
    "mechanic-list": List("mechanics/", MechanicFactory),
    "mechanic-popular": List("mechanics/popular/", a_mechanic_with_a_ticket),
    "part-list": List("parts/", PartFactory),
    "part-low-stock": List("parts/low-stock/", lambda: PartFactory(reorder_point=1)),
    "part-movements": List("parts/{part}/movements/", receive, searched=False),
    "serviceticket-list": List("tickets/", a_whole_ticket),
    "serviceticket-mine": List("tickets/mine/", a_ticket_of_the_office),
    "serviceticket-history": List("tickets/{ticket}/history/", move_back_and_forth, searched=False),
    "serviceticket-authorizations": List(
        "tickets/{ticket}/authorizations/", decide, searched=False
    ),
    "serviceticket-deposits": List("tickets/{ticket}/deposits/", pay_in_advance),
    "serviceticket-share": List(
        "tickets/{ticket}/share/",
        lambda: share_links.share(the_ticket(), by=office()),
        searched=False,
    ),
    "vehicle-recommendations": List("vehicles/{vehicle}/recommendations/", decline),
    "vehicle-recommended-parts": List(
        "vehicles/{vehicle}/recommended-parts/", decline_a_part, searched=False
    ),
    "job-list": List("jobs/", lambda: a_job(make_ticket())),
    "cannedjob-list": List("canned-jobs/", a_canned_job),
    "laborrate-list": List(
        "labor-rates/", lambda: LaborRate.objects.create(name=unique("rate"), hourly=Decimal(90))
    ),
    "taxcode-list": List(
        "tax-codes/",
        lambda: tax_operations.add_tax_code(name=unique("tax"), rate=Decimal(7), by=None),
    ),
    "invoice-list": List("invoices/", an_invoice),
    "invoice-payments": List("invoices/{invoice}/payments/", pay),
    "invoice-credit-notes": List("invoices/{invoice}/credit-notes/", lambda: credit(the_invoice())),
    "creditnote-list": List("credit-notes/", lambda: credit(an_invoice())),
    "payment-list": List("payments/", pay),
}
EVERY_LIST = pytest.mark.parametrize("name", LISTS)


@pytest.fixture
def reader(db: Any) -> Client:
    """The office, which may see every list and has tickets of its own."""
    return Client().as_user(office())


def address(name: str) -> str:
    path = LISTS[name].path
    rows = {"part": the_part, "ticket": the_ticket, "vehicle": the_vehicle, "invoice": the_invoice}
    return "/api/v1/" + path.format(
        **{name: row().pk for name, row in rows.items() if f"{{{name}}}" in path}
    )


def fill(name: str, rows: int) -> str:
    for _ in range(rows):
        LISTS[name].fill()
    return address(name)


def test_every_list_is_here() -> None:
    actions = {
        (pattern.name, method)
        for pattern in next(
            found
            for found in get_resolver().url_patterns
            if str(found.pattern) == "api/v1/" and found.url_patterns
        ).url_patterns
        for method in (getattr(pattern.callback, "actions", None) or {}).items()
    }
    single = ("retrieve", "transitions", "export", "statement", "estimate", "as_issued", "pdf")
    found = {
        name
        for name, (method, action) in actions
        if method == "get" and action not in single and not name.startswith("report-")
    }
    assert found == set(LISTS)


# --- pages ----------------------------------------------------------------------------


@EVERY_LIST
def test_a_page_has_25_rows_and_says_how_to_go_on(reader: Client, name: str) -> None:
    path = fill(name, 27)
    body = reader.get(path).json()
    assert body.keys() == {"count", "next", "previous", "results"}
    assert (len(body["results"]), body["previous"]) == (25, None)
    assert body["count"] >= 27
    last = reader.get(body["next"]).json()
    assert len(last["results"]) == body["count"] - 25
    assert last["next"] is None
    assert last["previous"]


@EVERY_LIST
def test_a_page_that_is_not_there_is_404(reader: Client, name: str) -> None:
    path = fill(name, 1)
    for page in (
        "0",
        "-1",
        "999",
        "abc",
        "1.5",
        "",
        "1e3",
        "9" * 30,
        "9" * 5000,
        "0x1",
        "null",
        "last",
        "1,2",
        "\x00",
        "١٢",
    ):
        refused(reader.get(f"{path}?page={quote(page)}"), 404, "not_found")


@EVERY_LIST
def test_a_page_size_that_is_no_number_of_rows_is_400(reader: Client, name: str) -> None:
    path = fill(name, 1)
    for size in ("0", "abc", "-1", "1.5", "", "000", "١", "1e2", "\x00", " 5 x"):
        refused(reader.get(f"{path}?page_size={quote(size)}"), 400, "invalid", "page_size")


CROWDS: dict[str, Callable[[int], Any]] = {
    "customers/": lambda n: Customer.objects.bulk_create(Customer(name="N") for _ in range(n)),
    "vehicles/": lambda n: Vehicle.objects.bulk_create(
        Vehicle(customer=CustomerFactory()) for _ in range(n)
    ),
    "mechanics/": lambda n: Mechanic.objects.bulk_create(Mechanic(name="N") for _ in range(n)),
    "mechanics/popular/": lambda n: Mechanic.objects.bulk_create(
        Mechanic(name="N") for _ in range(n)
    ),
    "parts/": lambda n: Part.objects.bulk_create(
        Part(sku=f"S{number}", name="N", price=1) for number in range(n)
    ),
    "tickets/": lambda n: ServiceTicket.objects.bulk_create(
        ServiceTicket(customer=CustomerFactory(), concern="C") for _ in range(n)
    ),
}


@pytest.mark.parametrize("path", CROWDS)
def test_a_page_holds_a_hundred_rows_at_most(reader: Client, path: str) -> None:
    CROWDS[path](102)
    for size in ("101", "1000000000", "9" * 400):
        assert len(reader.get(f"/api/v1/{path}?page_size={size}").json()["results"]) == 100


def orderings(name: str) -> list[str]:
    """What the list may be sorted by, and its own order."""
    match = resolve(address(name))
    fields = match.func.initkwargs.get("ordering_fields", match.func.cls.ordering_fields) or ()
    return ["", *fields, *(f"-{field}" for field in fields)]


@EVERY_LIST
def test_pages_never_overlap_even_when_all_rows_are_alike(reader: Client, name: str) -> None:
    path = fill(name, 7)
    Customer.objects.update(
        name="Same", created_at="2026-01-01T00:00:00Z", updated_at="2026-01-01T00:00:00Z"
    )
    Vehicle.objects.update(
        plate="SAME", created_at="2026-01-01T00:00:00Z", updated_at="2026-01-01T00:00:00Z"
    )
    Mechanic.objects.update(name="Same")
    Part.objects.update(
        name="Same", created_at="2026-01-01T00:00:00Z", updated_at="2026-01-01T00:00:00Z"
    )
    ServiceTicket.objects.update(
        **dict.fromkeys(("opened_at", "created_at", "updated_at"), "2026-01-01T00:00:00Z")
    )
    for ordering in orderings(name):
        seen: list[Any] = []
        link: str | None = f"{path}?page_size=3" + (f"&ordering={ordering}" if ordering else "")
        while link:
            body = reader.get(link).json()
            seen += [(row.get("kind"), row["id"]) for row in body["results"]]
            link = body["next"]
        assert len(seen) == len(set(seen)) == body["count"] >= 7, ordering


def walk(client: Client, link: str | None) -> list[int]:
    seen: list[int] = []
    while link:
        body = client.get(link).json()
        assert body["count"] is None
        seen += [row["id"] for row in body["results"]]
        link = body["next"]
    return seen


WALKS = [
    "customer-list",
    "vehicle-list",
    "mechanic-list",
    "part-list",
    "serviceticket-list",
    "job-list",
    "cannedjob-list",
    "laborrate-list",
    "taxcode-list",
    "invoice-list",
    "creditnote-list",
    "payment-list",
]


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_meets_every_row_once_also_while_rows_come(reader: Client, name: str) -> None:
    path = fill(name, 7)
    everything = [row["id"] for row in reader.get(f"{path}?page_size=100").json()["results"]]
    assert walk(reader, f"{path}?cursor=&page_size=2") == sorted(everything)
    first = reader.get(f"{path}?cursor=&page_size=2").json()
    fill(name, 1)
    forget()  # a factory tells nobody
    assert walk(reader, first["next"])[: len(everything) - 2] == sorted(everything)[2:]
    assert len(walk(reader, first["next"])) > len(everything) - 2


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_goes_by_its_own_order_and_pages(reader: Client, name: str) -> None:
    path = fill(name, 1)
    for query in (
        "cursor=x",
        "cursor=-1",
        "cursor=1.5",
        "cursor=١",
        "cursor=" + "9" * 19,
        "cursor=&page=1",
        f"cursor=&ordering={orderings(name)[1]}",
    ):
        refused(reader.get(f"{path}?{query}"), 400, "invalid", "cursor")


@pytest.mark.parametrize("name", [name for name in LISTS if name not in WALKS])
def test_a_list_whose_order_is_the_point_has_no_walk(reader: Client, name: str) -> None:
    refused(reader.get(f"{address(name)}?cursor="), 400, "unknown_parameter", "cursor")


def test_a_search_for_a_cursor_is_a_search(reader: Client) -> None:
    PartFactory(name="cursor=1")
    assert [
        reader.get(f"/api/v1/parts/?search=cursor={number}").json()["count"] for number in (2, 1, 3)
    ] == [0, 1, 0]


# --- parameters -----------------------------------------------------------------------


@EVERY_LIST
def test_a_parameter_that_is_not_known_is_400_and_what_is_known_is_told(
    reader: Client, name: str
) -> None:
    path = fill(name, 1)
    for query in (
        "color=red",
        "Search=x",
        "page-size=5",
        "user__password=x",
        "id__in=1",
        "name__regex=(a+)+$",
        "_=1",
        "%00=1",
        "ordering[]=x",
    ):
        body = refused(reader.get(f"{path}?{query}"), 400, "unknown_parameter")
        assert "page_size" in body["detail"]


@EVERY_LIST
def test_an_ordering_that_is_not_offered_is_400(reader: Client, name: str) -> None:
    path = fill(name, 1)
    for ordering in (
        "user__password",
        "nothing",
        "-",
        "--name",
        "?",
        "name;drop table",
        "pk)",
        "\x00",
        "customer__user__password",
    ):
        refused(reader.get(f"{path}?ordering={quote(ordering)}"), 400)


@EVERY_LIST
def test_head_is_get_without_the_body(reader: Client, name: str) -> None:
    path = fill(name, 2)
    got, head = reader.get(path), reader.head(path)
    assert head.status_code == 200
    assert not head.content
    assert head["Content-Type"] == got["Content-Type"]
    assert head.get("ETag") == got.get("ETag")


@EVERY_LIST
def test_a_list_is_not_written_as_a_whole(reader: Client, name: str) -> None:
    path = fill(name, 1)
    for method in ("put", "patch", "delete"):
        refused(getattr(reader, method)(path, {}), 405, "method_not_allowed")


# --- search ---------------------------------------------------------------------------

SEARCHED = pytest.mark.parametrize(
    "name", [name for name, found in LISTS.items() if found.searched]
)


@SEARCHED
def test_search_takes_every_character_as_itself(reader: Client, name: str) -> None:
    path = fill(name, 2)
    for term in (
        "%",
        "%%",
        "_",
        "____",
        "'",
        '"',
        "' OR '1'='1",
        "\\",
        "\\%",
        "%' --",
        "(a+)+$",
        "[a-z]",
        "*",
        ";",
        "{}",
        "<script>",
    ):
        assert reader.get(path, {"search": term}).json()["count"] == 0, term


@SEARCHED
def test_a_search_for_nonsense_is_400(reader: Client, name: str) -> None:
    for term in ("\x00", "a\x00b", "x" * 101, "x" * 10_000, "%" * 10_000):
        refused(reader.get(address(name), {"search": term}), 400, "invalid", "search")


@SEARCHED
def test_an_odd_search_is_answered(reader: Client, name: str) -> None:
    for term in (
        "",
        "   ",
        "😀",
        "ﷺ" * 100,
        "a " * 50,
        "1 " * 50,
        "%ED%A0%80",
        "\u202e",
        "ıİſ",
        "{0}",
        "%s",
        "%(x)s",
    ):
        assert reader.get(address(name), {"search": term}).status_code == 200, term


@pytest.mark.parametrize("few", [0, 1, 1000])
@pytest.mark.parametrize(
    "term",
    [
        "quick",
        "zelda quick",
        "q",
        "moss",
        "moss zelda",
        "mo ze",
        "ab 12",
        "AB12CD",
        "555-0147",
        "zelda@",
        "nobody",
        "zelda nobody",
    ],
)
def test_a_search_finds_the_same_whether_few_or_many_match(
    reader: Client, monkeypatch: pytest.MonkeyPatch, few: int, term: str
) -> None:
    """By keys, or by a walk along the list."""
    for name in ("Zelda Quick", "Yann Quick"):
        customer = CustomerFactory(
            name=name, email=f"{name[:5]}@example.com", phone="555-0147" if name[0] == "Z" else ""
        )
        make_ticket(
            vehicle=VehicleFactory(
                customer=customer,
                plate="AB-12 CD" if name[0] == "Z" else "XY-99",
                make="",
                model="",
                color="moss",
            )
        )
    make_ticket(
        vehicle=VehicleFactory(
            customer=CustomerFactory(name="Bo"), plate="B-1", make="", model="", color=""
        )
    )
    wanted = {
        "customers": {
            "nobody": 0,
            "zelda nobody": 0,
            "quick": 2,
            "q": 2,
            "moss": 0,
            "moss zelda": 0,
            "mo ze": 0,
        }
    }
    wanted["vehicles"] = {
        **wanted["customers"],
        "moss": 2,
        "moss zelda": 1,
        "mo ze": 1,
        "555-0147": 0,
        "zelda@": 0,
    }
    wanted["tickets"] = wanted["customers"]
    monkeypatch.setattr(search, "FEW", few)

    for route, counts in wanted.items():
        found = reader.get(f"/api/v1/{route}/", {"search": term}).json()
        assert found["count"] == len(found["results"]) == counts.get(term, 1), route


@pytest.mark.parametrize("name", [name for name, found in LISTS.items() if not found.searched])
def test_a_list_that_cannot_be_searched_says_so(reader: Client, name: str) -> None:
    refused(reader.get(address(name), {"search": "x"}), 400, "unknown_parameter", "search")


# --- queries --------------------------------------------------------------------------


@EVERY_LIST
def test_a_list_takes_the_same_queries_for_3_rows_and_for_30(reader: Client, name: str) -> None:
    def queries() -> int:
        forget()
        with CaptureQueriesContext(connection) as found:
            assert reader.get(f"{path}?page_size=100").status_code == 200
        return len(found)

    path = fill(name, 3)
    few = queries()
    fill(name, 27)
    assert queries() == few <= 12
