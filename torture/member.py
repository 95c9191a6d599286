"""The processes of a run: `python -m torture.member <role> <folder> <name> [board seed count seconds]`.

The roles are worker, ticking-worker, clock and feeder. The folder contains the URL of each process
(`url-<name>`), the time source (`time`), and for each board a folder with the logs that the processes write
(`ran`, `stamps`, `asked`).
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from jobs_shell.execute import prepare as prepare_commands

from jobs_core import Board, Context, Event, Logger, Outcome, Runner, Task, Worker
from jobs_core.errors import JobsError
from jobs_core.plugins.builtin.log_records import event_json
from jobs_core.plugins.builtin.loggers import print_line
from jobs_core.worker.background import in_background
from jobs_core.worker.clock import Clock
from jobs_core.worker.served import by_connections
from jobs_core.worker.signals import on_end_signals
from torture import boards as boards_of_run
from torture import exclusive, feeder, work
from torture.timesource import TimeSource

RUNNERS = ("work", "command", "thread")


class Log:
    """A file to which many processes append whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, *words: object) -> None:
        """Append one line."""
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def serve(folder: Path, name: str, *, tick: bool) -> None:
    """Run tasks until a signal, and log each start and end."""
    source, events = TimeSource(folder / "time"), Log(folder / f"events-{name}")
    boards = _boards(folder, name)
    logs = {board.name: Log(folder / board.name / "ran") for board in boards}
    runs = {board.name: _runs(folder / board.name) for board in boards}

    def run(task: Task, context: Context) -> Outcome:
        assert context.board is not None
        ran = logs[context.board.name]
        lost = [f"{one.time:.3f}:{one.worker}" for one in task.history if one.status == "lost"]
        ran.write("start", task.id, task.attempt, task.raw, name, f"{source.now():.3f}", *lost)
        outcome = runs[context.board.name][task.runner](task, context)
        status = "unstarted" if outcome.unstarted else outcome.status
        ran.write("end", task.id, task.attempt, task.raw, name, f"{source.now():.3f}", status)
        return outcome

    def note(event: Event) -> None:
        if event.kind not in ("task.started", "task.finished"):
            events.write(json.dumps(event_json(event)))

    prepare_commands()
    worker = Worker(
        boards,
        [Runner(runner, run) for runner in RUNNERS],
        queues=[name],
        lease=work.LEASE,
        drain=1,
        loggers=[Logger("events", note), Logger("console", print_line)],
        name=name,
        tick=tick,
    )
    worker.run_until_signal()


def _runs(folder: Path) -> dict[str, Callable[[Task, Context], Outcome]]:
    """Return what runs the tasks of a board, whose logs are in a folder, by the runner."""
    stamps = Log(folder / "stamps")
    found = (
        work.run,
        partial(exclusive.run_command, folder),
        partial(exclusive.run_on_thread, folder, stamps.write),
    )
    return dict(zip(RUNNERS, found, strict=True))


def tick(folder: Path, name: str) -> None:
    """Tick until a signal."""
    clocks = [
        Clock([part.board.commands for part in parts], deliver=[part.deliver for part in parts])
        for parts in by_connections(_boards(folder, name))
    ]
    with on_end_signals(clocks[0].stop), in_background(*clocks[1:]):
        clocks[0].run()


def feed(folder: Path, name: str, board_name: str, seed: str, count: str, seconds: str) -> None:
    """Run the feeder of a board."""
    source, asked = TimeSource(folder / "time"), Log(folder / board_name / "asked")
    (board,) = (one for one in _boards(folder, name) if one.name == board_name)
    feeder.Feeder(board, source, asked.write, random.Random(seed)).feed(int(count), float(seconds))


def _boards(folder: Path, name: str) -> list[Board]:
    """Open the boards through the network of this process."""
    return boards_of_run.open_all(folder, (folder / f"url-{name}").read_text(), TimeSource(folder / "time"))


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
