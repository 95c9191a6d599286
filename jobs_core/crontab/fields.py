"""The five fields of a crontab line, as Debian's cron reads them.

Fields that pass here mean the same to Jobs, whose own patterns can express more. This covers names in any
case, 7 as Sunday, steps, and the rule for the two day fields, which depends on whether one begins with a
star.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
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


def nickname_problem(text: str) -> str | None:
    """Return what is wrong with a nickname, or None. Case matters: cron does not know `@Daily`."""
    if text in NICKNAMES:
        return None
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
        return _rejection(item)
    if any(not field.low <= number <= field.high for number in known):
        return f"expected {field.low}-{field.high}"
    if len(known) == 2 and known[0] > known[1]:
        return "the range ends before it begins, so cron never runs it; write two ranges"
    return _step_problem(field, known, step)


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
