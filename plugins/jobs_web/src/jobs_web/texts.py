"""How templates show times, durations and schedules."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Undefined
from markupsafe import Markup, escape

from jobs_core.plugin_ui import duration_text, from_now, rate_text, readable, schedule_text, span

UNKNOWN = Markup("\N{EN DASH}")
"""What stands where a value is not known."""


def counted(count: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "worker"), counted(1200, "worker")
    ('1 worker', '1,200 workers')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def when(seconds: float | Undefined | None, now: float | None = None, zone: str | None = None) -> Markup:
    """Show an instant: how far it is from now, and exactly.

    The script of the page counts the distance on, and puts the exact time on the reader's clock.

    Args:
        seconds: The instant, in epoch seconds.
        now: The present time. The default is that of this process.
        zone: The zone of a job, whose clock is shown beside, unless it is the reader's.
    """
    if seconds is None or isinstance(seconds, Undefined):  # jobs and runs leave out what is unknown
        return UNKNOWN
    distance = from_now(seconds, time.time() if now is None else now)
    there = _clock_there(seconds, zone) if zone else ""
    content = Markup("<span>{}</span> <small>{}</small>{}").format(distance, exact(seconds), there)
    return _time(seconds, "when", content)


def instant(seconds: float | Undefined | None) -> Markup:
    """Show an instant exactly, for sentences and spans. The script puts it on the reader's clock."""
    if seconds is None or isinstance(seconds, Undefined):
        return UNKNOWN
    return _time(seconds, "instant", exact(seconds))


def exact(seconds: float | None) -> str:
    """Format an instant, in epoch seconds, in UTC.

    >>> exact(0)
    '1970-01-01 00:00:00 UTC'
    """
    if seconds is None:
        return "-"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _clock_there(seconds: float, zone: str) -> Markup:
    """Return what the clock of a zone says at an instant; empty if the zone is not known here."""
    try:
        local = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    except (OSError, ValueError, LookupError):
        return Markup("")
    text = f"{local:%a %H:%M:%S} in {zone}" if zone != "UTC" else f"{local:%a %H:%M:%S} UTC"
    return Markup(' <small class="there" data-zone="{}">{}</small>').format(zone, text)


def _time(seconds: float, kind: str, content: Markup | str) -> Markup:
    iso = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return Markup('<time class="{}" datetime="{}" title="{}">{}</time>').format(
        kind, iso, exact(seconds), content
    )


def number(value: float) -> str:
    """Format a number with separators of thousands.

    >>> number(1234567)
    '1,234,567'
    """
    return f"{value:,.0f}"


def rate(per_second: float) -> str:
    """Format a rate by the second, or by the minute if that reads better.

    >>> rate(2.5), rate(0.5)
    ('2.5 a second', '30 a minute')
    """
    return f"{per_second:,.1f} a second" if per_second >= 1 else f"{per_second * 60:,.0f} a minute"


def as_is(text: object) -> Markup:
    """Return a text for a field of a form: other than elsewhere, with characters that do not show.

    Bytes that are no UTF-8 cannot be in a form. A question mark stands for them.
    """
    return Markup(str(escape(text)).encode(errors="replace").decode())


_SPECIAL = re.compile(r"`(?P<command>[^`]*)`|(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00)")


def told(text: str) -> Markup:
    """Show a sentence that has commands between backquotes, and instants in UTC."""
    shown, end = Markup(""), 0
    for found in _SPECIAL.finditer(text):
        shown += text[end : found.start()]
        if found["time"]:
            shown += instant(datetime.fromisoformat(found["time"]).timestamp())
        else:
            shown += Markup("<code>{}</code>").format(found["command"])
        end = found.end()
    return shown + text[end:]


FILTERS: dict[str, Callable[..., Any]] = {
    "when": when,
    "instant": instant,
    "exact": exact,
    "counted": counted,
    "number": number,
    "duration": duration_text,
    "span": span,
    "schedule": schedule_text,
    "rate": rate,
    "told": told,
    "as_is": as_is,
    "readable_as": lambda value, name: readable(name, value),
    "rate_text": rate_text,
}
