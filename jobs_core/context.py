"""What a runner is given beside its task: how to stop, what time remains, settings, the board."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from jobs_core.stopping import StopCallback, StoppedError
from jobs_core.text import writable
from jobs_core.types import Outcome, Payload

T = TypeVar("T")


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


StopReason = Literal["", "cancelled", "timeout"]


class Context:
    """What a runner may ask and say while it works on one task."""

    cancelled: threading.Event
    """Set when the runner should stop: wait on it, look at it often, or register `on_stop`."""

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
    ) -> None:
        self.worker = worker
        """The worker's name, such as `host-1234`."""
        self.board = board
        """The board that the task is from, to push what comes next; None where there is no worker."""
        self.settings: Mapping[str, Any] = settings or {}
        """The settings of all plugins, by name: every one that a plugin declares has a value."""
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._emit = emit
        self._trouble = trouble
        self._stop_callbacks: list[StopCallback] = []

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

    @property
    def stop_reason(self) -> StopReason:
        """Why to stop: `timeout` once the task's time is over, `cancelled` when it was told to stop before
        that; empty while it may go on."""
        if self._stop_reason:
            return self._stop_reason
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return "timeout"
        return "cancelled" if "cancelled" in vars(self) and self.cancelled.is_set() else ""

    def on_stop(self, callback: Callable[[], object]) -> StopCallback:
        """Call `callback` when the task is told to stop, as long as the `with` block lasts.

        Cancelling the task tells it, and so do its timeout, a lost lease and the worker's stop. The callback
        runs at once, one time, on the thread that stops the task. That is often the worker's own loop: be
        quick, and do not wait for the block. If the task was told before, it runs as the block begins. It
        never runs after the block has ended. What it raises is reported as trouble.

        >>> with context.on_stop(process.terminate):
        ...     process.wait()
        """
        return StopCallback(callback, self._stop_callbacks, lambda: self.stop_reason, self._trouble)

    def call(self, work: Callable[[], T], timeout: float | None = None) -> T:
        """Call `work` on a thread of its own, for what nothing can interrupt, such as looking up a host.

        When the task is told to stop, this leaves the thread behind: it goes on, and nobody learns how it
        ends. It does not keep the process from ending.

        Raises what `work` raises, StoppedError, or TimeoutError after `timeout` seconds.

        >>> context.call(lambda: socket.gethostbyname("example.com"), timeout=5)
        '93.184.215.14'
        """
        return _call_until_stopped(self, work, timeout)

    def stop(self) -> None:
        """Tell the runner to stop: set `cancelled`, and call what `on_stop` registered. Thread-safe.

        For workers, and for tests of runners.
        """
        self._stop_reason = self.stop_reason or "cancelled"
        self.cancelled.set()
        for callback in tuple(self._stop_callbacks):
            callback.call()

    def stop_outcome(self, detail: str = "", **data: Any) -> Outcome:
        """The outcome of a runner that stopped because it was told to: cancelled, or failed with the code
        `timeout` once the task's time is over.

        >>> context.stop_outcome("after 2 s").note
        'cancelled after 2 s'
        """
        if self.stop_reason == "timeout":
            return Outcome.failed(f"timed out {detail}".rstrip(), code="timeout", **data)
        return Outcome.cancelled(f"cancelled {detail}".rstrip(), **data)

    def line(self, text: str, stream: str = "stdout") -> None:
        """Pass one line of the task's output to the loggers. Thread-safe."""
        if self._emit is not None:
            self._emit(writable(str(text)), stream)


def _call_until_stopped(context: Context, work: Callable[[], T], timeout: float | None) -> T:
    """Call `work` on a thread of its own until the task is told to stop."""
    if context.stop_reason:
        raise StoppedError
    over = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            over.set()

    limits: list[Any] = [seconds for seconds in (timeout, context.remaining) if seconds is not None]
    with context.on_stop(over.set):
        threading.Thread(target=run, name="jobs-call", daemon=True).start()
        over.wait(min(limits, default=None))
    if results:
        return results[0]
    if errors:
        raise errors[0]
    if context.stop_reason:
        raise StoppedError
    raise TimeoutError
