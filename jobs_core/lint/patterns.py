"""Rules about cron patterns that mean something else than they seem to."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence

from jobs_core.cron.pattern import Field, Pattern
from jobs_core.lint.model import Finding, Rule, Subject, each

SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY = range(6)

LONGEST_FEBRUARY = 29


def uneven_step(job: Subject) -> Iterator[Finding]:
    if job.pattern is None:
        return
    for place in (SECOND, MINUTE, HOUR, DAY, MONTH):
        field = job.pattern.fields[place]
        step = _step(field)
        if step and (sentence := _unevenness(job.pattern, place, step)):
            yield job.finding("uneven-step", sentence, _even_advice(field, place, step), "cron")


def _step(field: Field) -> int | None:
    """Return the step of a field that consists of one, and whose range ends where the field does."""
    found = re.fullmatch(r"(?:\*|H|(\d+)-(\d+))/(\d+)", field.text)
    if found is None or (found[2] and int(found[2]) != field.kind.high):
        return None
    return int(found[3])


def _unevenness(pattern: Pattern, place: int, step: int) -> str:
    """Say which gap differs from the step, if one run of the next larger unit follows another."""
    field, next_field = pattern.fields[place], pattern.fields[place + 1]
    text = f"has '{field.text}' in the {field.kind.name} field"
    if place == DAY:
        return f"{text}, which begins again on each 1st of the month" if step > 1 else ""
    size = field.kind.high - field.kind.low + 1
    if step > size or size % step == 0 or not _is_contiguous(pattern, place, next_field):
        return ""
    if field.text.startswith("H"):
        return f"{text}, which does not divide {size}"
    first, last = field.numbers[0], field.numbers[-1]
    gap = size + first - last
    if gap == step:
        return ""
    return f"{text}: after {_numbers(field.numbers)} comes {first} again, after {gap} instead of {step}"


def _is_contiguous(pattern: Pattern, place: int, larger: Field) -> bool:
    """Whether two adjacent numbers of the next larger unit both have runs, so that a step goes on."""
    if place == HOUR:
        return pattern.fields[DAY].is_full and len(pattern.fields[WEEKDAY].numbers) > 1
    if place == MONTH:
        return True
    return any(number + 1 in larger.numbers for number in larger.numbers)


def _numbers(numbers: Sequence[int]) -> str:
    if len(numbers) <= 5:
        return ", ".join(map(str, numbers))
    return f"{numbers[0]}, {numbers[1]}, … {numbers[-1]}"


def _even_advice(field: Field, place: int, step: int) -> str:
    """Suggest the nearest step that divides the unit."""
    units = {SECOND: (60, "s"), MINUTE: (60, "m"), HOUR: (24, "h")}
    if place == DAY:
        return f"name the days, or write every: {step}d for equal steps"
    if place == MONTH:
        return f"name the months, or write months: {step} instead of cron for equal steps"
    size, unit = units[place]
    near = min((n for n in range(1, size) if size % n == 0), key=lambda n: abs(n - step))
    return (
        f"write {field.text.partition('/')[0]}/{near}, or every: {step}{unit} instead of cron for equal steps"
    )


def step_exceeds_range(job: Subject) -> Iterator[Finding]:
    for warning in job.pattern.warnings if job.pattern else ():
        what = f"has an odd step: {warning.removeprefix('cron: ')}"
        yield job.finding("step-exceeds-range", what, "write the number, or a smaller step", "cron")


def month_end(job: Subject) -> Iterator[Finding]:
    pattern = job.pattern
    if pattern is None or not pattern.fields[WEEKDAY].is_full or not pattern.fields[MONTH].is_plain:
        return
    days, months = _late_days(pattern.fields[DAY].text), pattern.fields[MONTH].numbers
    for day in days:
        short = [month for month in months if calendar.monthrange(2027, month)[1] < day]
        if not short:
            continue
        if months == [2]:
            sentence = "runs on 29 February, which only leap years have"
        else:
            names = [calendar.month_name[month] for month in short]
            leap = ", except in leap years" if day == LONGEST_FEBRUARY else ""
            sentence = f"names day {day}, so it does not run in {_list(names)}{leap}"
        yield job.finding("month-end", sentence, "write L for the last day of each month, or 1 to 28", "cron")
        return  # one finding says enough


def _late_days(text: str) -> list[int]:
    """Return the days after the 28th that a field names, largest first.

    A range from an earlier day, such as 25-31, means the days that there are.
    """
    found: list[int] = []
    for item in text.split(","):
        numbers = re.fullmatch(r"(\d+)(?:-(\d+))?", item)
        if numbers and int(numbers[1]) > 28:
            found += range(int(numbers[1]), int(numbers[2] or numbers[1]) + 1)
    return sorted(set(found), reverse=True)


def day_and_weekday(job: Subject) -> Iterator[Finding]:
    pattern = job.pattern
    if pattern is None or pattern.needs_both(job.dst):
        return
    days, week = pattern.fields[DAY], pattern.fields[WEEKDAY]
    if not (days.is_full or week.is_full):
        yield job.finding(
            "day-and-weekday",
            f"runs on every day that fits '{days.text}', and also on every '{week.text}'",
            f"write +{week.text} to require both, or make two jobs of it",
            "cron",
        )


def _list(words: Sequence[str]) -> str:
    *head, tail = words
    return f"{', '.join(head)} and {tail}" if head else tail


RULES = (
    Rule(
        "uneven-step",
        "steps that do not divide their unit",
        "A step begins again with each unit, so the last interval of each differs.",
        each(uneven_step),
    ),
    Rule(
        "step-exceeds-range",
        "steps that exceed their range",
        "Such a step matches a single number.",
        each(step_exceeds_range),
    ),
    Rule(
        "month-end",
        "days that some months do not have",
        "The job is left out in these months, without a word.",
        each(month_end),
    ),
    Rule(
        "day-and-weekday",
        "both a day of the month and a weekday",
        "With both fields, cron runs on days that fit either of them.",
        each(day_and_weekday),
    ),
)
