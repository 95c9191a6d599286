"""Arguments and replies of the commands about backfills, for both clients."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from jobs_core.engine.commands import Call
from jobs_core.errors import NotFoundError
from jobs_core.options import Time, to_pairs
from jobs_core.types import Backfill, Occurrence

_START = frozenset(("from", "to", "concurrency", "order", "unknown"))

PAUSE = 0.5
"""Seconds between two looks at a backfill that is watched."""


def start_call(
    job: str,
    start: Time,
    stop: Time,
    concurrency: int,
    latest_first: bool,
    unknown: bool,
    now: Time | None,
) -> Call:
    """Return the JBACKFILL that starts a backfill."""
    options = {
        **{"from": start, "to": stop, "concurrency": concurrency, "now": now},
        **{"order": "latest" if latest_first else None, "unknown": 1 if unknown else None},
    }
    return "JBACKFILL", ("start", job, *to_pairs(options, _START))


def dues_call(job: str, start: Time, stop: Time, cursor: str, now: Time | None) -> Call:
    """Return the JDUES for a page of occurrences."""
    return "JDUES", (job, *to_pairs({"from": start, "to": stop, "now": now}, _START), "cursor", cursor)


def as_backfill(text: str) -> Backfill:
    """Read one backfill of a JBACKFILLS reply."""
    found: dict[str, Any] = json.loads(text)
    return Backfill(start=found.pop("from"), stop=found.pop("to"), **found)


def found_backfill(reply: Sequence[str | None], id: str, board: str) -> Backfill:
    """Read a reply about one backfill. Raises NotFoundError if there is none."""
    if reply[0] is None:
        raise NotFoundError(f"there is no backfill {id!r} on the board {board!r}")
    return as_backfill(reply[0])


def as_occurrences(flat: Sequence[Any], busy: Collection[float | None]) -> Iterator[Occurrence]:
    """Read a page of JDUES. The occurrences in `busy` have a task."""
    for ms, state in zip(flat[::2], flat[1::2], strict=True):
        due = ms / 1000
        yield Occurrence(due, "ran" if due in busy else state)


def due_of(task: Mapping[str, Any]) -> float | None:
    """Return the due time of the occurrence that a listed task is of. A pushed run is of none."""
    moment = task["id"].rpartition("@")[2]
    return int(moment) / 1000 if moment.isdigit() else None
