"""Runs that must not overlap: as commands, and on threads, which may after a lost lease.

Each run holds the lock of its job, and notes in `stamps` when it starts and ends. A run that finds the lock
taken notes an overlap instead. A command's lock lasts exactly as long as the command, however it ends.

Lines of `stamps`, with times in seconds of the clock that goes on while the machine sleeps:

    start|end|overlap <job> <task id> <attempt> <time>
"""

from __future__ import annotations

import fcntl
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from jobs_shell.execute import execute
from jobs_shell.payload import Command

from jobs_core import Context, Outcome, Task
from jobs_core.lease import lease_clock

SCRIPT = Path(__file__).with_name("exclusive.sh")

AFTER_JUMP = 6.0
"""Seconds after a jump of the clock in which an overlap may be its effect: a lease, and the longest run."""


def prepare(folder: Path) -> None:
    """Make the folder of locks."""
    (folder / "locks").mkdir()


def run_command(folder: Path, task: Task, context: Context) -> Outcome:
    """Run a command that holds the lock of the task's job."""
    manner = "stubborn" if _is_stubborn(task) else "obedient"
    words = (folder, task.job, task.id, task.attempt, f"{_seconds(task):g}", manner)
    return execute(Command(["/bin/sh", str(SCRIPT), *map(str, words)], input=""), task, context)


def run_on_thread(folder: Path, stamp: Callable[..., None], task: Task, context: Context) -> Outcome:
    """Hold the lock of the task's job on this thread. It may overlap after a lost lease."""

    def note(what: str) -> None:
        stamp(what, task.job, task.id, task.attempt, f"{lease_clock():.2f}")

    with (folder / "locks" / task.job).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("overlap")
            return Outcome.failed("another run holds the lock", code="overlap")
        note("start")
        told = threading.Event() if _is_stubborn(task) else context.cancelled
        stopped = told.wait(_seconds(task))
        note("end")
    return Outcome.cancelled() if stopped else Outcome.done()


def _number(task: Task) -> int:
    return zlib.crc32(task.id.encode()) // 128


def _is_stubborn(task: Task) -> bool:
    """Return whether a task ignores that it is told to stop."""
    return _number(task) % 4 == 0


def _seconds(task: Task) -> float:
    """Return how long a task runs: most are short, and some take longer than a lease."""
    number = _number(task)
    return 1 + number % 17 / 8 if number % 12 == 0 else 0.02 + number % 19 / 100


@dataclass(slots=True)
class Overlaps:
    """The overlaps of a run: those of commands are forbidden, unless the clock had just jumped."""

    runs: int = 0
    at_jumps: int = 0
    of_threads: int = 0
    forbidden: list[str] = field(default_factory=list)


def find_overlaps(lines: Iterable[str], jumps: Iterable[tuple[float, float]]) -> Overlaps:
    """Find overlaps in `stamps`. `jumps` has the times at which the clock became wrong and right again."""
    found, jumps = Overlaps(), list(jumps)
    latest: dict[str, str] = {}
    for line in lines:
        what, job, task, attempt, time = line.split()
        run = f"{task} (attempt {attempt})"
        before = latest.get(job, "another run")
        if what == "start":
            found.runs += 1
            latest[job] = run
        elif what == "overlap":
            _add(found, job, f"{run} started while {before} was running", time, jumps)
        elif before != run:  # a run ends before it gives up its lock
            _add(found, job, f"{run} ended after {before} had started", time, jumps)
    return found


def _add(found: Overlaps, job: str, sentence: str, time: str, jumps: list[tuple[float, float]]) -> None:
    if job.startswith("thread"):
        found.of_threads += 1
    elif any(begin <= float(time) + 0.01 and float(time) <= end + AFTER_JUMP for begin, end in jumps):
        found.at_jumps += 1
    else:
        found.forbidden.append(f"{sentence}, at {time} s")
