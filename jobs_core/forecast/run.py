"""Make a forecast of a board."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import redis

from jobs_core.engine.commands import Commands
from jobs_core.forecast.count import count_runs, find_crowded
from jobs_core.forecast.model import Forecast, Guess, JobForecast, Source, Span
from jobs_core.forecast.plan import Plan, copied, divide, shared_limits, windows_of
from jobs_core.forecast.scratch import open_scratch, put_jobs, put_limits, put_met, scratch_server
from jobs_core.forecast.simulate import Simulation
from jobs_core.forecast.tally import JobTally, Tally

PAGE = 500
"""Jobs to read at once."""

Missed = Mapping[str, int]
"""The ledger's counts of occurrences without a run: `skipped <id>`, `coalesced <id>`."""


def make_forecast(source: Source, span: Span) -> Forecast:
    """Forecast a board on a private server, which ends with it.

    Args:
        source: What the board has.
        span: When, and what to assume.

    Raises:
        ServerError: No Redis or Valkey is installed here.
    """
    tally = Tally(round(span.begin * 1000), round(span.end * 1000))
    plan = divide(source, span.now)
    with scratch_server() as client:
        missed = _start_late(client, plan, tally, span)
        _count(client, source, plan, tally, span)
        more, waiting = _simulate(client, source, plan, tally, span)
        missed.update(more)
    tally.finish_minute()
    return Forecast(
        begin=span.begin,
        end=span.end,
        runs=sum(tally.minutes.values()),
        waiting=waiting,
        by_minute=dict(sorted(tally.minutes.items())),
        by_hour=tally.in_hours(),
        minutes=tally.busiest(),
        jobs=tuple(
            _described(job, tally.jobs.get(job["id"], JobTally()), plan, missed)
            for job in sorted(source.jobs, key=lambda job: str(job["id"]))
        ),
        guesses=tuple(_guesses(source, plan, span.duration)),
    )


def _start_late(client: redis.Redis, plan: Plan, tally: Tally, span: Span) -> dict[str, int]:
    """Let the engine decide what becomes of late occurrences. From then on, their jobs are counted."""
    if not plan.late:
        return {}
    commands, now = open_scratch(client, "late", _have_zone(plan.late)), round(span.now * 1000)
    put_jobs(commands, copied(plan.late, set()))
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
    put_jobs(commands, copied(listed, plan.timed))
    windows = {
        job["id"]: windows_of(job, source.durations.get(job["id"], span.duration) * 1000)
        for job in plan.ruled
    }
    crowded = find_crowded(commands, windows, listed[len(plan.counted) :], tally.end)
    plan.simulated += [job for job in listed if job["id"] in crowded]
    counted = [job for job in listed if job["id"] not in crowded]
    count_runs(commands, counted, source.durations, tally, lambda occurrences: span.progress(0))


def _simulate(
    client: redis.Redis, source: Source, plan: Plan, tally: Tally, span: Span
) -> tuple[Missed, int]:
    """Simulate up to the span, and then through it.

    Returns what is missed in the span, and how many tasks still wait at its end.
    """
    missed: Counter[str] = Counter()
    waiting = 0
    shared = shared_limits(source)
    groups = list(plan.groups(shared))
    for number, group in enumerate(groups):
        commands = open_scratch(client, f"simulated-{number}", _have_zone(group.simulated))
        if any(not shared.isdisjoint(plan.limits[job["id"]]) for job in group.simulated):
            put_limits(commands, source.limits)
        put_jobs(commands, copied(group.simulated, plan.timed))
        ids = {job["id"] for job in group.simulated}
        put_met(commands, {id: parents for id, parents in source.met.items() if id in ids})
        found, held = _simulate_group(commands, source, group, tally, span, (number, len(groups)))
        missed.update(found)
        waiting += held
    return missed, waiting


def _simulate_group(
    commands: Commands, source: Source, plan: Plan, tally: Tally, span: Span, place: tuple[int, int]
) -> tuple[Missed, int]:
    """Simulate the jobs of a board. `place` is the number of this simulation, and how many there are."""
    start, (number, count) = round(span.now * 1000), place
    simulation = Simulation(commands, plan, source.durations, span.duration, start)

    def follow(time: int) -> None:
        span.progress((number + (time - start) / (tally.end - start)) / count)

    simulation.run(tally.begin, tally, follow)
    before = _missed(commands)
    simulation.run(tally.end, tally, follow)
    after = _missed(commands)
    return {name: n - before.get(name, 0) for name, n in after.items()}, simulation.waiting()


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
        overlapping=found.overlapping,
        held=0 if is_gated else held,
        awaited=held if is_gated else 0,
        limits=plan.limits[id],
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


def _guesses(source: Source, plan: Plan, duration: float) -> Iterator[Guess]:
    unknown = tuple(sorted(plan.timed - source.durations.keys()))
    if unknown:
        sentence = f"It is not known how long {len(unknown)} jobs take: each run counts as {duration:g} s."
        yield Guess("durations", sentence, unknown)
    if plan.parents:
        yield Guess("outcomes", "Every run counts as done, so jobs that run on dead never do.")
    yield Guess("workers", "There are always enough workers: a task starts once its limits let it.")
    if source.waiting:
        yield Guess("tasks", f"{source.waiting} tasks that are queued or running now are not counted.")
