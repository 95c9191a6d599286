"""Helpers for tests of boards with partitions: each partition, ids that belong to it, and its messages."""

from __future__ import annotations

import itertools
import json
from typing import Any

from jobs_core import Board
from jobs_core.engine.partitions.places import place_of
from tests.lua.helpers import Lua


class Partitioned:
    """A board of several partitions, or of none.

    `whole` calls the board, and `parts` each partition: the board itself, if it has none.
    """

    def __init__(self, board: Board, count: int | None = 4) -> None:
        board.init(partitions=count)
        self.board = board
        self.count = count or 1
        self.whole = Lua(board)
        self.parts = [Lua(part) for part in board.partitions]
        self._empty = {key: str(board.client.get(key)) for key in self._keys() if key.endswith("layout")}

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

    def carry(self, source: int, target: int) -> str:
        """Take messages to another partition. The first one keeps them. Returns what JINBOX does."""
        handled: str = self.parts[target].jinbox(source, *self.messages(source, target))
        return handled

    def deliver(self, *, twice: bool = False) -> None:
        """Take all messages to their partitions, until there are none."""
        while pairs := [(source, to) for source in range(self.count) for to in self.outgoing(source)]:
            for source, target in pairs:
                handled = self.carry(source, target)
                if twice:
                    handled = self.carry(source, target)
                self.parts[source].joutbox(target, "upto", handled)

    def run(self, id: str, verb: str = "done", **options: Any) -> None:
        """Run a job now, and report its task. Its queue has no other tasks."""
        part = self.of(id)
        self.whole.jpush(id)
        (task,) = [task for task in part.take(count=500, lease=30) if task["job"] == id]
        part.jack(task["token"], verb, **options)

    def reset(self) -> None:
        """Empty the board."""
        self.board.client.delete(*self._keys())
        self.board.client.mset(self._empty)

    def _keys(self) -> list[str]:
        name = self.board.name
        patterns = (f"{{{name}}}:*", f"{{{name}.*}}:*")
        return [str(key) for pattern in patterns for key in self.board.client.keys(pattern)]
