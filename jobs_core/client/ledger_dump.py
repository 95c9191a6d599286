"""Read a board with its ledger, as `Board.dump(ledger=True)` does.

The first line has the settings of the board, the last one says that the dump is complete. Between them are
jobs and alerts, as in any dump, and items of the ledger: see the command JDUMP. The items are numbered, so
that none is loaded twice.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jobs_core.alerts.rule import dumped_alert
from jobs_core.bounds import RETENTION
from jobs_core.client.ids import plan_ids
from jobs_core.client.listing import Pace
from jobs_core.client.output import ENDS
from jobs_core.client.steps import Listing, Step, lists
from jobs_core.engine.commands import Call, Commands
from jobs_core.engine.durable import SETTING
from jobs_core.engine.loader import VERSION
from jobs_core.engine.partitions.board import BoardCommands
from jobs_core.engine.replies import as_bound, as_job, as_limits
from jobs_core.errors import StaleError

IDS = 100
"""Ids of one call."""

_RUN = re.compile(r"^(?:done|dead|cancelled) (\d\S*) ", re.MULTILINE)

Lines = Listing[dict[str, Any]]
"""A plan that yields lines of a dump."""

Items = Generator[Step | list[dict[str, Any]], Any, list[list[str]]]
"""A plan that yields lines, and returns the items that it has read."""


def dumped_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a job that `show` returned to the form `load` takes."""
    found = dict(job)
    found.pop("etag", None)
    if found.pop("state") == "paused":
        return found | {"paused": 1}
    return {"next": "none"} | found


def dump_lines(commands: BoardCommands) -> Iterator[dict[str, Any]]:
    """Yield the lines of a dump with the ledger.

    Raises:
        ConflictError: Tasks are running.
        StaleError: The board changed while it was dumped.
    """
    parts, board = commands.parts, commands.keys.board
    dump, before = LedgerDump(), [read_state(part) for part in parts]
    yield _first_line(parts[0], board)
    for part in parts:
        for page in lists(dump.plan(), part):
            yield from page
    yield from map(dumped_alert, commands.call("JALERTS"))
    for part in parts:  # last: the load itself changes the board
        for page in lists(dump.plan_changes(), part):
            yield from page
    if [read_state(part) for part in parts] != before:
        raise StaleError(
            f"The board {board!r} changed while it was dumped, so this dump is incomplete. "
            "Stop its workers and clients, and dump again."
        )
    yield {"ledger": "end", "items": dump.count}


def read_state(part: Commands) -> str:
    """Return what changes with a board. Raises ConflictError if it is at work."""
    _, ((_, _, state),) = part.call("JDUMP", "state", "0")
    return str(state)


def _first_line(part: Commands, board: str) -> dict[str, Any]:
    """Return the line with the settings. `durable` depends on the server, so it is left out."""
    keys = part.keys
    kept: Any = part.read(lambda client: client.hgetall(keys.settings))
    limits: Any = part.read(lambda client: client.hgetall(keys.limits))
    lengths: Any = part.read(lambda client: client.hgetall(keys.lengths))
    bounds = {
        name: "off" if (value := as_bound(name, text)) is None else value
        for name, text in sorted(kept.items())
        if name in RETENTION and name != SETTING
    }
    dump = {"dump": uuid.uuid4().hex, "board": board, "layout": VERSION}
    return {"ledger": "begin"} | dump | {"bounds": bounds, "limits": list(as_limits(limits, lengths))}


class LedgerDump:
    """A dump with the ledger: its plans, and how many items they have yielded."""

    def __init__(self) -> None:
        self.count = 0

    def plan(self) -> Lines:
        """Return the plan for the jobs of a partition and for its ledger, in the order of loading."""
        for place in ("counts", "hours", "gaps"):
            yield from self._place(place)
        yield from self._jobs()
        yield from self._tasks()
        for place in ("tails", "backfills", "history"):
            yield from self._outputs(_ended_in((yield from self._place(place))))

    def plan_changes(self) -> Lines:
        """Return the plan for the changes of a partition."""
        yield from self._place("changes")

    def _lines(self, items: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
        found = [
            {"ledger": kind, "n": number, "id": id, "values": values}
            for number, (kind, id, *values) in enumerate(items, self.count + 1)
        ]
        self.count += len(found)
        return found

    def _pages(self, place: str, ids: Sequence[str] = ()) -> Generator[Call, Any, list[list[str]]]:
        """Return what a place has of some ids."""
        cursor, found = "0", []
        while True:
            cursor, items = yield "JDUMP", [place, cursor, *ids]
            found += items
            if cursor == "0":
                return found

    def _place(self, place: str) -> Items:
        """Yield the lines of a place, a page at a time. Returns those of ended tasks, and of backfills."""
        cursor, kept = "0", []
        while True:
            cursor, items = yield "JDUMP", [place, cursor]
            yield self._lines(items)
            kept += [item for item in items if _is_end(item)]
            yield from self._dues(items)
            if cursor == "0":
                return kept

    def _dues(self, items: Iterable[Sequence[str]]) -> Lines:
        """Yield what the backfills among these items have left to queue."""
        open_ones = [item[2] for item in items if item[0] == "backfill" and item[4]]
        for some in _portions(open_ones):
            yield self._lines((yield from self._pages("dues", some)))

    def _jobs(self) -> Lines:
        """Yield the jobs, each after its part of the ledger."""
        plan, pace, reply = plan_ids(None, None), Pace(), None
        while True:
            try:
                step = plan.send(reply)
            except StopIteration:
                return
            reply = None
            if not isinstance(step, list):
                reply = yield step
                continue
            for ids in pace.chunks(step):
                yield from self._chunk(ids, pace)

    def _chunk(self, ids: Sequence[str], pace: Pace) -> Lines:
        items = yield from self._pages("jobs", ids)
        yield self._lines(items)
        texts = yield "JGET", ids
        pace.note(texts)
        jobs = [as_job(text) for text in texts if text is not None]
        yield self._lines((yield from self._pages("backfilled", ids)))
        keeping = {job["id"] for job in jobs if "keep" in job}
        yield from self._outputs(task for item in items if item[1] in keeping for task in _runs_of(item))
        yield list(map(dumped_job, jobs))

    def _tasks(self) -> Lines:
        """Yield the tasks that have not ended, or are dead, and what those print that keep it."""
        cursor = "0"
        while True:
            cursor, items = yield "JDUMP", ["tasks", cursor]
            yield self._lines(items)
            yield from self._outputs(item[1] for item in items if "k" in item[2].partition("\n")[0])
            if cursor == "0":
                return

    def _outputs(self, tasks: Iterable[str]) -> Lines:
        for some in _portions(list(dict.fromkeys(tasks))):
            yield self._lines((yield from self._pages("outputs", some)))


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + IDS] for first in range(0, len(ids), IDS))


def _is_end(item: Sequence[str]) -> bool:
    """Return whether an item is the entry of the history with which a task ended."""
    return item[0] == "history" and dict(zip(item[3::2], item[4::2], strict=True)).get("what") in ENDS


def _ended_in(items: Iterable[Sequence[str]]) -> Iterator[str]:
    return (item[1] for item in items)


def _runs_of(item: Sequence[str]) -> Iterator[str]:
    """Yield the tasks of the runs that a job's item has."""
    text = dict(zip(item[2::2], item[3::2], strict=True)).get("runs", "")
    return (f"{item[1]}@{moment}" for moment in _RUN.findall(text))
