"""Route what concerns the whole board: alerts, and how much it keeps."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from jobs_core.engine.partitions.delivery import flush
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.shapes import (
    Route,
    accepted,
    ask,
    grouped,
    option,
    paged,
    split_at,
    text_at,
    without_option,
)
from jobs_core.errors import JobsError, UnconfirmedError

BOUNDS = 0
"""The partition in which is set how much the board keeps."""


def alert(places: Places, name: str, args: Sequence[Any]) -> Route:
    """An alert is put, removed and tested where its name says. The other partitions then hear of it."""
    if text_at(args, 0) == "remove":
        return (yield from _remove(places, name, args))
    home = places.of_name(text_at(args, 1))
    reply = yield from ask(home, name, args)
    if text_at(args, 0) == "put":
        yield from _tell_others([home])
    return reply


def _remove(places: Places, name: str, args: Sequence[Any]) -> Route:
    names, rest = split_at(args[1:], "-")
    if not names or (len(names) > 1 and option(rest, 1, "if-match") is not None):
        return (yield from ask(0, name, args))
    groups = yield from grouped(
        names, lambda one: places.of_name(str(one)), lambda some: (name, (args[0], *some, *rest))
    )
    number = sum(accepted(reply) for _, reply in groups)
    yield from _tell_others({places.of_name(str(one)) for one in names})
    return number


def retain(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Bounds are set in one partition. The others then hear of them."""
    reply = yield from ask(BOUNDS, name, args)
    if args:
        # A partition that stops being durable confirms that itself only when it is asked again.
        yield from _tell_others([BOUNDS], tries=3)
    return reply


def _tell_others(places: Collection[int], tries: int = 1) -> Route:
    """Deliver messages. Those that a partition does not take now are left to clocks."""
    for _ in range(tries):
        try:
            yield from flush(places)
        except UnconfirmedError:
            continue
        except JobsError:
            pass
        return


def alerts(places: Places, name: str, args: Sequence[Any]) -> Route:
    """All partitions know all alerts, each what it has open. The home of one has its payload, too."""
    names, options = split_at(args, "-")
    job = option(options, 1, "job")
    if option(options, 1, "open") is not None:
        return (yield from _open(places, name, names, options))
    place = None if job is None else places.of_job(job)
    of_all = (*names, *options[:1], *without_option(options, 1, "job"))
    replies = yield [(one, (name, args if one == place else of_all)) for one in places.all]
    known = [_by_name(accepted(reply)) for reply in replies]
    if names:
        return [_merged(places, str(one), known) for one in names]
    chosen = known[place] if place is not None else set().union(*known)
    found = (_merged(places, one, known) for one in sorted(chosen))
    return [text for text in found if text is not None]


def _open(places: Places, name: str, names: Sequence[Any], options: Sequence[Any]) -> Route:
    job = option(options, 1, "job")
    if job is not None:
        return ask(places.of_job(job), name, (*names, *options))
    rest = without_option(options, 1, "open")
    return paged(places, name, (*names, "-", *rest, "open"), option(options, 1, "open") or "", ())


def _by_name(texts: Iterable[str | None]) -> dict[str, dict[str, Any]]:
    return {found["name"]: found for found in map(json.loads, filter(None, texts))}


def _merged(places: Places, name: str, known: Sequence[Mapping[str, Mapping[str, Any]]]) -> str | None:
    """Return an alert as its home knows it, with what all partitions count. None if it has none."""
    found = known[places.of_name(name)].get(name)
    if found is None:
        return None
    return json.dumps({**found, "open": sum(part[name]["open"] for part in known if name in part)})
