"""Options and output that commands share."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs_core.cli.label_option import LABEL, as_list
from jobs_core.cli.table import as_cell
from jobs_core.cron.forms import cron_warnings
from jobs_core.options import PING, Option
from jobs_core.text import json_line, visible

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.plugins.manager import Plugins

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
stdin_option = click.option(
    "-S", "--stdin", "from_stdin", is_flag=True, help="Read one JSON object per line."
)
because_option = click.option("--because", metavar="TEXT", help="Why, for `jobs changes`.")
if_match_option = click.option(
    "--if-match",
    metavar="ETAG",
    help="Change the job only if this is its etag: see `jobs show --json`.",
)
include_option = click.option(
    "--include-outside",
    is_flag=True,
    help="Let `include` read files outside the directory of the file that names them.",
)


url_option = click.option(
    "--url",
    envvar="JOBS_REDIS_URL",
    metavar="URL",
    help="The server: redis://, rediss:// or unix://, or those that know it: redis+sentinel:// or "
    "redis+cluster:// (default: the one of `jobs up`). "
    "JOBS_REDIS_URL keeps a password out of the process list.",
)


def connected(function: F) -> F:
    """Add `--url` and `--board` to a command. It receives them as `url` and `board_name`."""
    function = click.option(
        "--board", "board_name", envvar="JOBS_BOARD", default="jobs", show_default=True, help="The board."
    )(function)
    return url_option(function)


def connected_boards(function: F) -> F:
    """Add `--url` and `--board`, which repeats, to a command. It receives them as `url` and `board_names`."""
    function = click.option(
        "--board",
        "board_names",
        multiple=True,
        envvar="JOBS_BOARD",
        default=("jobs",),
        show_default=True,
        metavar="NAME",
        help="The board. Repeat it to serve several.",
    )(function)
    return url_option(function)


def job_options(options: Mapping[str, Option]) -> Callable[[F], F]:
    """Add one flag to a command for each of these options."""

    def decorate(function: F) -> F:
        for option in reversed(list(options.values())):
            function = click.option(f"--{option.name}", help=option.summary, **_parameter(option))(function)
        return function

    return decorate


REPEATABLE = {"conditions": "CONDITION", "scope": "TERM"}
"""The kinds of options whose flag repeats, with what it takes."""


def _parameter(option: Option) -> dict[str, Any]:
    """Return how click reads an option."""
    if option.kind == "labels":
        return LABEL
    if option.kind in REPEATABLE:
        return {"multiple": True, "callback": as_list, "metavar": REPEATABLE[option.kind]}
    if option.kind == "flag":
        return {"is_flag": True, "default": None}
    return {"type": click.Choice(option.choices)} if option.choices else {"metavar": option.kind.upper()}


def open_board(url: str | None, board_name: str) -> Board:
    """Open the board that a command works on. It checks jobs with the plugins installed here."""
    from jobs_core.app import Board

    by = os.environ.get("JOBS_BY") or None
    return Board(board_name, url, plugins=installed_plugins(), by=by)


def open_boards(url: str | None, names: Iterable[str]) -> list[Board]:
    """Open several boards of one server, which share its connections. Each is opened once."""
    from jobs_core.app import Board

    first, *others = dict.fromkeys(names)
    board = open_board(url, first)
    return [
        board,
        *(Board(name, client=board.client, plugins=board.plugins, by=board.by) for name in others),
    ]


def installed_plugins() -> Plugins:
    """Load the plugins for a command. Warns once about settings, and names of plugins, without effect."""
    group: Any = click.get_current_context().find_root().command
    plugins: Plugins = group.load_plugins()
    plugins.warn_of_settings()
    return plugins


def echo(text: object = "", *, err: bool = False) -> None:
    """Print text on standard output or standard error. On a terminal, control characters are escaped."""
    stream = sys.stderr if err else sys.stdout
    click.echo(visible(str(text)) if stream.isatty() else text, err=err, color=True)


def echo_prose(text: str) -> None:
    """Print sentences. A terminal gets lines that end between words."""
    is_terminal = sys.stdout.isatty()
    echo(click.wrap_text(text, shutil.get_terminal_size().columns) if is_terminal else text)


def echo_json(value: Any) -> None:
    """Print a value as JSON on one line."""
    click.echo(json_line(value))


def echo_warnings(sentences: Iterable[object]) -> None:
    """Print warnings on standard error, one per line."""
    for sentence in sentences:
        echo(f"warning: {sentence}", err=True)


def echo_job_warnings(board: Board, id: str, runner: str, payload: Any, options: Mapping[str, Any]) -> None:
    """Print what is odd about a job that has been put, or a task that has been pushed."""
    echo_warnings(job_warner(board.plugins)(id, runner, payload, options))


def job_warner(plugins: Plugins) -> Callable[[str, str, Any, Mapping[str, Any]], list[str]]:
    """Return a function that says what is odd about a valid job.

    That is its cron pattern, a rule in `lint-ignore` that does not exist, a monitor that nobody here can
    ping, and what plugins find.
    """
    from jobs_core.engine.calls import as_raw
    from jobs_core.lint import unknown_names
    from jobs_core.plugins.payloads import payload_warnings

    warn = plugins.warner()

    def warnings(id: str, runner: str, payload: Any, options: Mapping[str, Any]) -> list[str]:
        raw = as_raw(payload)
        return [
            *cron_warnings(options),
            *unknown_names(options),
            *_ping_warnings(plugins, options),
            *payload_warnings(raw),
            *warn(plugins.job(id, runner, raw, options)),
        ]

    return warnings


def _ping_warnings(plugins: Plugins, options: Mapping[str, Any]) -> Sequence[str]:
    """Warn about the option `ping` without the plugin that workers need for it."""
    if options.get(PING) is None or "http" in plugins.names("runners"):
        return ()
    return (f"{PING}: workers need the plugin jobs-http to ping it, which is not installed here",)


def echo_table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table: with colors on a terminal, with whole lines in a pipe."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(as_cell(column), overflow="fold")
    for row in rows:
        table.add_row(*map(_cell_lines, row))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def _cell_lines(value: Any) -> str:
    """Format a value as text of one or more lines, with control characters escaped."""
    return "\n".join(map(as_cell, ("" if value is None else str(value)).split("\n")))


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the command line sets."""
    return {name: value for name, value in options.items() if value is not None}


def explicit_board(ctx: click.Context) -> str | None:
    """Return the board if the command line or JOBS_BOARD names it."""
    source = ctx.get_parameter_source("board_name")
    named = source in (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)
    return str(ctx.params["board_name"]) if named else None
