"""A forecast as text of 80 columns."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from textwrap import wrap

import click

from jobs_core.cli.heatmap import heat_map
from jobs_core.cli.table import as_cell
from jobs_core.forecast import Comparison, Forecast, Guess, JobForecast, Minute
from jobs_core.options import span
from jobs_core.wording import holders_text

WIDTH = 80
"""Columns of text."""

MINUTES, ROWS, NAMES = 5, 10, 3
"""How many busy minutes, rows of a section, and jobs of a minute are shown. `--json` has all."""


def forecast_lines(found: Forecast, board_name: str) -> Iterator[str]:
    """Yield the lines about one forecast."""
    yield f"board {board_name}: {_runs(found.runs)} from {_time(found.begin)} to {_time(found.end)}"
    yield from _section("runs an hour", heat_map(found.by_minute, found.begin, found.end, None))
    yield from _section("busiest minutes", _minute_lines(found.minutes))
    yield from _section("held by limits or overlap", _held_lines(found))
    yield from _section("after other jobs", _rows(_child_lines(found)))
    yield from _section("skipped, cancelled or overlapping", _rows(_missed_lines(found.jobs)))
    yield from _section("never in this time", _never_lines(found))
    yield from _section("guessed", _guess_lines(found.guesses))


def comparison_lines(found: Comparison, board_name: str) -> Iterator[str]:
    """Yield the lines about the forecast with a file applied, and what it changes."""
    yield from forecast_lines(found.after, board_name)
    yield from _section("what the file changes", _change_lines(found))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    rest = list(lines)
    if rest:
        yield ""
        yield click.style(title, bold=True)
        yield from (f"  {line}" if title != "runs an hour" else line for line in rest)


def _rows(lines: Iterable[str]) -> Iterator[str]:
    """Yield the first lines, and how many there are more."""
    every = list(lines)
    yield from every[:ROWS]
    if len(every) > ROWS:
        yield f"and {len(every) - ROWS:,} more (see --json)"


def _minute_lines(minutes: Sequence[Minute]) -> Iterator[str]:
    for one in minutes[:MINUTES]:
        names = [as_cell(id) + (f" ({runs})" if runs > 1 else "") for id, runs in one.jobs[:NAMES]]
        left = one.runs - sum(runs for _, runs in one.jobs[:NAMES])
        more = f", {left:,} more" if left else ""
        yield _cut(f"{_time(one.time)}  {one.runs:>6,}  {', '.join(names)}", more)


def _held_lines(found: Forecast) -> Iterator[str]:
    held = sorted((job for job in found.jobs if job.held), key=lambda job: -job.held)
    yield from _rows(
        f"{as_cell(job.id)}  at most {span(round(job.held))}, {holders_text(job.limits, job.overlap)}"
        for job in held
    )
    if found.waiting:
        yield f"{found.waiting:,} tasks still wait at the end"


def _child_lines(found: Forecast) -> Iterator[str]:
    silent = set(found.never)
    for job in found.jobs:
        if job.after:
            yield _child_line(job, silent.issuperset(job.after))


def _child_line(job: JobForecast, is_alone: bool) -> str:
    """Return the line about a job and its parents. `is_alone` says that none of these runs in this time."""
    more = f" and {len(job.after) - NAMES} more" if len(job.after) > NAMES else ""
    parents = ", ".join(map(as_cell, job.after[:NAMES])) + more
    link = f", without a run of {parents} in this time" if job.runs and is_alone else f" after {parents}"
    waiting = f", each waits at most {span(round(job.awaited))}" if job.awaited else ""
    return f"{as_cell(job.id)}  {_runs(job.runs)}{link}{waiting}"


def _missed_lines(jobs: Sequence[JobForecast]) -> Iterator[str]:
    for job in jobs:
        counts = {
            "skipped": job.skipped,
            "coalesced": job.coalesced,
            "cancelled": job.cancelled,
            "overlapping": job.overlapping,
        }
        words = [f"{count:,} {what}" for what, count in counts.items() if count]
        if words:
            yield f"{as_cell(job.id)}  {', '.join(words)} of {job.runs + job.skipped + job.coalesced:,}"


def _never_lines(found: Forecast) -> Iterator[str]:
    yield from _rows(f"{as_cell(job.id)}  {job.state}{_pause_end(job)}" for job in found.jobs if not job.runs)


def _pause_end(job: JobForecast) -> str:
    return "" if job.paused_until is None else f" until {_time(job.paused_until)}"


def _change_lines(found: Comparison) -> Iterator[str]:
    signs = {"new": ("+", "green"), "gone": ("-", "red"), "changed": ("~", "yellow")}
    lines = []
    for change in found.changes:
        sign, color = signs[change.change]
        counts = f"{change.before:,} → {change.after:,} runs"
        lines.append(click.style(f"{sign} {as_cell(change.id)}  {counts}", fg=color))
    yield from _rows(lines)
    yield f"runs in all: {found.before.runs:,} → {found.after.runs:,}"
    yield f"busiest minute: {_busiest(found.before)} → {_busiest(found.after)}"


def _busiest(found: Forecast) -> str:
    if not found.minutes:
        return "none"
    return f"{_runs(found.minutes[0].runs)} at {_time(found.minutes[0].time)}"


def _runs(count: int) -> str:
    return f"{count:,} run" + ("s" if count != 1 else "")


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"


def _guess_lines(guesses: Iterable[Guess]) -> Iterator[str]:
    for guess in guesses:
        names = ", ".join(map(as_cell, guess.jobs[:NAMES]))
        more = f" and {len(guess.jobs) - NAMES:,} more" if len(guess.jobs) > NAMES else ""
        text = f"{guess.sentence} ({names}{more})" if guess.jobs else guess.sentence
        yield from wrap(text, WIDTH - 2, subsequent_indent="  ", break_long_words=False)


def _cut(line: str, end: str) -> str:
    """Cut a line so that it fits into the terminal with its end."""
    room = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH) - 2 - len(end)
    return (line if len(line) <= room else line[: room - 1] + "…") + end
