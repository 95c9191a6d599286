"""A shell that runs the commands of a page, with a second terminal for those that keep running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs import warm
from tests.helpers import wait_until

END = "~~~end~~~"
BIN = Path(sys.executable).parent
PRELUDE = 'jobs() { job "$@"; }\n'
"""Load `job completion`, as a reader would, since shells have a builtin `jobs`."""


@contextmanager
def warm_programs() -> Iterator[Path]:
    """Yield a directory whose `jobs`, `job` and `python` call a process that has them loaded."""
    with tempfile.TemporaryDirectory(prefix="jobs-docs-") as name:
        folder = Path(name)
        socket = folder / "warm.sock"
        (folder / "bin").mkdir()
        for program in ("jobs", "job", "python"):
            path = folder / "bin" / program
            path.write_text(warm.CALLER.format(python=sys.executable, path=os.fspath(socket)))
            path.chmod(0o755)
        if redis_cli := shutil.which("redis-cli"):
            path = folder / "bin" / "redis-cli"
            path.write_text(f'#!/bin/sh\nexec {redis_cli} -s "$JOBS_DATA/jobs.sock" --no-raw "$@"\n')
            path.chmod(0o755)
        server = subprocess.Popen([sys.executable, warm.__file__, socket])
        try:
            wait_until(socket.exists)
            yield folder / "bin"
        finally:
            server.terminate()
            server.wait()


class Terminal:
    """A shell that keeps its directory and variables between commands."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        """The directory in which its commands run."""
        self.data = folder.parent / "data"
        self._programs = programs
        self._others: list[Background] = []

    def __enter__(self) -> Self:
        (self.folder.parent / ".curlrc").write_text("silent\nshow-error\n")  # as on a terminal: no meter
        self._shell = subprocess.Popen(
            ["sh"],
            cwd=self.folder,
            env=self._environment(self._programs),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self.run(PRELUDE)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._shell.stdin.close()  # type: ignore[union-attr]
        self._shell.wait()
        self._shell.stdout.close()  # type: ignore[union-attr]
        self.stop_others()

    def run(self, command: str) -> tuple[int, str]:
        """Run a command. Returns its exit code, and what it printed."""
        assert self._shell.stdin and self._shell.stdout
        self._shell.stdin.write(f"{{\n{command}\n}} </dev/null\nprintf '\\n{END}%s\\n' $?\n")
        printed: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(END):
                return int(line.removeprefix(END)), "".join(printed).rstrip("\n")
            printed.append(line)
        raise AssertionError(f"the shell ended at {command!r}: {''.join(printed)}")

    def start(self, command: str) -> Background:
        """Start a command that goes on, in a terminal beside this one."""
        self.run(f"export -p > {self.folder.parent}/exported")
        script = f". {self.folder.parent}/exported; exec {command}"
        found = Background(["sh", "-c", script], self.folder, self._environment(self._programs))
        self._others.append(found)
        return found

    def stop_others(self) -> None:
        """End the commands that keep running, as Ctrl-C would."""
        for other in self._others:
            other.stop()
        self._others.clear()

    @property
    def beside(self) -> str:
        """Return the output of the running commands so far."""
        return "".join(other.printed for other in self._others)

    def _environment(self, programs: Path) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBS_")}
        return clean | {
            "PATH": os.pathsep.join((os.fspath(programs), os.fspath(BIN), os.environ["PATH"])),
            "JOBS_DATA": os.fspath(self.data),
            "HOME": os.fspath(self.folder.parent),
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
            "TERM": "dumb",
        }


class Background:
    """A command that keeps running, and its output so far."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.printed += line

    def until(self, condition: Callable[[str], bool]) -> None:
        """Wait until what it has printed fulfils a condition."""
        wait_until(lambda: condition(self.printed) or self._process.poll() is not None)
        assert condition(self.printed), self.printed

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()  # type: ignore[union-attr]


def has(program: str) -> bool:
    """Whether a program is on PATH."""
    return shutil.which(program) is not None
