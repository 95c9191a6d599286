"""What plugins provide, as small frozen dataclasses: runners, policies, loggers, checks, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jobs_core.context import BoardLike, Context
from jobs_core.types import Decision, Event, Outcome, Payload, Task


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
