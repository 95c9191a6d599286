"""`jobs board`: check, compare, apply and export board files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs_core.cli.board_apply import apply, diff
from jobs_core.cli.bulk import progress
from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    echo_warnings,
    explicit_board,
    include_option,
    installed_plugins,
    json_option,
    open_board,
)
from jobs_core.cli.lists import print_texts
from jobs_core.errors import ServerError

if TYPE_CHECKING:
    from jobs_core.boardfile import BoardFile, Declarations, Problem


@click.group()
def board() -> None:
    """Work with board files: jobs and alerts declared in YAML, TOML or a crontab.

    \b
      jobs board check board.yml
      jobs board diff board.yml
      jobs board apply board.yml
      jobs board export > board.yml
    """


board.add_command(diff)
board.add_command(apply)


@board.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@include_option
@json_option
@connected
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    include_outside: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Find every mistake in board files, with its location.

    Redis checks options and cycles, and runners check payloads. Without a server, only the runners installed
    here check.

    \b
      jobs board check board.yml
      jobs board check boards/*.yml --json
    """
    from jobs_core.boardfile import read

    found: set[Problem] = set()
    for file in files:
        read_file = read(file, include_outside=include_outside)
        found.update(read_file.problems)
        for notice in read_file.notices:
            echo(str(notice), err=True)
        for name, declared in read_file.select(explicit_board(ctx)).items():
            found.update(_check(read_file, declared, url, name or board_name))
    _print_problems(sorted(found), as_json)
    if found:
        ctx.exit(2)


def _check(file: BoardFile, declared: Declarations, url: str | None, board_name: str) -> list[Problem]:
    """Check jobs with Redis and runners or, without a server, with runners only."""
    from jobs_core.boardfile.check import check_alone, check_with, unknown_parents

    try:
        board = open_board(url, board_name)
        board.count()
        with progress("checked", total=len(declared.all)) as advance:
            problems, warnings = check_with(board, file, declared, advance)
    except ServerError as error:  # Redis is away, or does not let this user ask
        echo(f"Without Redis, options are not checked: {error}", err=True)
        return check_alone(installed_plugins(), declared)
    echo_warnings(warnings)
    for notice in unknown_parents(board, declared.jobs):
        echo(str(notice), err=True)
    return problems


def _print_problems(problems: list[Problem], as_json: bool) -> None:
    for problem in problems:
        if as_json:
            echo_json({**asdict(problem.where), "sentence": problem.sentence})
        else:
            echo(str(problem))
    count = len(problems)
    echo(f"{count} problem{'s' * (count != 1)}" if problems else "no problems", err=True)


@board.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, writable=True))
@click.option("--match", metavar="PATTERN", help="Only jobs whose id matches, and no alerts: 'backup-*'.")
@connected
def export(file: Path | None, match: str | None, url: str | None, board_name: str) -> None:
    """Write a board as a board file, to FILE or to standard output.

    Applying the file with --adopt changes no job and no alert, but makes the file their owner.

    Standard output receives jobs while they are read. If the exit code is not 0, it is incomplete. FILE is
    written completely, or left unchanged.

    \b
      jobs board export > board.yml
      jobs board export nightly.yml --match 'nightly-*'
    """
    from jobs_core.boardfile.write import write, write_file

    board = open_board(url, board_name)
    jobs = write(board.list(match, sort="id"), board.alert_list() if match is None else ())
    if file is None:
        print_texts(jobs)
    else:
        write_file(file, jobs)


@board.command()
def schema() -> None:
    """Print the JSON Schema of board files, for editors.

    \b
      jobs board schema > board.schema.json     # and in YAML, as the first line:
                                                # yaml-language-server: $schema=board.schema.json
    """
    from jobs_core.boardfile.schema import schema as board_file_schema

    click.echo(json.dumps(board_file_schema(), indent=2))
