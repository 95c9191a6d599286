"""`jobs forecast`: what will run, and what a board file would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.bulk import progress
from jobs_core.cli.common import (
    connected,
    echo_json,
    explicit_board,
    include_option,
    json_option,
    open_board,
)
from jobs_core.cli.plan import echo_refusals
from jobs_core.cli.spoken_time import spoken_time

if TYPE_CHECKING:
    from jobs_core.forecast import Comparison, Forecast


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--days", type=float, default=7, show_default=True, help="How many days to look ahead.")
@click.option(
    "--from",
    "from_",
    callback=spoken_time,
    metavar="TIME",
    help="The beginning, such as +1d or 'tomorrow 03:00' (default: now).",
)
@click.option(
    "--duration",
    type=float,
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long a run takes of which nothing is known.",
)
@include_option
@json_option
@connected
@click.pass_context
def forecast(
    ctx: click.Context,
    /,
    file: Path | None,
    include_outside: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Forecast what will run, when it piles up, and what waits for what.

    A private server runs a copy of the board on virtual time, with its limits, and with the durations of
    earlier runs. The board is only read, and nothing runs. With a FILE, the forecast is that of the board
    with the file applied, and shows what this changes.

    \b
      jobs forecast
      jobs forecast --days 1 --json
      jobs forecast board.yml
    """
    if file is None:
        with _following() as follow:
            found = open_board(url, board_name).forecast(**options, progress=follow)
        _show(found, board_name, as_json=as_json)
        return
    from jobs_core.boardfile import read_valid
    from jobs_core.boardfile.forecast import forecast_file

    read = read_valid(file, include_outside=include_outside)
    for name, declared in read.select(explicit_board(ctx)).items():
        board = open_board(url, name or board_name)
        with echo_refusals(), _following() as follow:
            compared = forecast_file(board, read, declared, **options, progress=follow)
        _show(compared, board.name, as_json=as_json)


def _show(found: Forecast | Comparison, board_name: str, *, as_json: bool) -> None:
    from jobs_core.cli.forecast_text import comparison_lines, forecast_lines
    from jobs_core.forecast import Forecast

    if as_json:
        echo_json({"board": board_name} | found.as_dict())
        return
    lines: Iterable[str]
    if isinstance(found, Forecast):
        lines = forecast_lines(found, board_name)
    else:
        lines = comparison_lines(found, board_name)
    for line in lines:
        click.echo(line)


@contextmanager
def _following() -> Iterator[Callable[[float], None]]:
    """Yield what moves a progress bar to a share of the work."""
    with progress("% done", total=100) as advance:
        done = 0

        def follow(share: float) -> None:
            nonlocal done
            percent = int(share * 100)
            if percent > done:
                advance(percent - done)
                done = percent

        yield follow
