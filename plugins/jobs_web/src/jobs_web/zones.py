"""The zone of the clock that a page shows, and times as the reader types them."""

from __future__ import annotations

import math
import re
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from jobs_core import OptionError
from jobs_web.site import View

UNKNOWN = (OSError, ValueError, LookupError)
"""How an unknown zone fails: odd names do so in odd ways."""

LATEST = 32_503_680_000.0
"""The last instant that can be asked for: the year 3000."""


def zone_of(view: View) -> ZoneInfo:
    """Return the zone that the field `zone` names. Without one, it is the reader's, or else UTC.

    Raises:
        OptionError: There is no such zone.
    """
    name = view.query.get("zone")
    if not name:
        return readers_zone(view)
    try:
        return ZoneInfo(name)
    except UNKNOWN:
        raise OptionError(
            f"zone: expected a time zone such as Europe/Brussels, got {name[:64]!r}", option="zone"
        ) from None


def readers_zone(view: View) -> ZoneInfo:
    """Return the zone that the reader's browser has told, if it is known here; else UTC."""
    return known_zone(view) or ZoneInfo("UTC")


def known_zone(view: View) -> ZoneInfo | None:
    """Return the zone that the reader's browser has told; None if it has not, or it is not known here."""
    try:
        return ZoneInfo(view.zone) if view.zone else None
    except UNKNOWN:
        return None


def instant_of(view: View, name: str) -> float | None:
    """Return the instant that a field names, in epoch seconds; None if there is none.

    ISO 8601 without an offset is read by the clock of the page.

    Raises:
        OptionError: The field is neither epoch seconds nor ISO 8601.
    """
    text = view.query.get(name)
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = _read_iso(text, zone_of(view))
    if not math.isfinite(found) or not 0 <= found <= LATEST:
        raise OptionError(
            f"{name}: expected epoch seconds or a time such as 2026-12-01T08:00Z, got {text[:64]!r}",
            option=name,
        )
    return found


_WITHOUT_OFFSET = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?")


def with_offset(text: str, zone: tzinfo) -> str:
    """Return a time as it is typed, with the offset of a zone if it is ISO 8601 without one.

    >>> with_offset("2026-12-01T08:00", ZoneInfo("Europe/Brussels")), with_offset("+2h", ZoneInfo("UTC"))
    ('2026-12-01T08:00:00+01:00', '+2h')
    """
    if not _WITHOUT_OFFSET.fullmatch(text.strip()):
        return text
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone).isoformat()
    except ValueError:
        return text  # a day that does not exist, which the board refuses


def _read_iso(text: str, zone: tzinfo) -> float:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return math.nan
