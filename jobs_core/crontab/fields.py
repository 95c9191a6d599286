"""The five fields of a crontab line, as Debian's cron reads them.

What passes here means the same to Jobs, whose own patterns know more: names in any case, 7 as Sunday,
steps, and the rule for the two day fields, which turns on whether one of them begins with a star.
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
    """One of the five: its numbers from `low` to `high`, and the names of the first ones."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """What a number or a name stands for; None for neither.

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

NOT_UNDERSTOOD = "is not understood: write *, a number, a range such as 1-5, or a step such as */15"

_ITEM = re.compile(r"(?:\*|([0-9]{1,18}|[A-Za-z]+)(?:-([0-9]{1,18}|[A-Za-z]+))?)(?:/([0-9]{1,18}))?")
_RANDOM = re.compile(r"[0-9]*~[0-9]*(?:/[0-9]+)?")
_OURS = re.compile(r"\?|LW?|[0-9]+[WL]|(?:[0-7]|[A-Za-z]{3})#[1-5L]|H(?:\([0-9]+-[0-9]+\))?(?:/[0-9]+)?")


def problems(field: Field, text: str) -> Iterator[tuple[int, str]]:
    """What is wrong with a field, each with its place in the text.

    What is not understood is not quoted: where a field is missing, it is part of the command.

    >>> list(problems(FIELDS[0], "5,60"))
    [(2, "minute '60' is not within 0-59")]
    """
    place = 0
    for item in text.split(","):
        wrong = _problem(field, item)
        if wrong:
            quoted = f" {item!r}" if item and wrong != NOT_UNDERSTOOD else ""
            yield place, f"{field.name}{quoted} {wrong}"
        place += len(item) + 1


def nickname_problem(text: str) -> str | None:
    """What is wrong with a nickname: `@Daily` is none, since cron minds the case."""
    if text in NICKNAMES:
        return None
    return f"there is no such nickname: write one of {', '.join(NICKNAMES)}"


def _problem(field: Field, item: str) -> str | None:
    if not item:
        return "has an empty item: write numbers with single commas between them"
    match = _ITEM.fullmatch(item)
    if match is None:
        return _foreign(item)
    first, last, step = match.groups()
    numbers = [field.number(text) for text in (first, last) if text]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return _foreign(item)
    if any(not field.low <= number <= field.high for number in known):
        return f"is not within {field.low}-{field.high}"
    if len(known) == 2 and known[0] > known[1]:
        return "ends before it begins, so that cron never runs it: write two ranges"
    return _step_problem(field, known, step)


def _step_problem(field: Field, known: list[int], step: str | None) -> str | None:
    if step is None:
        return None
    if len(known) == 1:
        return f"has a step of no range: write {known[0]}-{field.high}/{int(step)}"
    return "has a step of 0: make it 1 or more" if int(step) == 0 else None


def _foreign(item: str) -> str:
    """Why an item that is not Debian's is refused: another cron's, our own, or neither."""
    if _RANDOM.fullmatch(item):
        return "is random in some crons only: write a number, or put the job with an H, such as H(0-30)"
    if _OURS.fullmatch(item):
        return "is for patterns of Jobs, which cron does not know: put the job with `jobs put --cron`"
    return NOT_UNDERSTOOD
