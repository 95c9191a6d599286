"""Keeps a board's forecast, and makes a new one in the background: never two at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from jobs_core import Board, JobsError

if TYPE_CHECKING:
    from jobs_core.plugin_ui import Forecast

LOG = logging.getLogger("jobs_web")

KEEP = 600.0
"""Seconds for which a forecast is shown."""

REST = 10.0
"""A changed board rests for so many times as long as its forecast took, and at least so many seconds."""

LOOK = 200
"""The latest changes of a board that are looked at."""

DAYS = 7

LONG = 10.0
"""If the forecast of one day takes so many seconds, it is not extended to a week."""

CANCELLED = "The forecast was cancelled."

UNRELATED = frozenset(("push", "cancel", "retry", "purge", "trim"))
"""Changes of tasks. Others change what will run."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A forecast, or why there is none; when it was finished (epoch seconds), and how long it took."""

    forecast: Forecast | None
    trouble: str | None
    made: float
    took: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the work on a new forecast is done, from 0 to 1, and since when it is under way."""

    share: float
    since: float


class Forecasts:
    """The forecast of a board.

    Args:
        make: Makes a forecast of a board, and tells its progress.
    """

    def __init__(self, make: Callable[[Board, Callable[[float], object]], Forecast] | None = None) -> None:
        self.kept: Kept | None = None
        self.progress: Progress | None = None
        self._make = make or _make
        self._lock = threading.Lock()
        self._is_cancelled = False

    def refresh(self, board: Board) -> None:
        """Start a forecast if there is none, or if the one there is too old. Returns at once."""
        kept, now = self.kept, time.time()
        if kept is None:
            self.start(board)
            return
        age = now - kept.made
        if age > KEEP or (age > max(REST, REST * kept.took) and _has_changed(board, kept)):
            self.start(board)

    def start(self, board: Board) -> bool:
        """Start a forecast on a thread. Returns whether it did: not if one is under way."""
        with self._lock:
            if self.progress is not None:
                return False
            self.progress = Progress(0.0, time.time())
            self._is_cancelled = False
        threading.Thread(target=self._run, args=(board,), name="jobs-web-forecast").start()
        return True

    def cancel(self) -> bool:
        """End the forecast that is under way, soon. Returns whether there is one."""
        with self._lock:
            self._is_cancelled = self.progress is not None
            return self._is_cancelled

    def _run(self, board: Board) -> None:
        started = time.time()

        def follow(share: float) -> None:
            if not threading.main_thread().is_alive():  # the process ends: stop the private server first
                raise SystemExit
            if self._is_cancelled:
                raise _CancelledError
            self.progress = Progress(share, started)

        forecast, trouble = None, None
        try:
            forecast = self._make(board, follow)
        except JobsError as error:
            trouble = str(error)
        except _CancelledError:
            forecast, trouble = self.kept.forecast if self.kept else None, CANCELLED
        except Exception:
            LOG.exception("the forecast failed")
            trouble = "The forecast failed. The log of the server says why."
        finally:
            now = time.time()
            self.kept = Kept(forecast, trouble, now, now - started)
            self.progress = None


class _CancelledError(Exception):
    """Raised in the middle of a forecast that somebody has cancelled."""


def _make(board: Board, follow: Callable[[float], object]) -> Forecast:
    """Forecast one day and, if that was quick, a week."""
    started = time.monotonic()
    day = board.forecast(1, progress=lambda share: follow(share / DAYS))
    if time.monotonic() - started > LONG:
        return day
    return board.forecast(DAYS, progress=lambda share: follow((1 + share * (DAYS - 1)) / DAYS))


def _has_changed(board: Board, kept: Kept) -> bool:
    """Return whether a job or a limit was changed since the forecast began."""
    since = kept.forecast.begin if kept.forecast else kept.made - kept.took
    changes = islice(board.changes(from_=since), LOOK)
    return any(change.time > since and change.what not in UNRELATED for change in changes)
