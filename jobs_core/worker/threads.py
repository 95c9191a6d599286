"""The threads of a worker: each runs tasks one after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from jobs_core.errors import OptionError
from jobs_core.worker.run import Run


class Threads:
    """A fixed number of threads. Each takes a run, executes it, and passes it on.

    All of them start before the first task comes, so that no task waits while a thread starts.

    Args:
        execute: Carries a run out. It must not raise.
        ended: Is told of each run that was carried out, on the thread.
    """

    def __init__(self, execute: Callable[[Run], None], ended: Callable[[Run], None]) -> None:
        self._execute = execute
        self._ended = ended
        self._runs: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._count = 0

    def start(self, count: int) -> None:
        """Start `count` threads. Raises OptionError if the system refuses one."""
        for number in range(count):
            try:
                threading.Thread(target=self._serve, name=f"jobs-{number}", daemon=True).start()
            except RuntimeError:
                raise OptionError(
                    f"concurrency {count}: the system starts no more than {number} threads for this worker; "
                    "lower it, or raise the limits on processes and memory"
                ) from None
            self._count += 1

    def put(self, run: Run) -> None:
        """Hand over a run. The caller sees to it that there are no more runs than threads."""
        self._runs.put(run)

    def stop(self) -> None:
        """End each thread once it is idle."""
        for _ in range(self._count):
            self._runs.put(None)

    def _serve(self) -> None:
        while (run := self._runs.get()) is not None:
            self._execute(run)
            self._ended(run)
