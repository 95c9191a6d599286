"""What limits queues and runners have, and whether a queue's limit is full."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, islice
from typing import Any

from jobs_core.options import TaskFilters
from jobs_core.why.situation import Situation
from jobs_core.why.source import Job
from jobs_core.why.words import NAMED, filled_by
from jobs_core.wording import rate_text, when

Limit = Mapping[str, Any]


def shared_limit(found: Situation, kind: str, name: str) -> Limit | None:
    """Return the limit of a queue or runner as it is now, if it has one on running or starting tasks."""
    for limit in found.source.limits():
        if (limit["kind"], limit["name"]) == (kind, name) and (limit["concurrency"] or limit["rate"]):
            return limit
    return None


def limits_of_job(found: Situation, job: Job) -> list[Limit]:
    """Return the limits of a job's queue and runner as they are now."""
    runner = str(job["runner"])
    limits = (
        shared_limit(found, "queue", str(job.get("queue", runner))),
        shared_limit(found, "runner", runner),
    )
    return [limit for limit in limits if limit]


def limit_text(limit: Limit) -> str:
    """Describe a limit: `the queue m2 has a limit of 1 at once`."""
    words = [f"{limit['concurrency']} at once"] if limit["concurrency"] else []
    words += [rate_text(limit["rate"])] if limit["rate"] else []
    return f"the {limit['kind']} {limit['name']} has a limit of {' and '.join(words)}"


def limit_fact(limit: Limit) -> dict[str, Any]:
    """Return a limit as proof."""
    kept = {name: limit[name] for name in ("concurrency", "rate") if limit[name]}
    return {"kind": "limit", "limit": f"{limit['kind']}:{limit['name']}"} | kept


def full_queue(found: Situation, task: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Say what fills the limit of a task's queue, if it is full: its own tasks, or its rate."""
    limit = shared_limit(found, "queue", str(task["queue"]))
    if limit is None:
        return None
    opens = task.get("opens")
    if limit["rate"] and opens and opens > found.now:
        text = f"{limit_text(limit)}, and its rate is used up until {when(opens)}"
        return text, limit_fact(limit) | {"until": opens}
    running = _running(found, "queue", str(task["queue"]), limit["concurrency"])
    if limit["concurrency"] and len(running) >= limit["concurrency"]:
        text = f"{limit_text(limit)}{filled_by(running)}"
        return text, limit_fact(limit) | {"by": running[:NAMED]}
    return None


def with_holders(found: Situation, held: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the tasks of other partitions that fill the limit of a queue or runner, if its own has none."""
    kind, _, subject = str(held.get("limit") or "").partition(":")
    if held.get("by") or kind not in ("queue", "runner"):
        return held
    running = _running(found, kind, subject, NAMED)
    return {**held, "by": running} if running else held


def held_text(held: Mapping[str, Any], now: float) -> str:
    """Say which limit holds a task, and what fills it."""
    kind, _, subject = str(held.get("limit") or "").partition(":")
    by = f"the limit of the {kind} {subject}" if kind else "a limit"
    opens = held.get("opens")
    if opens and opens > now:
        by = f"the rate of the {kind} {subject}"
        return f"{by} holds it since {when(held['since'])}, and is used up until {when(opens)}"
    return f"{by} holds it since {when(held.get('since'))}{filled_by(held.get('by') or ())}"


def _running(found: Situation, kind: str, name: str, most: int | None) -> list[str]:
    filters: TaskFilters = {"queue": name} if kind == "queue" else {"runner": name}
    tasks = chain(found.source.tasks("leased", **filters), found.source.tasks("accepted", **filters))
    return [str(task["id"]) for task in islice(tasks, most or 0)]
