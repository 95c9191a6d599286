"""What plugins that show a board to people import: options, times and schedules in words, graphs, forecasts.

    from jobs_core.plugin_ui import duration_text, from_now, schedule_text

Importing it imports neither redis nor rich.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs_core.client.glob import matcher
from jobs_core.client.graph import Edge, Graph, Node, graph_of
from jobs_core.contract import Check, Finding
from jobs_core.cron.clock_note import clock_note
from jobs_core.cron.explain import explain
from jobs_core.options import (
    JOB_OPTIONS,
    JOB_STATES,
    SCHEDULE_OPTIONS,
    TASK_STATES,
    UNITS,
    WORK_OPTIONS,
    JobSort,
    Option,
    PushOptions,
    PutOptions,
    TaskFilters,
    span,
    to_text,
)
from jobs_core.text import visible
from jobs_core.why.moment import read_moment
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

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.forecast import Forecast, JobForecast

__all__ = [
    "JOB_OPTIONS",
    "JOB_STATES",
    "SCHEDULE_OPTIONS",
    "TASK_STATES",
    "UNITS",
    "WORK_OPTIONS",
    "Edge",
    "Forecast",
    "Graph",
    "JobForecast",
    "JobSort",
    "Node",
    "Option",
    "PushOptions",
    "PutOptions",
    "TaskFilters",
    "clock_note",
    "diagnose",
    "duration_text",
    "explain",
    "fact_text",
    "from_now",
    "graph_of",
    "matcher",
    "parent_text",
    "rate_text",
    "read_moment",
    "readable",
    "schedule_text",
    "span",
    "to_text",
    "visible",
    "waiting_text",
]


def diagnose(board: Board) -> list[tuple[Check, Finding]]:
    """Run the checks of `jobs doctor` on a board. They only read. A check that fails is a finding itself.

    >>> [finding.note for _, finding in diagnose(board) if finding.state != "ok"]
    ['appendonly is off: a restart loses all changes since the last snapshot']
    """
    from jobs_core.client.diagnose import run_checks

    return list(run_checks(board))


def __getattr__(name: str) -> Any:
    """Import these on first use: what makes forecasts needs redis."""
    if name in ("Forecast", "JobForecast"):
        from jobs_core import forecast

        return getattr(forecast, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
