"""The check of `jobs doctor` for what grows without a bound, or has reached its bound."""

from __future__ import annotations

from collections.abc import Iterator

from jobs_core.context import BoardLike
from jobs_core.contract import Finding
from jobs_core.plugins.builtin.parts import where

MANY = 100_000
"""Tasks in a queue, or dead letters, that are many for a place without a bound."""

NEARLY = 0.9
"""The part of a bound from which a place counts as full."""


def check_growth(board: BoardLike) -> Finding:
    """Report queues and dead letters that are nearly at their bound, or many without one."""
    counts = board.count()
    notes = [*_dead_letters(board, counts["dead"]), *_queues(board, counts)]
    if notes:
        return Finding(
            "warning", "; ".join(notes), "see `jobs retention` and `jobs limit queue NAME --max-length`"
        )
    waiting, dead = counts["queued"] + counts["held"], counts["dead"]
    return Finding("ok", f"waiting tasks: {waiting}; dead letters: {dead}")


def _dead_letters(board: BoardLike, dead: int) -> Iterator[str]:
    """Each partition has as many as the bound says: one alone may be full."""
    bound = board.retention()["dead-letters"]
    if bound is None:
        if dead >= MANY:
            yield f"there are {dead} dead letters, and no bound on them"
        return
    numbers = [part.count()["dead"] for part in board.partitions] if dead else []
    full = [place for place, n in enumerate(numbers) if n and n >= NEARLY * bound]
    if full:
        found = sum(numbers[place] for place in full)
        which = where(full, len(numbers))
        each = " each" if len(full) > 1 else ""
        yield f"there are {found} dead letters{which}, of at most {bound:.0f}{each}: the oldest are purged"


def _queues(board: BoardLike, counts: dict[str, int]) -> Iterator[str]:
    bounds = {limit["name"]: limit["max_length"] for limit in board.limits() if limit["kind"] == "queue"}
    for name, n in counts.items():
        queue = name.removeprefix("queue:")
        bound = bounds.get(queue)
        if queue == name:
            continue
        if bound is None and n >= MANY:
            yield f"{n} tasks wait in the queue {queue}, which has no max-length"
        elif bound is not None and n >= NEARLY * bound:
            yield f"{n} tasks wait in the queue {queue}, of at most {bound}: others are refused and skipped"
