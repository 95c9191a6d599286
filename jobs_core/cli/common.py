"""What commands share: where the board is, how data is printed, how bulk input is read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs_core.cli.table import as_cell, json_line
from jobs_core.errors import JobsError, UserError
from jobs_core.options import JOB_OPTIONS, Option, span

if TYPE_CHECKING:
    from jobs_core.app import Board

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
stdin_option = click.option("-S", "--stdin", "from_stdin", is_flag=True, help="Read one JSON object a line.")


def connected(function: F) -> F:
    """Give a command `--url` and `--board`; it gets them as `url` and `board_name`."""
    function = click.option(
        "--board", "board_name", envvar="JOBS_BOARD", default="jobs", show_default=True, help="The board."
    )(function)
    return click.option(
        "--url",
        envvar="JOBS_REDIS_URL",
        metavar="URL",
        help="redis://, rediss:// or unix:// (JOBS_REDIS_URL keeps a password out of the process list). "
        "Default: the server of `jobs up`.",
    )(function)


def job_options(options: Mapping[str, Option]) -> Callable[[F], F]:
    """Give a command one flag for each option of the vocabulary."""

    def decorate(function: F) -> F:
        for option in reversed(list(options.values())):
            function = click.option(f"--{option.name}", metavar=option.kind.upper(), help=option.summary)(
                function
            )
        return function

    return decorate


def open_board(url: str | None, board_name: str) -> Board:
    """The board that a command was pointed at, checking jobs against this machine's plugins."""
    from jobs_core.app import Board

    group: Any = click.get_current_context().find_root().command
    return Board(board_name, url, plugins=group.load_plugins())


def echo_json(value: Any) -> None:
    """Print one JSON object on a line of its own."""
    click.echo(json_line(value))


def echo_table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a plain table: coloured on a terminal, whole lines in a pipe."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(_as_lines, row))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def _as_lines(value: Any) -> str:
    """A value as text of one line or several, which cannot steer a terminal."""
    return "\n".join(map(as_cell, ("" if value is None else str(value)).split("\n")))


def when(seconds: float | None) -> str:
    """An instant as people read it: local time with its offset."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")


def readable(name: str, value: Any) -> Any:
    """An option's value as people read it."""
    kind = JOB_OPTIONS[name].kind if name in JOB_OPTIONS else ""
    if kind == "time":
        return when(value)
    if kind == "duration":
        return span(value)
    return ",".join(value) if isinstance(value, list) else value


def stdin_lines() -> Iterator[str]:
    """The lines of standard input that are not blank."""
    return (line for line in sys.stdin if line.strip())


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None}


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show progress on standard error, if that is a terminal: call what this yields with how many more."""
    if not sys.stderr.isatty():
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=total)
        yield lambda n: bars.advance(task, n)


def counted(things: Iterable[T], advance: Callable[[int], None]) -> Iterator[T]:
    """Pass things on, and say now and then how many have passed."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % 500 == 0:
            advance(500)


def bulk(what: str, replies: Iterable[Any]) -> None:
    """Consume the replies of bulk work; refusals are lines on standard error; the exit code says so."""
    done, refused, worst = 0, 0, 0
    with progress(what) as advance:
        for number, reply in enumerate(counted(replies, advance), 1):
            if isinstance(reply, JobsError):
                click.echo(f"line {number}: {reply}", err=True)
                refused += 1
                worst = max(worst, 2 if isinstance(reply, UserError) else 1)
            else:
                done += 1
    click.echo(f"{done} {what}" + (f", {refused} refused" if refused else ""), err=True)
    if worst:
        click.get_current_context().exit(worst)


def schedule_text(job: Mapping[str, Any]) -> str:
    """A job's schedule in a few words."""
    if "after" in job:
        how = f" on {job['on']}" if "on" in job else ""
        return f"after {', '.join(job['after'])}" + (" (any)" if "join" in job else "") + how
    if "at" in job:
        return f"at {when(job['at'])}"
    if "cron" in job:
        words = [f"cron {job['cron']}", *([job["zone"]] if "zone" in job else [])]
    elif "every" in job:
        words = [f"every {span(job['every'])}"]
    else:
        return "when pushed"
    if "decay" in job:
        words.append(f"decay {job['decay']:g} a {span(job['step'])}")
    if "repeat" in job:
        words.append(f"{job.get('left', 0)} of {job['repeat']} left")
    if "stop" in job:
        words.append(f"until {when(job['stop'])}")
    return ", ".join(words)
