"""Convert the replies of the commands to Python types."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from jobs_core.bounds import RETENTION
from jobs_core.errors import FaultError, NotFoundError
from jobs_core.options import JOB_OPTIONS
from jobs_core.top import RunningTask, Top, WaitingQueue
from jobs_core.types import Task, parse_history, parse_parents, parse_payload

_FLAGS = "abcdefghijklmnopqrstuvwxyz"
"""The letters that may follow the attempt number in a record."""

_FIRST, _LAST = -62135596800, 253402300799
"""The years 1 to 9999, in epoch seconds."""

Hold = Literal["leased", "lost", "cancelling"]

_JOB_ORDER = tuple(dict.fromkeys(("id", "runner", "payload", "state", "next", *JOB_OPTIONS, "etag")))
_TASK_ORDER = (
    "id",
    "state",
    "job",
    "runner",
    "queue",
    "priority",
    "attempt",
    "due",
    "since",
    "until",
    "worker",
)
"""The order of fields in jobs and tasks: the most interesting ones first."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The result of a tick: how many tasks it moved, and the seconds until there is more to do.

    `wait` is None if nothing is scheduled, and 0 or less if more is already due. A partition has messages for
    the partitions that are its `targets`.
    """

    moved: int
    wait: float | None
    targets: Sequence[int] = ()


def as_task(pair: Sequence[str]) -> Task:
    """Read one task of a raw JPOP reply: its token and its record (see lua/queue/records.lua).

    Raises FaultError for an unreadable record, which JACK then sets aside.
    """
    token, record = pair
    first, id, history, lane, runner, options, payload = record.split("\n", 6)
    job, _, moment = id.rpartition("@")
    queue, mark, priority = lane.rpartition("!")
    try:
        read_options = _read_options(options) if options else {}
        parents = read_options.pop("parents", ())
        return Task(
            id=id,
            job=job,
            runner=runner,
            queue=queue if mark and priority.lstrip("-").isdigit() else lane,
            due=int(moment.partition("-")[0]) / 1000,
            attempt=int(first.rstrip(_FLAGS)),
            raw=payload,
            token=token,
            options=read_options,
            payload=parse_payload(payload),
            history=parse_history(history),
            parents=parse_parents(parents) if parents else (),
        )
    except ValueError:
        raise FaultError(f"The record of the task {id!r} is unreadable. Run `jobs doctor`.") from None


def _read_options(text: str) -> dict[str, Any]:
    """Read the options of a task. Raises ValueError if they are invalid."""
    found = json.loads(text)
    if isinstance(found, dict):
        numbers = (found.get("timeout", 0), found.get("lease", 0))
        if all(isinstance(number, int | float) for number in numbers):
            return found
    raise ValueError("invalid options")


def as_job(text: str) -> dict[str, Any]:
    """Read a JGET reply, with the most interesting fields first."""
    found: dict[str, Any] = json.loads(text)
    return {name: found[name] for name in _JOB_ORDER if name in found}


def found_job(
    reply: list[str | None], id: str, board: str, read: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """Read a reply about one job. Raises NotFoundError if there is no such job."""
    if reply[0] is None:
        raise NotFoundError(f"there is no job {id!r} on the board {board!r}")
    return read(reply[0])


def as_cancelled(found: Sequence[str], id: str, board: str) -> Literal["cancelled", "cancelling"]:
    """Return the result of a JCANCEL. Raises NotFoundError if it found no task."""
    if not found:
        raise NotFoundError(f"no task {id!r} is queued or running on the board {board!r}")
    return "cancelling" if "cancelling" in found else "cancelled"


def as_cancelled_counts(found: Iterable[str]) -> dict[str, int]:
    """Count the results of JCANCEL."""
    counts = Counter(found)
    return {"cancelled": counts["cancelled"], "cancelling": counts["cancelling"]}


def lease_states(reply: Sequence[int]) -> list[Hold]:
    """Read a JBEAT reply."""
    words: tuple[Hold, ...] = ("lost", "leased", "cancelling")
    return [words[held] for held in reply]


def as_tick(reply: Sequence[int]) -> Tick:
    """Read a JTICK reply."""
    moved, due, present, *targets = reply
    return Tick(moved, (due - present) / 1000 if due else None, tuple(map(int, targets)))


def as_listed(text: str) -> dict[str, Any]:
    """Read one task of a JTASKS reply."""
    found: dict[str, Any] = json.loads(text)
    found["history"] = [asdict(attempt) for attempt in parse_history(found["history"])]
    return {name: found[name] for name in dict.fromkeys((*_TASK_ORDER, *found)) if name in found}


def as_entry(id: str, fields: dict[str, str]) -> dict[str, Any]:
    """Read one entry of the history. Its time, in epoch seconds, comes from its id in the stream."""
    entry: dict[str, Any] = {"time": int(id.partition("-")[0]) / 1000, **fields}
    entry["job"] = fields["task"].rpartition("@")[0]
    entry |= {name: int(fields[name]) for name in ("attempt", "count") if name in fields}
    if "data" in fields:
        entry["data"] = as_json(fields["data"])
    return entry


def entry_filter(
    task: str | None, job: str | None, jobs: Collection[str] | None
) -> Callable[[Mapping[str, Any]], bool]:
    """Return a function that tests whether an entry of the history is of a task, a job, and some jobs."""
    return lambda entry: (
        task in (None, entry["task"])
        and job in (None, entry["job"])
        and (jobs is None or entry["job"] in jobs)
    )


def as_json(text: str) -> Any:
    """Parse JSON. Returns the text itself if it is not JSON: older versions of JACK accepted any text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def as_limits(kept: Mapping[str, str], lengths: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the limits of queues and runners by name, and how long queues may be."""
    most = {f"queue:{queue}": int(text) for queue, text in lengths.items()}
    for name in sorted({*kept, *most}):
        kind, _, subject = name.partition(":")
        words = kept.get(name, "- - -").split()
        concurrency, n, period = (None if word == "-" else int(word) for word in words)
        rate = f"{n}/{period / 1000:g}" if period else None
        yield {
            **{"kind": kind, "name": subject, "concurrency": concurrency, "rate": rate},
            "max_length": most.get(name),
        }


def as_bounds(flat: Sequence[Any]) -> dict[str, int | float | None]:
    """Read a JRETAIN reply: durations in seconds, None where there is no bound."""
    found = dict(zip(flat[::2], flat[1::2], strict=True))
    return {name: as_bound(name, text) for name, text in found.items()}


def as_bound(name: str, text: Any) -> int | float | None:
    if text == "off":
        return None
    return int(text) / 1000 if RETENTION[name].kind == "duration" else int(text)


SILENT = 30.0
"""Seconds after which a worker that reports every 10 seconds counts as silent."""

_WORKER_ORDER = (
    "state",
    "host",
    "pid",
    "runners",
    "queues",
    "concurrency",
    "running",
    "ticks",
    "started",
    "drift",
)


def as_worker(name: str, text: str, clock: Sequence[Any]) -> dict[str, Any]:
    """Read a worker's entry, as JREGISTER keeps it. `clock` is the reply of TIME."""
    ms, _, report = text.partition(" ")
    return _as_seen(name, int(ms) / 1000, json.loads(report), int(clock[0]) + int(clock[1]) / 1e6)


def _as_seen(name: str, seen: float, found: dict[str, Any], now: float) -> dict[str, Any]:
    """Return a worker's report with its state, and when it was seen (epoch seconds)."""
    if now - seen > SILENT:
        found["state"] = "silent" if "state" in found else "unknown"
    found.setdefault("state", "serving")
    found.setdefault("queues", found["runners"])
    found["ticks"] = bool(found.get("ticks"))
    return {"worker": name} | {key: found[key] for key in _WORKER_ORDER if key in found} | {"seen": seen}


def as_top(reply: Sequence[Any]) -> Top:
    """Read a JTOP reply."""
    found = json.loads(reply[0])
    tasks, queues, reports = (tuple(map(json.loads, texts)) for texts in reply[1:])
    workers = (_as_seen(each.pop("worker"), each.pop("seen"), each, found["time"]) for each in reports)
    return Top(
        **found,
        running_tasks=tuple(sorted((RunningTask(**task) for task in tasks), key=_began)),
        waiting_queues=tuple(WaitingQueue(**queue) for queue in queues),
        seen_workers=tuple(sorted(workers, key=lambda worker: str(worker["worker"]))),
    )


def _began(task: RunningTask) -> float:
    return task.until if task.since is None else task.since


def as_dict(flat: list[Any]) -> dict[str, int]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def time_of(ms: float) -> datetime:
    """Convert epoch milliseconds to a datetime, limited to the years 1 to 9999."""
    return datetime.fromtimestamp(max(_FIRST, min(ms / 1000, _LAST)), UTC)


def as_times(reply: Sequence[int]) -> list[datetime]:
    return [time_of(ms) for ms in reply]


def as_time(ms: int) -> datetime | None:
    return time_of(ms) if ms else None
