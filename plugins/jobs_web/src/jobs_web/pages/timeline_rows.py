"""Reads what ran in a span of time, at a cost that does not grow with the board."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from jobs_core import Board, NotFoundError, Run, RunningTask
from jobs_core.plugin_ui import duration_text, matcher
from jobs_web.charts.timeline import Bar, Mark, Row, Window
from jobs_web.site import View
from jobs_web.texts import exact

ENTRIES = 3000
"""Entries of the history that are read, at most."""

SKIPPED = 12_000
"""Entries after the span that are passed over, at most. A board keeps about 10,000."""

CANDIDATES = 300
"""Jobs of these entries that the filters look at, at most: those with the latest entries."""

JOBS = 50
"""Jobs whose runs are read, at most."""

RUNS = 200
"""Runs of a job that are read, at most."""

RUNNING = 100
"""Running tasks that are read, at most."""

KEPT = 10_000
"""Entries that a board keeps at least, before it drops older ones."""

ENDS = frozenset(("done", "dead", "cancelled"))
ATTEMPTS = frozenset(("failed", "lost"))


@dataclass
class Found:
    """What was read.

    Args:
        entries: Entries of the history in the span, newest first.
        jobs: The ids of the jobs that are shown.
        runs: Their runs in the span.
        running: Their tasks that run now.
        reaches: The earliest time that was read, if that is not all of the span.
        omitted: Jobs that pass the filters and are not shown.
        running_omitted: Running tasks that were not read.
    """

    entries: list[Mapping[str, Any]] = field(default_factory=list)
    jobs: dict[str, None] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    running: list[RunningTask] = field(default_factory=list)
    reaches: float | None = None
    omitted: int = 0
    running_omitted: int = 0


def read(board: Board, window: Window, filters: Mapping[str, str]) -> Found:
    """Read what ran in a span of time.

    Args:
        board: The board.
        window: The span.
        filters: `match` (a pattern of ids), `label`, `runner` and `text`. Empty ones are ignored.
    """
    found, top = Found(), board.top(RUNNING)
    later: dict[str, None] = {}  # jobs whose tasks ended after the span: they may have begun in it
    _read_history(board, window, found, later)
    running = [task for task in top.running_tasks if task.since is not None and task.since < window.end]
    candidates = dict.fromkeys(task.job for task in running)
    candidates |= dict.fromkeys(str(entry["job"]) for entry in found.entries) | later
    fits = _job_filter(board, filters)
    matching = [job for job in islice(candidates, CANDIDATES) if fits(job)]
    found.jobs = dict.fromkeys(matching[:JOBS])
    found.omitted = max(0, len(matching) - JOBS) + max(0, len(candidates) - CANDIDATES)
    found.entries = [entry for entry in found.entries if entry["job"] in found.jobs]
    found.running = [task for task in running if task.job in found.jobs]
    found.running_omitted = max(0, top.leased - len(top.running_tasks))
    for job in found.jobs:
        found.runs += (run for run in _runs(board, job) if _is_in(run, window))
    return found


def _read_history(board: Board, window: Window, found: Found, later: dict[str, None]) -> None:
    skipped = 0
    for entry in board.history():
        if entry["time"] >= window.end:
            skipped += 1
            later[entry["job"]] = None
            if skipped >= SKIPPED:
                found.reaches = window.end
                return
            continue
        if entry["time"] < window.begin:
            return
        if len(found.entries) >= ENTRIES:
            found.reaches = found.entries[-1]["time"]
            return
        if entry["what"] != "clock":
            found.entries.append(entry)
    if found.entries and skipped + len(found.entries) >= KEPT:  # older ones may have been dropped
        found.reaches = found.entries[-1]["time"]


def _job_filter(board: Board, filters: Mapping[str, str]) -> Callable[[str], bool]:
    """Return a function that tests whether a job passes the filters. It reads the job only if needed."""
    matches = matcher(filters.get("match") or None)
    label, runner, text = (filters.get(name, "").strip() for name in ("label", "runner", "text"))
    if not (label or runner or text):
        return matches

    def fits(id: str) -> bool:
        if not matches(id):
            return False
        try:
            job = board.show(id)
        except NotFoundError:
            return False
        words = "\n".join((id, job.get("description", ""), *job.get("label", ()))).lower()
        has_label = not label or label in job.get("label", ())
        return has_label and (not runner or job["runner"] == runner) and text.lower() in words

    return fits


def _runs(board: Board, job: str) -> Iterable[Run]:
    """Return the latest runs of a job; none if it was pushed or removed, and nothing is known of it."""
    try:
        return list(board.runs(job, limit=RUNS))
    except NotFoundError:
        return []


def _is_in(run: Run, window: Window) -> bool:
    end = run.ended if run.ended is not None else run.due
    begin = run.started if run.started is not None else end
    return begin < window.end and end >= window.begin


def rows_of(view: View, found: Found, now: float, by: str) -> list[Row]:
    """Return a row for each job, or for each worker if `by` says so, sorted by name."""
    bars: dict[str, list[Bar]] = {}
    marks: dict[str, list[Mark]] = {}
    for name, bar in _bars(view, found, now, by):
        bars.setdefault(name, []).append(bar)
    for name, mark in _marks(view, found, by):
        marks.setdefault(name, []).append(mark)
    return [
        Row(name or "worker unknown", _href(view, name, by), bars.get(name, ()), marks.get(name, ()))
        for name in sorted({*bars, *marks}, key=lambda name: (not name, name))
    ]


def _href(view: View, name: str, by: str) -> str:
    return view.url("/job", id=name) if by == "job" else view.url("/workers")


def _bars(view: View, found: Found, now: float, by: str) -> Iterator[tuple[str, Bar]]:
    for run in found.runs:
        if run.task is not None and run.started is not None and run.ended is not None:
            href, due = view.url("/task", id=run.task), run.due if by == "job" else None
            yield (
                run.job if by == "job" else run.worker,
                Bar(run.outcome, run.started, run.ended, href, _run_title(run), due),
            )
    for task in found.running:
        if task.since is not None:
            title = f"{task.task}: running since {exact(task.since)}{_on(task.worker)}"
            bar = Bar("running", task.since, max(now, task.since), view.url("/task", id=task.task), title)
            yield (task.job if by == "job" else task.worker or ""), bar


def _run_title(run: Run) -> str:
    code = f", {run.code}" if run.code else ""
    attempts = f", attempt {run.attempts}" if run.attempts > 1 else ""
    took = duration_text(run.took)
    return (
        f"{run.task}: {run.outcome} after {took}, from {exact(run.started)}{_on(run.worker)}{code}{attempts}"
    )


def _on(worker: str | None) -> str:
    return f", on {worker}" if worker else ""


def _marks(view: View, found: Found, by: str) -> Iterator[tuple[str, Mark]]:
    """Yield failed attempts, occurrences without a run, and ends that no bar shows."""
    kept = {run.task: run.started is not None for run in found.runs if run.task}
    for entry in found.entries:
        what, task, time = str(entry["what"]), str(entry["task"]), entry["time"]
        href = view.url("/task", id=task)
        if what in ATTEMPTS:
            title = f"{task}: attempt {entry['attempt']} {what}"
        elif what in ENDS and not kept.get(task):
            title = f"{task}: {what}. {'It never began' if task in kept else 'Its start is not kept'}"
        elif what in ("skipped", "coalesced") and by == "job":
            title = f"{entry['job']}: {entry.get('count', 1)} {what} ({entry.get('note', '')})"
            href = view.url("/job", id=entry["job"])
        else:
            continue
        name = str(entry["job"]) if by == "job" else str(entry.get("worker", ""))
        yield name, Mark(what, time, href, f"{title}, {exact(time)}")
