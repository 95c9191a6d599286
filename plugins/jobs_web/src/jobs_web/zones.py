"""The zone of the clock that a page shows, and instants as the reader names them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
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
    try:
        return ZoneInfo(view.zone or "UTC")
    except UNKNOWN:
        return ZoneInfo("UTC")


def instant_of(view: View, name: str) -> float | None:
    """Return the instant that a field names, in epoch seconds; None if there is none.

    Raises:
        OptionError: The field is neither epoch seconds nor ISO 8601.
    """
    text = view.query.get(name)
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = _read_iso(text)
    if not math.isfinite(found) or not 0 <= found <= LATEST:
        raise OptionError(
            f"{name}: expected epoch seconds or a time such as 2026-12-01T08:00Z, got {text[:64]!r}",
            option=name,
        )
    return found


def _read_iso(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan
