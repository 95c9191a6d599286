"""What will run: the forecast of the next days, hour by hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING

from jobs_core import OptionError
from jobs_core.plugin_ui import holders_text
from jobs_web.charts.heatmap import heat_legend
from jobs_web.site import Page, View
from jobs_web.zones import zone_of

if TYPE_CHECKING:
    from jobs_core.plugin_ui import Forecast

ROWS = 100
"""Jobs of a list at most."""

MINUTES = 6
"""Busy minutes at most."""

IN_HOUR = 12
"""Jobs of an hour at most."""


@dataclass(frozen=True, slots=True)
class HourRow:
    """An hour of a day: its beginning (epoch seconds), its runs, those of some jobs, and the others."""

    begin: int
    clock: str
    runs: int
    jobs: Sequence[tuple[str, int]]
    others: int


def week(view: View) -> Page:
    """Show the forecast, which is made in the background; with the field `day` (2026-12-01), its hours."""
    zone, day, forecasts = zone_of(view), read_day(view.query.get("day")), view.site.forecasts
    forecasts.refresh(view.board)
    kept = forecasts.kept
    found = kept.forecast if kept else None
    data = {"progress": forecasts.progress, "kept": kept, "found": found, "zone": zone, "day": day}
    if found is None:
        return Page("week.html", data)
    if day is not None:
        return Page("week.html", data | _day_data(view, found, day, zone))
    text = view.query.get("text", "").lower()
    jobs = sorted((job for job in found.jobs if text in job.id.lower()), key=lambda job: (-job.runs, job.id))
    return Page(
        "week.html",
        data
        | {
            "legend": heat_legend(found.hours, zone),
            "url_of_day": partial(_url_of_day, view),
            "jobs": jobs[:ROWS],
            "job_count": len(jobs),
            "never": [job for job in found.jobs if not job.runs][:ROWS],
            "never_count": len(found.never),
            "minutes": found.minutes[:MINUTES],
            "holders_text": holders_text,
        },
    )


def read_day(text: str | None) -> date | None:
    """Read a day such as 2026-12-01. Raises OptionError if it is none."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OptionError(
            f"day: expected a day such as 2026-12-01, got {text[:64]!r}", option="day"
        ) from None


def _url_of_day(view: View, day: str) -> str:
    return view.again(day=day, text=None)


def _day_data(view: View, found: Forecast, day: date, zone: tzinfo) -> dict[str, object]:
    rows = list(hour_rows(found, day, zone))
    first, last = (datetime.fromtimestamp(time, zone).date() for time in (found.begin, found.end - 0.001))
    before, after = day - timedelta(1), day + timedelta(1)
    return {
        "rows": rows,
        "most": max((row.runs for row in rows), default=0),
        "runs": sum(row.runs for row in rows),
        "before": _url_of_day(view, str(before)) if first <= before <= last else None,
        "after": _url_of_day(view, str(after)) if first <= after <= last else None,
        "busy": [one for one in found.minutes if datetime.fromtimestamp(one.time, zone).date() == day],
    }


def hour_rows(found: Forecast, day: date, zone: tzinfo) -> Iterable[HourRow]:
    """Yield the hours of a day that the forecast has."""
    for begin, runs in found.hours.items():
        local = datetime.fromtimestamp(begin, UTC).astimezone(zone)
        if local.date() == day:
            jobs = found.by_hour.get(begin, ())[:IN_HOUR]
            yield HourRow(begin, f"{local:%H:%M}", runs, jobs, runs - sum(n for _, n in jobs))
