"""When the quiet hours of an alert are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from jobs_core import Alert


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Quiet hours that are now, or come next. Times are in epoch seconds."""

    begin: float
    end: float

    def are_at(self, moment: float) -> bool:
        """Whether a moment is in them."""
        return self.begin <= moment < self.end


def quiet_hours(alert: Alert, now: float) -> QuietHours | None:
    """Return the quiet hours of an alert that are now, or come next. None if it has none.

    >>> quiet_hours(Alert("ops", "failed", "notify", quiet="22:00-07:00"), 0)
    QuietHours(begin=-7200.0, end=25200.0)
    """
    if alert.quiet is None:
        return None
    zone = _zone(alert.zone)
    begin, end = (_clock(text) for text in alert.quiet.split("-"))
    today = datetime.fromtimestamp(now, zone).date()
    for days in (-1, 0, 1):
        first = today + timedelta(days)
        last = first if begin < end else first + timedelta(1)
        found = QuietHours(
            datetime.combine(first, begin, zone).timestamp(), datetime.combine(last, end, zone).timestamp()
        )
        if found.end > now:
            return found
    return None


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def _zone(name: str | None) -> tzinfo:
    """Return a zone; UTC if the alert has none, or one that is not known here."""
    try:
        return ZoneInfo(name or "UTC")
    except (OSError, ValueError, LookupError):
        return UTC
