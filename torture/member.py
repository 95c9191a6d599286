"""The processes of a run: `python -m torture.member <role> <folder> <name> [seed count seconds]`.

The roles are worker, ticking-worker, clock and feeder. The folder contains the URL of each process
(`url-<name>`), the time source (`time`) and the logs that the processes write (`ran`, `stamps`, `asked`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from jobs_shell.execute import prepare as prepare_commands

from jobs_core import Board, Context, Event, Logger, Outcome, Runner, Task, Worker
from jobs_core.errors import JobsError
from jobs_core.plugins.builtin.log_records import event_json
from jobs_core.plugins.builtin.loggers import print_line
from jobs_core.worker.clock import Clock
from torture import exclusive, feeder, work
from torture.timesource import TimeSource, open_board


class Log:
    """A file to which many processes append whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, *words: object) -> None:
        """Append one line."""
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def serve(folder: Path, name: str, *, tick: bool) -> None:
    """Run tasks until a signal, and log each start and end."""
    source, ran, events = TimeSource(folder / "time"), Log(folder / "ran"), Log(folder / f"events-{name}")

    stamps = Log(folder / "stamps")
    runs: dict[str, Callable[[Task, Context], Outcome]] = {
        "work": work.run,
        "command": partial(exclusive.run_command, folder),
        "thread": partial(exclusive.run_on_thread, folder, stamps.write),
    }

    def run(task: Task, context: Context) -> Outcome:
        lost = [f"{one.time:.3f}:{one.worker}" for one in task.history if one.status == "lost"]
        ran.write("start", task.id, task.attempt, task.raw, name, f"{source.now():.3f}", *lost)
        outcome = runs[task.runner](task, context)
        status = "unstarted" if outcome.unstarted else outcome.status
        ran.write("end", task.id, task.attempt, task.raw, name, f"{source.now():.3f}", status)
        return outcome

    def note(event: Event) -> None:
        if event.kind not in ("task.started", "task.finished"):
            events.write(json.dumps(event_json(event)))

    prepare_commands()
    worker = Worker(
        _board(folder, name),
        [Runner(runner, run) for runner in runs],
        queues=[name],
        lease=work.LEASE,
        drain=1,
        loggers=[Logger("events", note), Logger("console", print_line)],
        name=name,
        tick=tick,
    )
    worker.run_until_signal()


def tick(folder: Path, name: str) -> None:
    """Tick until a signal."""
    clock = Clock([_board(folder, name).commands])
    signal.signal(signal.SIGTERM, lambda *_: clock.stop())
    clock.run()


def feed(folder: Path, name: str, seed: str, count: str, seconds: str) -> None:
    """Run the feeder."""
    source, asked = TimeSource(folder / "time"), Log(folder / "asked")
    chance = random.Random(seed)
    feeder.Feeder(_board(folder, name), source, asked.write, chance).feed(int(count), float(seconds))


def _board(folder: Path, name: str) -> Board:
    """Open the board through the network of this process."""
    return open_board((folder / f"url-{name}").read_text(), TimeSource(folder / "time"))


def main() -> None:
    """Run in the role that the arguments name."""
    role, folder, name, *rest = sys.argv[1:]
    try:
        if role == "clock":
            tick(Path(folder), name)
        elif role == "feeder":
            feed(Path(folder), name, *rest)
        else:
            serve(Path(folder), name, tick=role == "ticking-worker")
    except JobsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
