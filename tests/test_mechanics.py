"""Mechanics: what everybody sees of them, what staff see, and who is asked for most."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mechanic_shop.fastpath.query_cache import query_cache
from mechanics.models import Mechanic
from tickets.desk import requests
from tickets.models import TicketMechanic
from tickets.work import assignments

from .answers import refused
from .conftest import Client
from .factories import MechanicFactory, make_ticket, office

pytestmark = pytest.mark.django_db
MECHANICS, POPULAR = "/api/v1/mechanics/", "/api/v1/mechanics/popular/"
PUBLIC = {"id", "name", "specialties", "bio", "is_active"}
STAFF = PUBLIC | {"email", "phone", "hourly_cost", "hired_on", "created_at", "updated_at"}


def url(mechanic: Mechanic) -> str:
    return f"{MECHANICS}{mechanic.pk}/"


def rows() -> list[Any]:
    return list(Mechanic.objects.order_by("pk").values())


# --- what is public -------------------------------------------------------------------

OUTSIDERS, INSIDERS = ("anonymous", "owner", "unassigned"), ("advisor", "manager")


@pytest.mark.parametrize("actor", OUTSIDERS + INSIDERS)
@pytest.mark.parametrize("route", [MECHANICS, POPULAR, "detail"])
def test_contact_and_cost_are_for_staff(
    request: pytest.FixtureRequest, actor: str, route: str
) -> None:
    mechanic = MechanicFactory(phone="555-0171", hired_on=date(2020, 1, 1))
    client = request.getfixturevalue(actor)

    response = client.get(url(mechanic) if route == "detail" else route)

    body = response.json()
    found = (
        body
        if route == "detail"
        else next(row for row in body["results"] if row["id"] == mechanic.pk)
    )
    assert found.keys() - {"ticket_count"} == (STAFF if actor in INSIDERS else PUBLIC)
    assert ("41.50" in response.content.decode()) is (actor in INSIDERS)


@pytest.mark.parametrize(
    "route", [MECHANICS, POPULAR, MECHANICS + "?search=Mechanic", POPULAR + "?page_size=5"]
)
@pytest.mark.parametrize("first", ["staff", "public"])
def test_a_cached_page_of_staff_never_goes_to_others(
    anonymous: Client, owner: Client, advisor: Client, route: str, first: str
) -> None:
    MechanicFactory(name="Mechanic Meg")
    for _ in range(2):  # the second time from the cache
        for client in (
            (advisor, anonymous, owner) if first == "staff" else (owner, anonymous, advisor)
        ):
            response = client.get(route)
            assert ("hourly_cost" in response.content.decode()) is (client is advisor)
            assert response["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("route", [MECHANICS, POPULAR])
def test_a_page_comes_from_the_cache_the_second_time(anonymous: Client, route: str) -> None:
    MechanicFactory.create_batch(3)
    first = anonymous.get(route)
    with CaptureQueriesContext(connection) as queries:
        second = anonymous.get(route)
    assert len(queries) == 0
    assert (second.content, second["ETag"]) == (first.content, first["ETag"])
    assert anonymous.get(route, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304


# --- writing --------------------------------------------------------------------------


def test_a_manager_adds_a_mechanic(manager: Client) -> None:
    body = {
        "name": "Tom Davis",
        "email": "Tom.Davis@Example.com",
        "phone": "555-0173",
        "hourly_cost": 58.5,
        "specialties": ["brakes", " engines "],
    }

    response = manager.post(MECHANICS, body | {"hired_on": "2024-05-15", "bio": "<b>Fixes it.</b>"})

    assert response.status_code == 201
    mechanic = Mechanic.objects.get()
    assert response["Location"].endswith(url(mechanic))
    assert (mechanic.email, mechanic.hourly_cost, mechanic.hired_on) == (
        "tom.davis@example.com",
        Decimal("58.50"),
        date(2024, 5, 15),
    )
    assert mechanic.specialties == response.json()["specialties"] == ["brakes", "engines"]
    assert response.json()["hourly_cost"] == "58.50"


@pytest.mark.parametrize(
    "body", [{"name": "Jane Smith", "email": "jane@email.com"}, {"name": "Pat"}]
)
def test_what_real_clients_send(manager: Client, body: dict[str, Any]) -> None:
    assert manager.post(MECHANICS, body).status_code == 201
    assert Mechanic.objects.get().user is None


@pytest.mark.parametrize("actor", ["anonymous", "owner", "unassigned", "advisor"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_only_a_manager_writes(request: pytest.FixtureRequest, actor: str, method: str) -> None:
    mechanic, client = MechanicFactory(), request.getfixturevalue(actor)
    before = rows()
    answer = getattr(client, method)(
        MECHANICS if method == "post" else url(mechanic), {"name": "Eve"}
    )
    refused(answer, 401 if actor == "anonymous" else 403)
    assert rows() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *[
            ({"name": ""}, "name"),
            ({"name": None}, "name"),
            ({"name": "x" * 121}, "name"),
            ({"is_active": "maybe"}, "is_active"),
        ],
        *[
            ({"hourly_cost": -1}, "hourly_cost"),
            ({"hourly_cost": "1.001"}, "hourly_cost"),
            ({"hourly_cost": "NaN"}, "hourly_cost"),
        ],
        *[
            ({"hired_on": "32/01/2024"}, "hired_on"),
            ({"hired_on": 5}, "hired_on"),
            ({"email": "x"}, "email"),
            ({"bio": "x" * 2001}, "bio"),
        ],
        *[
            ({"specialties": value}, "specialties")
            for value in (
                5,
                {},
                [5],
                [["a"]],
                [None],
                ["a\x00"],
                ["x" * 61],
                [str(n) for n in range(21)],
            )
        ],
    ],
)
def test_nonsense_is_refused_at_its_field(
    manager: Client, change: dict[str, Any], field: str
) -> None:
    mechanic = MechanicFactory()
    before = rows()
    refused(manager.post(MECHANICS, {"name": "Mia"} | change), 400, field=field)
    refused(manager.patch(url(mechanic), change), 400, field=field)
    assert rows() == before


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("brakes, engines", ["brakes", "engines"]),
        (["a", "a", " ", "b"], ["a", "b"]),
        ([], []),
        ("", []),
    ],
)
def test_specialties_are_a_list_of_words(manager: Client, sent: Any, kept: list[str]) -> None:
    assert (
        manager.post(MECHANICS, {"name": "Mia", "specialties": sent}).json()["specialties"] == kept
    )


def test_one_email_is_one_mechanic_in_any_case(manager: Client) -> None:
    MechanicFactory(email="bob@garage.com")
    refused(
        manager.post(MECHANICS, {"name": "Bob", "email": "BOB@garage.com"}),
        400,
        "email_taken",
        "email",
    )
    assert [
        manager.post(MECHANICS, {"name": "Bob", "email": None}).status_code for _ in range(2)
    ] == [201, 201]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_what_was_read_can_be_sent_back(manager: Client, method: str) -> None:
    mechanic = MechanicFactory(
        specialties=["brakes"], phone="1", bio="x", hired_on=date(2020, 1, 1)
    )
    read = manager.get(url(mechanic)).json()
    answer = getattr(manager, method)(url(mechanic), read)
    assert answer.status_code == 200
    assert {**answer.json(), "updated_at": ""} == {**read, "updated_at": ""}


def test_an_update_gains_nothing_by_fields_that_are_not_offered(
    manager: Client, owner: Client
) -> None:
    mechanic = MechanicFactory()
    for name, value in {
        "user": owner.user.pk,
        "ticket_count": 9,
        "password": "raja",
        "salary": 11000.0,
    }.items():
        refused(manager.patch(url(mechanic), {name: value}), 400, "unknown_field", name)
    for name, value in {
        "id": 777,
        "created_at": "2000-01-01",
        "updated_at": "2000-01-01T00:00:00Z",
    }.items():
        refused(manager.patch(url(mechanic), {name: value}), 400, "read_only_field", name)
    fresh = Mechanic.objects.get()
    assert (fresh.pk, fresh.user, fresh.created_at) == (mechanic.pk, None, mechanic.created_at)


def test_a_mechanic_who_left_is_switched_off(manager: Client, anonymous: Client) -> None:
    left, here = MechanicFactory(), MechanicFactory()
    assert manager.patch(url(left), {"is_active": False}).json()["is_active"] is False
    shown = {
        state: [
            row["id"] for row in anonymous.get(MECHANICS, {"is_active": state}).json()["results"]
        ]
        for state in ("true", "false")
    }
    assert shown == {"true": [here.pk], "false": [left.pk]}


def test_a_mechanic_without_a_history_goes(manager: Client) -> None:
    mechanic = MechanicFactory()
    assert [manager.delete(url(mechanic)).status_code for _ in range(2)] == [204, 404]
    assert rows() == []


@pytest.mark.parametrize("status", ["estimate", "closed", "cancelled"])
def test_a_mechanic_with_tickets_stays_and_so_does_the_history(
    manager: Client, status: str
) -> None:
    mechanic = MechanicFactory()
    make_ticket(status, mechanics=[mechanic])
    before = rows()
    refused(manager.delete(url(mechanic)), 409, "mechanic_in_use")
    assert rows() == before
    assert TicketMechanic.objects.count() == 1


# --- search ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "term", ["zoe", "ZOE", "getriebe", "Türen", "tür getr", "hybrid", "o'neil"]
)
def test_search_finds_a_mechanic_by_name_specialty_and_bio(anonymous: Client, term: str) -> None:
    MechanicFactory.create_batch(2, specialties=["brakes"])
    zoe = MechanicFactory(
        name="Zoe O'Neil", specialties=["Türen", "Getriebe"], bio="Likes hybrids."
    )
    assert [row["id"] for row in anonymous.get(MECHANICS, {"search": term}).json()["results"]] == [
        zoe.pk
    ]


@pytest.mark.parametrize("term", ["%", "_", "'", '"', "[", "]", ",", "\\", "b%s", "[]"])
def test_search_takes_its_term_literally(anonymous: Client, term: str) -> None:
    MechanicFactory(specialties=["brakes", "Türen"])
    MechanicFactory()
    assert anonymous.get(MECHANICS, {"search": term}).json()["count"] == 0


# --- popular --------------------------------------------------------------------------


def popular(client: Client, **query: Any) -> list[tuple[str, int]]:
    return [
        (row["name"], row["ticket_count"]) for row in client.get(POPULAR, query).json()["results"]
    ]


def test_popular_counts_tickets_most_first_then_name_and_none_last(anonymous: Client) -> None:
    ann, bea, cid, _dan = (MechanicFactory(name=name) for name in ("Ann", "Bea", "Cid", "Dan"))
    for mechanics in ([cid], [cid, bea], [ann]):
        make_ticket(mechanics=mechanics)
    assert popular(anonymous) == [("Cid", 2), ("Ann", 1), ("Bea", 1), ("Dan", 0)]


def test_popular_sorts_namesakes_by_key(anonymous: Client) -> None:
    twins = [MechanicFactory(name="Alex") for _ in range(3)]
    assert [row["id"] for row in anonymous.get(POPULAR).json()["results"]] == [
        twin.pk for twin in twins
    ]


@pytest.mark.parametrize(
    ("status", "counts"),
    [("estimate", 1), ("approved", 1), ("completed", 1), ("closed", 1), ("cancelled", 0)],
)
def test_cancelled_tickets_do_not_count(anonymous: Client, status: str, counts: int) -> None:
    make_ticket(status, mechanics=[MechanicFactory(name="Ann")])
    assert popular(anonymous) == [("Ann", counts)]


def test_popular_sees_every_change_at_the_next_read(
    anonymous: Client, django_capture_on_commit_callbacks: Any
) -> None:
    mechanic, ticket, by = MechanicFactory(name="Ann"), make_ticket(), office()
    changes = [
        (lambda: assignments.assign_mechanic(ticket, mechanic=mechanic, by=by), 1),
        (lambda: assignments.remove_mechanic(ticket, mechanic=mechanic, by=by), 0),
        (lambda: assignments.edit_mechanics(ticket, add=[mechanic], remove=[], by=by), 1),
        (lambda: requests.request_transition(ticket, to="cancelled", by=by), 0),
    ]
    assert popular(anonymous) == [("Ann", 0)]
    for change, count in changes:
        with django_capture_on_commit_callbacks(execute=True):
            change()
        assert popular(anonymous) == [("Ann", count)]


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [
        *[
            (None, None, 3),
            ("2026-03-01", None, 3),
            ("2026-03-02", None, 2),
            (None, "2026-03-02", 2),
            ("2026-03-02", "2026-03-02", 1),
        ],
        *[("2026-03-04", None, 0), (None, "2026-02-28", 0), ("2026-03-03", "2026-03-01", 0)],
        *[("0001-01-01", "9999-12-31", 3)],
    ],
)
def test_the_window_is_of_whole_days_of_assignment(
    anonymous: Client, since: str | None, until: str | None, count: int
) -> None:
    mechanic = MechanicFactory(name="Ann")
    moments = [
        datetime(2026, 3, 1, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 3, 12, tzinfo=UTC),
    ]
    for moment in moments:
        make_ticket(mechanics=[mechanic])
        TicketMechanic.objects.filter(pk=TicketMechanic.objects.latest("pk").pk).update(
            assigned_at=moment
        )
    query = {name: day for name, day in (("since", since), ("until", until)) if day}
    assert popular(anonymous, **query) == [("Ann", count)]


def test_the_window_is_of_days_of_the_shop(anonymous: Client, settings: Any) -> None:
    settings.TIME_ZONE = "America/Denver"
    query_cache.clear()  # a shop's days do not move while it runs, so statements keep them
    mechanic = MechanicFactory(name="Ann")
    make_ticket(mechanics=[mechanic])
    # ten in the evening of March 1st in Denver
    TicketMechanic.objects.update(assigned_at=datetime(2026, 3, 2, 5, 0, tzinfo=UTC))
    assert popular(anonymous, since="2026-03-01", until="2026-03-01") == [("Ann", 1)]
    assert popular(anonymous, since="2026-03-02") == [("Ann", 0)]
    query_cache.clear()


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-02-30",
        "since=1",
        "from=2026-01-01",
        "ordering=name",
        "is_active=maybe",
    ],
)
def test_popular_refuses_what_it_does_not_understand(anonymous: Client, query: str) -> None:
    refused(anonymous.get(f"{POPULAR}?{query}"), 400)


def test_popular_is_filtered_searched_and_paged(anonymous: Client) -> None:
    for number in range(5):
        MechanicFactory(name=f"M{number}", is_active=number != 3)
    assert [name for name, _ in popular(anonymous, is_active="true")] == ["M0", "M1", "M2", "M4"]
    assert popular(anonymous, search="M4") == [("M4", 0)]
    assert popular(anonymous, page_size=2, page=3) == [("M4", 0)]
    assert anonymous.get(POPULAR, {"page_size": 2}).json()["count"] == 5


def test_a_window_moves_with_the_day_that_is_asked_for(anonymous: Client) -> None:
    make_ticket(mechanics=[MechanicFactory(name="Ann")])
    today = datetime.now(UTC).date()
    assert popular(anonymous, since=today) == [("Ann", 1)]
    assert popular(anonymous, since=today + timedelta(days=1)) == [("Ann", 0)]
