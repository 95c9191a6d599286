"""The words of Jobs as small frozen dataclasses: what plugins receive, and what they give back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from jobs_core.text import one_line, writable

if TYPE_CHECKING:
    from datetime import datetime

Payload = str | dict[str, Any]
"""A string is the short form of a payload; a JSON object is its full form."""


def parse_payload(raw: str, short: str | None = None) -> Payload:
    """Read a payload as its runner wants it.

    A payload that parses as a JSON object is one; anything else is a string. When the runner names the key
    that its short form stands for, a string becomes an object with that one key.

    >>> parse_payload('{"url": "http://a"}')
    {'url': 'http://a'}
    >>> parse_payload("http://a", short="url")
    {'url': 'http://a'}
    """
    if raw.lstrip()[:1] == "{":
        try:
            value = json.loads(raw)
        except ValueError:
            pass
        else:
            if isinstance(value, dict):
                return value
    return raw if short is None else {short: raw}


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is about to be put: what `jobs_validate` sees."""

    id: str
    runner: str
    payload: Payload
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt at a task: what came of it, when (epoch seconds), and in which worker's hands.

    `status` is `failed` or `lost` (its worker fell silent).
    One that is not `decided` is still to be shown to the policy.
    """

    status: str
    time: float
    worker: str = ""
    code: str = ""
    note: str = ""
    decided: bool = True


def parse_history(text: str) -> tuple[Attempt, ...]:
    """Read the history that JPOP and JTASKS answer: `status ms worker code note` for each, tabs between.

    >>> parse_history("lost? 1763900005000 host-1 lost ")[0].worker
    'host-1'
    """
    return tuple(map(_parse_attempt, text.split("\t"))) if text else ()


def _parse_attempt(entry: str) -> Attempt:
    status, ms, worker, code, note = entry.split(" ", 4)
    worker, code = ("" if word == "-" else word for word in (worker, code))
    return Attempt(status.rstrip("?"), int(ms) / 1000, worker, code, note, not status.endswith("?"))


@dataclass(frozen=True, slots=True)
class Task:
    """One occurrence of a job, taken from a queue.

    `id` is `<job id>@<due, ms>`: the same occurrence always has the same id, so it serves as an idempotency
    key downstream. `due` is in epoch seconds. `attempt` counts from 1; `history` has the attempts before, the
    last 20 at most. `token` proves the lease, and whoever has it may report on the task; it is empty for a
    task that was taken without one (at most once).
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


NOTE, CODE = 1000, 64
"""Characters that are kept of a note and of a code."""

