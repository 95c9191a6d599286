"""Charts as SVG, made on the server. Each is a function that templates call."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from jobs_web.charts.bars import load_bar, task_bar
from jobs_web.charts.calendar import calendar_chart
from jobs_web.charts.durations import durations_chart
from jobs_web.charts.graph import graph_chart
from jobs_web.charts.heatmap import heat_map
from jobs_web.charts.hours import hours_chart
from jobs_web.charts.strip import small_strip, strip
from jobs_web.charts.timeline import timeline_axis, timeline_key, timeline_row

CHARTS: dict[str, Callable[..., Markup]] = {
    "hours_chart": hours_chart,
    "strip": strip,
    "small_strip": small_strip,
    "load_bar": load_bar,
    "task_bar": task_bar,
    "durations_chart": durations_chart,
    "calendar_chart": calendar_chart,
    "graph_chart": graph_chart,
    "heat_map": heat_map,
    "timeline_axis": timeline_axis,
    "timeline_key": timeline_key,
    "timeline_row": timeline_row,
}
