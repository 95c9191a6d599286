"""The worker's side of the guardian: start it, keep it running and register commands."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GUARDIAN = Path(__file__).with_name("guardian.py")
PAUSE = 0.1
"""Seconds before a killed guardian is replaced."""


class Guard:
    """Makes sure that no command outlives this process, however it ends.

    >>> with guard.holding(process.pid, grace=5.0):
    ...     process.wait()
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """Reset the state. A forked child closes the pipe, which belongs to its parent."""
        pipe: int | None = getattr(self, "_pipe", None)
        if pipe is not None:
            os.close(pipe)
        self._pipe: int | None = None
        self._groups: dict[int, float] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the guardian if it is not running. Raises OSError if it cannot be started."""
        with self._lock:
            if self._pipe is None:
                self._spawn()

    @contextmanager
    def holding(self, pid: int, grace: float) -> Iterator[None]:
        """During the `with` block, end the process group `pid` if this process dies.

        `grace` is the number of seconds between SIGTERM and SIGKILL.
        """
        with self._lock:
            self._groups[pid] = grace
            self._send(f"+{pid} {grace}\n")
        try:
            yield
        finally:
            with self._lock:
                del self._groups[pid]
                self._send(f"-{pid}\n")

    def _send(self, line: str) -> None:
        """Write to the guardian. If it is dead, its replacement gets all groups anyway."""
        if self._pipe is not None:
            with suppress(BrokenPipeError):
                os.write(self._pipe, line.encode())

    def _spawn(self) -> None:
        """Start a guardian in its own session, so that terminal signals do not reach it."""
        reader, writer = os.pipe()  # both ends close on exec, so commands do not inherit them
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARDIAN)],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        self._pipe = writer
        for pid, grace in self._groups.items():
            self._send(f"+{pid} {grace}\n")
        threading.Thread(target=self._replace, args=(process,), name="jobs-guard", daemon=True).start()

    def _replace(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the guardian to die unexpectedly and start another."""
        process.wait()
        with self._lock:
            if self._pipe is not None:
                os.close(self._pipe)
            self._pipe = None
        while self._pipe is None:
            time.sleep(PAUSE)
            with suppress(OSError):
                self.start()


guard = Guard()
"""The guard of this process."""
