"""The shapes that routes of commands have: to one partition, to several, or to all of them.

A route splits a command among the partitions of a board, and combines their replies.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from jobs_core.engine.commands import Call
from jobs_core.engine.partitions.places import Places, is_number
from jobs_core.errors import JobsError

PartCall = tuple[int, Call]
"""The partition to call, and the call."""

Route = Generator[list[PartCall], list[Any], Any]
"""Yields calls, is sent their replies (of a rejected one, its error), and returns the whole reply.
Raises an error if the whole command is rejected."""

Rule = Callable[[Places, str, Sequence[Any]], Route]

Merge = Callable[[Sequence[Any]], Any]
"""Combines the replies of all partitions, in their order."""


def accepted(reply: Any) -> Any:
    """Return a reply. Raises it if it is an error."""
    if isinstance(reply, JobsError):
        raise reply
    return reply


def text_at(args: Sequence[Any], place: int) -> str:
    """Return an argument as text, or an empty text where there is none: the engine says what is missing."""
    return str(args[place]) if place < len(args) else ""


def option(args: Sequence[Any], first: int, name: str) -> str | None:
    """Return the value of an option among the pairs of name and value from a place on."""
    found = dict(zip(map(str, args[first::2]), args[first + 1 :: 2], strict=False))
    return None if name not in found else str(found[name])


def without_option(args: Sequence[Any], first: int, name: str) -> list[Any]:
    """Return the pairs of name and value from a place on, but for one option, as words."""
    pairs = (args[at : at + 2] for at in range(first, len(args), 2))
    return [word for pair in pairs if str(pair[0]) != name for word in pair]


def ask(place: int, name: str, args: Sequence[Any]) -> Route:
    """Call one partition."""
    (reply,) = yield [(place, (name, args))]
    return accepted(reply)


def ask_all(places: Places, name: str, args: Sequence[Any], merge: Merge) -> Route:
    """Call every partition with the same arguments."""
    replies = yield [(place, (name, args)) for place in places.all]
    return merge([accepted(reply) for reply in replies])


def by_job(at: int = 0) -> Rule:
    """The partition is that of a job, whose id is the argument at a place."""
    return lambda places, name, args: ask(places.of_job(text_at(args, at)), name, args)


def by_token(places: Places, name: str, args: Sequence[Any]) -> Route:
    """The partition is that of a token, the first argument."""
    return ask(places.of_token(text_at(args, 0)), name, args)


def by_all(merge: Merge) -> Rule:
    """Every partition has a part."""
    return lambda places, name, args: ask_all(places, name, args, merge)


def by_first(places: Places, name: str, args: Sequence[Any]) -> Route:
    """All partitions would answer the same."""
    return ask(0, name, args)


def grouped(
    items: Sequence[Any], place_of: Callable[[Any], int], call_of: Callable[[list[Any]], Call]
) -> Generator[list[PartCall], list[Any], list[tuple[list[int], Any]]]:
    """Call each partition with its items. Returns for each the numbers of its items, and its reply."""
    numbers: dict[int, list[int]] = {}
    for number, item in enumerate(items):
        numbers.setdefault(place_of(item), []).append(number)
    replies = yield [
        (place, call_of([items[number] for number in found])) for place, found in numbers.items()
    ]
    return list(zip(numbers.values(), replies, strict=True))


def in_order(groups: Iterable[tuple[Sequence[int], Any]], count: int) -> list[Any]:
    """Return the items of replies in the order of what was asked. Raises the error of a group."""
    found: list[Any] = [None] * count
    for numbers, reply in groups:
        for number, one in zip(numbers, accepted(reply), strict=True):
            found[number] = one
    return found


def split_at(args: Sequence[Any], mark: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """Split arguments before a mark, such as the dash between names and options."""
    at = next((place for place, word in enumerate(args) if word == mark), len(args))
    return args[:at], args[at:]


def by_ids(place_of: Callable[[Places, str], int], mark: str = "-") -> Rule:
    """Each of the ids, up to a mark, is in its partition. The reply has an item for each, in order."""

    def rule(places: Places, name: str, args: Sequence[Any]) -> Route:
        ids, rest = split_at(args, mark)
        if not ids:
            return (yield from ask(0, name, args))
        groups = yield from grouped(
            ids, lambda id: place_of(places, str(id)), lambda some: (name, (*some, *rest))
        )
        return in_order(groups, len(ids))

    return rule


def by_first_word(place_of: Callable[[Places, str], int]) -> Callable[[Places, Sequence[Any]], int]:
    """The partition of a group of words is that of the first one."""
    return lambda places, item: place_of(places, str(item[0]))


def words_of(args: Sequence[Any]) -> list[Sequence[Any]] | None:
    """Split groups of words, each after its number of words. Returns None if a number is wrong."""
    found, at = [], 0
    while at < len(args):
        number = args[at]
        if not isinstance(number, int):  # this client's are: there may be a million
            number = int(number) if is_number(str(number)) else 0
        if not 0 < number <= len(args) - at - 1:
            return None
        found.append(args[at + 1 : at + 1 + number])
        at += 1 + number
    return found


def by_groups(
    first: Callable[[Sequence[Any]], int], place_of: Callable[[Places, Sequence[Any]], int]
) -> Rule:
    """Groups of words, from a place on, are each for a partition.

    The reply has an item for each, which is the error of the whole call where there is one.
    """

    def rule(places: Places, name: str, args: Sequence[Any]) -> Route:
        head = args[: first(args)]
        items = words_of(args[len(head) :])
        if not items:
            return (yield from ask(0, name, args))
        return (yield from ask_for_groups(places, name, head, items, place_of))

    return rule


def ask_for_groups(
    places: Places,
    name: str,
    head: Sequence[Any],
    items: Sequence[Sequence[Any]],
    place_of: Callable[[Places, Sequence[Any]], int],
) -> Route:
    """Call a command with the same first words and, in each partition, the groups of words for it."""
    groups = yield from grouped(
        items,
        lambda item: place_of(places, item),
        lambda some: (name, (*head, *(word for item in some for word in (len(item), *item)))),
    )
    errors = [reply for _, reply in groups if isinstance(reply, JobsError)]
    if len(errors) == len(groups):
        raise errors[0]
    each = ((numbers, _for_each(reply, len(numbers))) for numbers, reply in groups)
    return in_order(each, len(items))


def _for_each(reply: Any, count: int) -> Any:
    return [reply] * count if isinstance(reply, JobsError) else reply


def paged(places: Places, name: str, before: Sequence[Any], cursor: str, after: Sequence[Any]) -> Route:
    """Read one partition after the other. A cursor that goes on begins with the partition, as in `3:0`."""
    place, mark, own = cursor.partition(":")
    is_ours = bool(mark) and is_number(place) and int(place) < places.count
    at = int(place) if is_ours else 0
    following, page = yield from ask(at, name, (*before, own if is_ours else cursor, *after))
    if following != "0":
        return [f"{at}:{following}", page]
    return [f"{at + 1}:0" if at + 1 < places.count else "0", page]
