"""Charts as SVG, made on the server. Each is a function that templates call."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from jobs_web.charts.calendar import calendar_chart
from jobs_web.charts.durations import durations_chart
from jobs_web.charts.hours import hours_chart
from jobs_web.charts.strip import strip

CHARTS: dict[str, Callable[..., Markup]] = {
    "hours_chart": hours_chart,
    "strip": strip,
    "durations_chart": durations_chart,
    "calendar_chart": calendar_chart,
}
