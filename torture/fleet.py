"""The processes of a run. Any process that dies is restarted."""

from __future__ import annotations

import fcntl
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SMALL_PIPE = 4096
"""Bytes that fit in the pipe of a worker's standard output: the least that the system allows."""


def names(workers: int) -> Iterator[str]:
    """Yield the name of each process: its role and a number."""
    for n in range(workers):
        yield f"{'ticking-worker' if n % 2 else 'worker'}-{n}"
    yield f"clock-{workers}"


def feeder_of(board: str) -> str:
    """Return the name of the process that adds work to a board."""
    return f"feeder-{board}"


@dataclass(slots=True, eq=False)
class Member:
    """A process with a role and a name.

    `is_read` is set while somebody reads its standard output. `files` is how many it may open when it is
    started again; None is the system's limit.
    """

    role: str
    name: str
    process: subprocess.Popen[bytes] = field(init=False)
    is_read: threading.Event = field(default_factory=threading.Event)
    files: int | None = None

    def start(self, folder: Path) -> None:
        """Start the process."""
        self.is_read.set()
        self.process = launch(folder, self.role, self.name, stdout=subprocess.PIPE)
        if self.files is not None:  # it imports for longer than this takes
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (self.files, self.files))
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still running."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill_guardian(self) -> None:
        """Kill the program that ends the worker's commands after its death. The worker replaces it."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # another process that has just ended
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
                is_guardian = b"guardian.py" in (process / "cmdline").read_bytes()
                if int(parent) == self.process.pid and is_guardian:
                    os.kill(int(process.name), signal.SIGKILL)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Read and drop the output of the process, while `is_read` is set."""
        assert process.stdout is not None
        with process.stdout as output:
            fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
            while os.read(output.fileno(), SMALL_PIPE):
                self.is_read.wait()


class Fleet:
    """Workers that tick, workers that do not, and clocks."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        self._ending = threading.Event()
        self.members = [Member(name.rpartition("-")[0], name) for name in names(workers)]
        for member in self.members:
            member.start(folder)
        self._restarter = threading.Thread(target=self._restart_dead, daemon=True)
        self._restarter.start()

    def choose(self, chance: random.Random, *roles: str) -> Member:
        """Return a random member with one of these roles."""
        return chance.choice([member for member in self.members if member.role in roles])

    def end(self) -> None:
        """Stop all processes with SIGTERM, then with SIGKILL if necessary."""
        self._ending.set()
        self._restarter.join()
        for member in self.members:
            member.is_read.set()
            member.send(signal.SIGCONT)
            member.send(signal.SIGTERM)
        for member in self.members:
            try:
                member.process.wait(60)
            except subprocess.TimeoutExpired:
                member.process.kill()
                member.process.wait()

    def _restart_dead(self) -> None:
        while not self._ending.wait(0.2):
            for member in self.members:
                if member.process.poll() is not None:
                    member.start(self._folder)


def launch(
    folder: Path, role: str, name: str, *rest: object, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a process of the run. What it prints goes to a file of its own, except to another `stdout`."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("JOBS_")}
    words = [sys.executable, "-m", "torture.member", role, str(folder), name, *map(str, rest)]
    with (folder / f"errors-{name}").open("ab") as errors:
        return subprocess.Popen(
            words,
            env=clean,
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=errors if stdout is None else stdout,
            stderr=errors,
        )
