"""The output of tasks, for `jobs output` and `jobs push --wait`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    json_option,
    open_board,
)
from jobs_core.errors import JobsError

if TYPE_CHECKING:
    from jobs_core.app import Board

KEEP = "1h"
"""How long to keep the output of a task pushed with --wait, unless --keep says otherwise."""

PATIENCE = 2.0
"""Seconds to wait before saying that no worker has taken the task."""


@click.command()
@click.argument("task")
@click.option("--follow", "-f", is_flag=True, help="Follow the task until it ends, and exit with its code.")
@json_option
@connected
@click.pass_context
def output(
    ctx: click.Context, task: str, follow: bool, as_json: bool, url: str | None, board_name: str
) -> None:
    """Show the output of a task.

    Output is kept for tasks whose job or push sets --keep: the last 10,000 lines, up to 1 MiB or what
    --keep-bytes says. Standard error says where lines are missing.

    \b
      jobs output backup@1795441178194
      jobs output push:7@1795441178194 --follow
    """
    exit_code = show_output(open_board(url, board_name), task, follow=follow, as_json=as_json)
    if follow:
        ctx.exit(exit_code)


def show_output(board: Board, task: str, *, follow: bool, as_json: bool) -> int:
    """Print the output of a task, each line to its own stream. Returns the exit code of the task."""
    exit_code = 1
    try:
        with noting_delay(board, task, follow) as begun:
            for entry in board.output(task, follow=follow):
                begun.set()
                if "what" in entry:
                    exit_code = exit_code_of(entry)
                _echo_entry(entry, as_json)
    except KeyboardInterrupt:
        echo(f"{task} continues. Follow it with `jobs output {task} --follow`.", err=True)
        raise
    return exit_code


def _echo_entry(entry: dict[str, Any], as_json: bool) -> None:
    if as_json:
        echo_json(entry)
    elif "line" in entry:
        echo(entry["line"], err=entry["stream"] == "stderr")
    elif "missing" in entry:
        echo(f"… {entry['missing']:,} lines are missing here …", err=True)
    elif entry["what"] != "done":
        echo(_event_text(entry), err=True)


@contextmanager
def noting_delay(board: Board, task: str, follow: bool) -> Iterator[threading.Event]:
    """Say on standard error if nobody takes the task for `PATIENCE`, unless the event is set by then."""
    begun = threading.Event()

    def watch() -> None:
        if not begun.wait(PATIENCE):
            with suppress(JobsError):
                if (note := waiting_note(board, task)) and not begun.is_set():
                    echo(note, err=True)

    if follow:
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield begun
    finally:
        begun.set()


def waiting_note(board: Board, task: str) -> str:
    """Return what keeps a task waiting: a queue that nobody serves, or busy workers. Empty if nothing."""
    found = next(iter(board.tasks(task=task)), None)
    if found is None or found["state"] not in ("queued", "delayed"):
        return ""
    queue, runner = found["queue"], found["runner"]
    start = f"jobs run --runner {runner}" + (f" --queue {queue}" if queue != runner else "")
    if not any(board.commands.each(lambda client, keys: client.hexists(keys.runners, queue))):
        return (
            f"{task} waits: no worker has served the queue {queue!r} of the board {board.name!r}. "
            f"Start one: {start}"
        )
    if found["state"] == "delayed":
        return ""
    if _lost_its_workers(board, queue):
        return f"{task} waits: no living worker serves the queue {queue!r}. Start one: {start}"
    return f"{task} waits in the queue {queue!r}: no worker has taken it yet. Start another: {start}"


def _lost_its_workers(board: Board, queue: str) -> bool:
    """Return whether workers that served a queue have fallen silent, and none serves it now."""
    workers = [worker for worker in board.workers() if queue in worker["queues"]]
    return bool(workers) and all(worker["state"] == "silent" for worker in workers)


def exit_code_of(entry: dict[str, Any]) -> int:
    """Return the exit code for an ending: 0, the task's own code, or 1."""
    if entry["what"] == "done":
        return 0
    code = entry.get("code", "")
    return int(code) if code.isascii() and code.isdigit() and 0 < int(code) < 256 else 1


def _event_text(entry: dict[str, Any]) -> str:
    words = {
        "dead": "gave up",
        "retry": "failed, will be retried",
        "release": "returned to the queue",
        "update": f"{entry['progress']:g} %" if "progress" in entry else "",
    }
    parts = (f"attempt {entry['attempt']}", words.get(entry["what"], entry["what"]), entry.get("note"))
    return ": ".join(part for part in parts if part)
