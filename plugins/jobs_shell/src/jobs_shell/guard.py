"""The worker's side of the guardian: start it when first needed, keep it alive, tell it what runs."""

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
"""Seconds before a guardian that was killed is replaced."""


class Guard:
    """Sees to it that no command outlives this process, however it ends.

    >>> with guard.holding(process.pid, grace=5.0):
    ...     process.wait()
    """

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """Start afresh; a forked child lets go of the pipe, which is its parent's alone."""
        pipe: int | None = getattr(self, "_pipe", None)
        if pipe is not None:
            os.close(pipe)
        self._pipe: int | None = None
        self._groups: dict[int, float] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the guardian unless it runs. Raises OSError if it cannot be started."""
        with self._lock:
            if self._pipe is None:
                self._spawn()

    @contextmanager
    def holding(self, pid: int, grace: float) -> Iterator[None]:
        """While this lasts, end the process group `pid` if this process ends; `grace` is in seconds."""
        with self._lock:
            self._groups[pid] = grace
            self._tell(f"+{pid} {grace}\n")
        try:
            yield
        finally:
            with self._lock:
                del self._groups[pid]
                self._tell(f"-{pid}\n")

    def _tell(self, line: str) -> None:
        """Write to the guardian. If it is dead its successor learns of every group anyway."""
        if self._pipe is not None:
            with suppress(BrokenPipeError):
                os.write(self._pipe, line.encode())

    def _spawn(self) -> None:
        """Start a guardian in a session of its own, out of reach of the terminal's signals."""
        reader, writer = os.pipe()  # neither end is inherited by the commands: they close at exec
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
            self._tell(f"+{pid} {grace}\n")
        threading.Thread(target=self._replace, args=(process,), name="jobs-guard", daemon=True).start()

    def _replace(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a guardian to die, which it should not, and start another."""
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
