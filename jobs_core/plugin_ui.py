"""What plugins that show a board to people import: texts for pages, and what an API needs to describe itself.

    from jobs_core.plugin_ui import duration_text, from_now, schedule_text

Importing it imports neither redis nor rich.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jobs_core.bounds import RETENTION
from jobs_core.changes import as_plain
from jobs_core.options import (
    JOB_OPTIONS,
    JOB_STATES,
    PUSH_OPTIONS,
    SCHEDULE_OPTIONS,
    TASK_STATES,
    span,
)
from jobs_core.schemas import option_schema
from jobs_core.wording import duration_text, from_now, schedule_text

if TYPE_CHECKING:
    from jobs_core.crontab.explained import explained
    from jobs_core.plugins.payloads import check_fields

__all__ = [
    "JOB_OPTIONS",
    "JOB_STATES",
    "PUSH_OPTIONS",
    "RETENTION",
    "SCHEDULE_OPTIONS",
    "TASK_STATES",
    "as_plain",
    "check_fields",
    "duration_text",
    "explained",
    "from_now",
    "option_schema",
    "schedule_text",
    "span",
]

_LAZY = {"check_fields": "jobs_core.plugins.payloads", "explained": "jobs_core.crontab.explained"}


def __getattr__(name: str) -> Any:
    """Import these on first use: they need redis or the plugins."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
