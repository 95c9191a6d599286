"""Put jobs that may wait for jobs of other partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs_core.engine.partitions.cycles import find_cycles, parents_in
from jobs_core.engine.partitions.delivery import flush
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.shapes import (
    Route,
    Rule,
    ask,
    ask_for_groups,
    by_first_word,
    option,
    text_at,
    words_of,
)

FIRST_OPTION = 3
"""Where the options of a job begin: after id, runner and payload."""


def put_one(first: int) -> Rule:
    """Put or edit one job, whose options begin at a place."""

    def rule(places: Places, name: str, args: Sequence[Any]) -> Route:
        id, parents = text_at(args, 0), parents_in(option(args, first, "after"))
        if not parents:
            return (yield from ask(places.of_job(id), name, args))
        for error in (yield from find_cycles(places, {id: parents})).values():
            raise error
        reply = yield from ask(places.of_job(id), name, args)
        yield from flush([places.of_job(id)])
        return reply

    return rule


def _first_job(args: Sequence[Any]) -> int:
    """Return where the first job of a JMSET begins: after the mode, and who puts it."""
    at = 1
    while at + 1 < len(args) and args[at] in ("by", "because"):
        at += 2
    return at


_of_job = by_first_word(Places.of_job)


def put_several(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Put several jobs, of which some may wait for others."""
    first = _first_job(args)
    head, jobs = args[:first], words_of(args[first:])
    if not jobs:
        return (yield from ask(0, name, args))
    after = [job for job in jobs if "after" in job]  # most have none, and this is quick
    changes = {text_at(job, 0): parents_in(option(job, FIRST_OPTION, "after")) for job in after}
    changes = {id: parents for id, parents in changes.items() if parents}
    if not changes:
        return (yield from ask_for_groups(places, name, head, jobs, _of_job))
    errors = yield from find_cycles(places, changes)
    accepted = [job for job in jobs if text_at(job, 0) not in errors]
    replies = (yield from ask_for_groups(places, name, head, accepted, _of_job)) if accepted else []
    yield from flush(sorted({places.of_job(id) for id in changes.keys() - errors.keys()}))
    following = iter(replies)
    return [errors.get(text_at(job, 0)) or next(following) for job in jobs]
