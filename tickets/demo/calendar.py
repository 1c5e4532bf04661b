"""The demo's time: a shop that is open for ten hours, six days a week."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from django.utils import timezone

SEED = "a garage in Denver"
# seconds of working time: the shop is open for ten hours
MINUTE, HOUR, DAY = 60, 60 * 60, 10 * 60 * 60
YEAR = 313 * DAY
Life = Iterator[int]


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` for whatever the shop writes meanwhile.

    Models hold ``timezone.now`` itself as a default, so that putting another function
    under that name would miss them; what the function reads is replaced. For a process
    that does nothing else, such as a command.
    """

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return moment.astimezone(tz or UTC)

    module: Any = timezone  # what it imported is replaced, not what it exports
    real = module.datetime
    module.datetime = Then
    try:
        yield
    finally:
        module.datetime = real


class Calendar:
    """The shop's working time, in seconds from the opening of today; closed on Sundays."""

    def __init__(self, now: datetime) -> None:
        today = timezone.localtime(now).date()
        week, weekday = divmod(today.toordinal() - 1, 7)
        # open days since the first Monday of all; a Sunday counts as the Monday after
        self.today = week * 6 + weekday

    def day(self, t: int) -> date:
        week, weekday = divmod(self.today + t // DAY, 6)
        return date.fromordinal(week * 7 + weekday + 1)

    def moment(self, t: int) -> datetime:
        opening = datetime.combine(self.day(t), time(7, 30))
        return timezone.make_aware(opening + timedelta(seconds=t % DAY))

    def evening(self, t: int) -> datetime:
        """When a car that is promised for that day is ready."""
        return self.moment(t // DAY * DAY + 9 * HOUR + 30 * MINUTE)
