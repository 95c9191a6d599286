"""The data types of Jobs: jobs, tasks, attempts, outcomes, decisions and events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from jobs_core.errors import PayloadError, UserError
from jobs_core.text import CUT, one_line
from jobs_core.tracing import Trace

Payload = str | dict[str, Any]
"""A string (the short form) or a JSON object (the full form)."""


def parse_payload(raw: str, short: str | None = None) -> Payload:
    """Parse a payload into the form that its runner expects.

    Args:
        raw: The payload as stored. A JSON object becomes a dict; any other text stays a string.
        short: The key of the runner's short form. If given, a string becomes a dict with that key.

    >>> parse_payload('{"url": "http://a"}')
    {'url': 'http://a'}
    >>> parse_payload("http://a", short="url")
    {'url': 'http://a'}
    """
    if raw.lstrip()[:1] == "{":
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            pass
        else:
            if isinstance(value, dict):
                return value
    return raw if short is None else {short: raw}


_TASK_ID = re.compile(r"@\d+(-f?\d+)?$")


def is_task_id(id: str) -> bool:
    """Return whether an id is that of a task, rather than of a job.

    >>> is_task_id("backup@1763900005000")
    True
    """
    return _TASK_ID.search(id) is not None


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is about to be put, as `jobs_validate` sees it."""

    id: str
    runner: str
    payload: Payload
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt at a task: its result, end time (epoch seconds) and worker.

    `status` is `failed`, or `lost` if the worker stopped responding. `decided` is False if the policy has not
    seen the attempt yet.
    """

    status: str
    time: float
    worker: str = ""
    code: str = ""
    note: str = ""
    decided: bool = True


def parse_history(text: str) -> tuple[Attempt, ...]:
    """Parse the history that JPOP and JTASKS return: `status ms worker code note`, separated by tabs.

    >>> parse_history("lost? 1763900005000 host-1 lost ")[0].worker
    'host-1'
    """
    return tuple(map(_parse_attempt, text.split("\t"))) if text else ()


def _parse_attempt(entry: str) -> Attempt:
    status, ms, worker, code, note = entry.split(" ", 4)
    worker, code = ("" if word == "-" else word for word in (worker, code))
    return Attempt(status.rstrip("?"), int(ms) / 1000, worker, code, note, not status.endswith("?"))


@dataclass(frozen=True, slots=True)
class Parent:
    """How a task that this one ran after has ended.

    `outcome` is `done`, `dead` or `cancelled`. `note` has up to 200 bytes. The data of all parents of a task
    share 64 KiB: of more, the end is kept as text, `{"truncated": True, "end": …}`. A parent that ended
    before its board kept this has only `job`.
    """

    job: str
    task: str = ""
    outcome: str = ""
    code: str = ""
    note: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def parse_parents(records: Any) -> tuple[Parent, ...]:
    """Read the `parents` in a task's options. Raises ValueError if they are invalid.

    >>> parse_parents([{"job": "load", "task": "load@1763900005000", "outcome": "done"}])[0].outcome
    'done'
    """
    try:
        return tuple(Parent(**record) for record in records)
    except TypeError:
        raise ValueError("invalid parents") from None


_TRIMS: tuple[tuple[str, ...], ...] = ((), ("data",), ("data", "note"))
"""What to leave out of parents that take too much room."""


def parents_json(parents: Iterable[Parent], most: int, *, ascii: bool = False) -> str:
    """Write parents as a JSON list of at most `most` bytes, without empty fields.

    If they take more, their data is left out, and then their notes; such a parent has `"truncated": true`.
    Returns an empty string if that is not enough.

    >>> parents_json([Parent("load", "load@1763900005000", "dead", code="3")], 1000)
    '[{"job":"load","task":"load@1763900005000","outcome":"dead","code":"3"}]'
    """
    records = [{name: value for name, value in asdict(parent).items() if value} for parent in parents]
    for trimmed in _TRIMS:
        kept = [_trim(record, trimmed) for record in records]
        text = json.dumps(kept, ensure_ascii=ascii, separators=(",", ":"))
        if len(text.encode(errors="replace")) <= most:
            return text
    return ""


def _trim(record: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in names}
    return kept if len(kept) == len(record) else kept | {"truncated": True}


@dataclass(frozen=True, slots=True)
class Task:
    """One occurrence of a job, taken from a queue.

    `id` is `<job id>@<due, ms>`. An occurrence always has the same id, so use it as an idempotency key
    downstream. `due` is in epoch seconds. `attempt` counts from 1; `history` has up to 20 earlier attempts.
    `token` proves the lease, and its holder may report on the task. It is empty for a task taken without a
    lease (at most once). `parents` says how the tasks ended that this one ran after.
    """

    id: str
    job: str
    runner: str
    queue: str
    due: float
    attempt: int
    raw: str = field(repr=False)
    token: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    payload: Payload = field(default="", repr=False)
    history: tuple[Attempt, ...] = ()
    parents: tuple[Parent, ...] = ()


NOTE, CODE = 1000, 64
"""The maximum lengths of a note and a code, in characters."""

DATA = 64 * 1024
"""The maximum length of an outcome's data as JSON, in bytes."""

