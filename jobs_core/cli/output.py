"""What tasks print: `jobs output`, and `jobs push --wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import connected, echo_json, json_option, open_board

if TYPE_CHECKING:
    from jobs_core.app import Board

KEEP = "1h"
"""How long output is kept of a task that somebody waits for, unless --keep says otherwise."""


@click.command()
@click.argument("task")
@click.option("--follow", "-f", is_flag=True, help="Go on until the task has ended, and exit as it did.")
@json_option
@connected
@click.pass_context
def output(
    ctx: click.Context, task: str, follow: bool, as_json: bool, url: str | None, board_name: str
) -> None:
    """Show what a task printed.

    For tasks whose job, or push, says how long to --keep it: about the last 10,000 lines.

    \b
      jobs output backup@1795441178194
      jobs output push:7@1795441178194 --follow
    """
    status = show_output(open_board(url, board_name), task, follow=follow, as_json=as_json)
    if follow:
        ctx.exit(status)


def show_output(board: Board, task: str, *, follow: bool, as_json: bool) -> int:
    """Print what a task prints, each line to the stream it came from. Returns the exit status of its end."""
    status = 1
    try:
        for entry in board.output(task, follow=follow):
            if "what" in entry:
                status = _status(entry)
            if as_json:
                echo_json(entry)
            elif "line" in entry:
                click.echo(entry["line"], err=entry["stream"] == "stderr")
            elif entry["what"] != "done":
                click.echo(_said(entry), err=True)
    except KeyboardInterrupt:
        click.echo(f"{task} goes on: see `jobs output {task} --follow`", err=True)
        raise
    return status


def _status(entry: dict[str, Any]) -> int:
    """The exit status that tells how a task ended: a command's own, or 1."""
    if entry["what"] == "done":
        return 0
    code = entry.get("code", "")
    return int(code) if code.isascii() and code.isdigit() and 0 < int(code) < 256 else 1


def _said(entry: dict[str, Any]) -> str:
    words = {
        "dead": "gave up",
        "retry": "failed, and is tried again",
        "release": "given back",
        "update": f"{entry['progress']:g} %" if "progress" in entry else "",
    }
    parts = (f"attempt {entry['attempt']}", words.get(entry["what"], entry["what"]), entry.get("note"))
    return ": ".join(part for part in parts if part)
