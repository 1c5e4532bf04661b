"""Query strings: an empty parameter is not "everything", a repeated one is bounded, a
date has one meaning.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django_filters import rest_framework as filters

from mechanic_shop.http import iso_dates
from mechanic_shop.http.filters import DayFilter, MomentFilter, SeveralFilter

from .answers import refused
from .conftest import Client
from .factories import MechanicFactory, make_ticket
from .security.attacks import HTML, READS, Call, do, there
from .test_matrix import MATRIX, World

pytestmark = pytest.mark.django_db
API = "/api/v1"


def filters_of(call: Call) -> dict[str, filters.Filter]:
    """The filters that a route takes, by name."""
    if not hasattr(call.view, "cls"):
        return {}
    view = call.view.cls(**call.view.initkwargs)
    return dict(view.filterset_class.base_filters) if getattr(view, "filterset_class", None) else {}


FILTERED = [call for call in READS if call.lists and filters_of(call)]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    found = World(request)
    found.prepare(*MATRIX)
    return found


def test_an_empty_parameter_is_refused_by_every_filter(world: World, manager: Client) -> None:
    for call in FILTERED:
        for name in filters_of(call):
            for value in ("", "%20", "+"):
                refused(manager.get(f"{there(world, call)}?{name}={value}"), 400, field=name)
    for report in ("sales", "tax", "parts-margin"):
        for name in ("from", "to", "format"):
            refused(manager.get(f"{API}/reports/{report}/?{name}="), 400, "empty_parameter", name)


def test_a_form_for_people_sends_its_empty_boxes_along(world: World, manager: Client) -> None:
    page = manager.get(f"{API}/tickets/?customer=&vehicle=&search=", HTTP_ACCEPT=HTML)
    assert page.status_code == 200
    assert manager.get(f"{API}/tickets/?color=", HTTP_ACCEPT=HTML).status_code == 400


def test_a_parameter_that_takes_one_value_comes_once(world: World, manager: Client) -> None:
    for call in FILTERED:
        for name, one in filters_of(call).items():
            if isinstance(one, SeveralFilter):
                continue
            refused(
                manager.get(f"{there(world, call)}?{name}=1&{name}=1"),
                400,
                "repeated_parameter",
                name,
            )
    for name in ("page", "page_size", "ordering", "search", "cursor"):
        refused(manager.get(f"{API}/tickets/?{name}=1&{name}=1"), 400, "repeated_parameter", name)


def test_a_parameter_that_takes_several_values_takes_each_once(
    world: World, manager: Client
) -> None:
    for call in FILTERED:
        for name, one in filters_of(call).items():
            if not isinstance(one, SeveralFilter):
                continue
            values = [str(value) for value, _ in one.extra["choices"]]
            path = there(world, call)
            assert (
                manager.get(
                    f"{path}?" + "&".join(f"{name}={value}" for value in values)
                ).status_code
                == 200
            )
            refused(manager.get(f"{path}?" + f"{name}={values[0]}&" * 2), 400, field=name)
            refused(manager.get(f"{path}?" + f"{name}={values[0]}&" * 900), 400, field=name)
            assert (
                400 <= manager.get(f"{path}?" + f"{name}={values[0]}&" * 12_000).status_code < 500
            )


def test_an_ordering_names_each_field_once(manager: Client) -> None:
    for ordering in (
        "name,name",
        "name,-name",
        ",".join(["name"] * 12_000),
        ",".join(f"name{number}" for number in range(12_000)),
    ):
        refused(manager.get(f"{API}/parts/", {"ordering": ordering}), 400, field="ordering")
    assert manager.get(f"{API}/parts/?ordering=name,-price").status_code == 200


def test_many_unknown_parameters_are_answered_in_short(manager: Client) -> None:
    response = manager.get(f"{API}/parts/?" + "&".join(f"name_{number}=1" for number in range(900)))
    assert len(refused(response, 400, "unknown_parameter")["errors"]) == 20
    assert "Did you mean “search”?" in refused(manager.get(f"{API}/parts/?serach=x"), 400)["detail"]


# --- dates ----------------------------------------------------------------------------

REGIONAL = [
    "07/01/2025",
    "03/09/2026",
    "9.3.2026",
    "2026/03/09",
    "1 March 2026",
    "2026-3-9",
    "٢٠٢٦-٠٣-٠٩",
    "1767225600",
]


def test_a_day_in_the_query_is_iso_8601_alone(world: World, manager: Client, settings: Any) -> None:
    settings.SHOP_REGION = "DE"
    for call in FILTERED:
        for name, one in filters_of(call).items():
            if isinstance(one, (DayFilter, MomentFilter)):
                for text in REGIONAL:
                    refused(manager.get(there(world, call), {name: text}), 400, field=name)
            else:
                assert not isinstance(one, (filters.DateFilter, filters.DateTimeFilter)), name
    for text in REGIONAL:
        refused(manager.get(f"{API}/reports/sales/", {"from": text}), 400, field="from")


@pytest.mark.parametrize("text", REGIONAL)
def test_a_day_in_a_body_is_iso_8601_alone(manager: Client, text: str) -> None:
    ticket, mechanic = make_ticket(), MechanicFactory()
    for path, name in (
        (f"tickets/{ticket.pk}", "service_date"),
        (f"tickets/{ticket.pk}", "promised_at"),
        (f"mechanics/{mechanic.pk}", "hired_on"),
    ):
        refused(do(manager, "PATCH", f"{API}/{path}/", {name: text}), 400, "invalid", name)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-09", date(2026, 3, 9)),
        ("20260309", date(2026, 3, 9)),
        ("2026-W11-1", date(2026, 3, 9)),
    ],
)
def test_every_form_of_iso_8601_is_a_day(text: str, day: date) -> None:
    assert iso_dates.parse_day(text) == day


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-09T15:04:05Z", datetime(2026, 3, 9, 15, 4, 5, tzinfo=UTC)),
        ("2026-03-09t15:04:05.5+02:00", datetime(2026, 3, 9, 13, 4, 5, 500_000, tzinfo=UTC)),
        ("2026-03-09 15:04", datetime(2026, 3, 9, 14, 4, tzinfo=UTC)),
        ("2026-03-09", datetime(2026, 3, 8, 23, tzinfo=UTC)),
        ("2026-03-29T02:30:00+02:00", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_the_shops_time(
    settings: Any, text: str, moment: datetime
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert iso_dates.parse_moment(text) == moment


@pytest.mark.parametrize(
    "text", ["2026-03-29T02:30:00", "2026-10-25 02:30:00"], ids=["missing", "twice"]
)
def test_a_time_that_is_missing_or_comes_twice_needs_its_offset_at_every_door(
    settings: Any, manager: Client, text: str
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    ticket = make_ticket()
    path = f"{API}/tickets/{ticket.pk}/"
    refused(do(manager, "PATCH", path, {"promised_at": text}), 400, "ambiguous_time", "promised_at")
    refused(manager.get(f"{API}/tickets/", {"opened_after": text}), 400, field="opened_after")
    form = manager.patch(
        path,
        f"promised_at={text.replace(' ', 'T')}",
        content_type="application/x-www-form-urlencoded",
    )
    refused(form, 400, field="promised_at")
    assert do(manager, "PATCH", path, {"promised_at": f"{text}+02:00"}).status_code == 200


def test_what_is_no_date_is_refused(manager: Client) -> None:
    ticket = make_ticket()
    for odd in (
        "2026-02-30",
        "0000-01-01",
        "2026-13-01",
        "now",
        20260309,
        True,
        [],
        {},
        "",
        "x" * 100_000,
    ):
        refused(
            do(manager, "PATCH", f"{API}/tickets/{ticket.pk}/", {"service_date": odd}),
            400,
            field="service_date",
        )
        refused(
            do(manager, "PATCH", f"{API}/tickets/{ticket.pk}/", {"promised_at": odd}),
            400,
            field="promised_at",
        )
