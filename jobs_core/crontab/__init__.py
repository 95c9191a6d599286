"""Crontabs, read and written: `read` makes jobs of a crontab, `write` makes a crontab of jobs.

The rules are those of Debian's cron: what it refuses is refused here, with its place in the file.
"""

from __future__ import annotations

from jobs_core.crontab.model import Crontab, Line, Notice
from jobs_core.crontab.read import is_system, read
from jobs_core.crontab.write import write

__all__ = ["Crontab", "Line", "Notice", "is_system", "read", "write"]
