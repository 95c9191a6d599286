"""What plugins that show a board import: texts for pages, graphs, and what an API needs to describe itself.

    from jobs_core.plugin_ui import duration_text, from_now, schedule_text

Importing it imports neither redis nor rich.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jobs_core.alerts import alert_json, incident_json
from jobs_core.alerts.digest import digest_json
from jobs_core.alerts.options import ALERT_OPTIONS, AlertOptions
from jobs_core.bounds import RETENTION
from jobs_core.changes import as_plain
from jobs_core.client.glob import matcher
from jobs_core.client.graph import Edge, Graph, Node, graph_of
from jobs_core.contract import Check, Finding
from jobs_core.cron.clock_note import clock_note
from jobs_core.cron.explain import explain
from jobs_core.options import (
    JOB_OPTIONS,
    JOB_STATES,
    PUSH_OPTIONS,
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
from jobs_core.schemas import option_schema
from jobs_core.text import visible
from jobs_core.why.moment import read_moment
from jobs_core.wording import (
    duration_text,
    fact_text,
    from_now,
    holders_text,
    parent_text,
    rate_text,
    readable,
    schedule_text,
    waiting_text,
)

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.crontab.explained import explained
    from jobs_core.forecast import Forecast, JobForecast
    from jobs_core.plugins.payloads import check_fields

__all__ = [
    "ALERT_OPTIONS",
    "JOB_OPTIONS",
    "JOB_STATES",
    "PUSH_OPTIONS",
    "RETENTION",
    "SCHEDULE_OPTIONS",
    "TASK_STATES",
    "UNITS",
    "WORK_OPTIONS",
    "AlertOptions",
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
    "alert_json",
    "as_plain",
    "check_fields",
    "clock_note",
    "diagnose",
    "digest_json",
    "duration_text",
    "explain",
    "explained",
    "fact_text",
    "from_now",
    "graph_of",
    "holders_text",
    "incident_json",
    "matcher",
    "option_schema",
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

_LAZY = {
    "Forecast": "jobs_core.forecast",
    "JobForecast": "jobs_core.forecast",
    "check_fields": "jobs_core.plugins.payloads",
    "explained": "jobs_core.crontab.explained",
}


def __getattr__(name: str) -> Any:
    """Import these on first use: they need redis or the plugins."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def diagnose(board: Board) -> list[tuple[Check, Finding]]:
    """Run the checks of `jobs doctor` on a board. They only read. A check that fails is a finding itself.

    >>> [finding.note for _, finding in diagnose(board) if finding.state != "ok"]
    ['appendonly is off: a restart loses all changes since the last snapshot']
    """
    from jobs_core.client.diagnose import run_checks

    return list(run_checks(board))
