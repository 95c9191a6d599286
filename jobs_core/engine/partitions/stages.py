"""Stage a board file in all partitions, and check what its jobs wait for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs_core.engine.partitions.cycles import MOST_SEARCHED, require_no_cycle
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.shapes import (
    Route,
    accepted,
    ask,
    ask_all,
    by_first_word,
    by_groups,
    grouped,
    in_order,
    text_at,
)

JOIN = ","
"""Between the stages of the partitions. Together they are one stage for those who see one board."""

_ALERT = "alert:"

_AT_ONCE = 500
"""Jobs whose parents are read in one step."""


def of_change(places: Places, id: str) -> int:
    """Return the partition of a change in a board file: of a job, or of `alert:` and the name of an alert."""
    return places.of_name(id.removeprefix(_ALERT)) if id.startswith(_ALERT) else places.of_job(id)


def split_stage(places: Places, text: str) -> Sequence[str]:
    """Return the stage of each partition. Without as many, the engine rejects the text."""
    found = text.split(JOIN)
    return found if len(found) == places.count else [text] * places.count


def stage(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Stage each change where it belongs (JSTAGE)."""
    stages = split_stage(places, text_at(args, 0))
    return _retold(by_groups(lambda args: 3, by_first_word(of_change))(places, name, args), stages)


def _retold(route: Route, stages: Sequence[str]) -> Route:
    """Follow a route whose calls begin with the stage of the board. Partitions get theirs instead."""
    replies: list[Any] | None = None
    while True:
        try:
            calls = next(route) if replies is None else route.send(replies)
        except StopIteration as end:
            return end.value
        replies = yield [(place, (name, (stages[place], *args[1:]))) for place, (name, args) in calls]


def begin(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Begin a stage in each partition."""
    return ask_all(places, name, args, JOIN.join)


def drop(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Drop the stage of each partition."""
    stages = split_stage(places, text_at(args, 1))
    replies = yield [(place, (name, ("drop", stages[place]))) for place in places.all]
    first, *_ = map(accepted, replies)
    return first


def check(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Check that a staged job does not wait for itself, in its partition or beyond."""
    stages, id = split_stage(places, text_at(args, 1)), text_at(args, 2)
    yield from _require_no_cycle(places, stages, id)
    place = places.of_job(id)
    return (yield from ask(place, name, ("check", stages[place], id)))


def _require_no_cycle(places: Places, stages: Sequence[str], id: str) -> Route:
    graph: dict[str, Sequence[str]] = {}
    unread = {id}

    def parents_of(ids: list[str]) -> tuple[str, tuple[str, ...]]:
        return "JAPPLY", ("parents", stages[places.of_job(ids[0])], *ids)

    while unread and len(graph) <= MOST_SEARCHED:
        ids = sorted(unread)[:_AT_ONCE]
        groups = yield from grouped(ids, places.of_job, parents_of)
        for one, text in zip(ids, in_order(groups, len(ids)), strict=True):
            graph[one] = text.split(",") if text else ()
        unread.update(parent for one in ids for parent in graph[one])
        unread -= graph.keys()
    require_no_cycle(id, graph)
