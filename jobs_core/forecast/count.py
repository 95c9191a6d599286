"""List the occurrences of jobs that nothing can hold, by the engine's schedule (JNEXT)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError
from jobs_core.forecast.tally import Tally

FIRST, MOST = 20, 1000
"""Occurrences to ask for at first, and at most at once."""

AT_ONCE = 50
"""Calls in flight."""


@dataclass(slots=True)
class Listing:
    """How far the occurrences of a job have been listed. Times are ms."""

    id: str
    duration: float | None
    left: float
    size: int
    last: int | None = None

    @property
    def call(self) -> tuple[str, list[Any]]:
        after = [] if self.last is None else ["from", f"{self.last / 1000:.3f}"]
        return "JNEXT", [self.id, "count", self.size, *after]


def count_runs(
    commands: Commands,
    jobs: Iterable[Mapping[str, Any]],
    durations: Mapping[str, float],
    tally: Tally,
    advance: Callable[[int], object],
) -> None:
    """Count the runs of jobs up to the end of the tally's span.

    Args:
        commands: The board that has the jobs.
        jobs: The jobs, as `Board.dump` yields them.
        durations: Seconds that a run takes, by job id, where known.
        tally: What counts them.
        advance: Called with the number of jobs that are complete.
    """
    listings = [_begin(job, durations.get(job["id"]), tally.end) for job in jobs]
    while listings:
        replies = commands.stream((listing.call for listing in listings), AT_ONCE)
        unfinished = []
        for listing, times in zip(listings, replies, strict=True):
            if isinstance(times, JobsError):
                raise times
            if _add(listing, times, tally):
                unfinished.append(listing)
            else:
                advance(1)
        listings = unfinished


def _begin(job: Mapping[str, Any], duration: float | None, end: int) -> Listing:
    left = job.get("left", float("inf"))
    every, size = job.get("every"), FIRST
    if isinstance(every, int | float) and "decay" not in job:
        size = max(1, min(MOST, ceil((end - job["next"] * 1000) / (every * 1000)) + 1))
    return Listing(job["id"], duration and duration * 1000, left, size)


def _add(listing: Listing, times: list[int], tally: Tally) -> bool:
    """Count a page of occurrences. Returns whether there are more in the span."""
    asked, listing.size = listing.size, MOST
    times = times[: min(len(times), int(min(listing.left, MOST)))]
    listing.left -= len(times)
    tally.add_times(
        listing.id, [time for time in times if tally.begin <= time < tally.end], listing.duration
    )
    if len(times) < asked or listing.left <= 0 or times[-1] >= tally.end:
        return False
    listing.last = times[-1]
    pace = (times[-1] - times[0]) / max(1, len(times) - 1)
    listing.size = max(FIRST, min(MOST, ceil((tally.end - listing.last) / max(pace, 1) * 1.1)))
    return True
