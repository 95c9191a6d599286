"""Merge what the partitions of a board have, each in order, into one list in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import chain
from typing import Any, TypeVar

from jobs_core.client.steps import Ask, Listing, Several

T = TypeVar("T")

Sorted = Generator[Ask | list[T], Any, None]
"""A plan that asks one partition, and yields lists of what it has found, all in ascending order."""


def merged(plans: Sequence[Sorted[T]], key: Callable[[T], Any]) -> Listing[T]:
    """Merge plans into one. Keys of different partitions are never equal, or their order does not matter."""
    if len(plans) == 1:
        yield from plans[0]
        return
    sources = [_Source(plan) for plan in plans]
    while True:
        yield from _refill(source for source in sources if not source.found)
        sources = [source for source in sources if source.found]
        if not sources:
            return
        # What a partition has not told yet comes after the last that it has told.
        horizon = min(key(source.found[-1]) for source in sources)
        yield sorted(chain.from_iterable(source.take(horizon, key) for source in sources), key=key)


class _Source:
    """A plan, and what it has found and has not been taken."""

    def __init__(self, plan: Sorted[Any]) -> None:
        self.found: list[Any] = []
        self.step: Ask | None = None
        """What it asks next, if it does not go on without the reply."""
        self._plan = plan

    def go_on(self, reply: Any = None) -> None:
        """Continue the plan until it asks something, has found something, or has ended."""
        self.step = None
        while not self.found:
            try:
                step = self._plan.send(reply)
            except StopIteration:
                return
            reply = None
            if isinstance(step, Ask):
                self.step = step
                return
            self.found = step

    def take(self, horizon: Any, key: Callable[[Any], Any]) -> list[Any]:
        """Take what is not beyond a key."""
        count = bisect_right(self.found, horizon, key=key)
        found, self.found = self.found[:count], self.found[count:]
        return found


def _refill(sources: Iterable[_Source]) -> Generator[Several, Any, None]:
    """Continue plans until each has found something, or has ended. They take their steps together."""
    asking = []
    for source in sources:
        source.go_on()
        asking.append(source)
    while asking := [source for source in asking if source.step]:
        replies = yield Several([source.step for source in asking if source.step])
        for source, reply in zip(asking, replies, strict=True):
            source.go_on(reply)
