"""The commands of a board that may have partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Self, TypeVar

import redis

from jobs_core import errors
from jobs_core.engine.commands import Call, Commands, translated
from jobs_core.engine.keys import Keys
from jobs_core.engine.partitions import commits, layout
from jobs_core.engine.partitions.places import ONE, Places
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
        self._whole: BoardCommands | None = None
        """The board of a partition that shares its client."""
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

    @property
    def places(self) -> Places:
        """Which partition has what."""
        return ONE if self.spread is None else self.spread.places

    def part_of_task(self, task: str) -> BoardCommands:
        """Return the commands of the partition that has a task."""
        return self.parts[self.places.of_task(task)]

    @property
    def blocking(self) -> redis.Redis:
        """Do what `Commands.blocking` does. Partitions that share a client also share this one."""
        return super().blocking if self._whole is None else self._whole.blocking

    def recheck(self) -> None:
        """Do what `Commands.recheck` does. A partition that shares a client is looked at with its board."""
        super().recheck()
        if self._whole is not None:
            self._whole.recheck()

    def close(self) -> None:
        """Do what `Commands.close` does, and close the clients of partitions on other nodes."""
        super().close()
        for part in self._parts:
            if part.client is not self.client:
                part.close()
                part.client.close()

    def gather(self, asked: Sequence[tuple[int, Callable[[Any, Keys], T]]]) -> list[T]:
        """Do what `Commands.gather` does. Partitions that share a client are read in one round trip."""
        if len(asked) <= 1:
            return super().gather(asked)
        groups: dict[int, list[int]] = {}
        for number, (place, _) in enumerate(asked):
            groups.setdefault(id(self.parts[place].client), []).append(number)
        found: dict[int, T] = {}
        for numbers in groups.values():
            found |= zip(numbers, self._read_together([asked[number] for number in numbers]), strict=True)
        return [found[number] for number in range(len(asked))]

    def _read_together(self, asked: Sequence[tuple[int, Callable[[Any, Keys], T]]]) -> list[T]:
        def send(client: redis.Redis) -> list[T]:
            pipe = client.pipeline(transaction=False)
            for place, read in asked:
                read(pipe, self.parts[place].keys)
            return pipe.execute()

        first = self.parts[asked[0][0]]
        return (self if first.client is self.client else first).read(send)

    def with_timeout(self, seconds: float | None = None, *, patience: float) -> Self:
        """Do what `Commands.with_timeout` does, for all partitions."""
        twin = super().with_timeout(seconds, patience=patience)
        if self._spread is not None:
            twin._spread = twin._spread_over(len(self._spread.parts))
        return twin

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Do what `Commands.batch` does."""
        if self.spread is not None:
            return self.spread.batch(calls)
        replies = super().batch(calls)
        if any(isinstance(reply, errors.LayoutError) for reply in replies):
            self.is_known = False  # somebody may have made the partitions since: look again at the next call
        return replies

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
        try:
            self.spread.run(commits.finish(self.spread.places))
        except errors.DeniedError:  # each waits for somebody else
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

    def require_layout(self) -> None:
        """Do what `Commands.require_layout` does. Partitions are found only on a board of this version."""
        if self.spread is None:
            super().require_layout()

    def require_role(self, name: str) -> None:
        """Do what `Commands.require_role` does, in all partitions."""
        if self.spread is None:
            super().require_role(name)
            return
        for part in self.spread.parts:
            part.require_role(name)

    def find_first(self) -> str | None:
        """Return the layout of the first partition, also if the board does not say that it has any.

        Returns None if there is none, or if this user may not read it.
        """
        (keys,) = self.keys.partitions(1)
        client = self._connect(self.client, keys)
        try:
            with translated(self.server):
                found: Any = client.get(keys.layout)
                return None if found is None else str(found)
        except errors.DeniedError:
            return None
        finally:
            if client is not self.client:
                client.close()

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
        spread = Spread(self._parts, self)
        for place, part in enumerate(self._parts):
            part.settle_commit = partial(_settle, spread, place)
        return spread

    def _part(self, keys: Keys) -> BoardCommands:
        """Return the commands of a partition, on these connections if they lead to it."""
        client = self._connect(self.client, keys)
        part = BoardCommands(client, keys, self._connect)
        part._closed, part.patience = self._closed, self.patience
        part.has_connected = part.is_known = True
        if client is self.client:
            part._whole = self
            self._siblings.append(part)
        return part

    def _prepare(self, connection: Any) -> None:
        super()._prepare(connection)
        if self._siblings:
            denied = self._siblings[0].access.ask(connection)
            for part in self._siblings:
                part.access.denied = denied


def _settle(spread: Spread, place: int) -> bool:
    found: bool = spread.run(commits.settle(spread.places, place))
    return found
