"""The processes of a run: `python -m torture.member <role> <folder> <name> [seed count seconds]`.

The roles are worker, ticking-worker, clock and feeder. The folder contains the URL (`url`), the time source
(`time`) and the logs that the processes write (`ran`, `asked`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path

from jobs_core import Context, Event, Logger, Outcome, Runner, Task, Worker
from jobs_core.errors import JobsError
from jobs_core.plugins.builtin.loggers import event_json
from jobs_core.worker.clock import Clock
from torture import feeder, work
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

    def run(task: Task, context: Context) -> Outcome:
        ran.write("start", task.id, task.attempt, task.raw, name, f"{source.now():.3f}")
        outcome = work.run(task, context)
        ran.write("end", task.id, task.attempt, task.raw, name, f"{source.now():.3f}", outcome.status)
        return outcome

    def note(event: Event) -> None:
        if event.kind not in ("task.started", "task.finished"):
            events.write(json.dumps(event_json(event)))

    board = open_board((folder / "url").read_text(), source)
    logger = Logger("events", note)
    worker = Worker(
        board,
        [Runner("work", run)],
        queues=[name],
        lease=work.LEASE,
        drain=1,
        loggers=[logger],
        name=name,
        tick=tick,
    )
    worker.run_until_signal()


def tick(folder: Path) -> None:
    """Tick until a signal."""
    clock = Clock(open_board((folder / "url").read_text(), TimeSource(folder / "time")).commands)
    signal.signal(signal.SIGTERM, lambda *_: clock.stop())
    clock.run()


def feed(folder: Path, seed: str, count: str, seconds: str) -> None:
    """Run the feeder."""
    source = TimeSource(folder / "time")
    board = open_board((folder / "url").read_text(), source)
    asked = Log(folder / "asked")
    feeder.Feeder(board, source, asked.write, random.Random(seed)).feed(int(count), float(seconds))


def main() -> None:
    """Run in the role that the arguments name."""
    role, folder, name, *rest = sys.argv[1:]
    try:
        if role == "clock":
            tick(Path(folder))
        elif role == "feeder":
            feed(Path(folder), *rest)
        else:
            serve(Path(folder), name, tick=role == "ticking-worker")
    except JobsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
