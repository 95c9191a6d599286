"""`jobs board`: board files, checked, compared, applied and written."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs_core.cli.apply import apply, chosen_boards, diff, explicit_board
from jobs_core.cli.common import connected, echo_json, json_option, open_board, progress
from jobs_core.cli.lists import print_texts
from jobs_core.errors import OptionError, ServerError

if TYPE_CHECKING:
    from jobs_core.boardfile import BoardFile, Declared, Problem


@click.group()
def board() -> None:
    """Work with board files: jobs declared in YAML, TOML or a crontab.

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
@json_option
@connected
@click.pass_context
def check(
    ctx: click.Context, files: tuple[Path, ...], as_json: bool, url: str | None, board_name: str
) -> None:
    """Find every mistake in board files, with its place.

    Redis judges options and cycles, and runners judge payloads; without a server, only the runners of this
    machine do.

    \b
      jobs board check board.yml
      jobs board check boards/*.yml --json
    """
    from jobs_core.boardfile import read

    problems: list[Problem] = []
    for file in files:
        found = read(file)
        problems += found.problems
        for notice in found.notices:
            click.echo(str(notice), err=True)
        for name, declared in chosen_boards(found, explicit_board(ctx)):
            problems += _judged(found, declared, url, name or board_name)
    for problem in sorted(set(problems)):
        if as_json:
            echo_json({**asdict(problem.where), "sentence": problem.sentence})
        else:
            click.echo(str(problem))
    if problems:
        click.echo(f"{len(set(problems))} to correct", err=True)
        ctx.exit(2)
    click.echo("nothing to correct", err=True)


def _judged(found: BoardFile, declared: list[Declared], url: str | None, board_name: str) -> list[Problem]:
    """What runners and Redis say of jobs; without a server, what runners do."""
    from jobs_core.boardfile.check import absent, check_alone, check_with

    try:
        board = open_board(url, board_name)
        board.count()
    except ServerError as error:
        click.echo(f"checked without Redis, which judges options: {error}", err=True)
        group: click.Group = click.get_current_context().find_root().command  # type: ignore[assignment]
        return check_alone(group.load_plugins(), declared)  # type: ignore[attr-defined]
    with progress("checked", total=len(declared)) as advance:
        problems = check_with(board, found, declared, advance)
    for notice in absent(board, declared):
        click.echo(str(notice), err=True)
    return problems


@board.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, writable=True))
@click.option("--match", metavar="PATTERN", help="Only jobs whose id matches: 'backup-*'.")
@connected
def export(file: Path | None, match: str | None, url: str | None, board_name: str) -> None:
    """Write a board as a board file, to FILE or to standard output.

    Applying it with --adopt changes nothing, but that the jobs belong to the file from then on. Standard
    output is written while jobs are read: when the exit code is not 0, it is not the whole board. FILE is
    written whole or left alone.

    \b
      jobs board export > board.yml
      jobs board export nightly.yml --match 'nightly-*'
    """
    from jobs_core.boardfile.write import write

    jobs = write(open_board(url, board_name).list(match, sort="id"))
    if file is None:
        print_texts(jobs)
    else:
        _write_whole(file, jobs)


def _write_whole(file: Path, texts: Iterable[str]) -> None:
    """Write a file once all that belongs in it is there: a file cut short would declare fewer jobs."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as kept:
        kept.writelines(texts)
        kept.seek(0)
        try:
            with file.open("w", encoding="utf-8") as target:
                shutil.copyfileobj(kept, target)
        except OSError as error:
            raise OptionError(f"{file} cannot be written: {error.strerror}") from None


@board.command()
def schema() -> None:
    """Print the JSON Schema of board files, for editors.

    \b
      jobs board schema > board.schema.json     # and in YAML, as the first line:
                                                # yaml-language-server: $schema=board.schema.json
    """
    from jobs_core.boardfile.schema import schema as made

    click.echo(json.dumps(made(), indent=2))
