"""What plugins that show a board to people import: instants, durations and schedules in words.

    from jobs_core.plugin_ui import duration_text, from_now, schedule_text

Importing it imports neither redis nor rich.
"""

from __future__ import annotations

from jobs_core.options import JOB_STATES, span
from jobs_core.wording import duration_text, from_now, schedule_text

__all__ = ["JOB_STATES", "duration_text", "from_now", "schedule_text", "span"]
