"""The dataclasses that plugins provide, such as runners and policies, and that their hooks are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jobs_core.context import BoardLike, Context
from jobs_core.tracing import Trace
from jobs_core.types import Decision, Event, Outcome, Payload, Task

TICKED = "ticked"
"""The kind of the event after a tick that succeeded. Only loggers get it that name it in `kinds`."""

LOG_THREAD = "jobs-log-"
"""How the names of loggers' threads begin."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A way to run jobs.

    Args:
        name: The name that jobs use.
        run: Called as `run(task, context)`, on several threads at once. Returns an `Outcome`; an exception
            counts as a failed outcome.
        summary: One line for `jobs plugins`.
        short: The key that a string payload stands for, such as `url`.
        schema: The JSON Schema of the full payload. Jobs checks it when a job is put and before each run.
        target: Called as `target(payload)`. Returns what the payload addresses, such as the host of a URL,
            for policies that work per target.
        quote: Called as `quote(value, key, before)` for each value that an alert fills into a payload.
            Returns it in a form that is safe there. `key` is the payload's top-level key whose text the
            value stands in, and `before` the text before it; in a list, the items before it come first, each
            with a NUL at its end. Raises ValueError, with one sentence, if no form is safe there. By default,
            values are filled in as they are.
        inline: Whether the worker's own loop calls `run`, not a thread. Set it only if `run` takes well
            under a millisecond and never blocks: meanwhile the worker renews no lease, enforces no timeout.
    """

    name: str
    run: Callable[[Task, Context], Outcome]
    summary: str = ""
    short: str | None = None
    schema: Mapping[str, Any] | None = None
    target: Callable[[Payload], str] | None = None
    inline: bool = False
    quote: Callable[[str, str, str], str] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Decides what happens to a task after an attempt: `decide(task, outcome)`. It never accesses Redis."""

    name: str
    decide: Callable[[Task, Outcome], Decision]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """The worker, as loggers, `jobs_startup` and `jobs_shutdown` see it.

    `board` is the name of its board; if it serves several, those of all, separated by commas. `boards` has
    the names one by one. `concurrency` is the number of tasks it runs at once. `settings` has the settings of
    all plugins, by name. Call `trouble` with one sentence to report a problem to all loggers: it becomes an
    event. Thread-safe.
    """

    name: str
    board: str
    runners: tuple[str, ...]
    concurrency: int
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trouble: Callable[[str], None] = field(default=lambda note: None, repr=False, compare=False)
    boards: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.boards:
            object.__setattr__(self, "boards", (self.board,))


@dataclass(frozen=True, slots=True)
class Logger:
    """A destination for events.

    Jobs calls `open(worker)` once, before the first event; raise OptionError for invalid settings. It calls
    `write(event)` on a thread of its own, in order. If it is slow, events wait in a queue, and those that
    find it full are left out. `close()` flushes, on the same thread.

    `option` limits it to events of tasks with this option, and `kinds` to events of these kinds. A worker
    does no work for events that nobody gets.
    """

    name: str
    write: Callable[[Event], None]
    summary: str = ""
    close: Callable[[], None] = lambda: None
    open: Callable[[WorkerInfo], None] = lambda context: None
    option: str | None = None
    kinds: tuple[str, ...] = ()

    def wants(self, kind: str, task: Task | None) -> bool:
        """Return whether it gets events of this kind about this task."""
        if self.kinds:
            if kind not in self.kinds:
                return False
        elif kind == TICKED:
            return False
        return self.option is None or (task is not None and self.option in task.options)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check. `state` is `ok`, `warning` or `problem`; `advice` says how to fix it."""

    state: Literal["ok", "warning", "problem"]
    note: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of `jobs doctor`: `run(board)` returns a `Finding`."""

    name: str
    run: Callable[[BoardLike], Finding]
    summary: str = ""


@dataclass(slots=True)
class Push:
    """A push that a plugin accompanies: see the hook `jobs_push`.

    Args:
        board: The name of the board.
        server: The server: its host and port, or its socket.
        runner: The runner of a one-off task; empty for a run of a job.
        job: The id of the job; empty for a one-off task.
        queue: The queue of a one-off task; empty for a run of a job, whose queue only the board knows.
        trace: The trace that the push belongs to. A plugin may replace it; what is invalid is ignored.
        is_bulk: Whether the push is one of many that are sent together, later.
        task: The id of the task, once the push has succeeded. It stays empty in bulk.
    """

    board: str
    server: str
    runner: str = ""
    job: str = ""
    queue: str = ""
    trace: Trace = field(default_factory=dict)
    is_bulk: bool = False
    task: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A plugin's setting: the environment variable `JOBS_<NAME>`, else `jobs.toml`, else `default`.

    The value has the type of `default`, or is a string if `default` is None. If that is a dict, the setting
    is a table: of the section `[settings.<name>]` of `jobs.toml`, and of variables `JOBS_<NAME>_<ENTRY>`,
    which go before. Names of entries are lowercase, with underscores for dashes; values are as written. Jobs
    never shows a `secret`.
    """

    name: str
    default: Any = None
    summary: str = ""
    secret: bool = False
