"""How each command is split among the partitions of a board, and its replies combined.

Clients in other languages follow the same rules: see docs/reference/clients.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jobs_core.engine.partitions import merges
from jobs_core.engine.partitions.places import Places, is_number
from jobs_core.engine.partitions.shapes import (
    Route,
    Rule,
    accepted,
    ask,
    ask_all,
    by_all,
    by_first,
    by_groups,
    by_ids,
    by_job,
    by_token,
    grouped,
    in_order,
    option,
    paged,
    split_at,
    text_at,
)
from jobs_core.errors import JobsError


def route(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Return the route of a command."""
    return RULES[name](places, name, args)


def deliver(source: int, target: int) -> Route:
    """Take the messages of a partition to another one, until there are none left."""
    messages = yield from ask(source, "JOUTBOX", (target,))
    while messages:
        upto = yield from ask(target, "JINBOX", (source, *messages))
        messages = yield from ask(source, "JOUTBOX", (target, "upto", upto))


# Commands with rules of their own


def _cancel(places: Places, name: str, args: Sequence[Any]) -> Route:
    if text_at(args, 0) != "-":
        return ask(places.of_task(text_at(args, 0)), name, args)
    job = text_at(args, 3) if text_at(args, 2) == "job" else ""
    if job and not job.startswith("alert:"):
        return ask(places.of_job(job), name, args)
    return paged(places, name, ("-",), text_at(args, 1), args[2:])


def _tasks(places: Places, name: str, args: Sequence[Any]) -> Route:
    task, job = option(args, 1, "task"), option(args, 1, "job")
    if task is not None:
        return ask(places.of_task(task), name, args)
    if job is not None and not job.startswith("alert:"):
        return ask(places.of_job(job), name, args)
    return paged(places, name, (), text_at(args, 0), args[1:])


def _find(places: Places, name: str, args: Sequence[Any]) -> Route:
    return paged(places, name, (), text_at(args, 0), args[1:])


def _put_words(args: Sequence[Any]) -> int:
    """Return where the first job of a JMSET begins: after the mode, and who puts it."""
    at = 1
    while at + 1 < len(args) and args[at] in ("by", "because"):
        at += 2
    return at


def _push(places: Places, name: str, args: Sequence[Any]) -> Route:
    """A job is run where it is. A one-off task may be anywhere, but repeated ones have one place."""
    if len(args) % 2:
        return ask(places.of_job(text_at(args, 0)), name, args)
    key = option(args, 2, "idempotency-key")
    if key is not None:
        return ask(places.of_name(key), name, args)
    if option(args, 2, "unique-for") is not None:
        queue = option(args, 2, "queue") or text_at(args, 0)
        return ask(places.of_name("\n".join((text_at(args, 0), queue, text_at(args, 1)))), name, args)
    return ask(places.turn(), name, args)


