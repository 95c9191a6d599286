"""Run a board on virtual time: what is due is popped at once, and done after as long as it usually takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

from jobs_core.engine.commands import Call, Commands
from jobs_core.errors import JobsError
from jobs_core.forecast.plan import Plan
from jobs_core.forecast.tally import Tally

TICK, POP, REPORTS = 1000, 500, 100
"""Occurrences of one JTICK, tasks of one JPOP, and reports of one JMACK."""

THROTTLED = 100
"""Tasks that one JPOP may set aside for limits. It leaves further ones in their queues."""

LEASE = "3650d"
"""Longer than a forecast: no lease expires."""

SECOND = 1000


class Simulation:
    """The simulated jobs of a plan, on a board of the private server. All times are ms.

    Runs start and end at whole seconds, so that one step handles all of a second. Only intervals below a
    second need steps of a ms.

    Args:
        commands: The board that has the jobs.
        plan: What is on it.
        durations: Seconds that a run takes, by job id, where known.
        default: Seconds that other runs take.
        now: The time to begin at.
    """

    def __init__(
        self, commands: Commands, plan: Plan, durations: Mapping[str, float], default: float, now: int
    ) -> None:
        self._commands = commands
        self._plan = plan
        self._durations = {id: seconds * 1000 for id, seconds in durations.items()}
        self._default = default * 1000
        self._jitter = {job["id"]: job["jitter"] * 1000 for job in plan.simulated if "jitter" in job}
        self._begin = self._now = now
        self._step = _step(plan.simulated)
        self._ends: list[tuple[int, str]] = []  # when leased tasks end, and their tokens
        queues = plan.queues
        self._pop_options = (len(queues), *queues, "count", POP, "lease", LEASE, "raw", 1)
        self._must_repeat = any(
            "rate" in job or set(plan.limits[job["id"]]) - {"job"} for job in plan.simulated
        )
        """Whether a JPOP may leave something that the next tick or JPOP lets start at the same time."""

    def run(self, until: int, tally: Tally, progress: Callable[[int], object]) -> None:
        """Run up to a time, and call `progress` with the present time now and then."""
        if not self._plan.simulated:
            return
        while self._now < until:
            due = self._settle(tally)
            following = min(due or until, self._ends[0][0] if self._ends else until)
            self._now = min(until, max(self._round_up(following), self._now + 1))
            progress(self._now)
        tally.finish_minute()

    def _settle(self, tally: Tally) -> int:
        """Do all that happens now. Returns when there is more to do, or 0."""
        reports, moved_in_all = self._due_reports(), 0
        while True:
            moved, due, started = self._exchange(reports, tally)
            moved_in_all += moved
            is_quiet = not (moved or started or reports)
            reports = []
            if is_quiet and not (moved_in_all >= THROTTLED and self._pop_left(tally)):
                return due
            if not self._must_repeat and moved_in_all < THROTTLED and not 0 < due <= self._now:
                return due

    def _exchange(self, reports: Sequence[Call], tally: Tally) -> tuple[int, int, int]:
        """Report, tick and pop. Returns how many tasks moved, when there is more to do, and how many started.

        A worker that reports takes the next task at once. So what has waited starts before what is due now.
        """
        time = ("now", f"{self._now / 1000:.3f}")
        pop = ("JPOP", (*self._pop_options, *time))
        after_reports = [*reports, pop] if reports else []
        replies = self._commands.batch([*after_reports, ("JTICK", ("limit", TICK, *time)), pop])
        for reply in replies:
            if isinstance(reply, JobsError):
                raise reply
        moved, due, _ = replies[-2]
        popped = [*(replies[len(reports)] if reports else ()), *replies[-1]]
        for token, record in popped:
            self._start(token, record, tally)
        return int(moved), int(due), len(popped)

    def _start(self, token: str, record: str, tally: Tally) -> None:
        """Note a task that starts now, and when it ends."""
        task = record.split("\n", 2)[1]
        id, _, moment = task.rpartition("@")
        due = max(int(moment.partition("-")[0]), self._begin)
        known = self._durations.get(id)
        held = self._now - self._round_up(due) - self._jitter.get(id, 0)
        tally.add_run(id, self._now, known, int(max(0, held)))
        if token:
            took = self._default if known is None else known
            heappush(self._ends, (self._round_up(self._now + took), token))

    def _due_reports(self) -> list[Call]:
        """Return the reports on tasks that have ended, in groups."""
        reports: list[tuple[Any, ...]] = []
        time = f"{self._now / 1000:.3f}"
        while self._ends and self._ends[0][0] <= self._now:
            token = heappop(self._ends)[1]
            is_followed = token.rpartition("@")[0] in self._plan.parents  # the moment of its children
            reports.append((4, token, "done", "now", time) if is_followed else (2, token, "done"))
        return [
            ("JMACK", [word for report in reports[at : at + REPORTS] for word in report])
            for at in range(0, len(reports), REPORTS)
        ]

    def _pop_left(self, tally: Tally) -> bool:
        """Pop again if JPOP has set as many tasks aside as it may. Returns whether that changed anything."""
        before = self._queued()
        if before == 0:
            return False
        (popped,) = self._commands.batch([("JPOP", (*self._pop_options, "now", f"{self._now / 1000:.3f}"))])
        if isinstance(popped, JobsError):
            raise popped
        for token, record in popped:
            self._start(token, record, tally)
        return self._queued() < before

    def waiting(self) -> int:
        """Return how many tasks wait for a limit."""
        keys = self._commands.keys
        held = self._commands.client.smembers(keys.held_limits)
        with self._commands.client.pipeline(transaction=False) as pipe:
            for name in held:
                pipe.llen(keys.held(str(name)))
            return self._queued() + sum(map(int, pipe.execute()))

    def _queued(self) -> int:
        with self._commands.client.pipeline(transaction=False) as pipe:
            for lane in self._plan.lanes:
                pipe.llen(self._commands.keys.queue(lane))
            return sum(map(int, pipe.execute()))

    def _round_up(self, time: float) -> int:
        return int(-(-time // self._step) * self._step)


def _step(jobs: Sequence[Mapping[str, Any]]) -> int:
    """Return the length of a step in ms."""
    is_fine = any(isinstance(job.get("every"), int | float) and job["every"] < 1 for job in jobs)
    return 1 if is_fine else SECOND
