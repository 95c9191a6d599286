"""Charts as SVG, made on the server. Each is a function that templates call."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from jobs_web.charts.bars import load_bar, task_bar
from jobs_web.charts.calendar import calendar_chart
from jobs_web.charts.durations import durations_chart
from jobs_web.charts.hours import hours_chart
from jobs_web.charts.strip import small_strip, strip

CHARTS: dict[str, Callable[..., Markup]] = {
    "hours_chart": hours_chart,
    "strip": strip,
    "small_strip": small_strip,
    "load_bar": load_bar,
    "task_bar": task_bar,
    "durations_chart": durations_chart,
    "calendar_chart": calendar_chart,
}
