"""Read jobs for `list` in both clients: in an order, in a state, a page at a time."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

from jobs_core.client.ids import plan_ids
from jobs_core.client.search import criteria, plan_found
from jobs_core.client.steps import Listing, lists, lists_async
from jobs_core.engine.commands import Call
from jobs_core.engine.partitions.board import BoardCommands
from jobs_core.engine.replies import as_job
from jobs_core.errors import OptionError
from jobs_core.options import JOB_SORTS, JOB_STATES
from jobs_core.runs import add_durations

if TYPE_CHECKING:
    from jobs_core.client.aio_commands import AsyncBoardCommands

T = TypeVar("T")

CHUNK = 200
"""Jobs to read in one round trip. JGET has no more in a reply, however small they are."""

FIRST = 50
"""Jobs to read in the first round trip, so that the first rows appear soon."""

ONLY_LAST = ("-", "only", "last")
"""What follows the ids of a JSUMMARY that tells only how the last run ended."""

BYTES = 1 << 18
"""Approximate maximum size of a reply. A round trip reads fewer jobs if their payloads are large."""


@dataclass(slots=True)
class Pace:
    """The number of jobs to read in the next round trip."""

    size: int = FIRST

    def note(self, reply: Sequence[str | None]) -> None:
        """Adapt to the size of the jobs in a reply."""
        characters = sum(len(text) for text in reply if text)
        self.size = max(1, min(CHUNK, BYTES * len(reply) // max(characters, 1)))

    def chunks(self, ids: Sequence[str]) -> Iterator[Sequence[str]]:
        """Divide a page of ids into round trips."""
        at = 0
        while at < len(ids):
            portion = ids[at : at + self.size]
            at += len(portion)
            yield portion


def read_jobs(
    commands: BoardCommands, plan: Listing[str], state: str | None, *, summary: bool = False
) -> Iterator[dict[str, Any]]:
    """Read the jobs of a plan for `Board.list`. Redis reads one page while the caller handles another."""
    commands.call("JCOUNT")  # waits until a committed board file is in place
    pace, asked = Pace(), deque[Call]()

    def calls() -> Iterator[Call]:
        for page in lists(plan, commands):
            for ids in pace.chunks(page):
                for call in calls_to_read(ids, summary):
                    asked.append(call)
                    yield call

    # A chunk is one or two calls, and the next one is sent before its replies are handled.
    replies = (commands.complete(asked.popleft(), reply) for reply in commands.stream(calls(), 1 + summary))
    for reply in replies:
        pace.note(reply)
        yield from chosen(reply, state, next(replies) if summary else None)


def calls_to_read(ids: Sequence[str], summary: bool) -> Sequence[Call]:
    """Return the calls that read jobs."""
    return (("JGET", ids), ("JSUMMARY", (*ids, *ONLY_LAST))) if summary else (("JGET", ids),)


async def read_jobs_async(
    commands: AsyncBoardCommands,
    plan: Listing[str],
    state: str | None,
    *,
    summary: bool = False,
) -> AsyncIterator[dict[str, Any]]:
    """Read the jobs of a plan for `AsyncBoard.list`."""
    await commands.call("JCOUNT")  # waits until a committed board file is in place
    pace = Pace()
    async for page in lists_async(plan, commands):
        for ids in pace.chunks(page):
            reply, *summaries = [
                await commands.call(name, *args) for name, args in calls_to_read(ids, summary)
            ]
            pace.note(reply)
            for job in chosen(reply, state, *summaries):
                yield job


def find_ids(commands: BoardCommands, plan: Listing[str]) -> Iterator[str]:
    """Read the ids of a plan for `Board.find`."""
    commands.call("JCOUNT")  # waits until a committed board file is in place
    for page in lists(plan, commands):
        yield from page


async def find_ids_async(commands: AsyncBoardCommands, plan: Listing[str]) -> AsyncIterator[str]:
    """Read the ids of a plan for `AsyncBoard.find`."""
    await commands.call("JCOUNT")  # waits until a committed board file is in place
    async for page in lists_async(plan, commands):
        for id in page:
            yield id


def plan_jobs(
    match: str | None, state: str | None, sort: str | None, filters: Mapping[str, Any]
) -> Listing[str]:
    """Return the plan for `list`. Raises OptionError for an unknown state or order, or an invalid filter.

    It may yield ids of jobs in another state: they are about to be read.
    """
    options = find_options(state, sort, filters)
    return plan_found(match, sort, options) if criteria(filters) else plan_ids(match, sort)


def plan_find(
    match: str | None, state: str | None, sort: str | None, filters: Mapping[str, Any]
) -> Listing[str]:
    """Return the plan for `find`. Raises the same errors as `plan_jobs`."""
    options = find_options(state, sort, filters)
    return plan_found(match, sort, options) if options else plan_ids(match, sort)


def find_options(state: str | None, sort: str | None, filters: Mapping[str, Any]) -> list[str]:
    """Return the options of JFIND."""
    for name, value, known in (("state", state, JOB_STATES), ("sort", sort, JOB_SORTS)):
        if value is not None and value not in known:
            raise OptionError(f"{name}: expected {', '.join(known)}, got {value!r}", option=name)
    return criteria({**filters, "state": state})


def chosen(
    reply: Sequence[str | None], state: str | None, summaries: Sequence[str | None] | None = None
) -> Iterator[dict[str, Any]]:
    """Return the jobs of a JGET reply that still exist and are in the state, if one is given.

    `summaries` is what JSUMMARY says about the same jobs.
    """
    for text, summary in zip(reply, repeat(None) if summaries is None else summaries, strict=False):
        if text is not None:
            job = as_job(text)
            if state is None or job["state"] == state:
                yield job if summaries is None else job | _summary(summary)


def _summary(text: str | None) -> dict[str, Any]:
    """Return what `list` shows of a job's runs."""
    found = json.loads(text) if text else {}
    last = {"last": add_durations(found["last"])} if "last" in found else {}
    known = {"last_done": found["last_done"]} if "last_done" in found else {}
    return last | {"failures": found.get("failures", 0)} | known
