"""Explain a cron pattern in English: `explain("0 3 * * MON#1")`."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise, product

from jobs_core.cron.days import ever_runs
from jobs_core.cron.forms import interval_ms, read_cron
from jobs_core.cron.pattern import WEEKDAYS, Field, Pattern, parse
from jobs_core.errors import OptionError
from jobs_core.options import span

CHOSEN = "that the job's id chooses"
NTH = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth", "L": "last"}
MOST = 6
"""Maximum times of the day to list one by one."""


def explain(text: str, *, dst: str = "vixie", zone: str | None = None, today: date | None = None) -> str:
    """Return an English sentence that says when a cron pattern runs, which no other schedule has.

    With a zone, a second sentence says what happens where its clocks change, if that is unusual.

    Args:
        text: The pattern, as the option cron takes it.
        dst: The rules for days and clock changes.
        zone: The time zone, unless the pattern begins with one.
        today: The day from which a pattern must have a run (default: today in UTC).

    Raises:
        OptionError: The pattern is invalid, or never runs.

    >>> explain("0 3 * * MON#1", zone="Europe/Brussels")
    'At 03:00 on the first Monday of the month, Europe/Brussels time.'
    """
    written = read_cron(text)
    if written.zone and zone and written.zone != zone:
        message = f"zone: expected '{written.zone}', as in cron, got '{zone}': set one of them"
        raise OptionError(message, option="zone")
    zone = written.zone or zone
    if written.interval is not None:
        return _interval(written.interval, dst, zone)
    pattern = parse(written.pattern)
    if not ever_runs(pattern, dst, today or datetime.now(UTC).date()):
        raise OptionError(f"cron: '{pattern.text}' never runs: no day before 2200 matches", option="cron")
    return _pattern(pattern, dst, zone)


def _interval(interval: str, dst: str, zone: str | None) -> str:
    for name, is_given in (("zone", zone), ("dst", dst != "vixie")):
        if is_given:
            raise OptionError(f"{name}: applies only with cron: add cron, or leave it out", option=name)
    return f"Every {span(interval_ms(interval) / 1000)}, counted from the start of the job."


def _pattern(pattern: Pattern, dst: str, zone: str | None) -> str:
    time, days, months = _time(pattern), _days(pattern, dst), _months(pattern.fields[4])
    if days.endswith(" of the month") and days.count("of the month") == 1 and months.startswith("in "):
        days, months = f"{days.removesuffix('the month')}{months.removeprefix('in ')}", ""
    if not days and ":" in time and time.startswith("at "):
        days = "every day"
    parts = (time, days, months, _years(pattern.fields[6]))
    sentence = " ".join(part for part in parts if part).replace(" ,", ",").replace(",,", ",").rstrip(",")
    sentence = f"{sentence[0].upper()}{sentence[1:]}{f', {zone} time' if zone else ''}."
    return sentence + (_clock_changes(pattern, dst) if zone not in (None, "UTC") else "")


def _clock_changes(pattern: Pattern, dst: str) -> str:
    """Return a sentence about clock changes, unless the rule is the one that the time of the day suggests."""
    if dst == "ocps":
        return " Where clocks change, skipped times do not run, and repeated times run once."
    minute, hour = pattern.fields[1:3]
    follows_clock = minute.text.startswith("*") or hour.text.startswith("*")
    if follows_clock == bool(_every(minute, "minute") or _every(hour, "hour")):
        return ""
    if follows_clock:
        return " Where clocks change, skipped times do not run, and repeated times run twice."
    return " Where clocks change, skipped times run late, and repeated times run once."


# The time of the day


def _time(pattern: Pattern) -> str:
    second, minute, hour = pattern.fields[:3]
    if second.is_plain and second.numbers == [0]:
        return _minutes(minute, hour)
    if minute.is_plain and hour.is_plain and second.is_plain and _count(second, minute, hour) <= MOST:
        times = product(hour.numbers, minute.numbers, second.numbers)
        return f"at {_list(f'{h:02}:{m:02}:{s:02}' for h, m, s in times)}"
    often = _every(second, "second") or f"at {_some(second, 'second')}"
    if minute.is_full and hour.is_full:
        return f"{often} of every minute" if often.startswith("at ") else often
    of_minutes, of_hours = (
        f"every {unit}" if field.is_full else _some(field, unit)
        for field, unit in ((minute, "minute"), (hour, "hour"))
    )
    return f"{often} of {of_minutes} of {of_hours}"


def _minutes(minute: Field, hour: Field) -> str:
    if minute.is_plain and hour.is_plain and _count(minute, hour) <= MOST and not hour.is_full:
        return f"at {_list(_clock(h, m) for h in hour.numbers for m in minute.numbers)}"
    if minute.is_plain and minute.numbers == [0]:
        return _hours_alone(hour)
    often = _every(minute, "minute")
    if often:
        return often if hour.is_full else f"{often} {_of_hours(hour, minute)}"
    return f"at {_some(minute, 'minute')} of {'every hour' if hour.is_full else _some(hour, 'hour')}"


def _hours_alone(hour: Field) -> str:
    """Return the times for minute 0."""
    if often := _every(hour, "hour"):
        return often
    if _is_run(hour):
        return f"every hour from {_clock(hour.numbers[0])} to {_clock(hour.numbers[-1])}"
    if hour.is_plain:
        return f"at {_list(_clock(number) for number in hour.numbers)}"
    return f"at the start of {_some(hour, 'hour')}"


def _of_hours(hour: Field, minute: Field) -> str:
    if _is_run(hour):
        last = minute.numbers[-1] if minute.is_plain else 59
        return f"from {_clock(hour.numbers[0])} to {_clock(hour.numbers[-1], last)}"
    return f"of {_some(hour, 'hour')}"


def _every(field: Field, unit: str) -> str:
    """Return a phrase such as `every 15 minutes` if the field has equal steps, or an empty string."""
    if field.is_full:
        return f"every {unit}"
    size = field.kind.high - field.kind.low + 1
    numbers = field.numbers
    if field.is_plain and len(numbers) > 1 and numbers[0] == field.kind.low:
        step = numbers[1] - numbers[0]
        if step * len(numbers) == size and numbers == list(range(numbers[0], field.kind.high + 1, step)):
            return f"every {step} {unit}s"
    if not field.numbers and len(field.spreads) == 1:
        low, high, every = field.spreads[0]
        if every and (high - low + 1) % every == 0:
            return f"every {every} {unit}s{_within(field, low, high)}, beginning at one {CHOSEN},"
    return ""


def _within(field: Field, low: int, high: int) -> str:
    return "" if (low, high) == (field.kind.low, field.kind.high) else f" from {low} to {high}"


def _some(field: Field, unit: str) -> str:
    """Return `minute 5`, `minutes 0, 7 and 14`, or `a minute from 0 to 29 that the job's id chooses`."""
    words = []
    if len(field.numbers) > 2 and _is_run(field):
        words.append(f"{unit}s {field.numbers[0]} to {field.numbers[-1]}")
    elif field.numbers:
        words.append(f"{unit}{'s' * (len(field.numbers) > 1)} {_list(map(str, field.numbers))}")
    for low, high, step in field.spreads:
        within = _within(field, low, high)
        if step:
            words.append(f"every {_ordinal(step)} {unit}{within}, beginning at one {CHOSEN},")
        else:
            words.append(f"{'an' if unit == 'hour' else 'a'} {unit}{within} {CHOSEN}")
    return _list(words)


def _is_run(field: Field) -> bool:
    numbers = field.numbers
    return field.is_plain and len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1


def _clock(hour: int, minute: int = 0) -> str:
    return f"{hour:02}:{minute:02}"


def _count(*fields: Field) -> int:
    found = 1
    for field in fields:
        found *= len(field.numbers)
    return found


# The day


def _days(pattern: Pattern, dst: str) -> str:
    month, week = pattern.fields[3], pattern.fields[5]
    both = pattern.needs_both(dst)
    if (month.is_full and week.is_full) or (not both and (month.is_full or week.is_full)):
        return ""
    if week.is_full:
        return f"on {_days_of_month(month)}"
    if month.is_full:
        words = _weekdays(week)
        return f", {words}" if " to " in words and words.startswith(WEEKDAYS) else f"on {words}"
    if both:
        return f"on {_days_of_month(month)}, if it is {_a_weekday(week)},"
    return f"on {_days_of_month(month)}, and on {_weekdays(week)},"


def _days_of_month(field: Field) -> str:
    words = []
    numbers = field.numbers
    if field.text.startswith("*/") and "," not in field.text:
        words.append(f"every {_ordinal(int(field.text[2:]))} day of the month, from the 1st on")
    elif len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        words.append(f"the {_ordinal(numbers[0])} to the {_ordinal(numbers[-1])} of the month")
    elif numbers:
        words.append(f"the {_list(map(_ordinal, numbers))} of the month")
    for special in field.special:
        match special:
            case "L":
                words.append("the last day of the month")
            case "LW":
                words.append("the last working day of the month")
            case _:
                words.append(
                    f"the working day nearest to the {_ordinal(int(str(special)[:-1]))} of the month"
                )
    for low, high, step in field.spreads:
        every = f"every {_ordinal(step)} day" if step else "a day"
        words.append(f"{every} from the {_ordinal(low)} to the {_ordinal(high)} of the month {CHOSEN}")
    return _list(words)


def _weekdays(field: Field) -> str:
    plain = _weekday_names(field.numbers, plural=True)
    return _list([*plain, *_special_weekdays(field), *_spread_weekdays(field)])


def _a_weekday(field: Field) -> str:
    plain = _weekday_names(field.numbers, plural=False)
    names = [name if " to " in name else f"a {name}" for name in plain]
    return _list([*names, *_special_weekdays(field), *_spread_weekdays(field)], "or")


def _weekday_names(numbers: Sequence[int], *, plural: bool) -> list[str]:
    week = [*[number for number in numbers if number], *[number for number in numbers if not number]]
    ranks = [number or 7 for number in week]
    if len(ranks) > 2 and ranks[-1] - ranks[0] == len(ranks) - 1:
        return [f"{WEEKDAYS[week[0]]} to {WEEKDAYS[week[-1]]}"]
    return [f"{WEEKDAYS[number]}{'s' * plural}" for number in week]


def _special_weekdays(field: Field) -> list[str]:
    found = [special for special in field.special if isinstance(special, tuple)]
    return [f"the {NTH[nth]} {WEEKDAYS[day]} of the month" for day, nth in found]


def _spread_weekdays(field: Field) -> list[str]:
    return [
        f"{'a weekday' if step is None else f'every {_ordinal(step)} weekday'} from {WEEKDAYS[low % 7]} to "
        f"{WEEKDAYS[high % 7]} {CHOSEN}"
        for low, high, step in field.spreads
    ]


def _months(field: Field) -> str:
    if field.is_full:
        return ""
    numbers = field.numbers
    words = []
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        words.append(f"from {calendar.month_name[numbers[0]]} to {calendar.month_name[numbers[-1]]}")
    elif numbers:
        words.append(f"in {_list(calendar.month_name[number] for number in numbers)}")
    for low, high, step in field.spreads:
        every = f"every {_ordinal(step)} month" if step else "a month"
        words.append(f"in {every} from {calendar.month_name[low]} to {calendar.month_name[high]} {CHOSEN}")
    return _list(words)


def _years(field: Field) -> str:
    if field.is_full:
        return ""
    numbers = field.numbers
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    if len(numbers) < 3 or len(steps) > 1:
        return f"in {_list(map(str, numbers))}"
    (step,) = steps
    if step == 1:
        return f"from {numbers[0]} to {numbers[-1]}"
    on = "on" if numbers[-1] + step > field.kind.high else f"to {numbers[-1]}"
    return f"in every {_ordinal(step)} year from {numbers[0]} {on}"


def _ordinal(number: int) -> str:
    suffix = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _list(words: Iterable[str], last: str = "and") -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail
