"""Times on the command line, as Redis reads them or in words: `yesterday`, `tue 03:00`, `-2h`."""

from __future__ import annotations

import re
import time

import click

from jobs_core.errors import OptionError

EXPECTED = "expected a time such as 'tue 03:00', yesterday, -2h, +1d or 2026-12-01T08:00:00Z"

_READ_BY_REDIS = re.compile(r"\+.*|\d{4}-.*|\d+(\.\d*)?", re.DOTALL)
"""Epoch seconds, ISO 8601, and durations from now, which the clock of Redis decides."""


def spoken_time(ctx: click.Context, param: click.Parameter, value: str | None) -> str | float | None:
    """Return the time of an option in a form that Redis reads. It is the callback of the option.

    Words become epoch seconds, by the clock and zone of this machine. Redis reads all else.

    Raises:
        OptionError: The text is neither. It names the option.
    """
    text = None if value is None else value.strip()
    if text is None or _READ_BY_REDIS.fullmatch(text):
        return text
    from jobs_core.why.moment import read_moment  # imports redis, which help does not need

    try:
        return read_moment(text, time.time())
    except OptionError:
        option = param.opts[0].lstrip("-")
        raise OptionError(f"{option}: {EXPECTED}, got {text!r}", option=option) from None
