"""Commit a board file to all partitions, or to none.

Each partition prepares its stage, and then neither reads nor changes jobs. What partition 0
decides holds for all. Whoever meets a prepared partition can go on where another client stopped: see
lua/japply.lua.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from jobs_core.engine.partitions.delivery import flush
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.shapes import PartCall, Route, accepted, ask, text_at
from jobs_core.engine.partitions.stages import split_stage
from jobs_core.errors import JobsError, ServerError, StaleError

SILENCE = 2000
"""For how many ms a commit may wait for its client to decide. Then others abort it."""


def commit(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Commit the stage of each partition (JAPPLY commit). Returns how many jobs and alerts change."""
    stages = split_stage(places, text_at(args, 1))
    commit = secrets.token_hex(8)
    yield from _close_earlier(places)
    calls: list[PartCall] = [
        (place, ("JAPPLY", ("prepare", stages[place], commit, *args[2:]))) for place in places.all
    ]
    try:
        # Partition 0 prepares alone, so that of two commits one waits for the other.
        changes = sum([*(yield from _ask_each(calls[:1])), *(yield from _ask_each(calls[1:]))])
        if not changes:
            raise StaleError("the stage no longer exists or is empty: begin again")
    except JobsError:
        yield from _abort(places, commit)
        raise
    try:
        yield from ask(0, "JAPPLY", ("settle", commit, "commit"))
    except StaleError:
        yield from _abort(places, commit)
        raise
    yield from _tell_others(places, commit)
    return changes


def settle(places: Places, place: int) -> Route:
    """Go on with a commit for which a partition waits. Returns False if its client may still be at it."""
    commit, _, _ = yield from ask(place, "JAPPLY", ("pending",))
    if not commit:
        return True
    prepared, waited, committed = yield from ask(0, "JAPPLY", ("pending",))
    if prepared == commit:
        if waited < SILENCE:
            return False
        yield from ask(0, "JAPPLY", ("settle", commit, "abort"))
    elif place:
        yield from ask(place, "JAPPLY", ("settle", commit, "commit" if committed == commit else "abort"))
    return True


def finish(places: Places) -> Route:
    """Put what was committed in place, everywhere."""
    unfinished = list(places.all)
    while unfinished:
        left = yield from _ask_each([(place, ("JAPPLY", ("roll",))) for place in unfinished])
        unfinished = [place for place, number in zip(unfinished, left, strict=True) if number]
    yield from flush(places.all)


def _close_earlier(places: Places) -> Route:
    """Finish a commit whose client was lost after it was decided."""
    _, _, committed = yield from ask(0, "JAPPLY", ("pending",))
    if committed:
        yield from _tell_others(places, committed)


def _tell_others(places: Places, commit: str) -> Route:
    """Tell the other partitions that partition 0 has committed."""
    yield from _ask_each([(place, ("JAPPLY", ("settle", commit, "commit"))) for place in places.all[1:]])
    yield from ask(0, "JAPPLY", ("close", commit))


def _abort(places: Places, commit: str) -> Route:
    """Abort a commit wherever that is possible now. Others abort it where it is not."""
    for place in places.all:
        try:
            yield [(place, ("JAPPLY", ("settle", commit, "abort")))]
        except ServerError:
            continue


def _ask_each(calls: list[PartCall]) -> Route:
    """Make calls, if there are any, and return their replies. Raises the first error among these."""
    return [accepted(reply) for reply in (yield calls)] if calls else []
