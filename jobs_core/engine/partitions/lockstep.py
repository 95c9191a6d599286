"""Follow several routes at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs_core.engine.partitions.shapes import PartCall, Route, accepted
from jobs_core.errors import JobsError, ServerError


class Lockstep:
    """Several routes that take their steps together, so that all calls of a step share a round trip.

    `results` has the result of each, in order, once `calls` is empty: its reply, or the error that it raised.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.results: list[Any] = [None] * len(routes)
        self.calls: list[PartCall] = []
        self._failures: list[ServerError] = []
        self._waiting: list[tuple[int, Route, int]] = []  # place in the results, route, number of its calls
        for place, one in enumerate(routes):
            self._advance(place, one, None)

    def answer(self, replies: Sequence[Any]) -> None:
        """Take the replies to `calls`, and set these to the calls of the next step."""
        waiting, self._waiting, self.calls = self._waiting, [], []
        at = 0
        for place, one, number in waiting:
            self._advance(place, one, list(replies[at : at + number]))
            at += number

    def fail(self, error: ServerError) -> None:
        """Raise the error of a call inside the routes, in place of the replies to `calls`."""
        waiting, self._waiting, self.calls = self._waiting, [], []
        self._failures.append(error)
        for place, one, _ in waiting:
            self._advance(place, one, error)

    def raise_failure(self) -> None:
        """Raise an error of `fail` that a route has not handled."""
        for error in self._failures:
            if any(result is error for result in self.results):
                raise error

    def _advance(self, place: int, one: Route, replies: list[Any] | ServerError | None) -> None:
        try:
            if isinstance(replies, ServerError):
                calls = one.throw(replies)
            else:
                calls = next(one) if replies is None else one.send(replies)
        except StopIteration as end:
            self.results[place] = end.value
        except JobsError as error:
            self.results[place] = error
        else:
            self.calls += calls
            self._waiting.append((place, one, len(calls)))


def together(routes: Sequence[Route]) -> Route:
    """Follow routes at once. Returns the result of each, in order. Raises the first error of one."""
    steps = Lockstep(routes)
    while steps.calls:
        steps.answer((yield steps.calls))
    return [accepted(result) for result in steps.results]
