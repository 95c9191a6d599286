"""What plugins that show a board to people import: times and schedules in words, patterns, graphs, forecasts.

    from jobs_core.plugin_ui import duration_text, from_now, schedule_text

Importing it imports neither redis nor rich.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs_core.client.glob import matcher
from jobs_core.client.graph import Edge, Graph, Node, graph_of
from jobs_core.options import JOB_STATES, span
from jobs_core.wording import duration_text, from_now, schedule_text

if TYPE_CHECKING:
    from jobs_core.forecast import Forecast, JobForecast

__all__ = [
    "JOB_STATES",
    "Edge",
    "Forecast",
    "Graph",
    "JobForecast",
    "Node",
    "duration_text",
    "from_now",
    "graph_of",
    "matcher",
    "schedule_text",
    "span",
]


def __getattr__(name: str) -> Any:
    """Import these on first use: what makes forecasts needs redis."""
    if name in ("Forecast", "JobForecast"):
        from jobs_core import forecast

        return getattr(forecast, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
