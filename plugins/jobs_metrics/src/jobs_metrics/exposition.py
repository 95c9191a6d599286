"""The metrics of a board as text, and as a registry that is read at most every few seconds."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from jobs_metrics.board import read_board
from jobs_metrics.per_job import read_jobs

if TYPE_CHECKING:
    from jobs_core import Board

KEEP = 5.0
"""Seconds for which the metrics of a board are kept, however many scrapers ask."""


class BoardCollector(Collector):
    """Reads the metrics of a board. One thread reads at a time, and the others take what it has read.

    Args:
        board: The board.
        per_job: Whether to read those of single jobs, too.
        clock: Returns monotonic seconds.
    """

    def __init__(self, board: Board, *, per_job: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._board = _impatient(board)
        self._per_job = per_job
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[Metric, ...] = ()
        self._until = 0.0

    def collect(self) -> Iterable[Metric]:
        """Return the metrics. Raises the errors of the board's methods."""
        with self._lock:
            if not self._kept or self._clock() >= self._until:
                self._kept = (*read_board(self._board), *(read_jobs(self._board) if self._per_job else ()))
                self._until = self._clock() + KEEP
            return self._kept


class Exposition:
    """The metrics of a board as text, for a server that serves other things, too."""

    def __init__(self, board: Board) -> None:
        self._collectors = {per_job: BoardCollector(board, per_job=per_job) for per_job in (False, True)}

    def read(self, per_job: bool) -> tuple[str, bytes]:
        """Return the content type and the text. Raises the errors of the board's methods."""
        text: bytes = generate_latest(self._collectors[per_job])  # type: ignore[no-untyped-call]
        return CONTENT_TYPE_LATEST, text


def _impatient(board: Board) -> Board:
    """Return a board on the same connections that does not wait for Redis: scrapers ask again."""
    found = copy.copy(board)
    found.commands = board.commands.with_timeout(patience=0)
    return found
