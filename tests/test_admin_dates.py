"""Days in forms for people: the region's one format, shown beside every box; and the
same for the calendars of scripts.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.utils import timezone
from django.utils.formats import reset_format_cache

from mechanic_shop.admin.dates import pattern
from mechanics.models import Mechanic
from tickets.models import ServiceTicket

from .factories import MechanicFactory, make_ticket
from .test_admin import ROUTES, at, browser, complaints, filled, garage, page_of, save  # noqa: F401 - garage is a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.wide]
# The region's hint, and the ninth of March 2026 as people there write it.
REGIONS = {
    "US": ("MM/DD/YYYY", "03/09/2026", "09.03.2026"),
    "DE": ("DD.MM.YYYY", "09.03.2026", "03/09/2026"),
    "GB": ("DD/MM/YYYY", "09/03/2026", "09.03.2026"),
    "JP": ("YYYY/MM/DD", "2026/03/09", "09/03/2026"),
    "CA": ("YYYY-MM-DD", "2026-03-09", "03/09/2026"),
}
DAY, CLOCK = (
    re.compile(r"<input[^>]*\bvDateField\b[^>]*>"),
    re.compile(r"<input[^>]*\bvTimeField\b[^>]*>"),
)


@pytest.fixture
def region(request: Any, settings: Any) -> Iterator[str]:
    """The shop in a region; Django remembers formats."""
    settings.SHOP_REGION = request.param
    reset_format_cache()
    yield request.param
    settings.SHOP_REGION = "US"
    reset_format_cache()


everywhere = pytest.mark.parametrize("region", REGIONS, indirect=True)


@everywhere
def test_every_page_shows_the_format_beside_every_box_for_a_day(
    region: str,
    manager: Any,
    garage: dict[str, Any],  # noqa: F811
) -> None:
    hint, boss, boxes = REGIONS[region][0], browser(manager.user), 0
    for model, page in ROUTES:
        args = () if page in ("changelist", "add") else (garage[model].pk,)
        response = boss.get(at(f"{model}_{page}", *args))
        if response.status_code != 200 or not response["Content-Type"].startswith("text/html"):
            continue
        text = response.content.decode()
        days = [box for box in DAY.findall(text) if 'type="hidden"' not in box]
        for box in days:
            assert f'placeholder="{hint}"' in box, (model, page, box)
        for box in CLOCK.findall(text):
            assert 'type="hidden"' in box or 'placeholder="HH:MM"' in box, (model, page, box)
        # the text beside the box
        assert len(re.findall(rf">\s*{re.escape(hint)}", text)) >= len(days), (
            model,
            page,
        )
        # a browser would show it in a format of its own
        assert 'type="date' not in text, (
            model,
            page,
        )
        boxes += len(days)
    assert boxes >= 8  # service date, promise, hiring, a tax's first day, and when money came


@everywhere
def test_a_page_reads_and_shows_the_regions_format_alone(region: str, manager: Any) -> None:
    _, typed, other = REGIONS[region]
    boss, mechanic = browser(manager.user), MechanicFactory(hired_on=None)
    assert "valid date" in complaints(save(boss, mechanic, hired_on=other))
    for text in (typed, "2026-03-09"):  # the standard's is the same everywhere
        Mechanic.objects.filter(pk=mechanic.pk).update(hired_on=None)
        assert save(boss, mechanic, hired_on=text).status_code == 302
        assert Mechanic.objects.get().hired_on == date(2026, 3, 9)
    page = filled(boss.get(page_of(mechanic)))
    assert page["hired_on"] == [typed]
    assert save(boss, mechanic, page, phone="555-0101").status_code == 302
    assert Mechanic.objects.get().hired_on == date(2026, 3, 9)


@everywhere
def test_a_moment_is_read_so_too(region: str, advisor: Any) -> None:
    ticket, desk = make_ticket(), browser(advisor.user)
    assert (
        save(desk, ticket, promised_at_0=REGIONS[region][1], promised_at_1="15:04").status_code
        == 302
    )
    promised = timezone.localtime(ServiceTicket.objects.get().promised_at)
    assert promised.replace(tzinfo=None).isoformat() == "2026-03-09T15:04:00"


@everywhere
def test_the_calendar_of_the_scripts_writes_the_same_format(region: str, manager: Any) -> None:
    catalog = browser(manager.user).get(at("jsi18n")).content.decode()
    written = pattern(region)[0].replace("/", r"\\?/")
    assert re.search(rf'"DATE_INPUT_FORMATS": \[\s*"{written}"', catalog), catalog[-2000:]


def test_a_region_that_nobody_describes_writes_iso_8601() -> None:
    assert pattern("AQ") == pattern("XX") == ("%Y-%m-%d", "YYYY-MM-DD")


def test_every_region_has_a_format_with_all_parts() -> None:
    from phonenumbers import SUPPORTED_REGIONS

    for region in SUPPORTED_REGIONS:
        code, shown = pattern(region)
        day = date(2026, 3, 9).strftime(code)
        assert len(day) == len(shown) == 10, region
        assert day == shown.replace("YYYY", "2026").replace("MM", "03").replace("DD", "09"), region
