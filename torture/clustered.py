"""A run on a cluster of three primaries and three replicas, which processes reach by its nodes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import redis

from jobs_core.embedded import find_binary
from torture import boards, slots
from torture.nodes import Cluster, Node, wait
from torture.servers import KEPT
from torture.stage import Stage

NODE_TIMEOUT = 2000
"""Milliseconds without an answer after which the nodes replace a primary."""


class Clustered(Stage):
    """Three primaries, three replicas, and boards on the primaries."""

    def __init__(
        self,
        folder: Path,
        board_names: Sequence[str],
        workers: int,
        *,
        durable: bool,
        partitions: int | None = None,
    ) -> None:
        self.cluster = Cluster(str(find_binary()), folder, 1, NODE_TIMEOUT, words=KEPT)
        try:
            self.cluster.begin()
            super().__init__(folder, board_names, workers, durable=durable, partitions=partitions)
        except BaseException:
            self.close_servers()
            raise
        self.moves_whole = slots.can_move_whole(self.cluster.nodes[0])
        self._slots = [slot for board in self.boards() for slot in boards.slots(board)]

    @property
    def url(self) -> str:
        return self.cluster.url

    def url_for(self, name: str) -> str:
        return self.cluster.url

    def choose_slot(self, chance: random.Random) -> int:
        """Return a slot of a random board."""
        return chance.choice(self._slots)

    def choose_pair(self, chance: random.Random) -> tuple[Node, Node]:
        """Return the primary of a random board, and its replica."""
        return self.cluster.pair_of(self.choose_slot(chance))

    def wait_until_whole(self) -> None:
        """Wait until each primary has its replica again: only then may the next one fail."""
        wait(self.cluster.is_whole, "the cluster to be whole")

    def admin(self, command: Callable[[redis.Redis], object]) -> None:
        for node in self.cluster.nodes:
            with suppress(redis.RedisError):
                command(node.client)

    def heal_servers(self) -> None:
        for node in self.cluster.nodes:
            node.go_on()
        self.wait_until_whole()

    def close_servers(self) -> None:
        self.cluster.close()
