"""The output of tasks, for `jobs output` and `jobs push --wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import connected, echo_json, json_option, open_board

if TYPE_CHECKING:
    from jobs_core.app import Board

KEEP = "1h"
"""How long to keep the output of a task pushed with --wait, unless --keep says otherwise."""


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

    Output is kept for tasks whose job or push sets --keep: about the last 10,000 lines.

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
        for entry in board.output(task, follow=follow):
            if "what" in entry:
                exit_code = _exit_code(entry)
            if as_json:
                echo_json(entry)
            elif "line" in entry:
                click.echo(entry["line"], err=entry["stream"] == "stderr")
            elif entry["what"] != "done":
                click.echo(_event_text(entry), err=True)
    except KeyboardInterrupt:
        click.echo(f"{task} continues. Follow it with `jobs output {task} --follow`.", err=True)
        raise
    return exit_code


def _exit_code(entry: dict[str, Any]) -> int:
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
