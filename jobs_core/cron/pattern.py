"""Parse a cron pattern into fields, for explanations. Only Redis computes when it runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from jobs_core.errors import OptionError

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of field: its name and its range of numbers. An H chooses a number up to `spread`."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)
    spread: int = 0


KINDS = (
    Kind("second", 0, 59),
    Kind("minute", 0, 59),
    Kind("hour", 0, 23),
    Kind("day-of-month", 1, 31, spread=28),
    Kind("month", 1, 12, {name: number + 1 for number, name in enumerate(MONTHS)}),
    Kind("weekday", 0, 7, {name: number for number, name in enumerate(WEEKDAYS)}, spread=6),
    Kind("year", 1970, 2199),
)


@dataclass(slots=True)
class Field:
    """A field: its text, its numbers, and its other items.

    `special` has L, 15W and LW for the day of the month, and (weekday, nth) for weekdays, where nth may be L
    for the last. `spreads` has, for each H, the first and last number it may choose, and its step.
    """

    kind: Kind
    text: str
    numbers: list[int] = field(default_factory=list)
    special: list[str | tuple[int, str]] = field(default_factory=list)
    spreads: list[tuple[int, int, int | None]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether the field has every number of its range."""
        low, high = self.kind.low, 6 if self.kind.name == "weekday" else self.kind.high
        return not (self.special or self.spreads) and self.numbers == list(range(low, high + 1))

    @property
    def is_plain(self) -> bool:
        """Whether the field has only numbers."""
        return not (self.special or self.spreads)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern: its seven fields in order, and whether the weekday begins with a +."""

    text: str
    fields: tuple[Field, ...]
    both: bool


def parse(text: str) -> Pattern:
    """Parse a pattern. Raises OptionError with the field and the problem if it is invalid.

    >>> parse("0 3 * * MON#1").fields[5].special
    [(1, '1')]
    """
    tidy = re.sub("[ \t]+", " ", text).strip(" ")
    words = NICKNAMES.get(tidy, tidy).split(" ")
    if tidy.startswith("@") and tidy not in NICKNAMES:
        _reject(tidy, "unknown nickname", "write @hourly, @daily, @weekly, @monthly or @yearly")
    if not 5 <= len(words) <= 7:
        count = len(words) if tidy else 0
        _reject(tidy, f"expected 5 to 7 fields, got {count}")
    words = ["0", *words] if len(words) == 5 else words
    words += ["*"] * (7 - len(words))
    both = words[5].startswith("+")
    words[5] = words[5].removeprefix("+")
    for place in (3, 5):
        words[place] = re.sub(r"^\?", "*", words[place])
    return Pattern(
        tidy, tuple(_field(tidy, kind, word) for kind, word in zip(KINDS, words, strict=True)), both
    )


def _field(pattern: str, kind: Kind, text: str) -> Field:
    found = Field(kind, text)
    for item in text.split(","):
        if not item:
            _reject(pattern, f"{kind.name}: expected no empty item, got '{text}'")
        if item.startswith("H") and kind.name != "year":
            found.spreads.append(_spread(pattern, kind, item))
        elif (special := _special(pattern, kind, item, alone=item == text)) is not None:
            found.special.append(special)
        else:
            found.numbers += _numbers(pattern, kind, item)
    if kind.name == "weekday":
        found.numbers = [number % 7 for number in found.numbers]
    found.numbers = sorted(set(found.numbers))
    return found


def _special(pattern: str, kind: Kind, item: str, *, alone: bool) -> str | tuple[int, str] | None:
    if kind.name == "day-of-month":
        if item == "L":
            return item
        if item == "LW" or re.fullmatch(r"\d+W", item):
            if not alone:
                _reject(pattern, f"day-of-month: expected '{item}' alone, got a list")
            return item if item == "LW" else f"{_number(pattern, kind, item[:-1])}W"
    if kind.name == "weekday" and (found := re.fullmatch(r"(\w+?)(?:#(\w+)|(L))", item)):
        nth = found[2] or "L"
        if not re.fullmatch("[1-5L]", nth):
            _reject(pattern, f"weekday: expected 1 to 5 or L after #, got '{item}'")
        return _number(pattern, kind, found[1]) % 7, nth
    return None


def _spread(pattern: str, kind: Kind, item: str) -> tuple[int, int, int | None]:
    found = re.fullmatch(r"H(?:\(([^-()]+)-([^-()]+)\))?(?:/(.*))?", item)
    if found is None:
        _reject(pattern, f"{kind.name}: expected H, H(0-9), H/5 or H(0-9)/5, got '{item}'")
    low, high = kind.low, kind.spread or kind.high
    if found[1]:
        low, high = _range(pattern, kind, found[1], found[2])
    return low, high, None if found[3] is None else _step(pattern, kind, item, found[3])


def _numbers(pattern: str, kind: Kind, item: str) -> list[int]:
    base, slash, step = item.partition("/")
    if base == "*":
        low, high = kind.low, kind.high
    elif found := re.fullmatch("([^-]+)-([^-]+)", base):
        low, high = _range(pattern, kind, found[1], found[2])
    elif slash:
        _reject(pattern, f"{kind.name}: expected a range before /, got '{item}'", "write */2 or 10-50/2")
    else:
        low = high = _number(pattern, kind, base)
    return list(range(low, high + 1, _step(pattern, kind, item, step) if slash else 1))


def _range(pattern: str, kind: Kind, first: str, last: str) -> tuple[int, int]:
    low, high = _number(pattern, kind, first), _number(pattern, kind, last)
    if kind.name == "weekday" and high == 0 < low and not last.isdigit():
        high = 7  # FRI-SUN
    if high < low:
        problem = f"{kind.name}: expected a range in ascending order, got '{first}-{last}'"
        _reject(pattern, problem, "write two ranges")
    return low, high


def _number(pattern: str, kind: Kind, text: str) -> int:
    number = kind.names.get(text.upper())
    if number is None and re.fullmatch("[0-9]+", text):
        number = int(text)
    if number is None or not kind.low <= number <= kind.high:
        names = f" or a name such as {next(iter(kind.names))}" if kind.names else ""
        _reject(pattern, f"{kind.name}: expected {kind.low} to {kind.high}{names}, got '{text}'")
    return number


def _step(pattern: str, kind: Kind, item: str, text: str) -> int:
    if not re.fullmatch("[0-9]+", text) or int(text) == 0:
        _reject(pattern, f"{kind.name}: expected a step of 1 or more after /, got '{item}'")
    return int(text)


def _reject(pattern: str, problem: str, advice: str = "") -> NoReturn:
    raise OptionError(f"cron: {problem} in '{pattern}'{advice and ': '}{advice}", option="cron")
