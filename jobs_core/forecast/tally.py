"""Counts runs as they come, in memory bounded by the numbers of jobs and minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappush, heappushpop, nlargest
from math import inf

from jobs_core.forecast.model import Minute

BUSIEST = 10
"""The busiest minutes that a forecast names."""

COLLIDING = 5
"""The jobs that it names for each of them."""

IN_HOUR = 100
"""The different jobs that it names for each hour."""

MINUTE = 60_000
"""A minute in ms."""


@dataclass(slots=True)
class JobTally:
    """What is counted of one job. Times are ms."""

    runs: int = 0
    first: int | None = None
    last: int | None = None
    overlapping: int = 0
    cancelled: int = 0
    held: int = 0
    busy_until: float = 0


class Tally:
    """The runs from `begin` to `end` (ms). Others are ignored."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end
        self.jobs: dict[str, JobTally] = {}
        self.minutes: dict[int, int] = {}
        self.hours: dict[int, dict[str, int]] = {}
        self._top: dict[int, list[tuple[int, str]]] = {}
        self._unfinished: Counter[tuple[int, str]] = Counter()  # single runs by minute and job

    def add_times(self, id: str, times: Sequence[int], duration: float | None) -> None:
        """Count many runs of a job that nothing can hold. `times` rise, and lie in the span."""
        if not times:
            return
        found = self.jobs.setdefault(id, JobTally())
        if found.first is None:
            found.first = times[0]
        if duration:
            for time in times:
                if time < found.busy_until:
                    found.overlapping += 1
                found.busy_until = max(found.busy_until, time + duration)
        found.runs += len(times)
        found.last = times[-1]
        for minute, runs in Counter([time // MINUTE for time in times]).items():
            self._add_to_minute(minute, id, runs)

    def add_run(self, id: str, start: int, duration: float | None, held: int) -> None:
        """Count one run. The calls for a job come in the order of `start`."""
        if not self.begin <= start < self.end:
            return
        found = self.jobs.setdefault(id, JobTally())
        if found.first is None:
            found.first = start
        if duration:
            found.overlapping += start < found.busy_until
            found.busy_until = max(found.busy_until, start + duration)
        found.runs += 1
        found.last = start
        found.held = max(found.held, held)
        self._unfinished[start // MINUTE, id] += 1

    def cancel_run(self, id: str, time: int) -> None:
        """End the only run of a job that is under way, before the next one starts."""
        found = self.jobs.setdefault(id, JobTally())
        found.busy_until = min(found.busy_until, time)
        found.cancelled += self.begin <= time < self.end

    def finish_minutes(self, before: float = inf) -> None:
        """Count the single runs of the minutes that are over before a time in ms."""
        for minute, id in [key for key in self._unfinished if (key[0] + 1) * MINUTE <= before]:
            self._add_to_minute(minute, id, self._unfinished.pop((minute, id)))

    def busiest(self) -> tuple[Minute, ...]:
        """Return the busiest minutes, busiest first, with the jobs that collide there."""
        found = nlargest(BUSIEST, self.minutes.items(), key=lambda item: (item[1], -item[0]))
        return tuple(Minute(minute * 60, runs, self._colliding(minute)) for minute, runs in found)

    def _add_to_minute(self, minute: int, id: str, runs: int) -> None:
        self.minutes[minute] = self.minutes.get(minute, 0) + runs
        self._add_to_hour(minute // 60, id, runs)
        top = self._top.setdefault(minute, [])
        if len(top) < COLLIDING:
            heappush(top, (runs, id))
        elif runs > top[0][0]:
            heappushpop(top, (runs, id))

    def in_hours(self) -> dict[int, tuple[tuple[str, int], ...]]:
        """Return the jobs of each hour (epoch seconds of its beginning) with their runs, most runs first."""
        return {
            hour * 3600: tuple(sorted(jobs.items(), key=lambda one: (-one[1], one[0])))
            for hour, jobs in sorted(self.hours.items())
        }

    def _add_to_hour(self, hour: int, id: str, runs: int) -> None:
        """Count runs of a job in an hour. Jobs beyond the first hundred are not named."""
        jobs = self.hours.setdefault(hour, {})
        if id in jobs or len(jobs) < IN_HOUR:
            jobs[id] = jobs.get(id, 0) + runs

    def _colliding(self, minute: int) -> tuple[tuple[str, int], ...]:
        return tuple((id, runs) for runs, id in sorted(self._top[minute], key=lambda one: (-one[0], one[1])))
