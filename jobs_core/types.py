"""The words of Jobs as small frozen dataclasses: jobs, tasks, outcomes, decisions, events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jobs_core.errors import PayloadError, UserError
from jobs_core.text import one_line

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
        """The runner stopped because it was told to: see also `Context.stop_outcome`."""
        return cls("cancelled", note, "cancelled", data)

    @classmethod
    def refused(cls, error: UserError) -> Outcome:
        """The task cannot run as it stands: failed with the code `payload`, or `settings` for an OptionError.

        `error` says why, without quoting the payload.
        """
        return cls.failed(str(error), code="payload" if isinstance(error, PayloadError) else "settings")


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
