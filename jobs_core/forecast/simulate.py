"""Run a board on virtual time: what is due is popped at once, and done after as long as it usually takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any

from jobs_core.engine.commands import Call, Commands
from jobs_core.errors import JobsError
from jobs_core.forecast.plan import Plan, ids_of
from jobs_core.forecast.tally import Tally

TICK, POP, REPORTS = 1000, 500, 100
"""Occurrences of one JTICK, tasks of one JPOP, and reports of one JMACK."""

THROTTLED = 100
"""Tasks that one JPOP may set aside for limits. It leaves further ones in their queues."""

LEASE = "3650d"
"""Longer than a forecast: no lease expires."""

SECOND, MINUTE = 1000, 60_000

FINE_STEPS = 20_000
"""Steps beyond one a second that a simulation may take. Then it rounds, so as not to take much longer."""


class Simulation:
    """The simulated jobs of a plan, on a board of the private server. All times are ms.

    Each step is at a time that something may depend on. A task that ends while nothing waits for it is
    reported at the next step, with the time of its end. After FINE_STEPS, runs start and end at whole
    seconds, so that one step handles all of a second. If a job has an interval below a second, they never do.

    Args:
        commands: The board that has the jobs.
        plan: What is on it.
        durations: Seconds that a run takes, by job id, where known.
        default: Seconds that other runs take.
        now: The time to begin at.

    Attributes:
        rounded_from: When runs begin to start and end at whole seconds, or None if they never do.
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
        self.rounded_from: int | None = None
        self._step = 1
        self._fine_steps = inf if _has_fine_interval(plan.simulated) else FINE_STEPS
        self._ends: list[tuple[int, str]] = []  # when leased tasks end, and their tokens
        self._replaced: set[str] = set()  # those of these tokens whose tasks have been cancelled
        self._may_replace = any(job.get("overlap") == "replace" for job in plan.simulated)
        self._cancelling: list[str] = []  # the tokens of the tasks that are to be cancelled
        self._watched = plan.watched
        self._watched_ends: list[int] = []  # when those of watched parents end
        queues, self._lanes = plan.queues, plan.lanes
        self._pop_options = (len(queues), *queues, "count", POP, "lease", LEASE, "raw", 1)
        self._must_repeat = any(
            "rate" in job or set(plan.limits[job["id"]]) - {"job"} for job in plan.simulated
        )
        """Whether a JPOP may leave something that the next tick or JPOP lets start at the same time."""
        self._only_pops = not self._must_repeat and plan.parents.isdisjoint(ids_of(plan.simulated))
        """Whether a JPOP starts all that an ended task lets start, so that no tick is needed for that."""
        keys = commands.keys
        self._waiting_keys = [keys.held_limits, *map(keys.queue, self._lanes)]
        self._has_waiting = False  # whether a task may start when another ends
        self._due = now  # when the schedule goes on, or 0

    def run(self, until: int, tally: Tally, progress: Callable[[int], object]) -> None:
        """Run up to a time, and call `progress` with the present time now and then."""
        if not self._plan.simulated:
            return
        while self._now < until:
            self._settle(tally)
            self._advance(max(self._next_step(until), self._now + 1), tally)
            progress(self._now)
        tally.finish_minutes()

    def _next_step(self, until: int) -> int:
        """Return the next time that something may depend on."""
        following = min(self._round_up(self._due), until) if self._due else until
        if not self._ends or self._ends[0][0] >= following:
            return following
        if self._has_waiting:
            return self._ends[0][0]
        if self._watched_ends:
            following = min(following, self._watched_ends[0])
        return following if following < until else until - 1  # what ends before `until` is still reported

    def _advance(self, time: int, tally: Tally) -> None:
        if time // SECOND == self._now // SECOND:
            self._fine_steps -= 1
            if self._fine_steps == 0:
                self._step, self.rounded_from = SECOND, time
        if time // MINUTE != self._now // MINUTE:
            tally.finish_minutes(self._now)
        self._now = time

    def _settle(self, tally: Tally) -> None:
        """Do all that happens now."""
        reports, moved_in_all = self._due_reports(), 0
        while True:
            moved, started = self._exchange(reports, tally)
            moved_in_all += moved
            is_quiet = not (moved or started or reports)
            reports = self._cancellations(tally)
            if reports:
                continue
            if is_quiet and not (moved_in_all >= THROTTLED and self._pop_left(tally)):
                return
            if not self._must_repeat and moved_in_all < THROTTLED and not 0 < self._due <= self._now:
                return

    def _exchange(self, reports: Sequence[Call], tally: Tally) -> tuple[int, int]:
        """Report, tick and pop. Returns how many tasks moved, and how many started.

        A worker that reports takes the next task at once. So what has waited starts before what is due now.
        """
        time = ("now", f"{self._now / 1000:.3f}")
        pop = ("JPOP", (*self._pop_options, *time))
        calls: list[Call] = [*reports, pop] if reports else []
        if not (reports and self._only_pops) or 0 < self._due <= self._now:
            calls += [("JTICK", ("limit", TICK, *time)), pop]
        moved = started = 0
        for (name, _), reply in zip(calls, self._call(calls), strict=True):
            if name == "JTICK":
                moved, self._due = int(reply[0]), int(reply[1])
            elif name == "JPOP":
                started += len(reply)
                for token, record in reply:
                    self._start(token, record, tally)
        return moved, started

    def _call(self, calls: Sequence[Call]) -> list[Any]:
        """Call commands, and note whether tasks wait or are to be cancelled after them, in one round trip."""
        with self._commands.connection() as connection:
            self._commands.send(connection, calls)
            connection.send_command("EXISTS", *self._waiting_keys)
            if self._may_replace:
                connection.send_command("SMEMBERS", self._commands.keys.cancelling)
            replies = self._commands.receive(connection, calls)
            self._has_waiting = bool(connection.read_response())
            if self._may_replace:
                self._cancelling = sorted(connection.read_response())
        for reply in replies:
            if isinstance(reply, JobsError):
                raise reply
        return replies

    def _start(self, token: str, record: str, tally: Tally) -> None:
        """Note a task that starts now, and when it ends."""
        task = record.split("\n", 2)[1]
        id, _, moment = task.rpartition("@")
        due = max(int(moment.partition("-")[0]), self._begin)
        known = self._durations.get(id)
        start = due if id in self._plan.free_children else self._now
        held = start - self._round_up(due) - self._jitter.get(id, 0)
        tally.add_run(id, start, known, int(max(0, held)))
        if token:
            end = self._round_up(round(start + (self._default if known is None else known)))
            heappush(self._ends, (end, token))
            if id in self._watched:
                heappush(self._watched_ends, end)

    def _due_reports(self) -> list[Call]:
        """Return the reports on tasks that have ended, in groups."""
        reports: list[tuple[Any, ...]] = []
        while self._watched_ends and self._watched_ends[0] <= self._now:
            heappop(self._watched_ends)
        while self._ends and self._ends[0][0] <= self._now:
            end, token = heappop(self._ends)
            if token in self._replaced:
                self._replaced.remove(token)
            else:
                reports.append(self._report(token, "done", end))
        return _as_calls(reports)

    def _cancellations(self, tally: Tally) -> list[Call]:
        """Return the reports of workers that stop runs now, since the next ones of their jobs are due."""
        for token in self._cancelling:
            tally.cancel_run(_job_of(token), self._now)
        self._replaced.update(self._cancelling)
        self._forget_replaced()
        return _as_calls([self._report(token, "cancelled", self._now) for token in self._cancelling])

    def _forget_replaced(self) -> None:
        """Remove the ends of cancelled tasks once they are most of all, so that memory stays bounded."""
        if len(self._replaced) * 2 > len(self._ends):
            self._ends = [one for one in self._ends if one[1] not in self._replaced]
            heapify(self._ends)
            self._replaced.clear()

    def _report(self, token: str, verb: str, time: int) -> tuple[Any, ...]:
        is_followed = _job_of(token) in self._plan.parents  # the time is the moment of its children
        options = ("now", f"{time / 1000:.3f}") if is_followed else ()
        return (2 + len(options), token, verb, *options)

    def _pop_left(self, tally: Tally) -> bool:
        """Pop again if JPOP has set as many tasks aside as it may. Returns whether that changed anything."""
        before = self._queued()
        if before == 0:
            return False
        (popped,) = self._call([("JPOP", (*self._pop_options, "now", f"{self._now / 1000:.3f}"))])
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
            for lane in self._lanes:
                pipe.llen(self._commands.keys.queue(lane))
            return sum(map(int, pipe.execute()))

    def _round_up(self, time: float) -> int:
        return int(-(-time // self._step) * self._step)


def _job_of(token: str) -> str:
    return token.rpartition("@")[0]


def _as_calls(reports: Sequence[tuple[Any, ...]]) -> list[Call]:
    """Return the calls that report, in groups."""
    return [
        ("JMACK", [word for report in reports[at : at + REPORTS] for word in report])
        for at in range(0, len(reports), REPORTS)
    ]


def _has_fine_interval(jobs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a job has an interval below a second, of which steps of a second would coalesce occurrences."""
    return any(isinstance(job.get("every"), int | float) and job["every"] < 1 for job in jobs)
