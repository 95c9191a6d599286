"""The command that changes some options of a job, or opens it in an editor."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    because_option,
    connected,
    echo,
    echo_job_warnings,
    echo_json,
    given,
    if_match_option,
    job_options,
    json_option,
    open_board,
)
from jobs_core.cli.jobs import PUT_OPTIONS, next_text
from jobs_core.errors import ConflictError, JobsError, OptionError

if TYPE_CHECKING:
    from jobs_core.app import Board


@click.command()
@click.argument("id")
@click.option("--runner", help="Another runner.", metavar="NAME")
@click.option("--payload", help="Another payload.", metavar="TEXT")
@click.option("--unset", multiple=True, metavar="OPTION", help="Remove an option. Repeatable.")
@job_options(PUT_OPTIONS)
@because_option
@if_match_option
@json_option
@connected
def edit(
    id: str,
    runner: str | None,
    payload: str | None,
    unset: tuple[str, ...],
    because: str | None,
    if_match: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Change some options of a job, and keep the others.

    Without options, the job opens as YAML in your editor (VISUAL or EDITOR). If somebody else changes it
    meanwhile, you are asked before your version replaces theirs.

    \b
      jobs edit report --timeout 20m --because 'it grew'
      jobs edit report --cron '0 9 * * MON-FRI' --unset description
      jobs edit report
    """
    board = open_board(url, board_name)
    changes, job = given(options), None
    if runner is None and payload is None and not (unset or changes):
        _edit_as_text(board, id, because, if_match)
    else:
        next_run = board.edit(
            id,
            runner=runner,
            payload=payload,
            unset=unset,
            because=because,
            if_match=if_match,
            **changes,
        )
        job = board.show(id)
        echo_job_warnings(board, id, job["runner"], job["payload"], changes)
        if not as_json:
            echo(next_text(board, id, next_run))
    if as_json:
        echo_json(board.show(id) if job is None else job)


def _edit_as_text(board: Board, id: str, because: str | None, if_match: str | None) -> None:
    """Let the user change a job as YAML, again and again until it is valid."""
    from jobs_core.boardfile.write import write

    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    if not has_terminal and not os.environ.get("EDITOR") and not os.environ.get("VISUAL"):
        raise OptionError(f"edit needs a terminal. Pass options instead: jobs edit {id} --timeout 20s")
    shown = board.show(id)
    text = before = "".join(write([shown]))
    while True:
        changed = _open_editor(text)
        if changed is None or changed == before:
            echo(f"{id}: not changed")
            return
        try:
            job = _read_job(changed, id)
            next_run = _put_unless_changed(board, job, because, if_match or shown["etag"])
        except ConflictError:
            raise
        except JobsError as error:
            echo(f"Error: {error}", err=True)
            if not click.confirm("Edit it again?", default=True, err=True):
                raise
            text = changed
        else:
            echo(next_text(board, id, next_run))
            return


def _put_unless_changed(
    board: Board, job: Mapping[str, Any], because: str | None, etag: str
) -> datetime | None:
    """Put a job, but ask first if its etag is another one. Raises ConflictError after a no."""
    try:
        return board.put(**job, because=because, if_match=etag)
    except ConflictError as error:
        echo(f"Error: {error}", err=True)
        if not click.confirm("Replace it with your version?", err=True):
            raise
        return board.put(**job, because=because)


def _open_editor(text: str) -> str | None:
    """Return what the user's editor makes of a text, or None if it was not saved. Raises OptionError."""
    try:
        return click.edit(text, extension=".yml")
    except click.ClickException as error:
        editor = error.message.partition(": ")[0]
        what = "cannot be started" if isinstance(error.__cause__, OSError) else "failed"
        raise OptionError(f"The editor {editor!r} {what}. Name another one in VISUAL or EDITOR.") from None


def _read_job(text: str, id: str) -> Mapping[str, Any]:
    """Read the one job of a board file. Raises OptionError."""
    from jobs_core.boardfile import read_valid

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "job.yml")
        path.write_text(text, encoding="utf-8")
        try:
            declared = [job for found in read_valid(path).boards.values() for job in found.all]
        except OptionError as error:
            raise OptionError(str(error).replace(f"{path}:", "line ")) from None
    if [job.id for job in declared] != [id]:
        raise OptionError(f"Keep the job's id, {id!r}, and declare no other job.")
    return declared[0].arguments
