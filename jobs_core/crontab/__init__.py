"""Crontabs: `read` turns one into jobs, and `write` turns jobs into one.

The rules are those of Debian's cron. A line that it rejects is rejected here, with its location.
"""

from __future__ import annotations

from jobs_core.crontab.model import Crontab, Line, Notice
from jobs_core.crontab.read import is_system, read, read_all
from jobs_core.crontab.write import write

__all__ = ["Crontab", "Line", "Notice", "is_system", "read", "read_all", "write"]
