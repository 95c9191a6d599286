"""Putting the lines of crontabs on a board: all of them or, when one is refused, none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from jobs_core.crontab.model import Line
from jobs_core.errors import JobsError

if TYPE_CHECKING:
    from jobs_core.client.board import BoardClient

OWNER = "crontab"
"""Whose the jobs would be, were they applied: a plan needs a name, and nothing is kept of it."""

Refusals = dict[int, JobsError]
"""Errors, by the places of the lines that they refuse."""


def check(board: BoardClient, lines: Sequence[Line]) -> tuple[list[str], Refusals]:
    """Compare lines with a board, and change nothing.

    Returns the ids of jobs that are there and would become different ones, and what the board refuses.
    """
    found = board.plan([line.job for line in lines], OWNER, prune=False, adopt=True)
    return [change.id for change in found.changes if change.kind == "change"], found.refused


def put(board: BoardClient, lines: Sequence[Line]) -> list[datetime | None]:
    """Put lines that `check` found nothing wrong with. Returns their next runs. Raises JobsError."""
    found: list[datetime | None] = []
    for reply in board.put_many(line.job for line in lines):
        if isinstance(reply, JobsError):
            raise reply
        found.append(reply)
    return found


def runs(board: BoardClient, lines: Sequence[Line]) -> list[datetime | None]:
    """The next runs of lines that are not put."""
    return [next(iter(board.next(cron=line.cron, zone=line.zone)), None) for line in lines]
