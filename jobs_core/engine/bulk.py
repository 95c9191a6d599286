"""Bulk work: stream any number of items to Redis, several per call, and return the replies in order."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jobs_core.engine.commands import Call, Commands
from jobs_core.errors import AgainError, JobsError, OptionError

Group = Callable[[Iterable[Sequence[Any]]], Iterator[tuple[Call, list[Sequence[Any]]]]]
"""Groups the arguments of single items into calls. Yields each call with the items it contains."""

GROUP, GROUP_BYTES = 50, 262144
"""Maximum items in one call, and approximate maximum bytes, so that no script runs for long."""


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
    refused: dict[int, JobsError] = {}
    under_way: deque[list[Sequence[Any]]] = deque()

    def accepted() -> Iterator[Sequence[Any]]:
        for place, thing in enumerate(things):
            try:
                yield arguments(_as_mapping(thing))
            except JobsError as error:
                refused[place] = error

    def calls() -> Iterator[Call]:
        for call, stands_for in group(accepted()):
            under_way.append(stands_for)
            yield call

    place = 0
    for replies in commands.stream(calls(), at_once):
        stands_for = under_way.popleft()
        for one, reply in zip(stands_for, spread(replies, len(stands_for)), strict=True):
            while place in refused:
                yield refused.pop(place)
                place += 1
            found = _again(commands, group, one) if isinstance(reply, AgainError) else reply
            yield found if isinstance(found, JobsError) else read(found)
            place += 1
    while place in refused:
        yield refused.pop(place)
        place += 1


def _again(commands: Commands, group: Group, one: Sequence[Any]) -> Any:
    """Wait until a board file is applied, then call again for one item that was rejected because of it."""
    while True:
        commands.settle()
        ((call, _),) = group([one])
        (replies,) = commands.batch([call])
        (reply,) = spread(replies, 1)
        if not isinstance(reply, AgainError):
            return reply


def grouped(name: str, *first: str) -> Group:
    """Group items into calls that take several (JMSET, JMACK)."""

    def group(things: Iterable[Sequence[Any]]) -> Iterator[tuple[Call, list[Sequence[Any]]]]:
        words: list[Any] = [*first]
        stands_for: list[Sequence[Any]] = []
        size = 0
        for arguments in things:
            words += (len(arguments), *arguments)
            stands_for.append(arguments)
            size += sum(map(len, arguments))
            if len(stands_for) == GROUP or size > GROUP_BYTES:
                yield (name, words), stands_for
                words, stands_for, size = [*first], [], 0
        if stands_for:
            yield (name, words), stands_for

    return group


def spread(reply: Any, stands_for: int) -> list[Any]:
    """Return one reply for each item of a call. An error of the whole call applies to each item."""
    return reply if isinstance(reply, list) else [reply] * stands_for


def each(name: str) -> Group:
    """Make one call for each item."""
    return lambda things: (((name, arguments), [arguments]) for arguments in things)


def _as_mapping(thing: Mapping[str, Any] | str) -> Mapping[str, Any]:
    """Return a mapping, parsed from JSON if needed."""
    if isinstance(thing, str):
        try:
            thing = json.loads(thing)
        except ValueError as error:
            raise OptionError(f"expected a JSON object: {error}") from None
    if not isinstance(thing, Mapping):
        raise OptionError(f"expected a JSON object, got {type(thing).__name__}")
    return thing
