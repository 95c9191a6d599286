"""Worker processes of a system: started, paused while tasks are pushed, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.peers.environments import PeerError

START, STOP = 30.0, 15.0
"""Timeouts of starting and stopping, in seconds."""


class Workers:
    """Worker processes that print to files in `folder`: `ready` when they start, `late SECONDS` for each
    scheduled task, and `ran COUNT` when they end.

    Each leads a process group, so that its children are paused and stopped with it.
    """

    def __init__(self, commands: list[list[str]], environment: dict[str, str], folder: Path) -> None:
        self._processes: dict[Path, subprocess.Popen[bytes]] = {}
        self._output: list[list[str]] = []
        for index, command in enumerate(commands):
            path = folder / f"worker-{index}.log"
            with path.open("wb") as file:
                self._processes[path] = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def wait_until_ready(self) -> None:
        """Wait until every worker is ready. Raises PeerError."""
        deadline = time.monotonic() + START
        while not all("ready" in _lines(path) for path in self._processes):
            self.check()
            if time.monotonic() > deadline:
                raise PeerError(f"its workers did not start within {START:g} s")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise PeerError if a worker has ended."""
        for path, process in self._processes.items():
            if process.poll() is not None:
                raise PeerError(f"a worker ended: {(_lines(path) or ['it printed nothing'])[-1]}")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the workers: they get no CPU time within the context."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop the workers, and keep their output."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        self._signal(signal.SIGKILL)
        for process in self._processes.values():
            process.wait()
        self._output = self._lines()

    def ran(self) -> int:
        """Return how many tasks the workers ran. They report this when they stop."""
        return sum(int(words[1]) for words in self._output if words[:1] == ["ran"])

    def lateness(self) -> list[float]:
        """Return how many seconds late each scheduled task started so far."""
        return [float(words[1]) for words in self._lines() if words[:1] == ["late"] and len(words) == 2]

    def _lines(self) -> list[list[str]]:
        return [line.split() for path in self._processes for line in _lines(path)]

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            with suppress(ProcessLookupError, PermissionError):  # macOS: not permitted once it has ended
                os.killpg(process.pid, number)


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").strip().splitlines()
