"""The threads of a worker. Each thread runs one task at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from jobs_core.errors import OptionError
from jobs_core.worker.run import Run


class Threads:
    """A fixed number of threads that execute runs.

    All threads start before the first task arrives, so that no task waits for a thread to start.

    Args:
        execute: Executes a run. It must not raise.
        ended: Called on the thread with each run after its execution.
    """

    def __init__(self, execute: Callable[[Run], None], ended: Callable[[Run], None]) -> None:
        self._execute = execute
        self._ended = ended
        self._runs: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._count = 0

    def start(self, count: int) -> None:
        """Start `count` threads. Raises OptionError if the system rejects one."""
        for number in range(count):
            try:
                threading.Thread(target=self._serve, name=f"jobs-{number}", daemon=True).start()
            except RuntimeError:
                raise OptionError(
                    f"concurrency {count}: the system allows only {number} threads for this worker. "
                    "Lower the concurrency, or raise the limits on processes and memory."
                ) from None
            self._count += 1

    def put(self, run: Run) -> None:
        """Hand over a run. The caller must not hand over more runs than there are threads."""
        self._runs.put(run)

    def stop(self) -> None:
        """End each thread once it is idle."""
        for _ in range(self._count):
            self._runs.put(None)

    def _serve(self) -> None:
        while (run := self._runs.get()) is not None:
            self._execute(run)
            self._ended(run)
