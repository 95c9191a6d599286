"""`jobs top`: a live view of a board in the terminal."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import connected, echo, echo_json, open_board
from jobs_core.cli.top_view import Frame, Line, render
from jobs_core.errors import OptionError, ServerError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from jobs_core.app import Board
    from jobs_core.top import Top

PIPE = (200, 400)
"""The width and height of a frame that does not go to a terminal."""

ROWS = 100
"""The most tasks, queues or workers that a frame has."""

LONGEST = 86400
"""The longest time between two frames, in seconds."""


def _checked_interval(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not 0.1 <= value <= LONGEST:  # a range of click takes nan
        raise OptionError(
            f"interval: expected seconds from 0.1 to {LONGEST}, got {value:g}", option="interval"
        )
    return value


@click.command()
@click.option("--once", is_flag=True, help="Print one frame and end, as without a terminal.")
@click.option(
    "--interval",
    type=float,
    callback=_checked_interval,
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Refresh this often.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one frame as one JSON object.")
@connected
def top(once: bool, interval: float, as_json: bool, url: str | None, board_name: str) -> None:
    """Watch a board: what runs, what waits, how late it is, and who works. Press q to end.

    `for` is how long an attempt has run, and `left` is what remains of its timeout. `oldest` is how long ago
    the next task of a queue was due. `overdue` counts jobs whose time has passed, but that are not queued
    yet. Rates are those since the frame before. If Redis goes away, the view says so, and continues when it
    is back.

    \b
      jobs top
      jobs top --interval 0.5
      jobs top --once
      jobs top --json | jq .overdue
    """
    board = open_board(url, board_name)
    if as_json:
        echo_json(_as_json(board.top(ROWS)))
        return
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    if once or not console.is_terminal or console.is_dumb_terminal:
        _print_frame(board, console)
    else:
        _watch(board, console, interval)


class Frames:
    """Looks at a board again and again. While Redis is away, a frame has the latest look, and says why."""

    def __init__(self, board: Board, hint: str = "") -> None:
        self._board, self._hint = board, hint
        self._latest: Top | None = None
        self._away_since = 0.0

    def next(self, rows: int) -> Frame:
        """Return the next frame.

        Raises:
            ServerError: Redis did not answer the first time.
        """
        earlier, trouble = self._latest, ""
        try:
            self._latest, self._away_since = self._board.top(max(1, min(rows, ROWS))), 0.0
        except ServerError as error:
            if earlier is None:
                raise
            self._away_since = self._away_since or time.monotonic()
            trouble = f"away for {time.monotonic() - self._away_since:.0f}s, trying again: {error}"
        assert self._latest is not None
        return Frame(
            name=self._board.name,
            server=self._board.commands.server,
            top=self._latest,
            earlier=None if trouble else earlier,
            trouble=trouble,
            hint=self._hint,
        )


def _print_frame(board: Board, console: Console) -> None:
    width, height = console.size if console.is_terminal else PIPE
    for line in render(Frames(board).next(ROWS), width, height):
        if console.is_terminal:
            console.print(_styled([line]))
        else:
            echo(line.text)


def _watch(board: Board, console: Console, interval: float) -> None:
    """Show frames until q or Ctrl-C."""
    from rich.live import Live

    frames = Frames(board, hint="q ends")
    board.commands.patience = 0  # the next frame tries again, so that keys work meanwhile
    frame = frames.next(console.height)  # before the screen changes, so that an error stays readable
    try:
        with (
            _pressed_q() as pressed_q,
            Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live,
        ):
            while True:
                live.update(_styled(render(frame, console.width, console.height)), refresh=True)
                if pressed_q(interval):
                    return
                frame = frames.next(console.height)
    except KeyboardInterrupt:
        return


@contextmanager
def _pressed_q() -> Iterator[Callable[[float], bool]]:
    """Provide a function that waits for so many seconds, and returns early with True if q is pressed."""
    if not (sys.stdin and sys.stdin.isatty()):
        yield _read_nothing
        return
    import termios
    import tty

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)
    try:
        yield lambda seconds: _read_q(number, seconds)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _read_nothing(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _read_q(number: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([number], [], [], left)[0]:
            keys = os.read(number, 64)
            if not keys or b"q" in keys.lower():  # nothing to read: the terminal is gone
                return True
    return False


def _styled(lines: list[Line]) -> RenderableType:
    """Return lines for rich, which must neither wrap nor interpret them."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="crop", end="")
    for number, line in enumerate(lines):
        text.append("\n" * (number > 0)).append(line.text, line.style)
    return text


def _as_json(found: Top) -> dict[str, Any]:
    """Return a frame, with `late` and `waited`, and without what is not known of a task or queue."""
    rows = {
        name: [{key: value for key, value in row.items() if value is not None} for row in asdict(found)[name]]
        for name in ("running_tasks", "waiting_queues", "seen_workers")
    }
    return asdict(found) | {"late": found.late, "waited": found.waited} | rows
