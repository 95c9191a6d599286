"""`jobs run` and `jobs tick`: workers and clocks that run until they are stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    F,
    connected_boards,
    echo,
    echo_json,
    given,
    installed_plugins,
    json_option,
    open_board,
    open_boards,
)
from jobs_core.contract import Runner
from jobs_core.errors import OptionError
from jobs_core.plugins.manager import Plugins

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.worker.clock import Clock

POSITIVE = click.FloatRange(min=0, min_open=True)


def worker_options(function: F) -> F:
    """Add the options of a worker to a command, which passes them on to `serve`."""
    options = (
        click.option(
            "--concurrency",
            type=click.IntRange(1, 1000),
            default=10,
            show_default=True,
            help="Number of tasks to run at once.",
        ),
        click.option("--queue", "queues", multiple=True, metavar="NAME", help="Also serve this queue."),
        click.option(
            "--lease",
            type=POSITIVE,
            default=30.0,
            show_default=True,
            help="Seconds to hold a task without renewing its lease.",
        ),
        click.option(
            "--drain",
            type=click.FloatRange(min=0),
            default=30.0,
            show_default=True,
            help="Seconds to wait for running tasks on shutdown.",
        ),
        click.option(
            "--log",
            "logs",
            multiple=True,
            metavar="NAME",
            default=("console",),
            show_default=True,
            help="Logger to send events to.",
        ),
        click.option("--name", metavar="NAME", help="Name of the worker (default: host and process)."),
        click.option(
            "--metrics",
            metavar="[HOST:]PORT",
            help="Serve the worker's metrics here (default: the setting metrics). Needs jobs-metrics.",
        ),
        click.option(
            "--ping",
            metavar="URL",
            help="Ping this URL each minute if ticks succeed (default: the setting ping). Needs jobs-http.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def allow_option(function: F) -> F:
    """Add `--allow` to a command, which passes it on to `run_worker`."""
    return click.option(
        "--allow",
        multiple=True,
        metavar="PATTERN",
        help="Let the python runner call these functions: 'app.tasks:*'. Adds to the setting python_allow.",
    )(function)


def serve(
    ctx: click.Context, runners: Iterable[Runner], *, url: str | None, board_name: str, **options: Any
) -> None:
    """Run a worker with these runners until SIGTERM or Ctrl-C."""
    run_worker([open_board(url, board_name)], runners, **options)


def run_worker(
    boards: Sequence[Board],
    runners: Iterable[Runner],
    *,
    logs: Iterable[str],
    allow: Iterable[str] = (),
    metrics: str | None = None,
    ping: str | None = None,
    **options: Any,
) -> None:
    """Run a worker on open boards until SIGTERM or Ctrl-C."""
    from jobs_core.worker.worker import Worker

    if ping is not None and not options.get("tick", True):
        raise OptionError("--ping: a worker pings after its own ticks; leave out --no-tick")
    plugins = boards[0].plugins
    changes: dict[str, Any] = given({"metrics": metrics, "ping": ping})
    if allow:
        changes["python_allow"] = _allowed(plugins, allow)
    loggers = [plugins.logger(name) for name in logs]
    with plugins.changed_settings(changes):
        Worker(boards, runners, loggers=loggers, **options).run_until_signal()


def _allowed(plugins: Plugins, patterns: Iterable[str]) -> list[str]:
    """Return what the settings let the python runner call, and what `--allow` names."""
    for pattern in patterns:
        if pattern.count(":") != 1:
            raise OptionError(f"--allow: expected module:name or module:*, got {pattern!r}")
    return [*plugins.settings().get("python_allow", ()), *patterns]


@click.command()
@click.option(
    "--runner", "names", multiple=True, metavar="NAME", help="Serve this runner (default: all installed)."
)
@worker_options
@allow_option
@click.option("--tick/--no-tick", default=True, help="Tick as well, or only run tasks (default: tick).")
@connected_boards
def run(names: tuple[str, ...], url: str | None, board_names: tuple[str, ...], **options: Any) -> None:
    """Start a worker: take tasks and run them.

    Start as many workers as you need, on as many machines. Each one also ticks.

    With several boards, all of them share the worker's slots evenly: however long the queue of one is, the
    others get their turn. A priority counts within its board only.

    SIGTERM or Ctrl-C drains the worker: it waits for running tasks, then stops the rest and returns them to
    the queue. A second signal stops it at once.

    \b
      jobs run
      jobs run --runner shell --concurrency 50 --log json
      jobs run --runner python --allow 'app.tasks:*'
      jobs run --board reports --board mail
      jobs run --metrics 9464
      JOBS_PING=https://hc-ping.com/<id> jobs run
    """
    run_worker(open_boards(url, board_names), _runners(installed_plugins(), names), **options)


def _runners(plugins: Plugins, names: Iterable[str]) -> list[Runner]:
    return [plugins.runner(name) for name in names] or plugins.runners()


@click.command()
@click.option("--once", is_flag=True, help="Exit once nothing is due.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=500,
    show_default=True,
    help="Number of jobs to move in one call of Redis.",
)
@json_option
@connected_boards
def tick(once: bool, limit: int, as_json: bool, url: str | None, board_names: tuple[str, ...]) -> None:
    """Move due jobs to their queues.

    Use it on boards whose workers run with --no-tick. Several may run at once.

    \b
      jobs tick
      jobs tick --once
      jobs tick --board reports --board mail
    """
    from jobs_core.worker.background import in_background
    from jobs_core.worker.signals import on_end_signals

    boards = open_boards(url, board_names)
    for board in boards:
        board.refresh_zones()
    clocks = list(_clocks(boards, limit))
    if once:
        for clock in clocks:
            clock.tick_all()
    else:
        for board in boards:
            board.tick(limit)  # fails at once without a server; a clock would only report it
        with on_end_signals(clocks[0].stop), in_background(*clocks[1:]):
            clocks[0].run()
    moved = sum(clock.moved for clock in clocks)
    if as_json:
        echo_json({"moved": moved})
    else:
        echo(f"{moved} moved")


def _clocks(boards: Sequence[Board], limit: int) -> Iterator[Clock]:
    """Yield a clock for all boards that share connections. They report trouble on standard error, once."""
    from jobs_core.engine.outage import Outage
    from jobs_core.worker.clock import Clock
    from jobs_core.worker.served import by_connections

    outage = Outage(boards[0].commands.server, _say, _say)
    of_boards = {board.name: Outage(f"the board {board.name!r}", _say, _say) for board in boards}
    for parts in by_connections(boards):
        names = [part.board.keys.board for part in parts]
        yield Clock(
            [part.board.commands for part in parts],
            limit=limit,
            outage=outage.of(names[0]),
            board_outages=[
                of_boards[part.whole.name].of(name) for part, name in zip(parts, names, strict=True)
            ],
            deliver=[part.deliver for part in parts],
        )


def _say(note: str) -> None:
    echo(note, err=True)
