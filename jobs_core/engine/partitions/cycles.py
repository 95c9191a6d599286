"""Find jobs that would wait for themselves through jobs of other partitions.

The engine does the same within a partition: see lua/define/dependencies.lua.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from jobs_core.engine.partitions.links import read_links
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.shapes import PartCall
from jobs_core.errors import OptionError

MOST_SEARCHED = 5000
"""Jobs visited in one search."""

_MOST_NAMED = 10
"""Jobs of a cycle that an error names."""

_TOO_LONG = f"after: expected a chain of at most {MOST_SEARCHED} jobs, got a longer one"

Parents = Mapping[str, Sequence[str]]
"""For each job, the jobs that it waits for."""


def parents_in(text: str | None) -> list[str]:
    """Return the ids in an option `after`. The engine rejects what is wrong with it."""
    return list(dict.fromkeys(filter(None, map(str.strip, (text or "").split(",")))))


def find_cycles(
    places: Places, changes: Parents
) -> Generator[list[PartCall], list[Any], dict[str, OptionError]]:
    """Return the errors of jobs that would wait for themselves, if all were put in this order.

    Args:
        places: The partitions.
        changes: For each job that is put, the jobs that it will wait for.
    """
    links = yield from read_links((places.of_job(id), id) for id in changes)
    known = {id: found.get("after", []) for (_, id), found in links.items()}
    awaited = {parent for parents in changes.values() for parent in parents}
    awaited |= {id for (_, id), found in links.items() if "followed_by" in found or "followed_in" in found}
    # Without a new parent, or a job that waits for it, a job is in no new cycle.
    suspects = [id for id in changes if id in awaited and not set(changes[id]) <= set(known[id])]
    if not suspects:
        return {}
    yield from _read_ancestors(places, known, changes, suspects)
    return _check_in_order(known, changes, frozenset(suspects))


def _read_ancestors(
    places: Places, known: dict[str, Sequence[str]], changes: Parents, suspects: Sequence[str]
) -> Generator[list[PartCall], list[Any], None]:
    """Add to `known` whatever jobs wait for, directly or not, as far as a search may look at it."""
    most = len(known) + len(suspects) * MOST_SEARCHED
    unread = {parent for id in changes for parent in (*changes[id], *known[id])} - known.keys()
    while unread and len(known) <= most:
        links = yield from read_links((places.of_job(id), id) for id in sorted(unread))
        known.update({id: found.get("after", []) for (_, id), found in links.items()})
        unread = {parent for _, id in links for parent in known[id]} - known.keys()


def _check_in_order(
    known: dict[str, Sequence[str]], changes: Parents, suspects: frozenset[str]
) -> dict[str, OptionError]:
    errors = {}
    for id, parents in changes.items():
        before, known[id] = known[id], parents
        try:
            if id in suspects:
                require_no_cycle(id, known)
        except OptionError as error:
            errors[id], known[id] = error, before
    return errors


def require_no_cycle(start: str, graph: Parents) -> None:
    """Raise OptionError if a job waits for itself. Searches in the order of the engine."""
    path, clear, searched = {start: iter(graph[start])}, set[str](), 1
    while path:
        id, parents = next(reversed(path.items()))
        parent = next(parents, None)
        if parent is None:
            clear.add(id)
            del path[id]
        elif parent == start:
            raise OptionError(_sentence([*path, start]), option="after")
        elif parent in path:
            return  # a cycle that this job only waits for
        elif parent not in clear:
            searched += 1
            if searched > MOST_SEARCHED or parent not in graph:
                raise OptionError(_TOO_LONG, option="after")
            path[parent] = iter(graph[parent])


def _sentence(cycle: Sequence[str]) -> str:
    named: Iterable[str] = cycle
    if len(cycle) > _MOST_NAMED:
        left_out = f"… ({len(cycle) - _MOST_NAMED} more) …"
        named = [*cycle[: _MOST_NAMED - 2], left_out, cycle[-1]]
    return f"after: expected no cycle, got {' after '.join(named)}"
