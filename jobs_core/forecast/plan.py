"""Divide the jobs of a board: those whose schedule says it all, and those that something may hold or skip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs_core.forecast.count import Window
from jobs_core.forecast.model import Source
from jobs_core.options import SCHEDULE_OPTIONS, STATE

KEPT = frozenset((*SCHEDULE_OPTIONS, *(option.name for option in STATE))) | {
    *("queue", "priority", "concurrency", "rate")
}
"""The options that decide when a job runs. Others are not copied, and neither is the payload."""

OWN_RULES = ("concurrency", "rate", "overlap")
"""The options that may hold or skip runs of a job because of its other runs."""


ONE_AT_A_TIME = ("queue", "replace")
"""The values of `overlap` with which the engine sets `concurrency` to 1. That is no limit of its own."""


@dataclass(slots=True)
class Plan:
    """The jobs of a board, as they are put on the private server.

    Args:
        counted: Jobs of which every occurrence starts a run, so that listing them is exact.
        ruled: Jobs that are so as long as their own rules have nothing to hold or skip.
        late: Jobs that are due already. Once the engine has decided about that, they are counted.
        simulated: Jobs whose tasks go through queues.
        timed: The ids of jobs for which it matters when a run ends. With policy none, nobody knows.
        parents: The ids that other jobs run after.
        free_children: The ids of jobs that start when their parents end, and whose runs affect nothing.
        limits: The limits that apply to a job, by its id.
    """

    counted: list[Mapping[str, Any]] = field(default_factory=list)
    ruled: list[Mapping[str, Any]] = field(default_factory=list)
    late: list[Mapping[str, Any]] = field(default_factory=list)
    simulated: list[Mapping[str, Any]] = field(default_factory=list)
    timed: set[str] = field(default_factory=set)
    parents: set[str] = field(default_factory=set)
    free_children: set[str] = field(default_factory=set)
    limits: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def groups(self, shared: set[str]) -> Iterator[Plan]:
        """Divide the simulated jobs: those under `shared` limits, with all that `after` ties to them; others.

        Neither group affects the other, and a board without limits is faster.
        """
        tied: dict[str, set[str]] = {}
        for job in self.simulated:
            for parent in job.get("after", ()):
                tied.setdefault(parent, set()).add(job["id"])
                tied.setdefault(job["id"], set()).add(parent)
        waiting = [job["id"] for job in self.simulated if not shared.isdisjoint(self.limits[job["id"]])]
        limited = set(waiting)
        while waiting:
            found = tied.get(waiting.pop(), set()) - limited
            limited |= found
            waiting += found
        for is_limited in (False, True):
            jobs = [job for job in self.simulated if (job["id"] in limited) is is_limited]
            if jobs:
                yield replace(self, simulated=jobs)

    @property
    def watched(self) -> set[str]:
        """The parents of which the end may affect more than the start of free children."""
        children = (job for job in self.simulated if job["id"] not in self.free_children)
        return {parent for job in children for parent in job.get("after", ())}

    @property
    def lanes(self) -> set[str]:
        """The lanes that simulated tasks are in: see lua/queue/lanes.lua."""
        return {
            queue_of(job) + (f"!{job['priority']}" if job.get("priority") else "") for job in self.simulated
        }

    @property
    def queues(self) -> list[str]:
        """The queues of simulated jobs."""
        return sorted({queue_of(job) for job in self.simulated})


def ids_of(jobs: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(job["id"]) for job in jobs}


def queue_of(job: Mapping[str, Any]) -> str:
    return str(job.get("queue") or job["runner"])


def divide(source: Source, now: float) -> Plan:
    """Divide the jobs of a board at a time, in epoch seconds."""
    shared = shared_limits(source)
    plan = Plan(parents={parent for job in source.jobs for parent in job.get("after", ())})
    for job in source.jobs:
        id, limits = job["id"], _limits_of(job, shared)
        plan.limits[id] = limits
        is_ruled = any(name in job for name in OWN_RULES)
        if (is_ruled or limits or id in plan.parents) and job.get("policy") != "none":
            plan.timed.add(id)
        if "after" in job and not (is_ruled or limits or id in plan.parents or _has_time(job)):
            plan.free_children.add(id)
        is_tied = "after" in job or id in plan.parents or not shared.isdisjoint(limits)
        is_late = _is_late(job, now)
        if is_tied or ((is_ruled or "jitter" in job) and is_late) or (is_ruled and "jitter" in job):
            plan.simulated.append(job)
        elif is_late:
            plan.late.append(job)
        elif is_ruled:
            plan.ruled.append(job)
        elif isinstance(job.get("next"), int | float):
            plan.counted.append(job)
    return plan


def windows_of(job: Mapping[str, Any], duration: float) -> list[Window]:
    """Return the rules of a job: how many runs may start in how many ms, if one takes `duration` ms."""
    found: list[Window] = []
    if "overlap" in job:
        found.append((1, duration))
    if "concurrency" in job:
        found.append((int(job["concurrency"]), duration))
    if "rate" in job:
        n, _, seconds = str(job["rate"]).partition("/")
        found.append((int(n), float(seconds) * 1000))
    return found


def shared_limits(source: Source) -> set[str]:
    """Return the names of the limits of queues and runners."""
    return {f"{limit['kind']}:{limit['name']}" for limit in source.limits}


def copied(jobs: Iterable[Mapping[str, Any]], timed: set[str]) -> Iterable[dict[str, Any]]:
    """Yield jobs as they are put on the private server. Nobody reports on the runs of those not `timed`."""
    for job in jobs:
        kept = {name: value for name, value in job.items() if name in KEPT}
        yield {"id": job["id"], "runner": job["runner"], **kept} | (
            {} if job["id"] in timed else {"policy": "none"}
        )


def _limits_of(job: Mapping[str, Any], shared: set[str]) -> tuple[str, ...]:
    is_alone = "concurrency" in job and job.get("overlap") not in ONE_AT_A_TIME
    own = ("job",) if is_alone or "rate" in job else ()
    names = (f"queue:{queue_of(job)}", f"runner:{job['runner']}")
    return own + tuple(name for name in names if name in shared)


def _has_time(job: Mapping[str, Any]) -> bool:
    """Whether a job has a schedule of its own."""
    return any(name in job for name in ("every", "at", "cron"))


def _is_late(job: Mapping[str, Any], now: float) -> bool:
    """Whether an occurrence is due already, so that a tick decides what becomes of it."""
    due = job.get("next")
    return isinstance(due, int | float) and due <= now
