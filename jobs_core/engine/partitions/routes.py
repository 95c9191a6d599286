"""How each command is split among the partitions of a board, and its replies combined.

Clients in other languages follow the same rules: see docs/reference/clients.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from jobs_core.engine.commands import Call
from jobs_core.engine.partitions import alerts, commits, merges, stages
from jobs_core.engine.partitions.delivery import flush, settle
from jobs_core.engine.partitions.links import when
from jobs_core.engine.partitions.places import Places, is_number
from jobs_core.engine.partitions.puts import FIRST_OPTION, put_one, put_several
from jobs_core.engine.partitions.shapes import (
    Route,
    Rule,
    accepted,
    ask,
    ask_all,
    by_all,
    by_first,
    by_first_word,
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
    without_option,
)
from jobs_core.errors import JobsError, OptionError


def route(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Return the route of a command."""
    return RULES[name](places, name, args)


# Commands with rules of their own


def _cancel(places: Places, name: str, args: Sequence[Any]) -> Route:
    if text_at(args, 0) != "-":
        return ask(places.of_task(text_at(args, 0)), name, args)
    job = text_at(args, 3) if text_at(args, 2) == "job" else ""
    if job and not job.startswith("alert:"):
        return ask(places.of_job(job), name, args)
    return paged(places, name, ("-",), text_at(args, 1), args[2:])


def _tasks(places: Places, name: str, args: Sequence[Any]) -> Route:
    found = places.of_tasks(option(args, 1, "task"), option(args, 1, "job"))
    if len(found) == 1:
        return ask(found[0], name, args)
    return paged(places, name, (), text_at(args, 0), args[1:])


def _find(places: Places, name: str, args: Sequence[Any]) -> Route:
    return paged(places, name, (), text_at(args, 0), args[1:])


_TRIES = 5
"""How often a push is tried: messages go to the home of a limit, to who has unused slots, and back."""


def _push_place(places: Places, args: Sequence[Any]) -> int:
    """A job is run where it is. A one-off task may be anywhere, but repeated ones have one place."""
    if len(args) % 2:
        return places.of_job(text_at(args, 0))
    key = option(args, 2, "idempotency-key")
    if key is not None:
        return places.of_name(key)
    if option(args, 2, "unique-for") is not None:
        queue = option(args, 2, "queue") or text_at(args, 0)
        return places.of_name("\n".join((text_at(args, 0), queue, text_at(args, 1))))
    return places.turn()


