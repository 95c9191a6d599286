"""Parse a cron pattern into fields, for explanations. Only Redis computes when it runs."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
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
MONTHS = tuple(calendar.month_name)[1:]
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
LENGTH = 256
"""The maximum length of a pattern, in bytes."""


def _names(words: Sequence[str], first: int) -> dict[str, int]:
    """Return the numbers of names, short and in full: JAN and JANUARY."""
    found = {word[:3].upper(): number for number, word in enumerate(words, first)}
    return found | {word.upper(): number for number, word in enumerate(words, first)}


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
    Kind("month", 1, 12, _names(MONTHS, 1)),
    Kind("weekday", 0, 7, _names(WEEKDAYS, 0), spread=6),
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
    warnings: list[str] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether the field has every number of its range."""
        return self.numbers == list(range(self.kind.low, _last(self.kind) + 1))

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

    @property
    def warnings(self) -> list[str]:
        """What is valid, but probably means something else."""
        return [f"cron: {warning} in '{self.text}'" for field in self.fields for warning in field.warnings]

    def needs_both(self, dst: str) -> bool:
        """Whether a day must fit both day fields, rather than one of them."""
        days = (self.fields[3].text, self.fields[5].text)
        return self.both or any(text == "*" if dst == "ocps" else text.startswith("*") for text in days)


def parse(text: str) -> Pattern:
    """Parse a pattern. Raises OptionError with the field and the problem if it is invalid.

    >>> parse("0 3 * * MON#1").fields[5].special
    [(1, '1')]
    """
    tidy = normalize(text)
    size = len(tidy.encode(errors="surrogateescape"))
    if size > LENGTH:
        raise OptionError(f"cron: expected at most {LENGTH} bytes, got {size}", option="cron")
    words = NICKNAMES.get(tidy, tidy).split(" ")
    if tidy.startswith("@") and tidy not in NICKNAMES:
        _reject_nickname(tidy)
    _reject_other_crons(tidy)
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


def normalize(text: str) -> str:
    """Return a pattern without blanks around it, and with single ones within."""
    return re.sub("[ \t]+", " ", text).strip(" ")


def _reject_nickname(pattern: str) -> NoReturn:
    if pattern == "@reboot":
        sentence = (
            "@reboot is not supported, because a board never reboots: push the job when a machine starts"
        )
        raise OptionError(f"cron: {sentence}", option="cron")
    _reject(pattern, "unknown nickname", "write @hourly, @daily, @weekly, @monthly, @yearly or @every 5m")


def _reject_other_crons(pattern: str) -> None:
    """Reject the forms of other schedulers with what to write instead, as lua/cron/other_crons.lua does."""
    if found := re.fullmatch(r"cron\((.*)\)", pattern):
        words = found[1].split(" ")
        counted = len(words) > 4 and re.search("[0-9]", words[4])
        names = ", and name the weekdays, which cron counts from SUN = 0" if counted else ""
        advice = f"write its fields with a second before them, 0 {found[1]}{names}"
        _reject(pattern, "cron(…) is not supported", advice)
    if found := re.fullmatch(r"rate\(([0-9]+) ([a-z])[a-z]*\)", pattern):
        _reject(pattern, "rate(…) is not supported", f"write @every {found[1]}{found[2]}")
    if re.fullmatch(r"(?:[^ ]+ ){5}[12][0-9]{3}[^ ]*", pattern):
        _reject(pattern, "expected a second before a pattern with a year", f"write 0 {pattern}")


def _last(kind: Kind) -> int:
    return 6 if kind.name == "weekday" else kind.high


def _field(pattern: str, kind: Kind, text: str) -> Field:
    found = Field(kind, text)
    for item in text.split(","):
        if not item:
            _reject(pattern, f"{kind.name}: expected no empty item, got '{text}'")
        if item.startswith("H") and kind.name != "year":
            _add_spread(found, pattern, item)
        elif (special := _special(pattern, kind, item, alone=item == text)) is not None:
            found.special.append(special)
        else:
            _add_numbers(found, pattern, item)
    if kind.name == "weekday":
        found.numbers = [number % 7 for number in found.numbers]
    found.numbers = sorted(set(found.numbers))
    if found.is_full:  # what else there is adds nothing
        found.special, found.spreads = [], []
    return found


