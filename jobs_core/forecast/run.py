"""Make a forecast of a board."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import redis

from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError
from jobs_core.forecast.count import count_runs, find_crowded
from jobs_core.forecast.guesses import guesses
from jobs_core.forecast.model import Forecast, JobForecast, Source, Span
from jobs_core.forecast.plan import Plan, copied, divide, ids_of, shared_limits, windows_of
from jobs_core.forecast.scratch import open_scratch, put_jobs, put_limits, put_met, scratch_server
from jobs_core.forecast.simulate import Simulation
from jobs_core.forecast.tally import JobTally, Tally

PAGE = 500
"""Jobs to read at once."""

COUNTED = 0.1
"""The share of the work that counting is, if something is simulated: that takes much longer."""

Missed = Mapping[str, int]
"""The ledger's counts of occurrences without a run: `skipped <id>`, `coalesced <id>`."""


@dataclass(slots=True)
class Simulated:
    """What the simulations found, beside the tally.

    Args:
        missed: The occurrences in the span without a run.
        waiting: How many tasks still wait at the end.
        rounded: From when on (epoch seconds) the runs of jobs start and end at whole seconds, by job id.
    """

    missed: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    rounded: dict[str, float] = field(default_factory=dict)


def make_forecast(source: Source, span: Span) -> Forecast:
    """Forecast a board on a private server, which ends with it.

    Args:
        source: What the board has.
        span: When, and what to assume.

    Raises:
        ServerError: No Redis or Valkey is installed here.
    """
    tally = Tally(round(span.begin * 1000), round(span.end * 1000))
    span = replace(span, progress=_rising(span.progress))
    with scratch_server() as client:
        plan = divide(replace(source, jobs=_resumed(client, source, span)), span.now)
        missed = _start_late(client, plan, tally, span)
        _count(client, source, plan, tally, span)
        simulated = _simulate(client, source, plan, tally, span)
        missed.update(simulated.missed)
    tally.finish_minutes()
    return Forecast(
        begin=span.begin,
        end=span.end,
        runs=sum(tally.minutes.values()),
        waiting=simulated.waiting,
        by_minute=dict(sorted(tally.minutes.items())),
        by_hour=tally.in_hours(),
        minutes=tally.busiest(),
        jobs=tuple(
            _described(job, tally.jobs.get(job["id"], JobTally()), plan, missed)
            for job in sorted(source.jobs, key=lambda job: str(job["id"]))
        ),
        guesses=tuple(guesses(source, plan, span, simulated.rounded)),
    )


def _rising(progress: Callable[[float], object]) -> Callable[[float], object]:
    """Return what tells the highest share so far, 1 at most: steps that only say that they go on tell 0."""
    highest = 0.0

    def follow(share: float) -> object:
        nonlocal highest
        highest = min(1, max(highest, share))
        return progress(highest)

    return follow


def _resumed(client: redis.Redis, source: Source, span: Span) -> list[Mapping[str, Any]]:
    """Return the jobs. Those that are paused until a time in the span are resumed at that time.

    Jobs that run after others stay as they are, and the simulation resumes them: what ends during the pause
    does not count for them.
    """
    paused = {
        str(job["id"]): job
        for job in source.jobs
        if job.get("paused") and job.get("paused-until", span.end) < span.end and "after" not in job
    }
    commands = open_scratch(client, "paused", _have_zone(paused.values()))
    put_jobs(commands, copied(paused.values(), set(paused)), span.progress)
    calls = [("JRESUME", [id, "now", f"{job['paused-until']:.3f}"]) for id, job in paused.items()]
    resumed = {}
    for (id, job), due in zip(paused.items(), commands.stream(calls), strict=True):
        if isinstance(due, JobsError):
            raise due
        state = {"next": due / 1000} if due else {}
        resumed[id] = {name: value for name, value in job.items() if not name.startswith("paused")} | state
    return [resumed.get(job["id"], job) for job in source.jobs]


def _start_late(client: redis.Redis, plan: Plan, tally: Tally, span: Span) -> dict[str, int]:
    """Let the engine decide what becomes of late occurrences. From then on, their jobs are counted."""
    if not plan.late:
        return {}
    commands, now = open_scratch(client, "late", _have_zone(plan.late)), round(span.now * 1000)
    put_jobs(commands, copied(plan.late, set()), span.progress)
    Simulation(commands, Plan(simulated=plan.late, limits=plan.limits), {}, 0, now).run(
        now + 1, tally, lambda time: None
    )
    ids = [job["id"] for job in plan.late]
    for first in range(0, len(ids), PAGE):
        found = (json.loads(text) for text in commands.call("JGET", *ids[first : first + PAGE]))
        plan.counted += [job for job in found if "next" in job]
    return _missed(commands) if span.begin == span.now else {}