def _pop(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Ask one partition after the other, until there are enough tasks."""
    number = text_at(args, 0)
    first = 1 + int(number) if is_number(number) else len(args)
    count = option(args, first, "count") or "1"
    if not (is_number(count) and int(count)):
        return (yield from ask(0, name, args))
    rest = [word for pair in _pairs_without(args, first, "count") for word in pair]
    found: list[Any] = []
    start = places.turn()
    for turn in places.all:
        words = (*args[:first], "count", int(count) - len(found), *rest)
        (reply,) = yield [((start + turn) % places.count, (name, words))]
        if isinstance(reply, JobsError) and found:
            break  # the tasks that are held already are not to be lost
        found += accepted(reply)
        if len(found) >= int(count):
            break
    return found


def _pairs_without(args: Sequence[Any], first: int, name: str) -> Iterable[tuple[Any, ...]]:
    pairs = (tuple(args[at : at + 2]) for at in range(first, len(args), 2))
    return (pair for pair in pairs if pair[0] != name)


def _beat(places: Places, name: str, args: Sequence[Any]) -> Route:
    tokens, rest = split_at(args[1:], "--")
    if not tokens:
        return (yield from ask(0, name, args))
    groups = yield from grouped(
        tokens, lambda token: places.of_token(str(token)), lambda some: (name, (args[0], *some, *rest))
    )
    return in_order(groups, len(tokens))


def _count_each(place_of: Callable[[Places, str], int], first: int) -> Rule:
    """Each of the ids is in its partition, and the reply says how many were concerned."""

    def rule(places: Places, name: str, args: Sequence[Any]) -> Route:
        head = args[:first]
        ids, rest = split_at(args[first:], "-")
        if not ids or (len(ids) > 1 and option(rest, 1, "if-match") is not None):
            return (yield from ask(0, name, args))
        groups = yield from grouped(
            ids, lambda id: place_of(places, str(id)), lambda some: (name, (*head, *some, *rest))
        )
        return sum(accepted(reply) for _, reply in groups)

    return rule


def _stats(places: Places, name: str, args: Sequence[Any]) -> Route:
    job = option(args, 0, "job")
    if job is not None:
        return ask(places.of_job(job), name, args)
    return ask_all(places, name, args, merges.sum_pairs)


def _top(places: Places, name: str, args: Sequence[Any]) -> Route:
    rows = option(args, 0, "rows") or "20"
    most = int(rows) if is_number(rows) else 20
    return ask_all(places, name, args, lambda replies: merges.top(replies, most))


def _next(places: Places, name: str, args: Sequence[Any]) -> Route:
    if text_at(args, 0) == "-":
        return ask(0, name, args)
    return ask(places.of_job(text_at(args, 0)), name, args)


def _changes(places: Places, name: str, args: Sequence[Any]) -> Route:
    job = option(args, 0, "job")
    if job is not None:
        return (yield from ask(places.of_job(job), name, args))
    count, before = option(args, 0, "count") or "100", option(args, 0, "before")
    cursors = merges.read_cursors(before, places.count)
    kept = [word for pair in _pairs_without(args, 0, "before") for word in pair]
    asked = [place for place in places.all if cursors[place] != merges.END]
    replies = yield [
        (place, (name, (*kept, *(("before", cursors[place]) if cursors[place] else ())))) for place in asked
    ]
    pages = {place: accepted(reply) for place, reply in zip(asked, replies, strict=True)}
    return merges.newest_changes(pages, cursors, int(count) if is_number(count) else 100)


def _trim(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Keep as many of the newest tasks in each partition as is its share of the queue."""
    queue, keep, limit = text_at(args, 0), text_at(args, 1), option(args, 2, "limit") or "1000"
    if not (is_number(keep) and is_number(limit) and int(limit)):
        return (yield from ask(0, name, args))
    counts = yield [(place, ("JCOUNT", ())) for place in places.all]
    lengths = [merges.pairs(accepted(reply)).get(f"queue:{queue}", 0) for reply in counts]
    shares = merges.shares(lengths, int(keep))
    each = -(-int(limit) // places.count)
    rest = [word for pair in _pairs_without(args, 2, "limit") for word in pair]
    full, dropped = list(places.all), 0
    while full and dropped < int(limit):
        replies = yield [(place, (name, (queue, shares[place], "limit", each, *rest))) for place in full]
        dropped += sum(accepted(reply) for reply in replies)
        full = [place for place, reply in zip(full, replies, strict=True) if reply == each]
    return dropped


def _zones(places: Places, name: str, args: Sequence[Any]) -> Route:
    if text_at(args, 0) != "refresh":
        merge = merges.largest if args else min
        return (yield from ask_all(places, name, args, merge))
    for place in places.all if text_at(args, 1) == "0" else ():
        cursor = "0"
        while (cursor := (yield from ask(place, name, ("refresh", cursor, *args[2:])))) != "0":
            pass
    return "0"


def _backfill(places: Places, name: str, args: Sequence[Any]) -> Route:
    subject = text_at(args, 1)
    is_start = text_at(args, 0) == "start"
    return ask(places.of_job(subject) if is_start else places.of_number(subject), name, args)


def _backfills(places: Places, name: str, args: Sequence[Any]) -> Route:
    if not args:
        return (yield from ask_all(places, name, args, merges.chain))
    groups = yield from grouped(args, lambda number: places.of_number(str(number)), lambda some: (name, some))
    return in_order(groups, len(args))


RULES: Mapping[str, Rule] = {
    "JACK": by_token,
    "JALERT": by_all(merges.first),
    "JALERTS": by_first,
    "JBACKFILL": _backfill,
    "JBACKFILLS": _backfills,
    "JBEAT": _beat,
    "JCANCEL": _cancel,
    "JCHANGES": _changes,
    "JCOUNT": by_all(merges.sum_pairs),
    "JDEAD": _count_each(Places.of_token, 1),
    "JDEL": _count_each(Places.of_job, 0),
    "JDUES": by_job(),
    "JEDIT": by_job(),
    "JFIND": _find,
    "JGAPS": by_all(merges.gaps),
    "JGET": by_ids(Places.of_job),
    "JHOURS": by_all(merges.hours),
    "JLABELS": by_all(merges.labels),
    "JLIMIT": by_all(merges.first),
    "JLOGS": by_ids(Places.of_task),
    "JMACK": by_groups(lambda args: 0, Places.of_token),
    "JMSET": by_groups(_put_words, Places.of_job),
    "JNEXT": _next,
    "JOUTPUT": by_token,
    "JPAUSE": by_job(),
    "JPERMIT": by_first,
    "JPOP": _pop,
    "JPUSH": _push,
    "JREGISTER": by_all(merges.largest),
    "JRESUME": by_job(),
    "JRETAIN": by_all(merges.first),
    "JRUNS": by_job(),
    "JSET": by_job(),
    "JSETNX": by_job(),
    "JSTATS": _stats,
    "JSUMMARY": by_ids(Places.of_job),
    "JTASKS": _tasks,
    "JTICK": by_all(merges.tick),
    "JTOP": _top,
    "JTRIM": _trim,
    "JWHEN": by_ids(Places.of_job),
    "JZONES": _zones,
}
"""The rule of each command."""
