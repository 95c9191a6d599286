"""Put the lines of crontabs on a board: all of them or, if the board refuses one, none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from jobs_core.crontab.model import Line
from jobs_core.errors import JobsError

if TYPE_CHECKING:
    from jobs_core.client.board import BoardClient

OWNER = "crontab"
"""The owner that a plan needs. Nothing of the plan is kept."""

Refusals = dict[int, JobsError]
"""Errors by the index of the refused line."""


def check(board: BoardClient, lines: Sequence[Line]) -> tuple[list[str], Refusals]:
    """Compare lines with a board, and change nothing.

    Returns:
        The ids of existing jobs that would change, and the errors of refused lines.
    """
    found = board.plan([line.job for line in lines], OWNER, prune=False, adopt=True)
    return [change.id for change in found.changes if change.kind == "change"], found.refused


def put(board: BoardClient, lines: Sequence[Line]) -> list[datetime | None]:
    """Put lines that passed `check`.

    Returns:
        The next run of each line.

    Raises:
        JobsError: The board refuses a line.
    """
    found: list[datetime | None] = []
    for reply in board.put_many(line.job for line in lines):
        if isinstance(reply, JobsError):
            raise reply
        found.append(reply)
    return found


def next_runs(board: BoardClient, lines: Sequence[Line]) -> list[datetime | None]:
    """Return the next run of each line without putting it."""
    return [next(iter(board.next(cron=line.cron, zone=line.zone)), None) for line in lines]
