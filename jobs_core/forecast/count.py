"""List the occurrences of jobs that nothing can hold, by the engine's schedule (JNEXT)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from math import ceil
from typing import Any

from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError
from jobs_core.forecast.tally import Tally

FIRST, MOST = 20, 1000
"""Occurrences to ask for at first, and at most at once."""

AT_ONCE = 50
"""Calls in flight."""

Window = tuple[int, float]
"""At most so many runs may start in so many ms."""


@dataclass(slots=True)
class Listing:
    """How far the occurrences of a job have been listed. Times are ms."""

    job: Mapping[str, Any]
    left: float
    size: int
    last: int | None = None
    covered: float = 0.0
    """The share of the time up to the end that is listed."""

    @property
    def id(self) -> str:
        return str(self.job["id"])

    @property
    def call(self) -> tuple[str, list[Any]]:
        after = [] if self.last is None else ["from", f"{self.last / 1000:.3f}"]
        return "JNEXT", [self.id, "count", self.size, *after]


def count_runs(
    commands: Commands,
    jobs: Sequence[Mapping[str, Any]],
    durations: Mapping[str, float],
    tally: Tally,
    progress: Callable[[float], object],
) -> None:
    """Count the runs of jobs up to the end of the tally's span.

    Args:
        commands: The board that has the jobs.
        jobs: The jobs, as `Board.dump` yields them.
        durations: Seconds that a run takes, by job id, where known.
        tally: What counts them.
        progress: Called with the share that is counted, from 0 to 1.
    """
    covered: dict[str, float] = {}
    total = 0.0
    for listing, times in _list_pages(commands, jobs, tally.end):
        if jitter := listing.job.get("jitter"):
            times = sorted(_delayed(listing.id, time, round(jitter * 1000)) for time in times)
        duration = durations.get(listing.id)
        started = [time for time in times if tally.begin <= time < tally.end]
        tally.add_times(listing.id, started, duration and duration * 1000)
        total += listing.covered - covered.get(listing.id, 0)
        covered[listing.id] = listing.covered
        progress(total / len(jobs))


def find_crowded(
    commands: Commands, windows: Mapping[str, list[Window]], jobs: Iterable[Mapping[str, Any]], end: int
) -> set[str]:
    """Return the ids of the jobs whose own rules have something to hold or skip before a time in ms.

    Args:
        commands: The board that has the jobs.
        windows: The rules of each job, by its id.
        jobs: The jobs, as `Board.dump` yields them.
        end: The end of the span.
    """
    crowded: set[str] = set()
    tails: dict[str, list[int]] = {}
    for listing, times in _list_pages(commands, jobs, end, skip=crowded):
        rules = windows[listing.id]
        known = tails.get(listing.id, []) + times
        if any(_is_exceeded(known, window) for window in rules):
            crowded.add(listing.id)
        tails[listing.id] = known[-max(n for n, _ in rules) :]
    return crowded


def _is_exceeded(times: list[int], window: Window) -> bool:
    n, ms = window
    return any(later - time < ms for time, later in zip(times, times[n:], strict=False))


def _delayed(id: str, due: int, jitter: int) -> int:
    """Return when an occurrence starts: see add_run in lua/due/due_jobs.lua."""
    return due + int(sha1(f"{id}@{due}".encode()).hexdigest()[:8], 16) % (jitter + 1)


def _list_pages(
    commands: Commands, jobs: Iterable[Mapping[str, Any]], end: int, skip: Iterable[str] = ()
) -> Iterator[tuple[Listing, list[int]]]:
    """Yield the occurrences of each job before a time in ms, in pages. A job in `skip` is not continued."""
    listings = [_begin(job, end) for job in jobs]
    while listings:
        replies = commands.stream((listing.call for listing in listings), AT_ONCE)
        unfinished = []
        for listing, times in zip(listings, replies, strict=True):
            if isinstance(times, JobsError):
                raise times
            is_over = _note_page(listing, times, end)
            yield listing, [time for time in times if time < end]
            if not is_over and listing.id not in skip:
                unfinished.append(listing)
        listings = unfinished


def _begin(job: Mapping[str, Any], end: int) -> Listing:
    every, size = job.get("every"), FIRST
    if isinstance(every, int | float) and "decay" not in job:
        size = max(1, min(MOST, ceil((end - job["next"] * 1000) / (every * 1000)) + 1))
    return Listing(job, job.get("left", float("inf")), size)


def _note_page(listing: Listing, times: list[int], end: int) -> bool:
    """Cut a page to the runs left, and choose the size of the next. Returns whether it is the last."""
    del times[int(min(listing.left, MOST)) :]
    listing.left -= len(times)
    if len(times) < listing.size or listing.left <= 0 or times[-1] >= end:
        listing.covered = 1.0
        return True
    begin, listing.last = listing.job["next"] * 1000, times[-1]
    listing.covered = (listing.last - begin) / (end - begin)
    pace = (times[-1] - times[0]) / max(1, len(times) - 1)
    listing.size = max(FIRST, min(MOST, ceil((end - listing.last) / max(pace, 1) * 1.1)))
    return False
