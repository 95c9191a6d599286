"""Choose which jobs to read next: a page of ids at a time, in the requested order.

Both clients share this code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jobs_core.client.glob import matcher
from jobs_core.client.merging import Sorted, merged
from jobs_core.client.steps import Ask, AskPlaces, Listing, Step, converted
from jobs_core.text import as_bytes

PAGE = 2000
"""Ids to read in one round trip. On a busy machine, a round trip costs more than the ids."""

OLDER = 50
"""Ids to read in one round trip from a server that also sends the payloads."""

FEWEST = 200
"""Ids to read in one round trip at least, if each partition has some."""

Due = tuple[tuple[float, bytes], str]
"""A job with a next run: the time and its id as bytes, by which they are sorted; and its id."""


Sending = Callable[[int, list[str]], Iterable[Step | list[str]]]
"""What follows a page of ids of a partition."""


def plan_ids(match: str | None, sort: str | None) -> Listing[str]:
    """Return the plan that reads ids in an order: `next`, `id` or None for no particular order."""
    if sort == "next":
        return _by_next(match)
    return _by_id(match) if sort == "id" else _scan(match, _plan_given)


def _plan_given(place: int, ids: list[str]) -> Iterable[Step | list[str]]:
    return (ids,)


def _scan(match: str | None, then: Sending) -> Listing[str]:
    """Scan the ids, and yield what `then` returns for each page. An id may repeat if the hash shrinks."""
    pattern = None if match is None else as_bytes(match)
    for place in (yield AskPlaces()).all:
        cursor: Any = 0
        while True:
            at = cursor
            cursor, page = yield Ask(
                lambda client, keys: client.hscan(keys.job, at, match=pattern, count=PAGE, no_values=True),  # noqa: B023
                lambda client, keys: client.hscan(keys.job, at, match=pattern, count=OLDER),  # noqa: B023
                place,
            )
            if page:
                yield from then(place, list(dict.fromkeys(page)))
            if int(cursor) == 0:
                break


def _by_id(match: str | None) -> Listing[str]:
    """Yield all ids, sorted, without duplicates."""
    found: set[str] = set()

    def hold(place: int, ids: list[str]) -> tuple[()]:
        found.update(ids)
        return ()

    yield from _scan(match, hold)
    yield sorted(found)


def _by_next(match: str | None) -> Listing[str]:
    """Yield the ids of jobs with a next run, soonest first, then the ids of the other jobs."""

    def without_next(place: int, ids: list[str]) -> Listing[str]:
        names = list(map(as_bytes, ids))
        times = yield Ask(lambda client, keys: client.zmscore(keys.schedule, names), place=place)
        yield [id for id, time in zip(ids, times, strict=True) if time is None]

    places = yield AskPlaces()
    size = max(FEWEST, PAGE // places.count)
    plans = [_plan_by_score(place, matcher(match), size) for place in places.all]
    yield from converted(merged(plans, lambda due: due[0]), lambda dues: [id for _, id in dues])
    yield from _scan(match, without_next)


def _plan_by_score(part: int, fits: Callable[[str], bool], size: int) -> Sorted[Due]:
    """Yield the jobs of a partition that have a next run in order, even if the schedule changes meanwhile.

    Many may have the same score, so a page begins at a score and skips members with that score. Each
    page must contain the last member of the page before, which proves that no member was missed. If some of
    the skipped members have gone, the page begins too late: go back and try again.
    """
    score, skip, back = "-inf", 0, size
    last = (float("-inf"), b"")
    while True:
        page = yield _ask_page(part, score, skip, size)
        found = [((due, as_bytes(id)), id) for id, due in page]
        if skip and (not found or found[0][0] > last):
            skip, back = max(0, skip - back), 2 * back
            continue
        yield [due for due in found if due[0] > last and fits(due[1])]
        if len(found) < size:
            return
        due = found[-1][0][0]
        same = sum(1 for place, _ in found if place[0] == due)
        skip = (skip if same == len(found) and float(score) == due else 0) + same - 1
        score, back = repr(due), size
        last = max(last, found[-1][0])


def _ask_page(part: int, score: str, skip: int, size: int) -> Ask:
    return Ask(
        lambda client, keys: client.zrange(
            keys.schedule, score, "+inf", byscore=True, offset=skip, num=size, withscores=True
        ),
        place=part,
    )
