"""`jobs lint`: find jobs that are valid, but probably do not do what was meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from jobs_core.cli.common import connected, echo, explicit_board, include_option, json_option, open_board
from jobs_core.cli.findings import PRINTERS, echo_findings_json
from jobs_core.cli.plan import echo_refusals
from jobs_core.errors import OptionError, ServerError

if TYPE_CHECKING:
    from jobs_core.boardfile.lint import Located
    from jobs_core.client.board import BoardClient


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--ignore", multiple=True, metavar="RULE", help="Do not check this rule. Repeat it for others.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "github"]),
    default="text",
    show_default=True,
    help="Print for people, or as annotations for GitHub.",
)
@include_option
@json_option
@connected
@click.pass_context
def lint(
    ctx: click.Context,
    file: Path | None,
    ignore: tuple[str, ...],
    style: str,
    include_outside: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Find jobs that are valid, but probably do not do what was meant.

    Checks the jobs on the board or, with FILE, those of a board file or crontab as they would be put. Without
    a server, a private one checks FILE.

    Exits with 1 if something is found, with 2 for a mistake in FILE. The option lint-ignore silences rules
    for one job or, among the defaults of a board file, for all of its jobs. In a crontab, a comment above a
    line does so: # lint-ignore: no-timeout

    \b
      jobs lint
      jobs lint board.yml
      jobs lint /etc/crontab --ignore no-timeout
      jobs lint board.yml --format github
    """
    if file is None:
        board = open_board(url, board_name)
        found: list[Located] = [(finding, None) for finding in board.lint(ignore=ignore)]
        total = board.count()["jobs"]
    else:
        found, total = _lint_file(ctx, file, ignore, include_outside, url, board_name)
    if as_json:
        echo_findings_json(found)
    else:
        PRINTERS[style](found, total)
    if found:
        ctx.exit(1)


def _lint_file(
    ctx: click.Context,
    path: Path,
    ignore: Collection[str],
    include_outside: bool,
    url: str | None,
    board_name: str,
) -> tuple[list[Located], int]:
    """Lint each board of a file. Returns the findings with their locations, and the number of jobs."""
    from jobs_core.boardfile import read_valid
    from jobs_core.boardfile.lint import lint_file, skipped_lines

    if not path.exists():
        raise OptionError(f"{path}: no such file. For the jobs on a board, run `jobs lint --board {path}`.")
    file = read_valid(path, include_outside=include_outside)
    for notice in file.notices:
        if not notice.rule:
            echo(str(notice), err=True)
    found = skipped_lines(file, ignore)
    boards = file.select(explicit_board(ctx))
    for name, declared in boards.items():
        with _reachable(url, name or board_name) as board, echo_refusals():
            found += lint_file(board, file, declared, ignore)
    return found, sum(len(declared.jobs) for declared in boards.values())


@contextmanager
def _reachable(url: str | None, board_name: str) -> Iterator[BoardClient]:
    """Open the board or, if no URL is given and none is found, an empty one on a private server."""
    try:
        board = open_board(url, board_name)
        board.count()
    except ServerError:
        if url is not None:
            raise
    else:
        yield board
        return
    from jobs_core.embedded import EmbeddedServer

    with TemporaryDirectory(prefix="jobs-lint-") as folder, EmbeddedServer(Path(folder)) as server:
        private = open_board(server.url, board_name)
        try:
            yield private
        finally:
            private.close()
