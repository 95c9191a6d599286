"""`jobs board diff` and `jobs board apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from jobs_core.cli.common import (
    F,
    because_option,
    connected,
    echo,
    echo_warnings,
    explicit_board,
    include_option,
    json_option,
    open_board,
)
from jobs_core.cli.plan import compare_progress, echo_plan, echo_refusals


def apply_options(function: F) -> F:
    """Add the options of commands that compare a file with its boards."""
    options = (
        click.argument("file", type=click.Path(path_type=Path)),
        click.option(
            "--prune/--no-prune",
            default=True,
            help="Remove or keep jobs and alerts that the file no longer declares (default: remove).",
        ),
        click.option("--adopt", is_flag=True, help="Take over declared jobs and alerts of another owner."),
        click.option("--payload", "show_payload", is_flag=True, help="Show payloads that change."),
        include_option,
        json_option,
        connected,
        click.pass_context,
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@apply_options
@click.option("--exit-code", is_flag=True, help="Exit with 3 if there are changes.")
def diff(ctx: click.Context, /, exit_code: bool, **options: Any) -> None:
    """Show what applying a board file would change.

    + is a new job, ~ a changed one, - a job that the file no longer declares, and = a job that the file
    takes over unchanged. An alert is listed as alert:NAME.

    \b
      jobs board diff board.yml
      jobs board diff board.yml --exit-code || jobs board apply board.yml
    """
    if _apply(ctx, dry_run=True, **options) and exit_code:
        ctx.exit(3)


@click.command()
@apply_options
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@because_option
def apply(ctx: click.Context, /, **options: Any) -> None:
    """Apply a board file: all of it, or nothing.

    Unchanged jobs keep their run times. Jobs and alerts of other owners stay untouched. If the command is
    killed, the board is either the old one or the new one.

    \b
      jobs board apply board.yml
      jobs board apply board.yml --dry-run
      jobs board apply board.yml --no-prune
    """
    _apply(ctx, **options)


def _apply(
    ctx: click.Context,
    *,
    file: Path,
    url: str | None,
    board_name: str,
    dry_run: bool,
    include_outside: bool,
    show_payload: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Apply a file, or only compare it in a dry run. Returns the number of changes."""
    from jobs_core.boardfile import read_valid
    from jobs_core.boardfile.apply import apply_boards
    from jobs_core.boardfile.check import warnings

    found = read_valid(file, include_outside=include_outside)
    for notice in found.notices:
        echo(str(notice), err=True)
    chosen = found.select(explicit_board(ctx))
    targets = [(open_board(url, name or board_name), declared) for name, declared in chosen.items()]
    changes = 0
    with echo_refusals():
        plans = apply_boards(targets, found, dry_run=dry_run, progress=compare_progress, **options)
        for (board, plan), (_, declared) in zip(plans, targets, strict=True):
            echo_warnings(warnings(board, declared, plan))
            echo_plan(plan, board.name, dry_run=dry_run, show_payload=show_payload, as_json=as_json)
            changes += len(plan.changes)
    return changes
