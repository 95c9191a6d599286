"""Times on the command line, as Redis reads them or in words: `yesterday`, `tue 03:00`, `-2h`."""

from __future__ import annotations

import re
import time
from typing import Any

import click

from jobs_core.errors import OptionError

EXPECTED = "expected a time such as 'tue 03:00', yesterday, -2h, +1d or 2026-12-01T08:00:00Z"

_READ_BY_REDIS = re.compile(r"\+.*|\d{4}-.*|\d+(\.\d*)?", re.DOTALL)
"""Epoch seconds, ISO 8601, and durations from now, which the clock of Redis decides."""


class SpokenTime(click.ParamType):
    """A time. Words become epoch seconds, by the clock and zone of this machine; Redis reads all else."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the time, in a form that Redis reads.

        Raises:
            OptionError: The text is neither. It names the option.
        """
        text = str(value).strip()
        if _READ_BY_REDIS.fullmatch(text):
            return text
        from jobs_core.why.moment import read_moment

        try:
            return read_moment(text, time.time())
        except OptionError:
            option = param.opts[0].lstrip("-") if param else "time"
            raise OptionError(f"{option}: {EXPECTED}, got {text!r}", option=option) from None


SPOKEN_TIME = SpokenTime()
