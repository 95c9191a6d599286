"""Read a moment as people say it: `tue 03:00`, `yesterday 8:30`, `-2h`, or a time that Redis reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from jobs_core.errors import OptionError

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPOKEN = re.compile(r"(?:(next)\s+)?([a-z]+)?\s*(?:(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.IGNORECASE)
_AGO = re.compile(r"([-+])((?:\d+(?:\.\d+)?[wdhms])+)")
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}

_END = 7_258_118_400
"""The begin of the year 2200."""

EXPECTED = "expected a time such as 'tue 03:00', 'yesterday 8:30', 03:00, -2h, +1d or 2026-12-01T08:00:00Z"


def read_moment(text: str | float | datetime, now: float, zone: tzinfo | None = None) -> float:
    """Return a moment in epoch seconds.

    A day and a time of day are in the local zone of this machine, and past: `tue 03:00` is the latest Tuesday
    at 3. `next tue 03:00` and `tomorrow 03:00` are to come. ISO 8601 without an offset is UTC, as everywhere.

    Args:
        text: The moment, or epoch seconds, or a datetime.
        now: The present, in epoch seconds.
        zone: The zone whose clock the text means where it names no offset, ISO 8601 included. Without it,
            days are local and ISO 8601 is UTC, as above.

    Raises:
        OptionError: The text is no such moment.

    >>> read_moment("-2h", 10_000.0)
    2800.0
    """
    if isinstance(text, datetime):
        return text.timestamp()
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return _within(float(text), text)
    if not isinstance(text, str):
        raise OptionError(f"at: {EXPECTED}, or a datetime, got {text!r}", option="at")
    words = text.strip()
    found = _relative(words, now)
    for read in (_epoch, lambda words: _iso(words, zone), lambda words: _spoken(words, now, zone)):
        found = found if found is not None else read(words)
    if found is None:
        raise OptionError(f"at: {EXPECTED}, got {text!r}", option="at")
    return _within(found, text)


def _within(found: float, text: object) -> float:
    if not 0 <= found < _END:
        raise OptionError(f"at: expected a time from 1970 to 2199, got {text!r}", option="at")
    return found


def _relative(words: str, now: float) -> float | None:
    match = _AGO.fullmatch(words)
    if not match:
        return None
    seconds = sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"([\d.]+)([wdhms])", match[2]))
    return now - seconds if match[1] == "-" else now + seconds


def _epoch(words: str) -> float | None:
    return float(words) if re.fullmatch(r"\d{5,}(\.\d+)?", words) else None


def _iso(words: str, zone: tzinfo | None) -> float | None:
    if not re.match(r"\d{4}-\d\d-\d\d", words):
        return None
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=zone or UTC)).timestamp()


def _spoken(words: str, now: float, zone: tzinfo | None) -> float | None:
    match = _SPOKEN.fullmatch(words.lower())
    if not match or not words:
        return None
    coming, day, hour, minute, second = match.groups()
    if int(hour or 0) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        return None
    today = datetime.fromtimestamp(now, zone).replace(
        hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0), microsecond=0
    )
    if day is None:
        return None if coming else _latest(today, 1, now)
    if day in ("now", "today", "yesterday", "tomorrow"):
        return None if coming else _named_day(day, today, now)
    index = next((i for i, name in enumerate(_DAYS) if len(day) >= 3 and name.startswith(day)), None)
    if index is None:
        return None
    found = today + timedelta(days=index - today.weekday())
    if coming:
        return _earliest(found, now)
    return _latest(found if found <= today else found - timedelta(days=7), 7, now)


def _named_day(day: str, today: datetime, now: float) -> float:
    if day == "now":
        return now
    return (today + timedelta(days={"today": 0, "yesterday": -1, "tomorrow": 1}[day])).timestamp()


def _latest(found: datetime, days: int, now: float) -> float:
    """Return the moment itself if it is past, or else that of the period before."""
    return (found if found.timestamp() <= now else found - timedelta(days=days)).timestamp()


def _earliest(found: datetime, now: float) -> float:
    """Return the first moment to come, in steps of a week."""
    while found.timestamp() <= now:
        found += timedelta(days=7)
    return found.timestamp()
