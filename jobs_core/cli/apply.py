"""`jobs board diff` and `jobs board apply`: a board file beside the board, and in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    F,
    connected,
    echo_json,
    json_option,
    open_board,
    progress,
    readable,
    schedule_text,
)
from jobs_core.errors import OptionError

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.boardfile import BoardFile, Declared
    from jobs_core.client.apply import Change, Plan

SIGNS = {"add": "+", "change": "~", "remove": "-", "adopt": "="}
COLOURS = {"add": "green", "change": "yellow", "remove": "red", "adopt": "cyan"}
COUNTS = {"add": "to add", "change": "to change", "remove": "to remove", "adopt": "to adopt"}
DONE = {"add": "added", "change": "changed", "remove": "removed", "adopt": "adopted"}


def apply_options(function: F) -> F:
    """Give a command the options of comparing a file with its board."""
    options = (
        click.argument("file", type=click.Path(path_type=Path)),
        click.option(
            "--prune/--no-prune",
            default=True,
            help="Whether jobs go that the file declared before, and not now.",
        ),
        click.option("--adopt", is_flag=True, help="Take over jobs that the file declares and did not put."),
        click.option("--payload", "show_payload", is_flag=True, help="Show payloads that change."),
        json_option,
        connected,
        click.pass_context,
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@apply_options
@click.option("--exit-code", is_flag=True, help="End with 3 when there are changes.")
def diff(ctx: click.Context, /, exit_code: bool, **options: Any) -> None:
    """Show what applying a board file would change.

    Redis compares: + is a new job, ~ one that changes, - one that the file declared before, = one that is
    taken over as it is.

    \b
      jobs board diff board.yml
      jobs board diff board.yml --exit-code || jobs board apply board.yml
    """
    if _run(ctx, dry_run=True, **options) and exit_code:
        ctx.exit(3)


@click.command()
@apply_options
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
def apply(ctx: click.Context, /, **options: Any) -> None:
    """Make a board what a board file says, all of it or nothing.

    Jobs that stay as they are keep their run times. Jobs that somebody else put are never touched. Killed at
    any moment, it leaves the board as it was or as it is to be.

    \b
      jobs board apply board.yml
      jobs board apply board.yml --dry-run
      jobs board apply board.yml --no-prune
    """
    _run(ctx, **options)


def _run(
    ctx: click.Context,
    *,
    file: Path,
    url: str | None,
    board_name: str,
    dry_run: bool,
    show_payload: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Compare a file with its boards, and apply it unless this is a dry run. Returns how many jobs change."""
    from jobs_core.boardfile import read_good

    read = read_good(file)
    for notice in read.notices:
        click.echo(str(notice), err=True)
    chosen = [
        (open_board(url, name or board_name), declared)
        for name, declared in chosen_boards(read, explicit_board(ctx))
    ]
    if len(chosen) > 1:  # a mistake in one board keeps all from being changed
        for board, declared in chosen:
            apply_declared(board, read, declared, dry_run=True, **options)
    changes = 0
    for board, declared in chosen:
        found = apply_declared(board, read, declared, dry_run=dry_run, **options)
        show_plan(found, board.name, dry_run=dry_run, show_payload=show_payload, as_json=as_json)
        changes += len(found.changes)
    return changes


def explicit_board(ctx: click.Context) -> str | None:
    """The board that the command line names, if it does."""
    source = ctx.get_parameter_source("board_name")
    named = source in (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)
    return str(ctx.params["board_name"]) if named else None


def chosen_boards(read: BoardFile, named: str | None) -> Iterator[tuple[str | None, list[Declared]]]:
    """The boards of a file, or the one that was named: of several it chooses, a single one it renames."""
    if named is None:
        yield from read.boards.items()
    elif named in read.boards:
        yield named, read.boards[named]
    elif len(read.boards) == 1:
        yield named, next(iter(read.boards.values()))
    else:
        known = ", ".join(name or "?" for name in read.boards)
        raise OptionError(f"{read.path} has no board {named!r}: it has {known}")


def apply_declared(
    board: Board, read: BoardFile, declared: list[Declared], *, dry_run: bool = False, **options: Any
) -> Plan:
    """Apply the jobs that a file declares for a board. What is refused is shown, each at its place.

    Raises OptionError when anything is refused: then nothing was changed.
    """
    from jobs_core.boardfile.check import placed

    act = board.plan if dry_run else board.apply
    with progress("compared", total=len(declared)) as advance:
        found = act([job.arguments for job in declared], read.owner, advance=advance, **options)
    for place, error in sorted(found.refused.items()):
        click.echo(str(placed(declared[place], error)), err=True)
    if found.refused:
        raise OptionError(f"{read.path}: {len(found.refused)} to correct, and nothing was changed")
    return found


def show_plan(
    found: Plan,
    name: str,
    *,
    dry_run: bool = False,
    show_payload: bool = False,
    as_json: bool = False,
    err: bool = False,
) -> None:
    """Print what changes, and how many of each kind; `err` says to print it on standard error."""
    for change in sorted(found.changes, key=lambda change: change.id):
        if as_json:
            described = {"board": name, "id": change.id, "change": change.kind}
            echo_json(described | _differences(change, show_payload))
        else:
            click.secho(
                f"{SIGNS[change.kind]} {_line(change, show_payload)}", fg=COLOURS[change.kind], err=err
            )
    if not as_json:
        words = COUNTS if dry_run else DONE
        counts = [f"{found.count(kind)} {word}" for kind, word in words.items() if found.count(kind)]
        click.echo(f"board {name}: {', '.join([*counts, f'{found.same} unchanged'])}", err=err)


def _line(change: Change, show_payload: bool) -> str:
    if change.kind == "add":
        job = change.after or {}
        return f"{change.id}  {job['runner']}  {schedule_text(job)}"
    if change.kind != "change":
        return change.id
    return f"{change.id}  " + ", ".join(_difference(change, name, show_payload) for name in change.names)


def _difference(change: Change, name: str, show_payload: bool) -> str:
    if name == "payload" and not show_payload:
        return name
    old, new = (_shown(name, side) for side in (change.before, change.after))
    return f"{name}: {old} → {new}"


def _shown(name: str, side: Mapping[str, Any] | None) -> str:
    return str(readable(name, side[name])) if side and name in side else "-"


def _differences(change: Change, show_payload: bool) -> dict[str, dict[str, Any]]:
    """The options that differ, before and after, each side where there is one."""
    names = [name for name in change.names if show_payload or name != "payload"]
    sides = {"before": change.before, "after": change.after}
    return {
        word: {name: side[name] for name in names if name in side} for word, side in sides.items() if side
    }
