"""The forms of other crons that stand for options: `TZ=Europe/Brussels 0 3 * * *` and `@every 5m`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from jobs_core.cron.pattern import normalize, parse
from jobs_core.errors import OptionError

UNITS = {
    **dict.fromkeys(("ms",), 1),
    **dict.fromkeys(("s", "second"), 1000),
    **dict.fromkeys(("m", "minute"), 60_000),
    **dict.fromkeys(("h", "hour"), 3_600_000),
    **dict.fromkeys(("d", "day"), 86_400_000),
    **dict.fromkeys(("w", "week"), 604_800_000),
    "month": 2_629_800_000,
    "quarter": 7_862_400_000,
    "year": 31_557_600_000,
}
"""Units of durations, in ms, as in lua/time/duration.lua."""

_NUMBER = r"([0-9]+\.?[0-9]*|\.[0-9]+)"
_ISO_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
_ISO = re.compile(
    "P"
    + "".join(f"(?:{_NUMBER}{unit})?" for unit in "YMWD")
    + "(?:T(?=.)"
    + "".join(f"(?:{_NUMBER}{unit})?" for unit in "HMS")
    + ")?"
)
_COMPACT = re.compile(f"{_NUMBER}([A-Za-z]+)")
LONGEST = 3.2e12
"""A hundred years, in ms."""


class Written(NamedTuple):
    """What the option cron says: a zone or None, and a pattern or the interval of @every."""

    zone: str | None
    pattern: str
    interval: str | None = None


def read_cron(text: str) -> Written:
    """Split what is written as cron.

    >>> read_cron("CRON_TZ=Europe/Brussels 0 3 * * *")
    Written(zone='Europe/Brussels', pattern='0 3 * * *', interval=None)
    >>> read_cron("@every 5m").interval
    '5m'
    """
    pattern = normalize(text)
    found = re.fullmatch("(?:CRON_)?TZ=:?([^ ]+) (.+)", pattern, re.DOTALL)
    zone, pattern = (found[1], found[2]) if found else (None, pattern)
    interval = re.fullmatch("@every ([^R].*)", pattern, re.DOTALL)
    return Written(zone, pattern, interval and interval[1])


def zone_of(options: Mapping[str, Any]) -> str | None:
    """Return the time zone of a schedule: the option zone, or the one that cron begins with."""
    if options.get("zone") is not None:
        return str(options["zone"])
    cron = options.get("cron")
    return read_cron(cron).zone if isinstance(cron, str) else None


def cron_warnings(options: Mapping[str, Any]) -> list[str]:
    """Return warnings about the option cron. There are none if it is invalid: Redis rejects it."""
    cron = options.get("cron")
    if not isinstance(cron, str):
        return []
    try:
        return parse(read_cron(cron).pattern).warnings
    except OptionError:
        return []


def interval_ms(text: str) -> float:
    """Return the length of an interval as Redis reads it. Raises OptionError for any other text.

    >>> interval_ms("1h30m")
    5400000.0
    """
    found = _milliseconds(text)
    if found is None:
        message = f"every: expected a duration such as 90, 1h30m or PT1H30M, got '{text}'"
        raise OptionError(message, option="every")
    if found > LONGEST:
        message = f"every: expected at most a hundred years, got '{text}'"
        raise OptionError(message, option="every")
    if found < 0.5:
        raise OptionError("every: expected at least 0.001 seconds", option="every")
    return float(int(found + 0.5))


def _milliseconds(text: str) -> float | None:
    if re.fullmatch(_NUMBER, text):
        return float(text) * 1000
    if iso := _ISO.fullmatch(text):
        parts = [
            (float(number), unit) for number, unit in zip(iso.groups(), _ISO_UNITS, strict=True) if number
        ]
        return sum(number * UNITS[unit] for number, unit in parts) if parts else None
    parts = [(float(number), unit) for number, unit in _COMPACT.findall(text)]
    sizes = [UNITS.get(unit) for _, unit in parts]
    if not parts or None in sizes or len(set(sizes)) < len(sizes) or _COMPACT.sub("", text):
        return None
    return sum(number * UNITS[unit] for number, unit in parts)
