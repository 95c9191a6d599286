"""Which commands read a digest of a board. Both clients share this code."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import Any

from jobs_core.alerts.digest import DAY, ROWS, Digest, JobDigest
from jobs_core.bounds import RETENTION
from jobs_core.client.search import plan_found
from jobs_core.client.steps import Ask, AskPlaces, Listing, Paging, ask_each, take
from jobs_core.engine.replies import as_bound, as_top
from jobs_core.errors import OptionError
from jobs_core.options import Time, to_pairs
from jobs_core.runs import Hour, as_hour, as_run

MOST = 10_000
"""Jobs whose runs are read: about a second's work, however many jobs there are."""

HOURS_KEPT = 8 * DAY
"""Seconds for which the board counts by the hour."""

PAGE = 25
"""Jobs that one call summarizes, with all the runs that are kept of them."""

SCANNED = 1000
"""Ids to read in one round trip."""

LONGEST = 366
"""Days of a digest at most."""


def plan_digest(board: str, days: float, now: Time | None = None) -> Paging[Digest]:
    """Return the plan for a digest. Raises OptionError if `days` is out of range."""
    if isinstance(days, bool) or not (math.isfinite(days) and 0 < days <= LONGEST):
        raise OptionError(f"days: expected a number above 0, up to {LONGEST}, got {days!r}", option="days")
    return _read(board, days, to_pairs({"now": now}, ()))


def _read(board: str, days: float, now: list[str]) -> Paging[Digest]:
    top = as_top((yield ("JTOP", ["rows", 1, *now])))
    since = top.time - days * DAY
    runs = yield Ask(lambda client, keys: client.hget(keys.settings, "runs"))
    kept = as_bound("runs", runs or RETENTION["runs"].default)
    hours = [as_hour(json.loads(text)) for text in (yield ("JHOURS", ["from", f"{since:.3f}"]))]
    failing = yield from _collect(plan_found(None, None, ["failing", "1"]))
    have_run = sum((yield from ask_each(lambda client, keys: client.scard(keys.ran))))
    ids = list(dict.fromkeys([*failing, *(yield from _collect(_plan_ran()))]))[:MOST]
    jobs = []
    for first in range(0, len(ids), PAGE):
        reply = yield ("JSUMMARY", [*ids[first : first + PAGE], "-", "from", f"{since:.3f}"])
        jobs += [as_job_digest(json.loads(text), since) for text in reply if text is not None]
    return Digest(
        board,
        since,
        top.time,
        counts=_counts(hours),
        counted_since=max(since, top.time - HOURS_KEPT) if kept else None,
        jobs=top.jobs,
        failing_now=top.failing,
        kept=int(kept) if kept else None,
        have_run=have_run,
        read=len(ids),
        short=sum(job.since is not None for job in jobs),
        failing=_first([job for job in jobs if job.dead], lambda job: (-job.dead, -job.failures)),
        slowest=_first([job for job in jobs if job.took], lambda job: (-job.took,)),
        newest=_first([job for job in jobs if (job.first or 0) >= since], lambda job: (-(job.first or 0),)),
    )


def _plan_ran() -> Listing[str]:
    """Return the plan that reads the ids of jobs of which runs are kept, in no particular order."""
    for place in (yield AskPlaces()).all:
        cursor: Any = 0
        while True:
            at = cursor
            cursor, page = yield Ask(
                lambda client, keys: client.sscan(keys.ran, at, count=SCANNED),  # noqa: B023
                place=place,
            )
            yield list(page)
            if int(cursor) == 0:
                break


def _first(jobs: list[JobDigest], rank: Callable[[JobDigest], tuple[float, ...]]) -> list[JobDigest]:
    return nsmallest(ROWS, jobs, key=lambda job: (rank(job), job.id))


def _collect(plan: Listing[str]) -> Paging[list[str]]:
    """Run a plan that reads ids until there are enough."""
    ids: list[str] = []

    def use(some: list[str]) -> bool:
        ids.extend(some)
        return len(ids) >= MOST

    yield from take(plan, use)
    return ids


def as_job_digest(found: dict[str, Any], since: float) -> JobDigest:
    """Read what JSUMMARY tells of a job since a time."""
    id, period, dropped = found["id"], found["period"], found.get("dropped_through")
    slowest, last_dead = period.get("slowest"), period.get("last_dead")
    return JobDigest(
        id,
        done=period.get("done", 0),
        dead=period.get("dead", 0),
        cancelled=period.get("cancelled", 0),
        failures=found.get("failures", 0),
        median=found.get("median"),
        slowest=as_run(id, slowest) if slowest else None,
        last_dead=as_run(id, last_dead) if last_dead else None,
        first=found.get("first"),
        since=dropped if dropped is not None and dropped >= since else None,
    )


def _counts(hours: Iterable[Hour]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for hour in hours:
        counts.update(hour.counts)
    return dict(counts)
