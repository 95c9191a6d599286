"""How templates show times, durations and schedules."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup, escape

from jobs_core.plugin_ui import duration_text, from_now, rate_text, readable, schedule_text, span


def counted(count: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "worker"), counted(1200, "worker")
    ('1 worker', '1,200 workers')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def moment(seconds: float | None, now: float) -> Markup:
    """Show an instant by its distance from now. The script of the page adds the reader's own time."""
    return _time(seconds, lambda known: from_now(known, now), "moment")


def instant(seconds: float | None) -> Markup:
    """Show an instant in full. The script of the page puts it in the reader's zone."""
    return _time(seconds, exact, "instant")


def exact(seconds: float | None) -> str:
    """Format an instant, in epoch seconds, in UTC.

    >>> exact(0)
    '1970-01-01 00:00:00 UTC'
    """
    if seconds is None:
        return "-"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _time(seconds: float | Undefined | None, text: Callable[[float], str], kind: str) -> Markup:
    if seconds is None or isinstance(seconds, Undefined):  # jobs and runs leave out what is unknown
        return escape("–")  # noqa: RUF001
    iso = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return Markup('<time class="{}" datetime="{}" title="{}">{}</time>').format(
        kind, iso, exact(seconds), text(seconds)
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
    "moment": moment,
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