Status = Literal["done", "failed", "cancelled", "accepted", "lost"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a runner reports of one attempt. `lost` is what a policy is shown when its worker fell silent.

    `note` is one line for people, made so and cut at 1,000 characters. `code` is short and stable, for
    policies to match on (an exit code, an HTTP status, `timeout`). `data` is anything else that is JSON: it
    is kept in the history, up to 64 KiB.
    `retry_after`, in seconds, is a delay that the target itself asked for.
    """

    status: Status
    note: str = ""
    code: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", one_line(str(self.note), NOTE))
        object.__setattr__(self, "code", one_line(str(self.code), CODE))

    @classmethod
    def done(cls, note: str = "", *, code: str = "", **data: Any) -> Outcome:
        """The task was carried out: `Outcome.done("HTTP 200", code="200")`."""
        return cls("done", note, code, data)

    @classmethod
    def failed(
        cls, note: str = "", *, code: str = "", retry_after: float | None = None, **data: Any
    ) -> Outcome:
        """The task was not carried out: `Outcome.failed("HTTP 503", code="503", retry_after=30)`."""
        return cls("failed", note, code, data, retry_after)

    @classmethod
    def accepted(cls, note: str = "", *, progress: float | None = None) -> Outcome:
        """The target took the task and calls back: it stays open under `task.token`.

        It ends when somebody acknowledges the token (`jobs ack TOKEN`, `board.ack`, JACK), or fails when the
        task's timeout, or else a day, is over.
        """
        return cls("accepted", note, data={} if progress is None else {"progress": progress})

    @classmethod
    def lost(cls) -> Outcome:
        """The worker fell silent before it reported anything; the task may have been carried out."""
        return cls("lost", "its worker fell silent", "lost")

    @classmethod
    def cancelled(cls, note: str = "", **data: Any) -> Outcome:
        """The runner stopped because `context.cancelled` was set."""
        return cls("cancelled", note, "cancelled", data)


DECISIONS = ("done", "retry", "release", "dead")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy makes of an outcome: `done()`, `retry(delay)`, `release(delay)` or `dead()`."""

    verb: Literal["done", "retry", "release", "dead"]
    delay: float = 0.0

    @classmethod
    def done(cls) -> Decision:
        """End the task: there is nothing more to do about it."""
        return cls("done")

    @classmethod
    def retry(cls, delay: float = 0.0) -> Decision:
        """Try the task again after `delay` seconds."""
        return cls("retry", delay)

    @classmethod
    def release(cls, delay: float) -> Decision:
        """Give the task back for `delay` seconds. The attempt does not count."""
        return cls("release", delay)

    @classmethod
    def dead(cls) -> Decision:
        """Give the task up: it becomes a dead letter."""
        return cls("dead")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as loggers and `jobs_event` observers see it.

    `kind` is one of `worker.started`, `worker.stopped`, `task.started`, `task.line` (a line of output:
    `data["line"]`, `data["stream"]`), `task.finished` (with `outcome` and `decision`), `task.accepted`,
    `task.cancelled`, `task.lost` (an earlier attempt was: with `outcome` and `decision`), `task.stale`,
    `task.released`, and `trouble` (`data["note"]`). `time` is in epoch seconds.
    """

    kind: str
    time: float
    worker: str
    task: Task | None = None
    outcome: Outcome | None = None
    decision: Decision | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class BoardLike(Protocol):
    """What runners and checks can rely on of the board they are given. `Board` documents each method."""

    name: str
    client: Any
    keys: Any
    commands: Any

    @property
    def plugins(self) -> Any: ...

    def put(self, id: str, runner: str, payload: Payload, **options: Any) -> datetime | None: ...

    def push(self, runner_or_job: str, payload: Payload | None = None, **options: Any) -> str: ...

    def show(self, id: str) -> dict[str, Any]: ...

    def remove(self, *ids: str) -> int: ...

    def ack(self, token: str, verb: Any = "done", **options: Any) -> str: ...

    def cancel(self, id: str) -> Literal["cancelled", "cancelling"]: ...

    def count(self) -> dict[str, int]: ...

    def stats(self, job: str | None = None) -> dict[str, int]: ...


class Context:
    """What a runner may ask and say while it works on one task."""

    cancelled: threading.Event
    """Set when the runner should stop: wait on it, or look at it often."""

    def __init__(
        self,
        worker: str,
        *,
        timeout: float | None = None,
        emit: Callable[[str, str], None] | None = None,
        settings: Mapping[str, Any] | None = None,
        board: BoardLike | None = None,
    ) -> None:
        self.worker = worker
        """The worker's name, such as `host-1234`."""
        self.board = board
        """The board that the task is from, to push what comes next; None where there is no worker."""
        self.settings: Mapping[str, Any] = settings or {}
        """The plugin's settings."""
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._emit = emit

    def __getattr__(self, name: str) -> threading.Event:
        """Make `cancelled` when it is first asked for: to make one takes longer than all else here.

        Worker and runner may ask at the same time: `setdefault` gives both the same.
        """
        if name != "cancelled":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        made: threading.Event = vars(self).setdefault("cancelled", threading.Event())
        return made

    @property
    def remaining(self) -> float | None:
        """Seconds until the task's timeout (never below 0), or None when it has no timeout."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def line(self, text: str, stream: str = "stdout") -> None:
        """Pass one line of the task's output to the loggers. Thread-safe."""
        if self._emit is not None:
            self._emit(writable(str(text)), stream)


@dataclass(frozen=True, slots=True)
class Runner:
    """A way to run jobs.

    `run(task, context)` does the work and returns an `Outcome`; an exception it raises is a failed outcome.
    It is called on several threads at once. `short` names the key that a string payload stands for, and
    `schema` is the JSON Schema of the full payload, checked when a job is put. `target(payload)` says what a
    payload addresses, such as the host of a URL: for policies that go by target.

    `inline` says that `run` is quick, well under a millisecond, and never waits: the worker's own loop calls
    it, one task after the other, which saves handing each to a thread. While it runs, the worker does nothing
    else: it renews no lease, and cannot enforce a timeout.
    """

    name: str
    run: Callable[[Task, Context], Outcome]
    summary: str = ""
    short: str | None = None
    schema: Mapping[str, Any] | None = None
    target: Callable[[Payload], str] | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Decides what becomes of a task after an attempt: `decide(task, outcome)`. It never touches Redis."""

    name: str
    decide: Callable[[Task, Outcome], Decision]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What loggers, `jobs_startup` and `jobs_shutdown` learn of the worker they run in.

    `settings` are those of all plugins, by name.
    """

    name: str
    board: str
    runners: tuple[str, ...]
    concurrency: int
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Logger:
    """Writes events somewhere.

    `open(context)` is called once, before the first event: raise OptionError for settings that cannot work.
    `write(event)` is called on many threads, and tasks wait for it: it must be quick. `close()` flushes.
    """

    name: str
    write: Callable[[Event], None]
    summary: str = ""
    close: Callable[[], None] = lambda: None
    open: Callable[[WorkerInfo], None] = lambda context: None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `state` is `ok`, `warning` or `problem`; `advice` says what to do about it."""

    state: Literal["ok", "warning", "problem"]
    note: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Something `jobs doctor` looks at: `run(board)` returns a `Finding`."""

    name: str
    run: Callable[[BoardLike], Finding]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a plugin: the environment variable `JOBS_<NAME>`, a line of `jobs.toml`, or its default.

    Its value has the type of `default` (text, where that is None). A `secret` is never shown.
    """

    name: str
    default: Any = None
    summary: str = ""
    secret: bool = False
