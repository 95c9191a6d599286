"""A model of Debian's cron (3.0pl1), written for these tests after entry.c and cron.c, without code of Jobs.

A line is parsed into one set of numbers for each field, and two flags. A clock is walked minute by
minute, as cron's main loop does it: what that makes of a clock that has jumped is in `walk`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


Minute = tuple[int, bool, bool]
"""A minute of cron's life, after 1970, and whether it looks at wildcard lines, and at others."""


class Entry:
    """A line's bit sets and flags."""

    def __init__(self, schedule: str) -> None:
        minute, hour, month_day, month, week_day = NICKNAMES.get(schedule, schedule).split()
        self.minutes = bits(minute, 0, 59)
        self.hours = bits(hour, 0, 23)
        self.month_days = bits(month_day, 1, 31)
        self.months = bits(month, 1, 12, MONTHS)
        self.week_days = {number % 7 for number in bits(week_day, 0, 7, DAYS)}
        self.day_star = month_day[0] == "*" or week_day[0] == "*"
        # MIN_STAR and HR_STAR. Of the nicknames, load_entry flags only @hourly.
        self.wild = minute[0] == "*" or hour[0] == "*"

    def has_day(self, day: date) -> bool:
        """DOM_STAR and DOW_STAR: if one is set, both day fields must match; otherwise one is enough."""
        by_month, by_week = day.day in self.month_days, day.isoweekday() % 7 in self.week_days
        fits = (by_month and by_week) if self.day_star else (by_month or by_week)
        return fits and day.month in self.months

    def runs(self, zone: str, year: int) -> list[int]:
        """Return when cron runs the line in a year of the zone, in epoch seconds, at most once a minute."""
        clock = [hour * 60 + minute for hour in self.hours for minute in self.minutes]
        found = {
            epoch * 60
            for day, minutes in walked(zone, year).items()
            if self.has_day(day)
            for time in clock
            for epoch, wild, fixed in minutes.get(time, ())
            if (wild if self.wild else fixed)
        }
        return sorted(found)


def bits(text: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    """get_list and get_range: return the numbers that a field sets."""

    def number(word: str) -> int:
        return int(word) if word.isdigit() else (names or []).index(word.lower()) + low

    found: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found.update(range(number(first), number(last or first) + 1, int(step or 1)))
    assert found <= set(range(low, high + 1))
    return found


@cache
def walked(zone: str, year: int) -> dict[date, dict[int, tuple[Minute, ...]]]:
    """The minutes of a year, by the local day, and by the minute of that day for which lines are run."""
    found: dict[int, dict[int, tuple[Minute, ...]]] = defaultdict(dict)
    for local, minute in walk(zone, year):
        day, clock = divmod(local, 1440)
        found[day][clock] = (*found[day].get(clock, ()), minute)
    return {date(1970, 1, 1) + timedelta(day): minutes for day, minutes in found.items()}


def walk(zone: str, year: int) -> Iterator[tuple[int, Minute]]:
    """Cron's main loop over a year, from two days before. Fixed lines have run up to `virtual`.

    Yields local times, in minutes after 1970, and the minutes in which lines that fit these times are run.
    """
    info = zone_info(zone)
    begin, end = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) // 60 for y in (year, year + 1))
    virtual = begin - 2880 + offset_at(begin - 2880, info) - 1
    for epoch in range(begin - 2880, end):
        if epoch % 15 == 0:  # no zone changes at another minute
            offset = offset_at(epoch, info)
        local = epoch + offset
        ahead = local - virtual
        shown: list[tuple[int, bool, bool]] = [(local, True, True)]
        if 1 < ahead < 180:  # the clock has jumped ahead: skipped times run at once
            shown = [
                (local, True, False),
                *((passed, False, True) for passed in range(virtual + 1, local + 1)),
            ]
        elif -180 < ahead <= 0:  # it has gone back: only wildcard lines run until it has caught up
            shown = [(local, True, False)]
        if not -180 < ahead <= 0:
            virtual = local
        if epoch >= begin:
            for minute, wild, fixed in shown:
                yield minute, (epoch, wild, fixed)


def zone_info(name: str) -> ZoneInfo:
    """A zone as Redis has it: from the package tzdata, not from the machine."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


def offset_at(epoch: int, info: ZoneInfo) -> int:
    """Return how many minutes the wall clock is ahead of UTC."""
    offset = datetime.fromtimestamp(epoch * 60, info).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60
