"""Read which jobs wait for which, whatever partitions they are in."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.shapes import PartCall, Route, accepted, by_ids
from jobs_core.text import as_bytes

Links = dict[tuple[int, str], dict[str, Any]]
"""What partitions know of jobs: `exists`, `after`, `followed_by` and `followed_in`."""

_CHUNK = 50
"""Jobs that one call asks for."""

_MOST_CHILDREN = 100
"""Jobs in `followed_by`."""


def read_links(asked: Iterable[tuple[int, str]]) -> Generator[list[PartCall], list[Any], Links]:
    """Ask partitions for what they know of jobs: for each pair of a partition and an id."""
    by_place: dict[int, dict[str, None]] = {}
    for place, id in asked:
        by_place.setdefault(place, {})[id] = None
    chunks = [
        (place, list(ids)[at : at + _CHUNK])
        for place, ids in by_place.items()
        for at in range(0, len(ids), _CHUNK)
    ]
    if not chunks:
        return {}
    replies = yield [(place, ("JWHEN", (*ids, "-", "only", "links"))) for place, ids in chunks]
    return {
        (place, id): json.loads(text)
        for (place, ids), reply in zip(chunks, replies, strict=True)
        for id, text in zip(ids, accepted(reply), strict=True)
    }


def when(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Complete what the partition of each job knows with what the others know."""
    replies = yield from by_ids(Places.of_job)(places, name, args)
    found = [text and json.loads(text) for text in replies]
    links = yield from read_links(pair for job in found if job for pair in _others(places, job))
    return [job and json.dumps(_completed(places, job, links), ensure_ascii=False) for job in found]


def _others(places: Places, job: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Return which partitions know more of a job: those of its parents, and of jobs that wait for it."""
    own = places.of_job(job["id"])
    parents = [(places.of_job(parent), parent) for parent in job.get("after", ())]
    return [
        *((place, parent) for place, parent in parents if place != own),
        *((place, job["id"]) for place in job.get("followed_in", ())),
    ]


def _completed(places: Places, job: Mapping[str, Any], links: Links) -> dict[str, Any]:
    found = dict(job)
    missing = {*job.get("missing", ()), *_missing_elsewhere(places, job, links)}
    children = [*job.get("followed_by", ())]
    for place in found.pop("followed_in", ()):
        children += links[place, job["id"]].get("followed_by", ())
    if missing:
        found["missing"] = [parent for parent in job["after"] if parent in missing]
    if children:
        found["followed_by"] = sorted(children, key=as_bytes)[:_MOST_CHILDREN]
    return found


def _missing_elsewhere(places: Places, job: Mapping[str, Any], links: Links) -> Iterable[str]:
    for parent in job.get("after", ()):
        known = links.get((places.of_job(parent), parent), {})
        if known.get("exists") is False:
            yield parent
