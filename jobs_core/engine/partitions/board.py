"""The commands of a board that may have partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self, TypeVar

import redis

from jobs_core import errors
from jobs_core.engine.commands import Call, Commands
from jobs_core.engine.keys import Keys
from jobs_core.engine.partitions import layout
from jobs_core.engine.partitions.spread import Spread

T = TypeVar("T")

Connect = Callable[[redis.Redis, Keys], redis.Redis]
"""Returns the client for a partition: the given one, or in a cluster one that finds the partition's node."""


class BoardCommands(Commands):
    """Calls the commands of one board, whether or not it has partitions, which its first call finds out.

    Args:
        client: The client of the board.
        keys: The keys of the board.
        connect: Returns the client for each partition. By default, all are on the client's server.
    """

    def __init__(
        self, client: redis.Redis, keys: Keys, connect: Connect = lambda client, keys: client
    ) -> None:
        super().__init__(client, keys)
        self._connect = connect
        self._spread: Spread | None = None
        self._parts: list[BoardCommands] = []
        self.is_known = False
        """Whether it is known if the board has partitions."""

    @property
    def spread(self) -> Spread | None:
        """The partitions of the board, or None. Raises ServerError if Redis cannot be reached."""
        if not self.is_known:
            with self.connection(prepared=False) as connection:
                count = layout.read_count(connection, self.keys)
            self._spread, self.is_known = self._spread_over(count) if count else None, True
        return self._spread

    @property
    def parts(self) -> Sequence[BoardCommands]:
        """The commands of each partition, or of the board itself, if it has none."""
        return (self,) if self.spread is None else self._parts

    def with_timeout(self, seconds: float | None = None, *, patience: float) -> Self:
        """Do what `Commands.with_timeout` does, for all partitions."""
        twin = super().with_timeout(seconds, patience=patience)
        if self._spread is not None:
            twin._spread = twin._spread_over(len(self._spread.parts))
        return twin

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Do what `Commands.batch` does."""
        return super().batch(calls) if self.spread is None else self.spread.batch(calls)

    def call(self, name: str, *args: Any) -> Any:
        """Do what `Commands.call` does."""
        if self.spread is None:
            return super().call(name, *args)
        (reply,) = self.spread.batch([(name, args)])
        return self.complete((name, args), reply)

    def complete(self, call: Call, reply: Any) -> Any:
        """Do what `Commands.complete` does. Replies of a partitioned board are whole."""
        if self.spread is None:
            return super().complete(call, reply)
        if isinstance(reply, errors.JobsError):
            raise reply
        return reply

    def stream(self, calls: Iterable[Call], size: int = 500) -> Iterator[Any]:
        """Do what `Commands.stream` does."""
        if self.spread is None:
            yield from super().stream(calls, size)
            return
        yield from self.spread.stream(calls, size)

    def finish_apply(self) -> None:
        """Do what `Commands.finish_apply` does, in all partitions."""
        if self.spread is None:
            super().finish_apply()
            return
        for part in self.spread.parts:
            part.finish_apply()

    def load(self) -> dict[str, str]:
        """Do what `Commands.load` does, in all partitions."""
        if self.spread is None:
            return super().load()
        first, *others = self.spread.parts
        shas = first.load()
        for part in others:
            part.load()
        return shas

    def require_role(self, name: str) -> None:
        """Do what `Commands.require_role` does, in all partitions."""
        if self.spread is None:
            super().require_role(name)
            return
        for part in self.spread.parts:
            part.require_role(name)

    def make_partitions(self, count: int) -> None:
        """Make the board one of so many partitions. Raises OptionError if it exists, and is another one."""
        layout.check_count(count)
        with self.connection() as connection:
            layout.require_free(connection, self.keys, count)
        for number, keys in enumerate(self.keys.partitions(count)):
            with self._part(keys).connection() as connection:
                layout.mark(connection, keys, layout.of_partition(number, count))
        with self.connection() as connection:
            layout.mark(connection, self.keys, layout.of_board(count))
        self.is_known = False

    def _spread_over(self, count: int) -> Spread:
        self._siblings.clear()
        self._parts = [self._part(keys) for keys in self.keys.partitions(count)]
        return Spread(self._parts, self)

    def _part(self, keys: Keys) -> BoardCommands:
        """Return the commands of a partition, on these connections if they lead to it."""
        client = self._connect(self.client, keys)
        part = BoardCommands(client, keys, self._connect)
        part._closed, part.patience = self._closed, self.patience
        part.has_connected = part.is_known = True
        if client is self.client:
            self._siblings.append(part)
        return part

    def _prepare(self, connection: Any) -> None:
        super()._prepare(connection)
        if self._siblings:
            denied = self._siblings[0].access.ask(connection)
            for part in self._siblings:
                part.access.denied = denied