def _push(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Push. A partition that has no place in the queue asks for one: all may be lent to others."""
    place = _push_place(places, args)
    for _ in range(_TRIES):
        (reply,) = yield [(place, (name, args))]
        if not _is_full(reply):
            break
        yield from flush(places.all)
    return accepted(reply)


def _is_full(reply: Any) -> bool:
    """Whether an error says that a queue takes no more tasks."""
    return isinstance(reply, OptionError) and reply.option == "queue" and "max-length" in str(reply)


def _limit(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Set a limit at its home, and let all partitions know at once. If that fails, ticks do it."""
    home = places.of_name(f"{text_at(args, 0)}:{text_at(args, 1)}")
    reply = yield from ask(home, name, args)
    with suppress(JobsError):
        for sources in ((home,), places.all, (home,)):
            yield from flush(sources)
    return reply


def _pop(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Ask one partition after the other, until there are enough tasks.

    A partition may wait for slots of a limit that another one lends it: then ask again.
    """
    number = text_at(args, 0)
    first = 1 + int(number) if is_number(number) else len(args)
    count = option(args, first, "count") or "1"
    if first > len(args) or not (is_number(count) and int(count)):
        return (yield from ask(0, name, args))
    found: list[Any] = yield from _pop_round(places, (name, args), first, int(count))
    with suppress(JobsError):  # the tasks that are held already are not to be lost
        if len(found) < int(count) and (yield from settle(places)):
            found += yield from _pop_round(places, (name, args), first, int(count) - len(found))
    return found


def _pop_round(places: Places, call: Call, first: int, count: int) -> Route:
    """Ask each partition, in turn, for as many tasks as are missing. Options begin at `first`."""
    name, args = call
    found: list[Any] = []
    start, rest = places.turn(), without_option(args, first, "count")
    for turn in places.all:
        words = (*args[:first], "count", count - len(found), *rest)
        (reply,) = yield [((start + turn) % places.count, (name, words))]
        if isinstance(reply, JobsError) and found:
            break
        found += accepted(reply)
        if len(found) >= count:
            break
    return found


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


def _register(places: Places, name: str, args: Sequence[Any]) -> Route:
    """A worker reports to all partitions. What it runs counts in the first."""
    rest = [0 if at and args[at - 1] == "running" else word for at, word in enumerate(args)]
    replies = yield [(place, (name, rest if place else args)) for place in places.all]
    return max(accepted(reply) for reply in replies)


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
    kept = without_option(args, 0, "before")
    asked = [place for place in places.all if cursors[place] != merges.END]
    replies = yield [
        (place, (name, (*kept, *(("before", cursors[place]) if cursors[place] else ())))) for place in asked
    ]
    pages = {place: accepted(reply) for place, reply in zip(asked, replies, strict=True)}
    return merges.newest_changes(pages, cursors, int(count) if is_number(count) else 100)


def _tick(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Tick every partition, and take their messages to one another. What these made due is ticked, too."""
    moved = 0
    for _ in range(_TRIES):
        replies = yield [(place, (name, args)) for place in places.all]
        ticks = [accepted(reply) for reply in replies]
        n, *times = merges.tick(ticks)
        moved += n
        if not (any(targets for _, _, _, *targets in ticks) and (yield from settle(places))):
            break
    return [moved, *times]


def _trim(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Keep as many of the newest tasks in each partition as is its share of the queue."""
    queue, keep, limit = text_at(args, 0), text_at(args, 1), option(args, 2, "limit") or "1000"
    if not (is_number(keep) and is_number(limit) and int(limit)):
        return (yield from ask(0, name, args))
    counts = yield [(place, ("JCOUNT", ())) for place in places.all]
    lengths = [merges.pairs(accepted(reply)).get(f"queue:{queue}", 0) for reply in counts]
    shares = merges.shares(lengths, int(keep))
    each = -(-int(limit) // places.count)
    rest = without_option(args, 2, "limit")
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


_OF_TASKS = frozenset(("task", "history", "output", "printed", "tail"))
"""The kinds of items of a dump that belong to a task. The others belong to a job, or to the board."""


def _dump(places: Places, name: str, args: Sequence[Any]) -> Route:
    """Read one partition after the other, each for those of the ids that it has."""
    place, cursor, ids = text_at(args, 0), text_at(args, 1), args[2:]
    if place == "state":
        return (yield from ask_all(places, name, args, merges.states))
    if not ids:
        return (yield from paged(places, name, (place,), cursor, ()))
    place_of = {"outputs": places.of_task, "dues": places.of_number}.get(place, places.of_job)
    number, _, own = cursor.rpartition(":")
    at = int(number) if is_number(number) else 0
    having = sorted({place_of(str(id)) for id in ids} - set(range(at)))
    if not having:
        return ["0", []]
    at, own = having[0], own if having[0] == at else "0"
    some = [id for id in ids if place_of(str(id)) == at]
    following, items = yield from ask(at, name, (place, own, *some))
    if following != "0":
        return [f"{at}:{following}", items]
    return [f"{having[1]}:0" if len(having) > 1 else "0", items]


def _load(places: Places, name: str, args: Sequence[Any]) -> Route:
    if text_at(args, 0) != "add":
        return ask_all(places, name, args, min)
    return by_groups(lambda args: 2, _place_of_item)(places, name, args)


def _place_of_item(places: Places, item: Sequence[Any]) -> int:
    """Return the partition of an item of a dump. What belongs to the board is in the first."""
    kind, id = text_at(item, 1), text_at(item, 2)
    if not id:
        return 0
    return places.of_task(id) if kind in _OF_TASKS else places.of_job(id)


def _apply(places: Places, name: str, args: Sequence[Any]) -> Route:
    verb = text_at(args, 0)
    if verb == "roll":
        return ask_all(places, name, args, sum)
    return _APPLY_VERBS[verb](places, name, args) if verb in _APPLY_VERBS else ask(0, name, args)


_APPLY_VERBS: Mapping[str, Rule] = {
    "begin": stages.begin,
    "check": stages.check,
    "commit": commits.commit,
    "drop": stages.drop,
}

RULES: Mapping[str, Rule] = {
    "JACK": by_token,
    "JALERT": alerts.alert,
    "JALERTS": alerts.alerts,
    "JAPPLY": _apply,
    "JBACKFILL": _backfill,
    "JBACKFILLS": _backfills,
    "JBEAT": _beat,
    "JCANCEL": _cancel,
    "JCHANGES": _changes,
    "JCOUNT": by_all(merges.sum_pairs),
    "JDEAD": _count_each(Places.of_token, 1),
    "JDEL": _count_each(Places.of_job, 0),
    "JDUES": by_job(),
    "JDUMP": _dump,
    "JEDIT": put_one(1),
    "JFIND": _find,
    "JGAPS": by_all(merges.gaps),
    "JGET": by_ids(Places.of_job),
    "JHOURS": by_all(merges.hours),
    "JLABELS": by_all(merges.labels),
    "JLIMIT": _limit,
    "JLOAD": _load,
    "JLOGS": by_ids(Places.of_task),
    "JMACK": by_groups(lambda args: 0, by_first_word(Places.of_token)),
    "JMSET": put_several,
    "JNEXT": _next,
    "JOUTPUT": by_token,
    "JPAUSE": by_job(),
    "JPERMIT": by_first,
    "JPOP": _pop,
    "JPUSH": _push,
    "JREGISTER": _register,
    "JRESUME": by_job(),
    "JRETAIN": alerts.retain,
    "JRUNS": by_job(),
    "JSET": put_one(FIRST_OPTION),
    "JSETNX": put_one(FIRST_OPTION),
    "JSTAGE": stages.stage,
    "JSTATS": _stats,
    "JSUMMARY": by_ids(Places.of_job),
    "JTASKS": _tasks,
    "JTICK": _tick,
    "JTOP": _top,
    "JTRIM": _trim,
    "JWHEN": when,
    "JZONES": _zones,
}
"""The rule of each command."""
