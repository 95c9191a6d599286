"""Finds tasks of a job, or one task, without looking through a million of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Unpack

from jobs_core import Board
from jobs_core.plugin_ui import TaskFilters

MANY = 10_000
"""Of so many waiting tasks, or dead letters, none are looked for: it would take seconds."""

ROWS = 50
"""Tasks to find at most."""


def find_tasks(board: Board, **filters: Unpack[TaskFilters]) -> tuple[list[dict[str, Any]], bool]:
    """Find tasks that run, wait, or are dead letters, in this order.

    Returns:
        Up to `ROWS` tasks, as `Board.tasks` yields them, and whether all tasks were looked at.
    """
    counts = board.count()
    has_few_waiting = sum(counts.get(name, 0) for name in ("queued", "held", "delayed")) <= MANY
    has_few_dead = counts.get("dead", 0) <= MANY
    searches: list[Iterator[dict[str, Any]]] = []
    if has_few_waiting:
        searches.append(board.tasks(**filters))
    else:
        searches += [board.tasks("leased", **filters), board.tasks("accepted", **filters)]
    if has_few_dead:
        searches.append(board.dead(**filters))
    return list(islice(chain(*searches), ROWS)), has_few_waiting and has_few_dead
