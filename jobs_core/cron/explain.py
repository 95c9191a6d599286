"""Explain a cron pattern in English: `explain("0 3 * * MON#1")`."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from itertools import product

from jobs_core.cron.pattern import Field, Pattern, parse

CHOSEN = "that the job's id chooses"
NTH = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth", "L": "last"}
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MOST = 6
"""Maximum times of the day to list one by one."""


def explain(text: str, *, dst: str = "vixie", zone: str | None = None) -> str:
    """Return one English sentence that says when a cron pattern runs. Raises OptionError if it is invalid.

    >>> explain("0 3 * * MON#1", zone="Europe/Brussels")
    'At 03:00 on the first Monday of the month, Europe/Brussels time.'
    """
    pattern = parse(text)
    time, days, months = _time(pattern), _days(pattern, dst), _months(pattern.fields[4])
    if days.endswith(" of the month") and months.startswith("in "):
        days, months = f"{days.removesuffix('the month')}{months.removeprefix('in ')}", ""
    if not days and pattern.fields[3].is_full and ":" in time and time.startswith("at "):
        days = "every day"
    parts = (time, days, months, _years(pattern.fields[6]))
    sentence = " ".join(part for part in parts if part).replace(" ,", ",").replace(",,", ",").rstrip(",")
    return f"{sentence[0].upper()}{sentence[1:]}{f', {zone} time' if zone else ''}."


# The time of the day


def _time(pattern: Pattern) -> str:
    second, minute, hour = pattern.fields[:3]
    if second.is_plain and second.numbers == [0]:
        return _minutes(minute, hour)
    if minute.is_plain and hour.is_plain and second.is_plain and _count(second, minute, hour) <= MOST:
        times = product(hour.numbers, minute.numbers, second.numbers)
        return f"at {_list(f'{h:02}:{m:02}:{s:02}' for h, m, s in times)}"
    often = _every(second, "second") or f"at {_some(second, 'second')} of every minute"
    if minute.is_full and hour.is_full:
        return (
            often.removesuffix(" of every minute") + " of every minute" if often.startswith("at") else often
        )
    return f"{often.removesuffix(' of every minute')}, {_minutes(minute, hour)}"


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
    if not field.numbers and len(field.spreads) == 1 and field.spreads[0][2]:
        low, high, every = field.spreads[0]
        within = "" if (low, high) == (field.kind.low, field.kind.high) else f" from {low} to {high}"
        return f"every {every} {unit}s{within}, beginning at one {CHOSEN},"
    return ""


def _some(field: Field, unit: str) -> str:
    """Return `minute 5`, `minutes 0, 7 and 14`, or `a minute from 0 to 29 that the job's id chooses`."""
    words = []
    if len(field.numbers) > 2 and _is_run(field):
        words.append(f"{unit}s {field.numbers[0]} to {field.numbers[-1]}")
    elif field.numbers:
        words.append(f"{unit}{'s' * (len(field.numbers) > 1)} {_list(map(str, field.numbers))}")
    for low, high, step in field.spreads:
        every = f"every {step} of the {unit}s" if step else f"{'an' if unit == 'hour' else 'a'} {unit}"
        whole = (low, high) == (field.kind.low, field.kind.high)
        words.append(f"{every}{'' if whole else f' from {low} to {high}'} {CHOSEN}")
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
    if month.is_full and week.is_full:
        return ""
    if week.is_full:
        return f"on {_days_of_month(month)}"
    if month.is_full:
        words = _weekdays(week)
        return f", {words}" if " to " in words and words.startswith(WEEKDAYS) else f"on {words}"
    starred = [text == "*" if dst == "ocps" else text.startswith("*") for text in (month.text, week.text)]
    if pattern.both or any(starred):
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
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"from {numbers[0]} to {numbers[-1]}"
    if field.text.startswith("*/"):
        return f"in every {_ordinal(int(field.text[2:]))} year from 1970 on"
    if len(numbers) > MOST:
        return f"in {len(numbers)} years, from {numbers[0]} to {numbers[-1]}"
    return f"in {_list(map(str, numbers))}"


def _ordinal(number: int) -> str:
    suffix = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _list(words: Iterable[str], last: str = "and") -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail
