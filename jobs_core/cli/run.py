"""Commands that stay: run tick up."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs_core.cli.common import connected, echo_json, json_option, open_board
from jobs_core.contract import Runner
from jobs_core.errors import JobsError, OptionError, ServerError
from jobs_core.plugins.manager import Plugins

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.embedded import EmbeddedServer

F = TypeVar("F", bound=Callable[..., Any])

POSITIVE = click.FloatRange(min=0, min_open=True)


def worker_options(function: F) -> F:
    """Give a command the options of a worker; it passes them on to `serve`."""
    options = (
        click.option(
            "--concurrency",
            type=click.IntRange(1, 1000),
            default=10,
            show_default=True,
            help="Tasks at once.",
        ),
        click.option("--queue", "queues", multiple=True, metavar="NAME", help="Serve this queue too."),
        click.option(
            "--lease",
            type=POSITIVE,
            default=30.0,
            show_default=True,
            help="Seconds a task is held unrenewed.",
        ),
        click.option(
            "--drain",
            type=click.FloatRange(min=0),
            default=30.0,
            show_default=True,
            help="Seconds SIGTERM waits for running tasks.",
        ),
        click.option(
            "--log",
            "logs",
            multiple=True,
            metavar="NAME",
            default=("console",),
            show_default=True,
            help="Logger.",
        ),
        click.option("--name", metavar="NAME", help="The worker's name (default: host and process)."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def serve(
    ctx: click.Context, runners: Iterable[Runner], *, url: str | None, board_name: str, **options: Any
) -> None:
    """Run a worker with these runners until SIGTERM or Ctrl-C."""
    _work(open_board(url, board_name), runners, **options)


def _work(board: Board, runners: Iterable[Runner], *, logs: Iterable[str], **options: Any) -> None:
    from jobs_core.worker.worker import Worker

    loggers = [board.plugins.logger(name) for name in logs]
    Worker(board, runners, loggers=loggers, **options).run_until_signal()


def _choose(plugins: Plugins, names: Iterable[str]) -> list[Runner]:
    chosen = [plugins.runner(name) for name in names]
    return chosen or plugins.runners()


@click.command()
@click.option(
    "--runner", "names", multiple=True, metavar="NAME", help="Serve this runner (default: all installed)."
)
@worker_options
@click.option("--tick/--no-tick", default=True, help="Whether this worker ticks too.")
@connected
@click.pass_context
def run(ctx: click.Context, /, names: tuple[str, ...], **options: Any) -> None:
    """Take tasks and run them.

    Any number of workers may run, on any number of machines; each also ticks.
    SIGTERM or Ctrl-C drains: running tasks may end, and what cannot is given back. Another one stops at once.

    \b
      jobs run
      jobs run --runner shell --concurrency 50 --log json
    """
    group: Any = ctx.find_root().command
    serve(ctx, _choose(group.load_plugins(), names), **options)


@click.command()
@click.option("--once", is_flag=True, help="Tick until nothing is due, then end.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=500, show_default=True, help="Jobs a script moves."
)
@json_option
@connected
def tick(once: bool, limit: int, as_json: bool, url: str | None, board_name: str) -> None:
    """Move due jobs to their queues.

    For boards whose workers do not tick, or not always. Any number may run.

    \b
      jobs tick
      jobs tick --once
    """
    from jobs_core.worker.clock import Clock

    board = open_board(url, board_name)
    board.refresh_zones()
    clock = Clock(board.commands, limit=limit, trouble=lambda note: click.echo(note, err=True))
    if once:
        clock.tick_all()
    else:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: clock.stop())
        board.tick(limit)  # an absent server is an error now, and only trouble later
        clock.run()
    if as_json:
        echo_json({"moved": clock.moved})
    else:
        click.echo(f"{clock.moved} moved")


@click.command()
@click.argument("boardfile", required=False, type=click.Path(path_type=Path))
@click.option(
    "--watch", is_flag=True, help="Apply BOARDFILE again whenever it, or what it includes, changes."
)
@click.option("--data", type=click.Path(path_type=Path), help="Where the server keeps its data (JOBS_DATA).")
@worker_options
@click.option("--board", "board_name", envvar="JOBS_BOARD", help="The board (default: the file's, or jobs).")
@click.pass_context
def up(
    ctx: click.Context,
    /,
    boardfile: Path | None,
    watch: bool,
    data: Path | None,
    board_name: str | None,
    **options: Any,
) -> None:
    """Start a private server and a worker.

    The worker ticks, and serves every installed runner; all is one process tree.
    Jobs survive a restart: the server keeps an append-only file in your data directory. Every other command
    finds this server by itself. BOARDFILE is applied first, as `jobs board apply` does.

    \b
      jobs up
      jobs up board.yml --concurrency 20
      jobs up board.yml --watch
    """
    from jobs_core.embedded import EmbeddedServer, data_dir

    if watch and boardfile is None:
        raise OptionError("--watch needs the board file to watch: jobs up board.yml --watch")
    applied = _Applied(boardfile, board_name) if boardfile else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with EmbeddedServer(data_dir(data)) as server:
        board = open_board(server.url, applied.board_name if applied else board_name or "jobs")
        if applied:
            applied.apply(board)
        click.echo(
            f"Jobs is up on {server.url}\n"
            "Put a job from another terminal: jobs put tick shell date --every 5",
            err=True,
        )
        _keep_alive(server)
        if applied and watch:
            applied.watch(board)
        _work(board, board.plugins.runners(), **options)
        click.echo("Jobs is down; what is scheduled waits for the next `jobs up`", err=True)


class _Applied:
    """The board file of `jobs up`, for the one board that its worker serves."""

    def __init__(self, path: Path, named: str | None) -> None:
        self._path = path
        self._named = named
        self._read()

    def apply(self, board: Board) -> None:
        """Apply the file, and say what changed."""
        from jobs_core.cli.apply import apply_declared, show_plan

        for notice in self._file.notices:
            click.echo(str(notice), err=True)
        found = apply_declared(board, self._file, self._declared)
        show_plan(found, board.name, err=True)

    def watch(self, board: Board) -> None:
        """Apply the file again whenever it changes, in the background; with mistakes in it, do not."""
        from jobs_core.boardfile.watch import changes

        def follow() -> None:
            for _ in changes(lambda: self._file.files):
                try:
                    self._read()
                    self.apply(board)
                except JobsError as error:
                    click.echo(f"{error}; the board stays as it was", err=True)

        threading.Thread(target=follow, name="jobs-watch", daemon=True).start()

    def _read(self) -> None:
        from jobs_core.boardfile import read_good
        from jobs_core.cli.apply import chosen_boards

        self._file = read_good(self._path)
        boards = list(chosen_boards(self._file, self._named))
        if len(boards) > 1:
            known = ", ".join(str(name) for name, _ in boards)
            raise OptionError(f"{self._path} has several boards, {known}: say which one with --board")
        name, self._declared = boards[0]
        self.board_name = name or "jobs"


def _keep_alive(server: EmbeddedServer) -> None:
    """Start the server again whenever it dies; workers meanwhile wait."""

    def watch() -> None:
        while not stopped.wait(0.5) and server.pid:
            if not server.alive():
                click.echo("the server has died: starting it again", err=True)
                try:
                    server.restart()
                except ServerError as error:
                    click.echo(f"{error}; trying again", err=True)

    stopped = threading.Event()
    threading.Thread(target=watch, daemon=True).start()
