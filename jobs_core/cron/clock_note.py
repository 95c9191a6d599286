"""Notes about local times at which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

GAP = "clocks have just gone forward"
FIRST, SECOND = "occurs twice, this is the first", "occurs twice, this is the second"


def clock_note(local: datetime) -> str:
    """Return a note about a local time that ends a gap or occurs twice, else an empty string.

    >>> from zoneinfo import ZoneInfo
    >>> clock_note(datetime(2027, 10, 31, 2, 30, tzinfo=ZoneInfo("Europe/Brussels")))
    'occurs twice, this is the first'
    """
    before = (local.astimezone(UTC) - timedelta(seconds=1)).astimezone(local.tzinfo)
    shift = (local.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
    if shift > timedelta():
        return GAP
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    if first == second:
        return ""
    return SECOND if local.fold else FIRST
