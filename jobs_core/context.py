"""The context a runner receives with its task: stop signals, remaining time, settings, the board."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import copy_context
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, Unpack

from jobs_core.alerts import Alert, Digest, Message
from jobs_core.lease import Lease
from jobs_core.options import PushOptions, PutOptions, ReportOptions, TaskFilters, TaskState, Time
from jobs_core.stopping import StopCallback, StoppedError
from jobs_core.text import shorten_start, writable
from jobs_core.tracing import Trace
from jobs_core.types import Outcome, Payload, Verb

T = TypeVar("T")


class BoardLike(Protocol):
    """The part of `Board` that runners and checks can rely on. See `Board` for each method."""

    name: str
    client: Any
    keys: Any
    commands: Any

    @property
    def plugins(self) -> Any: ...

    @property
    def partitions(self) -> Sequence[Any]: ...

    def put(
        self, id: str, runner: str, payload: Payload, **options: Unpack[PutOptions]
    ) -> datetime | None: ...

    def push(
        self, runner_or_job: str, payload: Payload | None = None, **options: Unpack[PushOptions]
    ) -> str: ...

    def show(self, id: str) -> dict[str, Any]: ...

    def remove(self, *ids: str) -> int: ...

    def ack(self, token: str, verb: Verb = "done", **options: Unpack[ReportOptions]) -> str: ...

    def cancel(self, id: str) -> Literal["cancelled", "cancelling"]: ...

    def next(self, id: str | None = None, *, count: int = 1) -> Sequence[datetime]: ...

    def tasks(
        self, state: TaskState | None = None, **filters: Unpack[TaskFilters]
    ) -> Iterator[dict[str, Any]]: ...

    def declares(self, runner: str, path: str) -> bool: ...

    def workers(self) -> Iterator[dict[str, Any]]: ...

    def limits(self) -> Iterator[dict[str, Any]]: ...

    def retention(self) -> dict[str, int | float | None]: ...

    def count(self) -> dict[str, int]: ...

    def stats(self, job: str | None = None) -> dict[str, int]: ...

    def alert_list(self, *, job: str | None = None, payload: bool = True) -> Iterator[Alert]: ...

    def alert_digest(self, days: float = 7, *, now: Time | None = None) -> Digest: ...


LONGEST_LINE = 65_536
"""The maximum length of a line of output, in characters."""

StopReason = Literal["", "cancelled", "timeout"]


class Context:
    """A runner's connection to its worker while it works on one task."""

    cancelled: threading.Event
    """Set when the runner should stop. Wait on it, poll it, or register a callback with `on_stop`."""

    has_begun = False
    """Whether the runner was called. Before that, a shortage of files or memory returns the task."""

    _stop_reason: StopReason = ""

    def __init__(
        self,
        worker: str,
        *,
        timeout: float | None = None,
        emit: Callable[[str, str], None] | None = None,
        settings: Mapping[str, Any] | None = None,
        board: BoardLike | None = None,
        trouble: Callable[[str], None] | None = None,
        lease: Lease | None = None,
        alert: Message | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.worker = worker
        """The worker's name, such as `host-1234`."""
        self.board = board
        """The task's board, for example to push follow-up tasks; None outside of a worker."""
        self.settings: Mapping[str, Any] = settings or {}
        """The settings of all plugins, by name. Every declared setting has a value."""
        self.lease = lease
        """The worker's hold on the task. None if the task has no lease, and outside of a worker."""
        self.alert = alert
        """What the task tells, if it is the task of an alert: `context.alert.text`."""
        self.trace: Trace = trace or {}
        """The trace to pass on to what the task calls: `traceparent`, and maybe `tracestate`. It is empty if
        there is none. It is the trace of the push, until a tracing plugin sets the one of its span.

        >>> context.board.push("http", "https://example.com/next", **context.trace)
        """
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._emit = emit
        self._trouble = trouble
        self._stop_callbacks: list[StopCallback] = []

    def __getattr__(self, name: str) -> threading.Event:
        """Create `cancelled` on first access, because an Event costs more than the rest of a Context.

        Worker and runner may access it at the same time; `setdefault` gives both the same Event.
        """
        if name != "cancelled":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        event: threading.Event = vars(self).setdefault("cancelled", threading.Event())
        return event

    @property
    def remaining(self) -> float | None:
        """Seconds until the task's timeout, never below 0; None if it has no timeout."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    @property
    def stop_reason(self) -> StopReason:
        """Why the runner should stop: `timeout` after the task's timeout, `cancelled` if it was told to stop
        before that, an empty string while it may continue."""
        if self._stop_reason:
            return self._stop_reason
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return "timeout"
        return "cancelled" if self.stop_was_called else ""

    @property
    def stop_was_called(self) -> bool:
        """Whether the worker has told the runner to stop."""
        return "cancelled" in vars(self) and self.cancelled.is_set()

    def on_stop(self, callback: Callable[[], object]) -> StopCallback:
        """Call `callback` if the task is told to stop during the `with` block.

        A cancel, a timeout, a lost lease and the shutdown of the worker all stop a task. The callback runs
        at most once, immediately, on the thread that stops the task. That is often the worker's own loop, so
        the callback must be quick and must not wait for the block. If the task was stopped earlier, the
        callback runs when the block begins. It never runs after the block has ended. The worker reports
        exceptions from the callback as `trouble` events.

        >>> with context.on_stop(process.terminate):
        ...     process.wait()
        """
        return StopCallback(callback, self._stop_callbacks, lambda: self.stop_reason, self._trouble)

    def call(self, work: Callable[[], T], timeout: float | None = None) -> T:
        """Call `work` on a separate thread, for calls that cannot be interrupted, such as a DNS lookup.

        It sees the context variables of the caller, and so a tracer's current span.

        When the task is told to stop, `call` abandons the thread: it keeps running and its result is
        discarded. An abandoned thread does not keep the process alive.

        Args:
            work: The function to call, without arguments.
            timeout: Seconds to wait; None waits until the task's own timeout.

        Returns: What `work` returns.

        Raises:
            StoppedError: The task was told to stop.
            TimeoutError: `timeout` seconds have passed.
            Exception: Whatever `work` raises.

        >>> context.call(lambda: socket.gethostbyname("example.com"), timeout=5)
        '93.184.215.14'
        """
        return _call_until_stopped(self, work, timeout)

    def stop(self) -> None:
        """Tell the runner to stop: set `cancelled` and call the `on_stop` callbacks. Thread-safe.

        Workers and tests of runners call it.
        """
        self._stop_reason = self.stop_reason or "cancelled"
        self.cancelled.set()
        for callback in tuple(self._stop_callbacks):
            callback.call()

    def stop_outcome(self, detail: str = "", **data: Any) -> Outcome:
        """Return the outcome of a runner that stopped on request: cancelled, or, after the task's timeout,
        failed with the code `timeout`.

        >>> context.stop_outcome("after 2 s").note
        'cancelled after 2 s'
        """
        if self.stop_reason == "timeout":
            return Outcome.failed(f"timed out {detail}".rstrip(), code="timeout", **data)
        return Outcome.cancelled(f"cancelled {detail}".rstrip(), **data)

    def line(self, text: str, stream: str = "stdout") -> None:
        """Send one line of the task's output to the loggers. Thread-safe.

        Of a line above 65,536 characters, the end is sent, after an ellipsis.
        """
        if self._emit is not None:
            self._emit(writable(shorten_start(str(text), LONGEST_LINE)), stream)


def _call_until_stopped(context: Context, work: Callable[[], T], timeout: float | None) -> T:
    """Call `work` on a separate thread and wait for it until the task is told to stop."""
    if context.stop_reason:
        raise StoppedError
    finished = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            finished.set()

    limits: list[Any] = [seconds for seconds in (timeout, context.remaining) if seconds is not None]
    with context.on_stop(finished.set):
        threading.Thread(target=copy_context().run, args=(run,), name="jobs-call", daemon=True).start()
        finished.wait(min(limits, default=None))
    if results:
        return results[0]
    if errors:
        raise errors[0]
    if context.stop_reason:
        raise StoppedError
    raise TimeoutError
