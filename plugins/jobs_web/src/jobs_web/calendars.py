"""The next runs of jobs as calendars: RFC 5545. Subscribe to `/calendar.ics`, or to `/job.ics?id=…`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from jobs_core import Board
from jobs_core.plugin_ui import schedule_text

AHEAD = timedelta(days=30)
"""How far a calendar looks ahead."""

JOBS = 200
"""Jobs of a calendar at most: those that run soonest."""

RUNS = 100
"""Runs of one job at most."""

EVENTS = 1000
"""Events of a calendar at most: the soonest."""

UTC_ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "END:STANDARD",
    "END:VTIMEZONE",
)
"""A calendar without any component is invalid, so each has this one."""

LINE = 75
"""Bytes of a line at most, without its end."""


def board_calendar(board: Board, now: datetime) -> str:
    """Return the calendar of the jobs that run soonest."""
    jobs = list(islice(board.list(sort="next", state="scheduled"), JOBS))
    return _calendar(board, jobs, now, f"Jobs: {board.name}")


def job_calendar(board: Board, id: str, now: datetime) -> str:
    """Return the calendar of one job. Raises NotFoundError if there is no such job."""
    return _calendar(board, [board.show(id)], now, f"{id} ({board.name})")


def _calendar(board: Board, jobs: list[dict[str, Any]], now: datetime, name: str) -> str:
    runs = sorted(
        ((run, job) for job in jobs for run in board.next(job["id"], count=RUNS) if run <= now + AHEAD),
        key=lambda found: (found[0], found[1]["id"]),
    )[:EVENTS]
    medians = {id: found.median for id, found in board.summary(*(job["id"] for job in jobs)).items()}
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Jobs//jobs-web//EN", f"X-WR-CALNAME:{_text(name)}"]
    lines += UTC_ZONE
    for run, job in runs:
        lines += _event(job, run, medians.get(job["id"]), now)
    return "".join(f"{part}\r\n" for line in [*lines, "END:VCALENDAR"] for part in _fold(line))


def _event(job: Mapping[str, Any], run: datetime, median: float | None, now: datetime) -> Iterable[str]:
    """Return the lines of an event. Its UID is the id of the task that the run will be."""
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(job['id'])}@{round(run.timestamp() * 1000)}"
    yield f"DTSTAMP:{_instant(now)}"
    yield f"DTSTART:{_instant(run)}"
    if median is not None:
        yield f"DURATION:PT{max(1, round(median))}S"
    yield f"SUMMARY:{_text(job['id'])}"
    about = [job.get("description", ""), f"{job['runner']}, {schedule_text(job)}"]
    yield f"DESCRIPTION:{_text(chr(10).join(filter(None, about)))}"
    yield "END:VEVENT"


def _instant(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    """Escape text. Control characters are not allowed, except the ends of lines."""
    clean = "".join(char for char in text if char == "\n" or char.isprintable())
    for char, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        clean = clean.replace(char, escaped)
    return clean


def _fold(line: str) -> Iterator[str]:
    """Divide a line into parts of at most 75 bytes. All but the first begin with a space."""
    part = ""
    for char in line:
        if len((part + char).encode()) > LINE:
            yield part
            part = " "
        part += char
    yield part
