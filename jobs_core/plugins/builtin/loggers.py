"""The built-in loggers: `console` and `json` print, `file` writes a rotating file."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from jobs_core.contract import WorkerInfo
from jobs_core.plugins.builtin.journal import journal_prefix
from jobs_core.plugins.builtin.log_records import chosen_names, event_json, event_text
from jobs_core.text import KEPT, json_line, visible
from jobs_core.types import Event

_printing = threading.Lock()


def event_line(event: Event, *, dated: bool = True, names_board: bool = False) -> str:
    """Return an event as one readable line: `12:00:05 backup@1763900005000 done (exit 0) in 1.2 s`.

    With `dated`, the time has its date and its zone: `2026-12-01T12:00:05.310+01:00`. With `names_board`, the
    board is before what the event says: `12:00:05 reports: backup@1763900005000 …`. Control characters, in a
    line of output or a note, are escaped.
    """
    board = f"{event.board}: " if names_board and event.board else ""
    text = f"{_clock(event, dated)} {board}{event_text(event)}"
    return visible(text, keep=KEPT.replace("\n", ""))


def _clock(event: Event, dated: bool) -> str:
    if dated:
        return datetime.fromtimestamp(event.time).astimezone().isoformat(timespec="milliseconds")
    return time.strftime("%H:%M:%S", time.localtime(event.time))


def print_line(event: Event, *, names_board: bool = False) -> None:
    """Print an event for people. A terminal shows no date: who looks at it knows the day."""
    if event.kind != "task.started":
        _print(event_line(event, dated=not sys.stdout.isatty(), names_board=names_board), event)


def print_json(event: Event, names: Callable[[Event], dict[str, Any]] = event_json) -> None:
    """Print an event for programs. `names` makes its record."""
    _print(json_line(names(event)), event)


def _print(text: str, event: Event) -> None:
    """Print a line. The systemd journal gets its priority, too."""
    with _printing:
        sys.stdout.write(f"{journal_prefix(sys.stdout, event)}{text}\n")
        sys.stdout.flush()


class LinePrinter:
    """The `console` logger. It names the board of an event if the worker serves several."""

    def __init__(self) -> None:
        self._names_board = False

    def open(self, worker: WorkerInfo) -> None:
        """Note whether there are several boards."""
        self._names_board = len(worker.boards) > 1

    def write(self, event: Event) -> None:
        """Print an event."""
        print_line(event, names_board=self._names_board)


class JsonPrinter:
    """The `json` logger, with the names that the setting `log_json` chooses."""

    def __init__(self) -> None:
        self._names: Callable[[Event], dict[str, Any]] = event_json

    def open(self, worker: WorkerInfo) -> None:
        """Read the setting. Raises OptionError for unknown names."""
        self._names = chosen_names(worker)

    def write(self, event: Event) -> None:
        """Print an event."""
        print_json(event, self._names)
