"""A board of several partitions for tests of the engine. Messages wait until they are delivered."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterator

from jobs_core import Board
from tests.lua.helpers import Lua, T, ms

COUNT = 4


class Partitions:
    """The partitions of a board, and what delivers their messages."""

    def __init__(self, board: Board) -> None:
        board.init(partitions=COUNT)
        self.board = board
        self.parts = [Lua(part) for part in board.partitions]

    def __iter__(self) -> Iterator[Lua]:
        return iter(self.parts)

    def home(self, limit: str) -> Lua:
        """The partition of a limit, such as `runner:echo`."""
        return self.parts[crc_hqx(limit.encode(), 0) % COUNT]

    def others(self, limit: str) -> list[Lua]:
        """The other partitions."""
        return [part for part in self.parts if part is not self.home(limit)]

    def limit(self, kind: str, name: str, now: float | str = T, **options: object) -> None:
        """Set a limit at its home, and let all partitions know."""
        self.home(f"{kind}:{name}").jlimit(kind, name, now=now, **options)
        self.settle(now)

    def pairs(self) -> list[tuple[int, int]]:
        """Return which partitions have messages for which."""
        pipeline = self.parts[0].client.pipeline(transaction=False)
        for part in self.parts:
            pipeline.smembers(f"{part.keys.tag}:outgoing")
        return [
            (source, int(target))
            for source, found in enumerate(pipeline.execute())
            for target in sorted(found)
        ]

    def deliver(self, source: int, target: int, *, most: int = 100, forget: bool = True) -> None:
        """Take messages from one partition to another. Without `forget`, they are delivered again later."""
        messages = self.parts[source].joutbox(target)
        if messages:
            upto = self.parts[target].jinbox(source, *messages[:most])
            if forget:
                self.parts[source].joutbox(target, "upto", upto)

    def settle(self, now: float | str = T) -> None:
        """Deliver all messages, and tick the partitions whose clocks are woken, until there are none."""
        for _ in range(50):
            for part in self.parts:
                if part.client.exists(part.keys.wake):
                    part.client.delete(part.keys.wake)
                    part.tick(now)
            pairs = self.pairs()
            if not pairs:
                return
            for source, target in pairs:
                self.deliver(source, target)
        raise AssertionError("there are always more messages")

    def tick(self, now: float | str = T) -> None:
        """Tick all partitions, as clocks do every second, and deliver all messages."""
        for part in self.parts:
            part.tick(now)
        self.settle(now)


def later(ms_after: int) -> str:
    """Return the time of a test, so many ms later."""
    return ms(T * 1000 + ms_after)