def _have_zone(jobs: Iterable[Mapping[str, Any]]) -> bool:
    return any("zone" in job for job in jobs)


def _count(client: redis.Redis, source: Source, plan: Plan, tally: Tally, span: Span) -> None:
    """Count what needs no simulation. Jobs whose own rules hold or skip something become simulated."""
    listed = [*plan.counted, *(job for job in plan.ruled if isinstance(job.get("next"), int | float))]
    commands = open_scratch(client, "counted", _have_zone(listed))
    put_jobs(commands, copied(listed, plan.timed), span.progress)
    windows = {
        job["id"]: windows_of(job, source.lengths.get(job["id"], span.duration) * 1000) for job in plan.ruled
    }
    crowded = find_crowded(commands, windows, listed[len(plan.counted) :], tally.end)
    plan.simulated += [job for job in listed if job["id"] in crowded]
    counted = [job for job in listed if job["id"] not in crowded]
    share = _counted_share(plan)
    count_runs(commands, counted, source.lengths, tally, lambda done: span.progress(share * done))


def _counted_share(plan: Plan) -> float:
    """Return the share of the work that counting is: all of it, or little beside a simulation."""
    return COUNTED if plan.simulated else 1.0


def _simulate(client: redis.Redis, source: Source, plan: Plan, tally: Tally, span: Span) -> Simulated:
    """Simulate up to the span, and then through it."""
    found, start = Simulated(), round(span.now * 1000)
    groups, counted = list(plan.groups(shared_limits(source))), _counted_share(plan)
    for number, group in enumerate(groups):

        def follow(time: int, number: int = number) -> None:
            done = (number + (time - start) / (tally.end - start)) / len(groups)
            span.progress(counted + (1 - counted) * done)

        commands = _copy_group(client, source, group, f"simulated-{number}", span.progress)
        simulation = Simulation(commands, group, source.lengths, span.duration, start)
        simulation.run(tally.begin, tally, follow)
        before = _missed(commands)
        simulation.run(tally.end, tally, follow)
        found.missed.update({name: n - before.get(name, 0) for name, n in _missed(commands).items()})
        found.waiting += simulation.waiting()
        if simulation.rounded_from is not None:
            found.rounded.update(dict.fromkeys(ids_of(group.simulated), simulation.rounded_from / 1000))
    return found


def _copy_group(
    client: redis.Redis, source: Source, group: Plan, name: str, progress: Callable[[float], object]
) -> Commands:
    """Copy the simulated jobs to a board of their own, with the limits that apply to them."""
    commands, ids = open_scratch(client, name, _have_zone(group.simulated)), ids_of(group.simulated)
    if not shared_limits(source).isdisjoint(limit for id in ids for limit in group.limits[id]):
        put_limits(commands, source.limits)
    put_jobs(commands, copied(group.simulated, group.timed), progress)
    put_met(commands, {id: parents for id, parents in source.met.items() if id in ids})
    return commands


def _missed(commands: Commands) -> dict[str, int]:
    kept: Any = commands.read(lambda client: client.hgetall(f"{commands.keys.tag}:ledger"))
    return {name: int(count) for name, count in kept.items() if name.startswith(("skipped ", "coalesced "))}


def _described(job: Mapping[str, Any], found: JobTally, plan: Plan, missed: Missed) -> JobForecast:
    id, held = job["id"], found.held / 1000
    is_gated = "after" in job and any(name in job for name in ("every", "at", "cron"))
    return JobForecast(
        id=id,
        state=_state(job),
        runs=found.runs,
        first=None if found.first is None else found.first / 1000,
        last=None if found.last is None else found.last / 1000,
        skipped=missed.get(f"skipped {id}", 0),
        coalesced=missed.get(f"coalesced {id}", 0),
        cancelled=found.cancelled,
        overlapping=found.overlapping,
        held=0 if is_gated else held,
        awaited=held if is_gated else 0,
        paused_until=job.get("paused-until"),
        limits=plan.limits[id],
        overlap=job.get("overlap"),
        after=tuple(job.get("after", ())),
    )


def _state(job: Mapping[str, Any]) -> str:
    """Return the state of a dumped job: see lua/job/describe.lua."""
    if job.get("paused"):
        return "paused"
    if isinstance(job.get("next"), int | float):
        return "scheduled"
    if "after" in job and job.get("left") != 0:
        return "waiting"
    return "ended" if any(name in job for name in ("every", "at", "cron", "after")) else "manual"
