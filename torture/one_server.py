"""A run on one server, or on a durable pair, which each process reaches through a network of its own."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import redis

from torture.proxy import Proxy
from torture.servers import Server
from torture.stage import Stage


class OneServer(Stage):
    """A server, with a replica if the boards are durable, and a proxy for each process."""

    def __init__(
        self,
        folder: Path,
        board_names: Sequence[str],
        workers: int,
        *,
        durable: bool,
        partitions: int | None = None,
    ) -> None:
        self.folder = folder
        self._numbers = itertools.count()
        self.links: dict[str, Proxy] = {}
        self.primary = self.new_server()
        self.replica: Server | None = None
        """The replica of durable boards."""
        if durable:
            self.renew_replica()
        super().__init__(folder, board_names, workers, durable=durable, partitions=partitions)

    def new_server(self) -> Server:
        """Start a new server."""
        return Server(self.folder / f"server-{next(self._numbers)}").start()

    def renew_replica(self) -> None:
        """Give the primary a new replica, in place of the one that it had."""
        if self.replica is not None and self.replica is not self.primary:
            self.replica.kill()
        self.replica = self.new_server()
        self.replica.follow(self.primary)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.primary.port}"

    def url_for(self, name: str) -> str:
        """Give a process a network of its own. Return the URL through it."""
        self.links[name] = Proxy(self.primary.port)
        return f"redis://127.0.0.1:{self.links[name].port}"

    def choose_link(self, chance: random.Random) -> Proxy:
        """Return the network of a random process."""
        return self.links[chance.choice(list(self.links))]

    def network(self, change: Callable[[Proxy], None]) -> None:
        """Do the same to the network of every process."""
        for proxy in self.links.values():
            change(proxy)

    def admin(self, command: Callable[[redis.Redis], object]) -> None:
        """Send the primary an administrative command. Redis errors are ignored: it may be down."""
        with suppress(redis.RedisError):
            command(self.primary.client)

    def heal_servers(self) -> None:
        for server in filter(None, (self.primary, self.replica)):
            server.go_on()
        self.network(Proxy.heal)

    def close_servers(self) -> None:
        self.network(Proxy.close)
        for server in filter(None, (self.primary, self.replica)):
            server.kill()
            server.client.close()
