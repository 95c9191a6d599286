"""Cursors of lists. Whatever list they belong to, a wrong one is answered with the same sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from jobs_core import OptionError
from jobs_web.api.model import Problem

MISTAKE = "cursor: expected the `next` of a page with the same filters"


@contextmanager
def checked_cursor(option: str = "cursor", mistake: str = MISTAKE) -> Iterator[None]:
    """Raise Problem where Jobs rejects a cursor. It speaks of its own commands."""
    try:
        yield
    except OptionError as error:
        if error.option not in ("cursor", "before", option):
            raise
        raise Problem(400, mistake, option) from None


def read_due(cursor: str) -> float:
    """Return the time from which a list of occurrences continues."""
    if not re.fullmatch(r"\d{1,12}\.\d{3}", cursor):
        raise Problem(400, MISTAKE, "cursor")
    return float(cursor)
