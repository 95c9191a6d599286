"""Take messages from one partition to another."""

from __future__ import annotations

from collections.abc import Iterable

from jobs_core.engine.partitions.lockstep import together
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.shapes import Route, accepted, ask

_ANSWERS = 3
"""How often to deliver in a row: a partition asks another one, which asks a third, and answers."""


def deliver(source: int, target: int, until: int | None = None) -> Route:
    """Take the messages of a partition to another one, until there are none left.

    Args:
        source: The number of the partition that has sent messages.
        target: The number of the other partition.
        until: The number of the latest message to deliver. By default there is no end as long as more come.
    """
    messages = yield from ask(source, "JOUTBOX", (target,))
    while messages:
        upto = yield from ask(target, "JINBOX", (source, *messages))
        messages = yield from ask(source, "JOUTBOX", (target, "upto", upto))
        if until is not None and int(upto) >= until:
            break


def flush(sources: Iterable[int]) -> Route:
    """Deliver the messages that partitions have now. Returns whether there were any."""
    if not (places := list(sources)):
        return False
    replies = yield [(place, ("JOUTBOX", ())) for place in places]
    found = [(place, accepted(reply)) for place, reply in zip(places, replies, strict=True)]
    yield from together(
        [
            deliver(place, int(target), int(latest))
            for place, pairs in found
            for target, latest in zip(pairs[::2], pairs[1::2], strict=True)
        ]
    )
    return any(pairs for _, pairs in found)


def settle(places: Places) -> Route:
    """Deliver messages, and what partitions answer to them. Returns whether there were any."""
    has_delivered = False
    for _ in range(_ANSWERS):
        if not (yield from flush(places.all)):
            break
        has_delivered = True
    return has_delivered
