"""Choose which jobs to read next: a page of ids at a time, in the requested order.

Both clients share this code. A plan is a generator: it yields commands and is sent their replies, and it
yields lists of ids.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from jobs_core.client.glob import matcher
from jobs_core.engine.commands import Call
from jobs_core.text import as_bytes

if TYPE_CHECKING:
    from jobs_core.engine.keys import Keys

PAGE = 2000
"""Ids to read in one round trip. On a busy machine, a round trip costs more than the ids."""

OLDER = 50
"""Ids to read in one round trip from a server that also sends the payloads."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A command to send: `call(client)`, or `older(client)` for a server that is too old for it."""

    call: Callable[[Any], Any]
    older: Callable[[Any], Any] | None = None

    def ask(self, client: Any) -> Any:
        """Send the command, and read its reply."""
        try:
            return self.call(client)
        except ResponseError as error:
            return self._fallback(error)(client)

    async def ask_async(self, client: Any) -> Any:
        """Do the same as `ask`, with an asyncio client."""
        try:
            return await self.call(client)
        except ResponseError as error:
            return await self._fallback(error)(client)

    def _fallback(self, error: ResponseError) -> Callable[[Any], Any]:
        """Return the call for an older server, if the error is a syntax error. Raises any other error."""
        if self.older is None or "syntax" not in str(error):
            raise error
        return self.older


Plan = Generator[Ask | Call | list[str], Any, None]
"""A generator that yields commands and is sent their replies, and that yields lists of ids."""


def plan_ids(keys: Keys, match: str | None, sort: str | None) -> Plan:
    """Return the plan that reads ids in an order: `next`, `id` or None for no particular order."""
    if sort == "next":
        return _by_next(keys, match)
    return _by_id(keys, match) if sort == "id" else _scan(keys, match, _plan_given)


def _plan_given(ids: list[str]) -> Iterable[Ask | Call | list[str]]:
    return (ids,)


def _scan(
    keys: Keys, match: str | None, then: Callable[[list[str]], Iterable[Ask | Call | list[str]]]
) -> Plan:
    """Scan the ids, and yield what `then` returns for each page. An id may repeat if the hash shrinks."""
    cursor: Any = 0
    pattern = None if match is None else as_bytes(match)
    while True:
        at = cursor
        cursor, page = yield Ask(
            lambda client: client.hscan(keys.job, at, match=pattern, count=PAGE, no_values=True),  # noqa: B023
            lambda client: client.hscan(keys.job, at, match=pattern, count=OLDER),  # noqa: B023
        )
        if page:
            yield from then(list(dict.fromkeys(page)))
        if int(cursor) == 0:
            return


def _by_id(keys: Keys, match: str | None) -> Plan:
    """Yield all ids, sorted, without duplicates."""
    found: set[str] = set()

    def hold(ids: list[str]) -> tuple[()]:
        found.update(ids)
        return ()

    yield from _scan(keys, match, hold)
    yield sorted(found)


def _by_next(keys: Keys, match: str | None) -> Plan:
    """Yield the ids of jobs with a next run, soonest first, then the ids of the other jobs."""

    def without_next(ids: list[str]) -> Plan:
        times = yield Ask(lambda client: client.zmscore(keys.schedule, list(map(as_bytes, ids))))
        yield [id for id, time in zip(ids, times, strict=True) if time is None]

    yield from _plan_by_score(keys.schedule, matcher(match))
    yield from _scan(keys, match, without_next)


def _plan_by_score(schedule: str, fits: Callable[[str], bool]) -> Plan:
    """Yield the members of a sorted set in order, even if it changes meanwhile.

    Many members may have the same score, so a page begins at a score and skips members with that score. Each
    page must contain the last member of the page before, which proves that no member was missed. If some of
    the skipped members have gone, the page begins too late: go back and try again.
    """
    score, skip, back = "-inf", 0, PAGE
    last = (float("-inf"), b"")
    while True:
        page = yield _ask_page(schedule, score, skip)
        found = [((due, as_bytes(id)), id) for id, due in page]
        if skip and (not found or found[0][0] > last):
            skip, back = max(0, skip - back), 2 * back
            continue
        yield [id for place, id in found if place > last and fits(id)]
        if len(found) < PAGE:
            return
        due = found[-1][0][0]
        same = sum(1 for place, _ in found if place[0] == due)
        skip = (skip if same == len(found) and float(score) == due else 0) + same - 1
        score, back = repr(due), PAGE
        last = max(last, found[-1][0])


def _ask_page(schedule: str, score: str, skip: int) -> Ask:
    return Ask(
        lambda client: client.zrange(
            schedule, score, "+inf", byscore=True, offset=skip, num=PAGE, withscores=True
        )
    )
