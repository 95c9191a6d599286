"""Bulk work: stream any number of items to Redis, several per call, and return the replies in order."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from jobs_core.engine.commands import Call, Commands
from jobs_core.errors import AgainError, JobsError, OptionError
from jobs_core.text import is_utf8, shorten
from jobs_core.values import value_type

Group = Callable[[Iterable[Sequence[Any]], int], Iterator[tuple[Call, list[Sequence[Any]]]]]
"""Groups arguments of single items into calls, for so many partitions. Yields each call with its items."""

GROUP, GROUP_BYTES = 50, 262144
"""Maximum items in one call, and approximate maximum bytes, so that no script runs for long."""

LONGEST_KEY = 40
"""Characters of a key that an error shows."""


def stream(
    commands: Commands,
    things: Iterable[Mapping[str, Any] | str],
    arguments: Callable[[Mapping[str, Any]], Sequence[Any]],
    group: Group,
    read: Callable[[Any], Any],
    at_once: int = 500,
) -> Iterator[Any]:
    """Stream any number of items to Redis, several per call, and yield a reply for each, in order.

    An item that is rejected before it reaches Redis yields its error. Redis works on `at_once` calls while
    the next ones are written.
    """
    width = len(commands.parts)
    refused: dict[int, JobsError] = {}
    pending: deque[list[Sequence[Any]]] = deque()

    def accepted() -> Iterator[Sequence[Any]]:
        for place, thing in enumerate(things):
            try:
                yield arguments(as_mapping(thing))
            except JobsError as error:
                refused[place] = error

    def calls() -> Iterator[Call]:
        for call, members in group(accepted(), width):
            pending.append(members)
            yield call

    place = 0
    for replies in commands.stream(calls(), max(1, at_once // width)):
        members = pending.popleft()
        for one, reply in zip(members, expand_reply(replies, len(members)), strict=True):
            while place in refused:
                yield refused.pop(place)
                place += 1
            found = _call_alone(commands, group, one) if isinstance(reply, AgainError) else reply
            yield found if isinstance(found, JobsError) else read(found)
            place += 1
    while place in refused:
        yield refused.pop(place)
        place += 1


def _call_alone(commands: Commands, group: Group, one: Sequence[Any]) -> Any:
    """Wait until a board file is applied, then call again for one item that was rejected because of it."""
    while True:
        commands.finish_apply()
        ((call, _),) = group([one], 1)
        (replies,) = commands.batch([call])
        (reply,) = expand_reply(replies, 1)
        if not isinstance(reply, AgainError):
            return reply


def group_calls(name: str, *first: str) -> Group:
    """Group items into calls that take several (JMSET, JMACK). Partitions split them later."""

    def group(things: Iterable[Sequence[Any]], width: int) -> Iterator[tuple[Call, list[Sequence[Any]]]]:
        words: list[Any] = [*first]
        members: list[Sequence[Any]] = []
        size = 0
        for arguments in things:
            words += (len(arguments), *arguments)
            members.append(arguments)
            size += sum(map(len, arguments))
            if len(members) == GROUP * width or size > GROUP_BYTES * width:
                yield (name, words), members
                words, members, size = [*first], [], 0
        if members:
            yield (name, words), members

    return group


def group_kinds(groups: Mapping[str, Group]) -> Group:
    """Group items of several kinds, in order. An item is its kind and the arguments for its group."""

    def group(things: Iterable[Sequence[Any]], width: int) -> Iterator[tuple[Call, list[Sequence[Any]]]]:
        for kind, some in groupby(things, itemgetter(0)):
            for call, members in groups[kind]((arguments for _, arguments in some), width):
                yield call, [(kind, arguments) for arguments in members]

    return group


def expand_reply(reply: Any, members: int) -> list[Any]:
    """Return one reply for each item of a call. An error of the whole call applies to each item."""
    return reply if isinstance(reply, list) else [reply] * members


def call_each(name: str) -> Group:
    """Make one call for each item."""
    return lambda things, width: (((name, arguments), [arguments]) for arguments in things)


def as_mapping(thing: Mapping[str, Any] | str) -> Mapping[str, Any]:
    """Return a mapping, parsed from JSON if needed. Raises OptionError."""
    if isinstance(thing, str):
        if not is_utf8(thing):
            raise OptionError("expected UTF-8, got other bytes")
        thing = _parse(thing)
    if not isinstance(thing, Mapping):
        raise OptionError(f"expected a JSON object, got {value_type(thing)}")
    return thing


def _parse(text: str) -> Any:
    """Parse JSON. A key that an object has twice is a mistake: Python would keep the last."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise OptionError("expected a JSON object, got values nested too deep") from None
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith("{"):
            raise OptionError("expected a JSON object, got other text") from None
        raise OptionError(
            f"expected a JSON object: the JSON is invalid at character {error.pos + 1}"
        ) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise OptionError(f"expected each key once in an object, got {shorten(twice, LONGEST_KEY)!r} twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates)
"""Made once: json.loads makes one for each text."""
