"""Helpers for crontab tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs_core import Board
from jobs_core.crontab import Crontab, Line, read

DATA = Path(__file__).parent / "data"
CRON_D = DATA / "etc" / "cron.d"

DEBIAN = [DATA / "etc" / "crontab", *sorted(CRON_D.iterdir())]
"""Crontabs of Debian packages."""

USER = DATA / "user.crontab"

STANDING = ("next", "start", "state")
"""Fields that differ between two puts of the same job."""


def definitions(board: Board) -> dict[str, dict[str, Any]]:
    """Return the jobs of a board by id, without their state."""
    jobs = board.list()
    return {job["id"]: {name: job[name] for name in job if name not in STANDING} for job in jobs}


def one(text: str, **options: Any) -> Line:
    """Return the only line of a crontab that has no problems."""
    found = read(text, **options)
    assert not found.problems
    (line,) = found.lines
    return line


def said(found: Crontab) -> list[str]:
    return [str(problem) for problem in found.problems]
