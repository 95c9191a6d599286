"""Helpers for tests of boards with partitions: each partition, ids that belong to it, and its messages."""

from __future__ import annotations

import itertools
import json
from typing import Any

from jobs_core import Board
from jobs_core.engine.partitions.places import place_of
from tests.lua.helpers import Lua


class Partitioned:
    """A board of several partitions: `whole` calls the board, and `parts` each partition."""

    def __init__(self, board: Board, count: int = 4) -> None:
        board.init(partitions=count)
        self.board = board
        self.count = count
        self.whole = Lua(board)
        self.parts = [Lua(part) for part in board.partitions]
        self._empty = {key: board.client.dump(key) for key in self._keys()}

    def of(self, id: str) -> Lua:
        """Return the partition of a job."""
        return self.parts[place_of(id, self.count)]

    def name(self, place: int, prefix: str = "j") -> str:
        """Return the first id of a prefix and a number that belongs to a partition."""
        ids = (f"{prefix}{number}" for number in itertools.count())
        return next(id for id in ids if place_of(id, self.count) == place)

    def when(self, id: str) -> dict[str, Any]:
        """Call JWHEN of the board for one job."""
        found: dict[str, Any] = json.loads(self.whole.jwhen(id)[0])
        return found

    def outgoing(self, source: int) -> list[int]:
        """Return the partitions for which a partition has messages."""
        return [int(target) for target in self.parts[source].joutbox()[::2]]

    def messages(self, source: int, target: int) -> list[str]:
        """Read messages, as JINBOX takes them."""
        found: list[str] = self.parts[source].joutbox(target)
        return found

    def carry(self, source: int, target: int) -> None:
        """Take the messages of a partition to another one, once."""
        if messages := self.messages(source, target):
            self.parts[source].joutbox(target, upto=self.parts[target].jinbox(source, *messages))

    def deliver(self) -> None:
        """Take all messages to their partitions, until there are none."""
        while pairs := [(source, to) for source in range(self.count) for to in self.outgoing(source)]:
            for source, target in pairs:
                self.carry(source, target)

    def run(self, id: str, verb: str = "done", **options: Any) -> None:
        """Run a job now, and report its task. Its queue has no other tasks."""
        part = self.of(id)
        self.whole.jpush(id)
        (task,) = [task for task in part.take(count=500, lease=30) if task["job"] == id]
        part.jack(task["token"], verb, **options)

    def reset(self) -> None:
        """Empty the board."""
        self.board.client.delete(*self._keys())
        for key, value in self._empty.items():
            self.board.client.restore(key, 0, value)

    def _keys(self) -> list[str]:
        name = self.board.name
        return [*self.board.client.keys(f"{{{name}}}:*"), *self.board.client.keys(f"{{{name}.*}}:*")]
