"""`jobs up`: a private server and a worker in one process tree."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    echo,
    include_option,
    open_board,
)
from jobs_core.cli.plan import compare_progress, echo_plan, echo_refusals
from jobs_core.cli.worker import allow_option, run_worker, worker_options
from jobs_core.errors import OptionError

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.boardfile.follow import FollowedFile


@click.command()
@click.argument("boardfile", required=False, type=click.Path(path_type=Path))
@click.option(
    "--watch", is_flag=True, help="Apply BOARDFILE again whenever it, or a file it includes, changes."
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="Data directory of the server (also JOBS_DATA)."
)
@include_option
@worker_options
@allow_option
@click.option(
    "--web/--no-web", default=True, help="Serve the page of jobs-web, if it is installed (default: yes)."
)
@click.option(
    "--web-port",
    type=click.IntRange(0, 65535),
    help="Port of the page (default: the first free one from 8080 on).",
)
@click.option(
    "--board", "board_name", envvar="JOBS_BOARD", help="The board (default: the one in BOARDFILE, or jobs)."
)
def up(
    boardfile: Path | None,
    watch: bool,
    data: Path | None,
    include_outside: bool,
    board_name: str | None,
    web: bool,
    web_port: int | None,
    **options: Any,
) -> None:
    """Start a private server and a worker.

    The worker also ticks, and serves every installed runner. With jobs-web, a page shows the board: open the
    link that is printed. Jobs survive a restart: the server keeps an
    append-only file in the data directory. All other commands find this server by themselves.

    With BOARDFILE, the file is applied first, as with `jobs board apply`.

    \b
      jobs up
      jobs up board.yml --concurrency 20
      jobs up board.yml --watch
      jobs up --no-web
    """
    from jobs_core.embedded import EmbeddedServer, data_dir
    from jobs_core.embedded.supervisor import keep_alive
    from jobs_core.plugins.services import running_services

    if watch and boardfile is None:
        raise OptionError("--watch needs a board file: jobs up board.yml --watch")
    followed = _read(boardfile, board_name, include_outside) if boardfile else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with EmbeddedServer(data_dir(data)) as server:
        board = open_board(server.url, followed.board_name if followed else board_name or "jobs")
        if followed:
            _apply(followed, board)
        echo(
            f"Jobs is up on {server.url}\n"
            "Put a job from another terminal: jobs put tick shell date --every 5",
            err=True,
        )
        keep_alive(server, _report)
        if followed and watch:
            _watch(followed, board)
        with running_services(board.plugins, board, {"web": web, "web_port": web_port}, _report):
            run_worker([board], board.plugins.runners(), **options)
        echo("Jobs is down. Scheduled jobs continue at the next `jobs up`.", err=True)


def _read(path: Path, board_name: str | None, include_outside: bool) -> FollowedFile:
    from jobs_core.boardfile.follow import FollowedFile

    return FollowedFile(path, board_name, include_outside=include_outside)


def _apply(followed: FollowedFile, board: Board) -> None:
    """Apply the file, and print the changes on standard error."""
    from jobs_core.boardfile.apply import apply_board
    from jobs_core.boardfile.crontabs import mail_refusals

    for notice in (*followed.file.notices, *mail_refusals(board, followed.declared.jobs)):
        _report(notice)
    with echo_refusals():
        plan = apply_board(board, followed.file, followed.declared, progress=compare_progress)
    echo_plan(plan, board.name, err=True)


def _watch(followed: FollowedFile, board: Board) -> None:
    """Apply the file in the background whenever it changes."""
    followed.watch(lambda: _apply(followed, board), lambda error: _report(f"board unchanged: {error}"))


def _report(sentence: object) -> None:
    echo(str(sentence), err=True)
