"""The checks of `jobs doctor` for work that stands still: workers, overdue jobs, ticks, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from jobs_core.context import BoardLike
from jobs_core.contract import Finding
from jobs_core.engine.replies import as_task
from jobs_core.errors import FaultError, NotFoundError
from jobs_core.options import span
from jobs_core.plugins.builtin.parts import where

PATIENCE = 10
"""Seconds that a task may be late, or wait in a queue that no worker serves."""

HELD = 600
"""Seconds after which a task that a limit holds has waited for long."""

MOST = 1000
"""Overdue jobs or tasks that are counted at most."""

NAMED = 3
"""Jobs, queues and limits that a sentence names at most."""

KeyOf = Callable[[Any], str]
"""Returns one of the keys of a board, or of a partition."""

SCHEDULE: KeyOf = attrgetter("schedule")
DELAYED: KeyOf = attrgetter("delayed")
LEASED: KeyOf = attrgetter("leased")


def check_workers(board: BoardLike) -> Finding:
    """Report queues whose tasks wait, or whose jobs are overdue, while no living worker serves them."""
    living = [worker for worker in board.workers() if worker["state"] != "silent"]
    served = {queue for worker in living for queue in worker["queues"]}
    waiting = dict([*_overdue_queues(board), *_waiting_queues(board)])
    unserved = [queue for queue in sorted(waiting) if queue not in served]
    if unserved:
        names = ", ".join(unserved[:NAMED])
        return Finding(
            "problem",
            f"tasks wait for a worker, but none serves the queue{'s' * (len(unserved) > 1)} "
            f"{names}{_others(unserved)}",
            f"start a worker with the runner {waiting[unserved[0]]!r}: `jobs run --queue {unserved[0]}`, "
            "or the program that provides it",
        )
    if not living:
        return Finding("warning", "no worker is alive: jobs that become due wait", "start `jobs run`")
    serving = sum(worker["state"] == "serving" for worker in living)
    return Finding("ok", f"{serving} alive, serving {', '.join(sorted(served))}")


def check_overdue(board: BoardLike) -> Finding:
    """Report jobs and tasks whose time has passed, though nothing has moved them."""
    late = [
        _late_note(what, found)
        for what, key in (("job", SCHEDULE), ("delayed task", DELAYED))
        if (found := _late(board, key))
    ]
    expired = _late(board, LEASED)
    if expired:
        late.append(
            f"leases have expired, but {_number(expired)} of their tasks are not back in their queues"
        )
    if late:
        return Finding(
            "problem", "; ".join(late), "start a worker with `jobs run`, or a clock with `jobs tick`"
        )
    return Finding("ok", "nothing is overdue")


def _late_note(what: str, late: list[tuple[str, float]]) -> str:
    """Describe what is overdue: `3 jobs are overdue, the job tick by 12s`."""
    oldest, seconds = late[0]
    if len(late) == 1:
        return f"the {what} {oldest} is overdue by {span(int(seconds))}"
    return f"{_number(late)} {what}s are overdue, the {what} {oldest} by {span(int(seconds))}"


def check_ticks(board: BoardLike) -> Finding:
    """Report that nobody ticks, or that ticks cannot keep up."""
    parts = board.partitions
    late = [
        number
        for number, part in enumerate(parts)
        if any(_late(part, key) for key in (SCHEDULE, DELAYED, LEASED))
    ]
    left = [number for number in late if not _ticking(parts[number])]
    if left:
        return Finding(
            "problem",
            f"nobody ticks{where(left, len(parts))}: what is due is not queued",
            "start a worker with `jobs run`, or `jobs tick`",
        )
    if late:
        return Finding(
            "problem",
            f"ticks cannot keep up with what is due{where(late, len(parts))}",
            "see `jobs history`, or tick from more workers",
        )
    ticking = _ticking(board)
    return Finding("ok", f"ticking workers: {len(ticking)}" if ticking else "what was due has been queued")


def _ticking(board: BoardLike) -> list[str]:
    """Return the living workers that tick."""
    return [worker["worker"] for worker in board.workers() if worker["ticks"] and worker["state"] != "silent"]


def check_limits(board: BoardLike) -> Finding:
    """Report limits that have held tasks for long, and jobs whose schedule is faster than their rate."""
    held: dict[str, tuple[int, float]] = {}
    for part in board.partitions:
        for name, (n, waited) in _held(part):
            known = held.get(name, (0, 0.0))
            held[name] = known[0] + n, max(known[1], waited)
    found = [
        (n, name, waited) for name, (n, waited) in held.items() if waited > HELD or _exceeds_rate(board, name)
    ]
    if not found:
        return Finding("ok", "no limit has held tasks for long")
    found.sort(reverse=True)
    notes = [_limit_note(board, *held) for held in found[:NAMED]]
    advice = "raise the limit, or run the jobs less often; `jobs cancel --job ID` drops what waits"
    return Finding("problem", "; ".join(notes) + _others(found), advice)


def _held(board: BoardLike) -> Iterator[tuple[str, tuple[int, float]]]:
    """Yield the limits that hold tasks: how many, and for how many seconds the oldest has waited."""
    now = _now(board)
    for name in sorted(board.client.smembers(board.keys.held_limits)):
        yield name, (board.client.llen(board.keys.held(name)), now - _oldest_due(board, name, now))


def _limit_note(board: BoardLike, n: int, name: str, waited: float) -> str:
    kind, _, subject = name.partition(":")
    if kind == "job" and _exceeds_rate(board, name):
        job = board.show(subject)
        return f"the job {subject} is due more often than its rate {job['rate']} lets start: {n} tasks wait"
    return f"the limit of the {kind} {subject} holds {n} tasks, the oldest for {span(int(waited))}"


def _exceeds_rate(board: BoardLike, limit: str) -> bool:
    """Whether a limit is the rate of a job whose schedule is faster."""
    kind, _, id = limit.partition(":")
    if kind != "job":
        return False
    try:
        rate = board.show(id).get("rate")
    except NotFoundError:
        return False
    if rate is None:
        return False
    n, _, period = str(rate).partition("/")
    runs = board.next(id, count=min(int(n) + 1, 1000))
    seconds = (runs[-1] - runs[0]).total_seconds() if len(runs) > 1 else 0
    return 0 < seconds < float(period) * (len(runs) - 1) / int(n)


def _oldest_due(board: BoardLike, limit: str, now: float) -> float:
    record = board.client.lindex(board.keys.held(limit), 0)
    try:
        return as_task(("", record)).due if record else now
    except (FaultError, ValueError):
        return now


def _waiting_queues(board: BoardLike) -> Iterator[tuple[str, str]]:
    """Yield the queues with a task that has waited for longer than PATIENCE, and its runner."""
    for name, n in board.count().items():
        queue = name.removeprefix("queue:")
        if n and queue != name:
            task = next(board.tasks("queued", queue=queue, older_than=PATIENCE), None)
            if task:
                yield queue, task["runner"]


def _overdue_queues(board: BoardLike) -> Iterator[tuple[str, str]]:
    """Yield the queues of the jobs that have been overdue for the longest, and their runners."""
    for id, _ in _late(board, SCHEDULE)[: MOST // 10]:
        try:
            job = board.show(id)
        except NotFoundError:
            continue
        yield str(job.get("queue", job["runner"])), str(job["runner"])


def _late(board: BoardLike, key: KeyOf) -> list[tuple[str, float]]:
    """Return what is in a sorted set of times and late, with the seconds by which, the latest first."""
    found: list[tuple[str, float]] = []
    for part in board.partitions:
        now = _now(part)
        last = f"({(now - PATIENCE) * 1000:.0f}"
        late = part.client.zrange(
            key(part.keys), "-inf", last, byscore=True, offset=0, num=MOST, withscores=True
        )
        found += ((str(member), now - score / 1000) for member, score in late)
    return sorted(found, key=lambda one: -one[1])[:MOST]


def _now(board: BoardLike) -> float:
    seconds, micros = board.client.time()
    return int(seconds) + int(micros) / 1e6


def _number(found: list[Any]) -> str:
    return f"{MOST} or more" if len(found) == MOST else str(len(found))


def _others(found: list[Any]) -> str:
    more = len(found) - NAMED
    return f" and {more} more" if more > 0 else ""
