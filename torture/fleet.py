"""The processes of a run. Any process that dies is restarted."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True, eq=False)
class Member:
    """A process with a role and a name."""

    role: str
    name: str
    process: subprocess.Popen[bytes]

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still running."""
        if self.process.poll() is None:
            self.process.send_signal(number)


class Fleet:
    """Workers that tick, workers that do not, and clocks."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        self._ending = threading.Event()
        roles = ["ticking-worker" if n % 2 else "worker" for n in range(workers)] + ["clock"]
        self.members = [self._start(role, f"{role}-{n}") for n, role in enumerate(roles)]
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
                    member.process = launch(self._folder, member.role, member.name)

    def _start(self, role: str, name: str) -> Member:
        return Member(role, name, launch(self._folder, role, name))


def launch(folder: Path, role: str, name: str, *rest: object) -> subprocess.Popen[bytes]:
    """Start a process of the run. Its output goes to a separate file."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("JOBS_")}
    words = [sys.executable, "-m", "torture.member", role, str(folder), name, *map(str, rest)]
    with (folder / f"errors-{name}").open("ab") as errors:
        return subprocess.Popen(
            words,
            env=clean,
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