def _special(pattern: str, kind: Kind, item: str, *, alone: bool) -> str | tuple[int, str] | None:
    if kind.name == "day-of-month":
        if item == "L":
            return item
        if re.fullmatch("L-[0-9]+", item):
            problem = f"day-of-month: expected L alone, got '{item}'"
            _reject(pattern, problem, "write L for the last day, or a day such as 28")
        if item == "LW" or re.fullmatch("[0-9]+W", item):
            if not alone:
                _reject(pattern, f"day-of-month: expected '{item}' alone, got a list")
            return item if item == "LW" else f"{_number(pattern, kind, item[:-1])}W"
    if kind.name == "weekday" and (found := re.fullmatch("([A-Za-z0-9]+?)(?:#([A-Za-z0-9]+)|(L))", item)):
        nth = found[2] or "L"
        if not re.fullmatch("[1-5L]", nth):
            _reject(pattern, f"weekday: expected 1 to 5 or L after #, got '{item}'")
        return _number(pattern, kind, found[1]) % 7, nth
    return None


def _add_spread(field: Field, pattern: str, item: str) -> None:
    """Add what an H stands for. One that leaves no choice is its numbers."""
    kind = field.kind
    found = re.fullmatch(r"H(?:\(([^-()]+)-([^-()]+)\))?(?:/(.*))?", item, re.DOTALL)
    if found is None:
        _reject(pattern, f"{kind.name}: expected H, H(0-9), H/5 or H(0-9)/5, got '{item}'")
    low, high = kind.low, kind.spread or kind.high
    if found[1]:
        low, high = _range(pattern, kind, found[1], found[2])
    step = None if found[3] is None else _step(pattern, kind, item, found[3])
    size = high - low + 1
    if step is not None and step > size:
        field.warnings.append(_step_warning(kind, item, low, high, "one number"))
    if size == 1 or step == 1:
        field.numbers += range(low, high + 1)
        return
    spread = (low, high, step if step is not None and step < size else None)
    if spread not in field.spreads:
        field.spreads.append(spread)


def _add_numbers(field: Field, pattern: str, item: str) -> None:
    kind = field.kind
    base, slash, step = item.partition("/")
    if base == "*":
        low, high = kind.low, _last(kind)
    elif found := re.fullmatch("([^-]+)-([^-]+)", base):
        low, high = _range(pattern, kind, found[1], found[2])
    else:
        low = high = _number(pattern, kind, base)
        if slash:
            _step(pattern, kind, item, step)
            stretch = "*" if low == kind.low else f"{base}-{kind.high}"
            problem = f"{kind.name}: expected a range before /, got '{item}'"
            _reject(pattern, problem, f"write {stretch}/{step}")
    by = _step(pattern, kind, item, step) if slash else 1
    if by > high - low + 1:
        field.warnings.append(_step_warning(kind, item, low, high, str(low)))
    field.numbers += range(low, high + 1, by)


def _step_warning(kind: Kind, item: str, low: int, high: int, match: str) -> str:
    return f"{kind.name}: the step of '{item}' exceeds its range, {low} to {high}, so only {match} matches"


def _range(pattern: str, kind: Kind, first: str, last: str) -> tuple[int, int]:
    low, high = _number(pattern, kind, first), _number(pattern, kind, last)
    if kind.name == "weekday" and high == 0 < low and not last.isdigit():
        high = 7  # FRI-SUN
    if high < low:
        problem = f"{kind.name}: expected a range in ascending order, got '{first}-{last}'"
        _reject(pattern, problem, "write two ranges")
    return low, high


def _number(pattern: str, kind: Kind, text: str) -> int:
    number = kind.names.get(text.upper()) if text.isascii() else None
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
    sentence = f"cron: {problem} in '{pattern}'{advice and ': '}{advice}"
    raise OptionError(re.sub(r"[\x00-\x1f\x7f]", "?", sentence), option="cron")