Status = Literal["done", "failed", "cancelled", "accepted", "lost"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt, as its runner reports it. `lost` means that the worker stopped responding.

    Args:
        status: How the attempt ended.
        note: One line for people. Longer text is joined to one line and cut at 1,000 characters, with an
            ellipsis at the end.
        code: A short, stable code that policies match on: an exit code, an HTTP status, `timeout`.
        data: Any other JSON values. The history keeps up to 64 KiB: of more, the longest strings lose their
            beginning, and `truncated` is true.
        retry_after: A delay that the target asked for, in seconds.
        unstarted: Whether the runner could not start the task on this worker: see `not_started`.
    """

    status: Status
    note: str = ""
    code: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float | None = None
    unstarted: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", one_line(str(self.note), NOTE, CUT))
        object.__setattr__(self, "code", one_line(str(self.code), CODE))

    @classmethod
    def done(cls, note: str = "", *, code: str = "", **data: Any) -> Outcome:
        """Return the outcome of a successful attempt: `Outcome.done("HTTP 200", code="200")`."""
        return cls("done", note, code, data)

    @classmethod
    def failed(
        cls, note: str = "", *, code: str = "", retry_after: float | None = None, **data: Any
    ) -> Outcome:
        """Return the outcome of a failed attempt: `Outcome.failed("HTTP 503", code="503", retry_after=30)`.

        `retry_after` is in seconds.
        """
        return cls("failed", note, code, data, retry_after)

    @classmethod
    def not_started(cls, note: str) -> Outcome:
        """Return the outcome of a task that could not start here, because the worker is short of files,
        processes or memory.

        The worker returns the task to its queue, the attempt does not count, and the worker takes fewer tasks
        for a while. Use it only if nothing was done for the task: see `is_shortage`. A task without a lease
        has failed with the code `start`.
        """
        return cls("failed", note, "start", unstarted=True)

    @classmethod
    def accepted(cls, note: str = "", *, progress: float | None = None) -> Outcome:
        """Return the outcome of a task that the target finishes later. It stays open under `task.token`.

        It ends when the target acknowledges the token (`jobs ack TOKEN`, `board.ack`, JACK). Without an
        acknowledgement it fails after its timeout, or after a day if it has none. `progress` is 0 to 100.
        """
        return cls("accepted", note, data={} if progress is None else {"progress": progress})

    @classmethod
    def lost(cls) -> Outcome:
        """Return the outcome of an attempt whose worker stopped responding. The task may have run or not."""
        return cls("lost", "its worker fell silent", "lost")

    @classmethod
    def cancelled(cls, note: str = "", **data: Any) -> Outcome:
        """Return the outcome of an attempt that was told to stop. See also `Context.stop_outcome`."""
        return cls("cancelled", note, "cancelled", data)

    @classmethod
    def refused(cls, error: UserError) -> Outcome:
        """Return the outcome of a task that cannot run: failed with the code `payload`, or `settings` for an
        OptionError.

        `error` says why and does not quote the payload.
        """
        return cls.failed(str(error), code="payload" if isinstance(error, PayloadError) else "settings")


Verb = Literal["done", "failed", "cancelled", "accepted", "retry", "release", "dead", "update"]
"""What a report says of a task, or where it stands: see JACK."""

DECISIONS = ("done", "retry", "release", "dead")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy decides after an attempt: `done()`, `retry(delay)`, `release(delay)` or `dead()`.

    `delay` is in seconds.
    """

    verb: Literal["done", "retry", "release", "dead"]
    delay: float = 0.0

    @classmethod
    def done(cls) -> Decision:
        """End the task."""
        return cls("done")

    @classmethod
    def retry(cls, delay: float = 0.0) -> Decision:
        """Try the task again after `delay` seconds."""
        return cls("retry", delay)

    @classmethod
    def release(cls, delay: float) -> Decision:
        """Return the task to its queue after `delay` seconds. The attempt does not count."""
        return cls("release", delay)

    @classmethod
    def dead(cls) -> Decision:
        """Give up the task. It becomes a dead letter."""
        return cls("dead")


@dataclass(frozen=True, slots=True)
class Event:
    """An event, as loggers and `jobs_event` observers see it.

    `kind` is one of `worker.started`, `worker.stopped`, `task.started`, `task.line` (a line of output:
    `data["line"]`, `data["stream"]`), `task.finished` (with `outcome` and `decision`), `task.accepted`,
    `task.cancelled`, `task.lost` (an earlier attempt was lost: with `outcome` and `decision`), `task.stale`,
    `task.released`, `trouble` (a problem: `data["note"]`), `recovered` (Redis serves again, after
    `data["seconds"]`), and `ticked` (about once a second, a tick of this worker has succeeded: only for
    loggers that name it in `kinds`). `time` is in epoch seconds. `trace` is that of the attempt, as in
    `context.trace`. `board` is the name of the board; empty if the worker serves several, and the event is
    not about one of them.
    """

    kind: str
    time: float
    worker: str
    task: Task | None = None
    outcome: Outcome | None = None
    decision: Decision | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    trace: Trace = field(default_factory=dict)
    board: str = ""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill, and how far it is. Times are in epoch seconds.

    `state` is planning, running, cancelling, done or cancelled. Of its `occurrences`, some `ran`, and of some
    it is `unknown`: both are left out. The others are its tasks, `total`: `left` to queue, queued or
    `running`, `done`, `dead`, `cancelled`, or `unleased` (nobody reports on them). `removed` says that its
    job was removed.
    """

    id: str
    job: str
    state: str
    start: float
    stop: float
    order: str
    concurrency: int
    occurrences: int
    ran: int
    unknown: int
    total: int
    left: int
    running: int
    done: int
    dead: int
    cancelled: int
    unleased: int
    began: float
    ended: float | None = None
    with_unknown: bool = False
    removed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to happen."""
        return self.ended is not None

    @property
    def failed(self) -> int:
        """How many of its tasks have ended otherwise than done, without those that its own end cancelled."""
        return self.dead + (0 if self.state in ("cancelling", "cancelled") else self.cancelled)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A due time of a job in the past (epoch seconds).

    `state` is `ran` (or its task is queued, running or dead), `missed`, or `unknown`, because the history of
    the job no longer reaches it.
    """

    due: float
    state: str
