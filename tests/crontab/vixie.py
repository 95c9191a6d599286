"""A model of Debian's cron (3.0pl1), written for these tests after entry.c and cron.c, without code of Jobs.

A line is parsed into one set of numbers for each field, and two flags. A clock is walked minute by
minute, as cron's main loop does it: what that makes of a clock that has jumped is in `walk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Minute:
    """A minute of cron's life, `epoch` minutes after 1970, in which lines that fit a local time are run.

    That time is the minute `clock` of `day`; `wild` and `fixed` say which lines are looked at."""

    epoch: int
    day: date
    clock: int
    wild: bool
    fixed: bool


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
        found = {
            minute.epoch * 60
            for day, minutes in walked(zone, year).items()
            if self.has_day(day)
            for minute in minutes
            if (minute.wild if self.wild else minute.fixed)
            and minute.clock // 60 in self.hours
            and minute.clock % 60 in self.minutes
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
def walked(zone: str, year: int) -> dict[date, list[Minute]]:
    """The minutes of a year, by their local days."""
    found: dict[date, list[Minute]] = {}
    for minute in walk(zone, year):
        found.setdefault(minute.day, []).append(minute)
    return found


def walk(zone: str, year: int) -> Iterator[Minute]:
    """Cron's main loop over a year, from two days before. Fixed lines have run up to `virtual`."""
    info = zone_info(zone)
    begin, end = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) // 60 for y in (year, year + 1))
    virtual = local_minute(begin - 2880, info) - 1
    for epoch in range(begin - 2880, end):
        local = local_minute(epoch, info)
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
                day = date(1970, 1, 1) + timedelta(minute // 1440)
                yield Minute(epoch, day, minute % 1440, wild, fixed)


def zone_info(name: str) -> ZoneInfo:
    """A zone as Redis has it: from the package tzdata, not from the machine."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


def local_minute(epoch: int, info: ZoneInfo) -> int:
    """Return the wall clock time in minutes since 1970."""
    offset = datetime.fromtimestamp(epoch * 60, info).utcoffset()
    assert offset is not None
    return epoch + int(offset.total_seconds()) // 60
