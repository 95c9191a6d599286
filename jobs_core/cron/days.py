"""Whether a cron pattern has any day to run on."""

from __future__ import annotations

import calendar
from datetime import date
from functools import cache

from jobs_core.cron.pattern import Field, Pattern


def ever_runs(pattern: Pattern, dst: str, today: date) -> bool:
    """Check whether a day from today to the end of 2199 matches, with any choice that an H leaves.

    >>> from jobs_core.cron.pattern import parse
    >>> ever_runs(parse("0 0 30 2 *"), "vixie", date(2027, 1, 1))
    False
    """
    *_, month_days, months, week, years = pattern.fields
    both = pattern.needs_both(dst)

    @cache
    def has_day(first: int, length: int, earliest: int) -> bool:
        fits = (
            (_fits_month(month_days, day, first, length), _fits_week(week, day, first, length))
            for day in range(earliest, length + 1)
        )
        return any(all(pair) if both else any(pair) for pair in fits)

    for year in (number for number in years.numbers if number >= today.year):
        for month in range(today.month if year == today.year else 1, 13):
            if _may_be(months, month):
                first, length = calendar.monthrange(year, month)
                is_now = (year, month) == (today.year, today.month)
                if has_day((first + 1) % 7, length, today.day if is_now else 1):
                    return True
    return False


def _may_be(field: Field, number: int) -> bool:
    """Whether a field has a number, or an H of it may choose it."""
    return number in field.numbers or any(low <= number <= high for low, high, _ in field.spreads)


def _fits_month(field: Field, day: int, first: int, length: int) -> bool:
    if _may_be(field, day):
        return True
    return any(
        day == (length if special == "L" else _working_day(str(special), first, length))
        for special in field.special
    )


def _working_day(special: str, first: int, length: int) -> int | None:
    """Return the working day nearest to 15W or LW, in a month whose first weekday is `first`."""
    day = length if special == "LW" else int(special[:-1])
    if day > length:
        return None
    weekday = (first + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else 3
    if weekday == 0:
        return day + 1 if day < length else length - 2
    return day


def _fits_week(field: Field, day: int, first: int, length: int) -> bool:
    weekday = (first + day - 1) % 7
    if _may_be(field, weekday) or (weekday == 0 and _may_be(field, 7)):
        return True
    nth = {str((day + 6) // 7)} | ({"L"} if day + 7 > length else set())
    return any((weekday, word) in field.special for word in nth)
