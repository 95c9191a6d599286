"""`jobs retention`: how much a board keeps."""

from __future__ import annotations

from typing import Any

import click

from jobs_core.bounds import RETENTION
from jobs_core.cli.common import connected, echo_json, echo_table, json_option, open_board
from jobs_core.errors import OptionError
from jobs_core.options import span


@click.command()
@click.argument("name", required=False)
@click.argument("bound", required=False)
@json_option
@connected
def retention(name: str | None, bound: str | None, as_json: bool, url: str | None, board_name: str) -> None:
    """Show or set how much the board keeps.

    BOUND is a number or a duration, `off` for no bound, or `default`. The next ticks apply it.

    \b
      jobs retention
      jobs retention dead-letters 5000
      jobs retention expire-ended 30d
      jobs retention dead-age off
    """
    board = open_board(url, board_name)
    if name is not None:
        if name not in RETENTION:
            raise OptionError(f"retention: unknown bound {name!r}. Expected {', '.join(RETENTION)}")
        if bound is None:
            raise OptionError(f"retention needs a bound for {name}: a value, off, or default.")
        options: Any = {name: bound}
        board.retain(**options)
    found = board.retention()
    if as_json:
        echo_json(found)
    else:
        echo_table(
            ("", "bound", ""),
            ((name, _as_text(name, value), RETENTION[name].summary) for name, value in found.items()),
        )


def _as_text(name: str, value: float | None) -> str:
    if value is None:
        return "off"
    return span(value) if RETENTION[name].kind == "duration" else f"{value:,.0f}"
