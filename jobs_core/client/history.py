"""Read the history of a board, of which each partition has a part. Both clients share this code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs_core.client.merging import Sorted, merged
from jobs_core.client.steps import Ask, AskPlaces, Listing, Paging, Several
from jobs_core.engine.replies import as_entry
from jobs_core.errors import OptionError

Found = tuple[str, int, dict[str, str]]
"""An entry: its id, its partition, and its fields."""

Position = tuple[str, int]
"""Where a list of entries continues, newest first: after the entry of a partition. Of entries with equal ids,
that of the higher partition comes first."""

FEWEST = 50
"""Entries to read in one round trip at least."""

BEGINNING = "0-0"
"""Comes before the id of each entry."""


def plan_back(task: str | None, job: str | None, before: Position | None, size: int) -> Listing[Found]:
    """Return the plan that reads entries, newest first: all, or those that may be of a task or a job.

    Args:
        task: The id of a task.
        job: The id of a job.
        before: Where to begin. The default is the newest entry.
        size: Entries to read in one round trip.
    """
    places = yield AskPlaces()
    found = places.of_tasks(task, job)
    some = max(FEWEST, size // len(found))
    yield from merged([_read_back(place, before, some) for place in found], _newest_first)


def _newest_first(found: Found) -> tuple[int, int, int]:
    time, number = _moment(found[0])
    return -time, -number, -found[1]


def _moment(id: str) -> tuple[int, int]:
    time, _, number = id.partition("-")
    return int(time), int(number)


def _read_back(place: int, before: Position | None, size: int) -> Sorted[Found]:
    last = "+" if before is None else before[0] if place < before[1] else f"({before[0]}"
    while True:
        at = last
        page = yield Ask(
            lambda client, keys: client.xrevrange(keys.history, at, "-", size),  # noqa: B023
            place=place,
        )
        yield [(id, place, fields) for id, fields in page]
        if len(page) < size:
            return
        last = f"({page[-1][0]}"


def read_newest() -> Paging[list[dict[str, Any]]]:
    """Return the plan for the newest entry, in a list: empty if there is none."""
    places = yield AskPlaces()
    asks = [Ask(lambda client, keys: client.xrevrange(keys.history, count=1), place=n) for n in places.all]
    pages = yield Several(asks)
    found = [(id, place, fields) for place, page in enumerate(pages) for id, fields in page]
    if not found:
        return []
    positions = [page[0][0] if page else BEGINNING for page in pages]
    return [_as_event(min(found, key=_newest_first), positions)]


def read_after(after: Sequence[str], limit: int) -> Paging[list[dict[str, Any]]]:
    """Return the plan for the entries after those of each partition, oldest first.

    The id of an entry says where all partitions stand once it has been read.
    """
    places = yield AskPlaces()
    if len(after) not in (1, places.count):
        raise wrong_entry()
    positions = list(after) if len(after) == places.count else list(after) * places.count
    pages = yield Several([_ask_after(place, at, limit) for place, at in enumerate(positions)])
    found = [(id, place, fields) for place, page in enumerate(pages) for id, fields in page]
    if places.count > 1:
        found.sort(key=lambda entry: (_moment(entry[0]), entry[1]))
    events = []
    for entry in found[:limit]:
        positions[entry[1]] = entry[0]
        events.append(_as_event(entry, positions))
    return events


def _ask_after(place: int, at: str, limit: int) -> Ask:
    return Ask(lambda client, keys: client.xrange(keys.history, f"({at}", "+", limit), place=place)


def _as_event(found: Found, positions: Sequence[str]) -> dict[str, Any]:
    id, _, fields = found
    return {"id": ",".join(positions), **as_entry(id, fields)}


def wrong_entry() -> OptionError:
    """Return the error for what is not the id of an entry."""
    return OptionError("after: expected the id of an entry, such as 1763900005000-0", option="after")
