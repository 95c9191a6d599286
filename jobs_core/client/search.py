"""Find jobs by labels and by how they stand, for both clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypedDict

from jobs_core.client.glob import matcher
from jobs_core.client.ids import PAGE
from jobs_core.client.steps import Ask, AskPlaces, Listing, Paging, Several
from jobs_core.engine.keys import Keys
from jobs_core.options import Labels, Time, to_pairs
from jobs_core.text import as_bytes


class JobFilters(TypedDict, total=False):
    """Filters for jobs. A job must meet all of them. False and None filter nothing.

    `label` is `"team=payments"`, a list of these or a mapping: the job has all of these labels. `failing` is
    True, or how many times in a row the job has failed at least. `late` means that a run is overdue by more
    than 5 seconds: it is not queued yet, or it waits for its first attempt. `running` means that a worker
    holds a task of the job. `runner` is a name. `text` is a part of the id, the description or a label.
    `now` is the current time, for tests.
    """

    label: Labels | None
    failing: bool | int | None
    late: bool | None
    running: bool | None
    paused: bool | None
    runner: str | None
    text: str | None
    now: Time | None


FILTERS = frozenset(("label", "failing", "late", "running", "paused", "runner", "text", "state"))
_SWITCHES = frozenset(("failing", "late", "running", "paused"))


def criteria(filters: Mapping[str, Any]) -> list[str]:
    """Return the options of a JFIND, or none if nothing is filtered.

    Raises:
        OptionError: A filter is unknown, or its value is invalid.
    """
    given = {name: value for name, value in filters.items() if not (name in _SWITCHES and value is False)}
    found = to_pairs(given, FILTERS)
    return found if any(name != "now" for name in found[::2]) else []


def plan_found(match: str | None, sort: str | None, options: list[str]) -> Listing[str]:
    """Return the plan that reads the ids of the jobs that JFIND finds: each once, in an order."""
    seen: dict[str, None] = {}
    fits = matcher(match)
    cursor = "0"
    while True:
        cursor, page = yield ("JFIND", [cursor, *options])
        new = [id for id in dict.fromkeys(page) if id not in seen and fits(id)]
        seen |= dict.fromkeys(new)
        if sort is None:
            yield new
        if cursor == "0":
            break
    if sort == "id":
        yield sorted(seen)
    elif sort == "next":
        yield from _by_next(list(seen))


def _by_next(ids: list[str]) -> Listing[str]:
    """Yield these ids, the soonest run first, then those without a next run."""
    times: dict[str, float | None] = {}
    for first in range(0, len(ids), PAGE):
        times |= yield from _read_times(ids[first : first + PAGE])
    yield sorted(ids, key=lambda id: (times[id] is None, times[id] or 0, as_bytes(id)))


def _read_times(ids: Sequence[str]) -> Paging[dict[str, float | None]]:
    places = yield AskPlaces()
    shares: dict[int, list[str]] = defaultdict(list)
    for id in ids:
        shares[places.of_job(id)].append(id)
    asks = [Ask(partial(_ask_times, list(map(as_bytes, some))), place=n) for n, some in shares.items()]
    replies = yield Several(asks)
    return {
        id: time
        for some, times in zip(shares.values(), replies, strict=True)
        for id, time in zip(some, times, strict=True)
    }


def _ask_times(ids: list[bytes], client: Any, keys: Keys) -> Any:
    return client.zmscore(keys.schedule, ids)
