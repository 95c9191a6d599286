"""Which commands read a page of jobs, tasks, changes, entries of the history or lines of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from jobs_core.changes import Change, as_changes, changes_arguments
from jobs_core.client import history
from jobs_core.client.listing import Pace, calls_to_read, chosen, find_options
from jobs_core.client.output import PAGE, Reading
from jobs_core.client.paging import (
    JobPage,
    ListPage,
    check_limit,
    format_cursor,
    is_entry_id,
    read_cursor,
    wrong_cursor,
)
from jobs_core.client.steps import Ask, AskPlaces, Paging, take
from jobs_core.engine.calls import TASK_FILTERS
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.replies import as_entry, as_listed, entry_filter
from jobs_core.options import Time, to_pairs

SEARCHES = 10
"""Calls for one page at most, and one for each partition: a search that matches few of a million items
continues with the next page."""


def plan_jobs_page(
    cursor: str | None, limit: int, state: str | None, summary: bool, filters: Mapping[str, Any]
) -> Paging[JobPage]:
    """Return the plan for a page of jobs. Raises OptionError if an argument is invalid.

    JFIND finds a few jobs more than asked for. The cursor has their ids, since Redis scans a hash in steps
    that cannot be cut: what a second look at the same step yields may differ.
    """
    at, ids = ("0", []) if cursor is None else read_cursor("jobs", cursor, str | None, list)
    if not all(isinstance(id, str) for id in ids):
        raise wrong_cursor()
    options = find_options(state, None, filters)
    return _read_jobs(at, ids, check_limit(limit), state, summary, options)


def _read_jobs(
    at: str | None, ids: list[str], limit: int, state: str | None, summary: bool, options: list[str]
) -> Paging[JobPage]:
    for _ in range((yield from _searches())):
        if at is None or len(ids) >= limit:
            break
        at, found = yield ("JFIND", [at, *options, "count", limit - len(ids)])
        at, ids = None if at == "0" else at, list(dict.fromkeys([*ids, *found]))
    ids, rest = ids[:limit], ids[limit:]
    jobs: list[dict[str, Any]] = []
    pace = Pace()
    for some in pace.chunks(ids):
        replies = []
        for call in calls_to_read(some, summary):
            replies.append((yield call))
        pace.note(replies[0])
        jobs += chosen(replies[0], state, *replies[1:])
    return JobPage(jobs, format_cursor("jobs", at, rest) if at is not None or rest else None)


def _searches() -> Paging[int]:
    """Return how many calls a page may take. Partitions may be empty, and are read one after the other."""
    places: Places = yield AskPlaces()
    return SEARCHES + places.count - 1


def plan_tasks_page(
    cursor: str | None, limit: int, state: str | None, filters: Mapping[str, Any]
) -> Paging[ListPage]:
    """Return the plan for a page of tasks. Raises OptionError if an argument is invalid."""
    at, skip = ("0", 0) if cursor is None else read_cursor("tasks", cursor, str, int)
    if skip < 0:
        raise wrong_cursor()
    pairs = to_pairs({"state": state, **filters}, TASK_FILTERS)
    return _read_tasks(at, skip, check_limit(limit), pairs)


def _read_tasks(at: str, skip: int, limit: int, pairs: list[str]) -> Paging[ListPage]:
    """Read tasks from a cursor of JTASKS on, without the first `skip` of its reply."""
    tasks: list[dict[str, Any]] = []
    for _ in range((yield from _searches())):
        following, listed = yield ("JTASKS", [at, *pairs])
        found = [as_listed(text) for text in listed[skip:]]
        room = limit - len(tasks)
        tasks += found[:room]
        if len(found) > room:
            return ListPage(tasks, format_cursor("tasks", at, skip + room))
        at, skip = following, 0
        if at == "0":
            return ListPage(tasks, None)
        if len(tasks) == limit:
            break
    return ListPage(tasks, format_cursor("tasks", at, 0))


def plan_changes_page(
    cursor: str | None, limit: int, job: str | None, from_: Time | None, to: Time | None, payload: bool
) -> Paging[ListPage]:
    """Return the plan for a page of changes. Raises OptionError if an argument is invalid."""
    at = None if cursor is None else read_cursor("changes", cursor, str)[0]
    return _read_changes(partial(changes_arguments, job, from_, to, payload), at, check_limit(limit))


def _read_changes(arguments: Callable[..., Sequence[Any]], at: str | None, limit: int) -> Paging[ListPage]:
    """Read changes, and one more: so the last page is known to be the last."""
    places = yield AskPlaces()
    found: list[Change] = []
    for _ in range(SEARCHES):
        end = at
        at, some = as_changes((yield ("JCHANGES", arguments(at, limit + 1 - len(found)))))
        if len(found) + len(some) > limit and places.count > 1:
            # The cursor says where each partition goes on, so only one that has been read is known.
            at, some = as_changes((yield ("JCHANGES", arguments(end, limit - len(found)))))
            return ListPage([*found, *some], None if at is None else format_cursor("changes", at))
        found += some
        if len(found) > limit:
            return ListPage(found[:limit], format_cursor("changes", found[limit - 1].id))
        if at is None:
            return ListPage(found, None)
    return ListPage(found, format_cursor("changes", at))


def plan_history_page(cursor: str | None, limit: int, task: str | None, job: str | None) -> Paging[ListPage]:
    """Return the plan for a page of the history. Raises OptionError if an argument is invalid."""
    last: history.Position | None = None
    if cursor is not None:
        place, _, id = read_cursor("history", cursor, str)[0].rpartition(":")
        if not is_entry_id(id) or (place and not place.isdecimal()):
            raise wrong_cursor()
        last = id, int(place or 0)
    return _read_history(last, check_limit(limit), task, job)


def _read_history(
    last: history.Position | None, limit: int, task: str | None, job: str | None
) -> Paging[ListPage]:
    found: list[dict[str, Any]] = []
    fits = entry_filter(task, job, None)
    looked = 0

    def use(entries: list[history.Found]) -> bool:
        nonlocal last, looked
        looked += len(entries)
        for id, place, fields in entries:
            last = id, place
            entry = as_entry(id, fields)
            if fits(entry):
                found.append(entry)
            if len(found) == limit:
                return True
        return looked >= SEARCHES * PAGE

    has_more = yield from take(history.plan_back(task, job, last, PAGE), use)
    return ListPage(found, _format_position(*last) if has_more and last else None)


def _format_position(id: str, place: int) -> str:
    return format_cursor("history", f"{place}:{id}" if place else id)


def plan_events(after: str | None, limit: int) -> Paging[list[dict[str, Any]]]:
    """Return the plan for the entries of the history after one, oldest first; without one, for the newest.

    Raises OptionError if an argument is invalid.
    """
    if after is None:
        check_limit(limit)
        return history.read_newest()
    positions = after.split(",") if isinstance(after, str) else [after]
    if not all(map(is_entry_id, positions)):
        raise history.wrong_entry()
    return history.read_after(positions, check_limit(limit))


def plan_output_page(board: str, task: str, cursor: str | None) -> Paging[ListPage]:
    """Return the plan for the next lines that a task printed. Raises OptionError for an invalid cursor."""
    reading = Reading(board, task, follow=True)
    if cursor is not None:
        last, number, has_ended = read_cursor("output", cursor, str, int, bool)
        if last != "0" and not is_entry_id(last):
            raise wrong_cursor()
        reading.resume(last, number, has_ended)
    return _read_output(task, reading)


def _read_output(task: str, reading: Reading) -> Paging[ListPage]:
    places = yield AskPlaces()
    found = yield Ask(
        lambda client, keys: client.xread({keys.output(task): reading.last}, count=PAGE),
        place=places.of_task(task),
    )
    entries = reading.take(found)
    return ListPage(entries, None if reading.is_over else format_cursor("output", *reading.position))
