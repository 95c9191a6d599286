"""What plugins that show a board to people import: options, instants, durations and schedules in words.

    from jobs_core.plugin_ui import duration_text, from_now, schedule_text

Importing it imports neither redis nor rich.
"""

from __future__ import annotations

from jobs_core.cron.clock_note import clock_note
from jobs_core.cron.explain import explain
from jobs_core.options import (
    JOB_OPTIONS,
    JOB_STATES,
    SCHEDULE_OPTIONS,
    UNITS,
    WORK_OPTIONS,
    Option,
    PushOptions,
    PutOptions,
    TaskFilters,
    span,
    to_text,
)
from jobs_core.text import visible
from jobs_core.wording import (
    duration_text,
    fact_text,
    from_now,
    parent_text,
    rate_text,
    readable,
    schedule_text,
    waiting_text,
)

__all__ = [
    "JOB_OPTIONS",
    "JOB_STATES",
    "SCHEDULE_OPTIONS",
    "UNITS",
    "WORK_OPTIONS",
    "Option",
    "PushOptions",
    "PutOptions",
    "TaskFilters",
    "clock_note",
    "duration_text",
    "explain",
    "fact_text",
    "from_now",
    "parent_text",
    "rate_text",
    "readable",
    "schedule_text",
    "span",
    "to_text",
    "visible",
    "waiting_text",
]
