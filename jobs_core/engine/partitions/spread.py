"""Call commands of a partitioned board: those of several partitions in one round trip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from jobs_core.engine.commands import Call, Commands
from jobs_core.engine.outage import RETRY_PAUSE, Patience
from jobs_core.engine.partitions.delivery import deliver
from jobs_core.engine.partitions.lockstep import Lockstep
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.routes import route
from jobs_core.engine.partitions.shapes import PartCall, Route, accepted
from jobs_core.engine.together import Together
from jobs_core.errors import JobsError, ServerError


class Spread:
    """The partitions of a board, for callers who see one board.

    Args:
        parts: The commands of each partition.
        board: The commands of the board. Partitions that share its client are called over its connections, in
            one round trip.
    """

    def __init__(self, parts: Sequence[Commands], board: Commands) -> None:
        self.parts = tuple(parts)
        self._board = board
        self.places = Places(len(parts))

    def batch(self, calls: Iterable[Call]) -> list[Any]:
        """Call commands. The reply of a rejected command is its error."""
        return self.follow(Lockstep([route(self.places, name, args) for name, args in calls]))

    def stream(self, calls: Iterable[Call], size: int) -> Iterator[Any]:
        """Call any number of commands, and yield their replies in order, like `batch`.

        If one server has all partitions, it works on one chunk while the next one is written, unless the
        board is durable.
        """
        remaining = iter(calls)
        if any(part.client is not self._board.client or part.replicas for part in self.parts):
            while chunk := list(islice(remaining, size)):
                yield from self.batch(chunk)
            return
        with self._board.connection() as connection:
            waiting: _Chunk | None = None
            while chunk := list(islice(remaining, size)):
                sent = _Chunk(self, chunk)
                sent.send(connection)
                if waiting is None:
                    waiting = sent
                elif waiting.read(connection):  # nothing may be in flight while the library is loaded
                    sent.read(connection)
                    yield from (*waiting.finish(connection), *sent.finish(connection))
                    waiting = None
                else:
                    yield from waiting.finish(connection)
                    waiting = sent
            if waiting is not None:
                waiting.read(connection)
                yield from waiting.finish(connection)

    def place_of(self, part: Commands) -> int:
        """Return the number of a partition."""
        return self.parts.index(part)

    def run(self, one: Route) -> Any:
        """Follow a route. Returns its result, or raises its error."""
        return accepted(self.follow(Lockstep([one]))[0])

    def deliver(self, source: int, targets: Iterable[int]) -> None:
        """Take the messages of a partition to others. Raises the error of one that does not take them."""
        for result in self.follow(Lockstep([deliver(source, target) for target in targets])):
            accepted(result)

    def ask(self, calls: Sequence[PartCall]) -> list[Any]:
        """Call commands of partitions, and return whole replies. That of a rejected command is its error."""
        groups: dict[int, list[int]] = {}
        for number, (place, _) in enumerate(calls):
            groups.setdefault(id(self.parts[place].client), []).append(number)
        replies: list[Any] = [None] * len(calls)
        for numbers, found in zip(groups.values(), self._ask_groups(calls, groups.values()), strict=True):
            for number, reply in zip(numbers, found, strict=True):
                replies[number] = self.whole(calls[number], reply)
        return replies

    def _ask_groups(self, calls: Sequence[PartCall], groups: Iterable[list[int]]) -> list[list[Any]]:
        """Ask each server for its part. All of them work at the same time."""
        asked = [self._asked([calls[number] for number in numbers]) for numbers in groups]
        for one in asked:
            one.send()
        return [one.receive() for one in asked]

    def _asked(self, calls: Sequence[PartCall]) -> _Asked:
        first = self.parts[calls[0][0]]
        return _Asked(self._board if first.client is self._board.client else first, self.parts, calls)

    def follow(self, steps: Lockstep) -> list[Any]:
        """Take the steps that are left of routes, and return their results."""
        while steps.calls:
            try:
                replies = self.ask(steps.calls)
            except ServerError as error:
                steps.fail(error)
            else:
                steps.answer(replies)
        steps.raise_failure()
        return steps.results

    def whole(self, call: PartCall, reply: Any) -> Any:
        """Return the whole reply to a call: after a board file is applied, and with all of its parts."""
        place, (name, args) = call
        try:
            return self.parts[place].complete((name, args), reply)
        except JobsError as error:
            return error


class Sorted:
    """Calls of partitions that share connections, those of each partition side by side.

    `calls` has each with the commands of its partition.
    """

    def __init__(self, parts: Sequence[Commands], calls: Sequence[PartCall]) -> None:
        self._order = sorted(range(len(calls)), key=lambda number: calls[number][0])
        self.calls = [(parts[calls[number][0]], calls[number][1]) for number in self._order]

    def unsorted(self, replies: Sequence[Any]) -> list[Any]:
        """Return the replies in the order in which the calls were given."""
        found: list[Any] = [None] * len(replies)
        for number, reply in zip(self._order, replies, strict=True):
            found[number] = reply
        return found


class _Asked:
    """Calls of partitions over one connection. If it breaks, they are repeated if they may be."""

    def __init__(self, commands: Commands, parts: Sequence[Commands], calls: Sequence[PartCall]) -> None:
        self._commands = commands  # provides the connection
        self._sorted = Sorted(parts, calls)
        self._steps = self._exchange()
        self._problem: ServerError | None = None
        self._patience = Patience(commands.patience)  # from the start: to connect may take all of it

    def send(self) -> None:
        """Send the calls without waiting for their replies."""
        self._step()

    def receive(self) -> list[Any]:
        """Wait for the replies, in the order of the calls. Raises ServerError."""
        replies = None if self._problem else self._step()
        while replies is None:
            assert self._problem is not None
            if self._patience.is_over or not self._commands.may_repeat(self._plain, self._problem.__cause__):
                raise self._problem
            time.sleep(RETRY_PAUSE)
            self._problem, self._steps = None, self._exchange()
            self._step()
            replies = None if self._problem else self._step()
        return self._sorted.unsorted(replies)

    @property
    def _plain(self) -> list[Call]:
        return [call for _, call in self._sorted.calls]

    def _exchange(self) -> Iterator[list[Any]]:
        """Send the calls, and yield. Then yield the replies."""
        together = Together(self._sorted.calls)
        with self._commands.connection() as connection:
            together.send(connection)
            yield []
            replies = together.receive(connection)
        yield replies

    def _step(self) -> list[Any] | None:
        try:
            return next(self._steps)
        except ServerError as error:
            self._problem = error
            return None


class _Chunk:
    """Calls of a stream, whose first step is taken over a connection that other chunks use, too."""

    def __init__(self, spread: Spread, calls: Sequence[Call]) -> None:
        self._spread = spread
        self._steps = Lockstep([route(spread.places, name, args) for name, args in calls])
        self._sorted = Sorted(spread.parts, self._steps.calls)
        self._together = Together(self._sorted.calls)

    def send(self, connection: Any) -> None:
        """Send the calls without waiting for their replies."""
        self._together.send(connection)

    def read(self, connection: Any) -> bool:
        """Read the replies. Returns whether the server lacks the library."""
        return self._together.read(connection)

    def finish(self, connection: Any) -> list[Any]:
        """Return the results, after further steps if there are some."""
        replies = self._sorted.unsorted(self._together.finish(connection))
        pairs = zip(self._steps.calls, replies, strict=True)
        self._steps.answer([self._spread.whole(call, reply) for call, reply in pairs])
        return self._spread.follow(self._steps)
