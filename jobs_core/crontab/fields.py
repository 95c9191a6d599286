"""The five fields of a crontab line, as Debian's cron reads them.

Fields that pass here mean the same to Jobs, whose own patterns can express more. This covers names in any
case, 7 as Sunday, steps, and the rule for the two day fields, which depends on whether one begins with a
star.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The most days of each month."""

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NICKNAMES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its numbers from `low` to `high`, and names for the first of them."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """Return the value of a number or name, or None for other text.

        >>> FIELDS[3].number("Feb")
        2
        """
        if text.isdigit():
            return int(text)
        return self.names.index(text.lower()) + self.low if text.lower() in self.names else None

    def numbers(self, text: str) -> set[int]:
        """Return all numbers that a field without mistakes stands for.

        >>> sorted(FIELDS[3].numbers("feb,6-12/3"))
        [2, 6, 9, 12]
        """
        found: set[int] = set()
        for first, last, step in (_ITEM.fullmatch(item).groups() for item in text.split(",")):  # type: ignore[union-attr]
            low = self.low if first is None else self.number(first)
            high = self.number(last) if last else self.high if first is None else low
            found.update(range(low or 0, (high or 0) + 1, int(step or 1)))
        return found


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day-of-month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("weekday", 0, 7, WEEKDAYS),
)

NOT_UNDERSTOOD = "expected *, a number, a range such as 1-5, or a step such as */15"

_ITEM = re.compile(r"(?:\*|([0-9]{1,18}|[A-Za-z]+)(?:-([0-9]{1,18}|[A-Za-z]+))?)(?:/([0-9]{1,18}))?")
_RANDOM = re.compile(r"[0-9]*~[0-9]*(?:/[0-9]+)?")
_JOBS_ONLY = re.compile(r"\?|LW?|[0-9]+[WL]|(?:[0-7]|[A-Za-z]{3})#[1-5L]|H(?:\([0-9]+-[0-9]+\))?(?:/[0-9]+)?")


def problems(field: Field, text: str) -> Iterator[tuple[int, str]]:
    """Yield the mistakes in a field, each with its offset in the text.

    Items that are not understood are not quoted: if a field is missing, they are part of the command.

    >>> list(problems(FIELDS[0], "5,60"))
    [(2, "minute '60': expected 0-59")]
    """
    offset = 0
    for item in text.split(","):
        wrong = _problem(field, item)
        if wrong:
            quoted = f" {item!r}" if item and wrong != NOT_UNDERSTOOD else ""
            yield offset, f"{field.name}{quoted}: {wrong}"
        offset += len(item) + 1


def never_comes(fields: Sequence[str]) -> bool:
    """Check whether no year has such a day: fields without mistakes, such as `0 0 30 2 *`.

    >>> never_comes("0 0 30 2 *".split()), never_comes("0 0 30 2 1".split())
    (True, False)
    """
    _, _, day, month, weekday = fields
    if not weekday.startswith("*"):
        return False  # then either day field is enough
    return min(FIELDS[2].numbers(day)) > max(LENGTHS[number - 1] for number in FIELDS[3].numbers(month))


def nickname_problem(text: str) -> str | None:
    """Return what is wrong with a nickname, or None. Case matters: cron does not know `@Daily`."""
    if text in NICKNAMES:
        return None
    if text == "@every":
        return "cron does not know this nickname of Jobs; put the job with `jobs put --every`"
    return f"unknown nickname; write one of {', '.join(NICKNAMES)}"


def _problem(field: Field, item: str) -> str | None:
    if not item:
        return "empty item; separate numbers with single commas"
    match = _ITEM.fullmatch(item)
    if match is None:
        return _rejection(item)
    first, last, step = match.groups()
    numbers = [field.number(text) for text in (first, last) if text]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        if any(_is_full_name(field, text) for text in (first, last)):
            return "cron knows the first three letters of a name only; shorten it"
        return _rejection(item)
    if any(not field.low <= number <= field.high for number in known):
        return f"expected {field.low}-{field.high}"
    if len(known) == 2 and known[0] > known[1]:
        return "the range ends before it begins, so cron never runs it; write two ranges"
    return _step_problem(field, known, step)


def _is_full_name(field: Field, text: str | None) -> bool:
    """Whether a text is a name of the field that is written in full, such as Sunday."""
    full = (*calendar.month_name, *calendar.day_name)
    return text is not None and text.capitalize() in full and field.number(text[:3]) is not None


def _step_problem(field: Field, known: list[int], step: str | None) -> str | None:
    if step is None:
        return None
    if len(known) == 1:
        return f"a step needs a range; write {known[0]}-{field.high}/{int(step)}"
    return "expected a step of 1 or more" if int(step) == 0 else None


def _rejection(item: str) -> str:
    """Say why an item is rejected: it belongs to another cron, to Jobs, or to neither."""
    if _RANDOM.fullmatch(item):
        return "only some crons know random values; write a number, or put the job with an H, such as H(0-30)"
    if _JOBS_ONLY.fullmatch(item):
        return "cron does not know this pattern of Jobs; put the job with `jobs put --cron`"
    return NOT_UNDERSTOOD
