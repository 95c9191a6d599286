"""Set up and tear down everything in a run: servers, network, clock, processes."""

from __future__ import annotations

import itertools
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import redis

from jobs_core import Board
from jobs_core.lease import lease_clock
from torture import exclusive
from torture.fleet import FEEDER, Fleet, names
from torture.proxy import Proxy
from torture.servers import Server
from torture.timesource import TimeSource, open_board

MOST_LATE = 4
"""Maximum number of faults at once that deliver commands late."""


class Stage:
    """The environment of a run, in its own folder. `over` is set when faults must end."""

    def __init__(self, folder: Path, workers: int, *, durable: bool = False) -> None:
        self.folder = folder
        self.over = threading.Event()
        self.server_lock = threading.Lock()
        """Held while the server is replaced or restarted."""
        self._jump_lock = threading.Lock()
        self._late = threading.Semaphore(MOST_LATE)
        self.source = TimeSource(folder / "time")
        exclusive.prepare(folder)
        self._numbers = itertools.count()
        self._clients: list[redis.Redis] = []
        self.primary = self.new_server()
        self.replica: Server | None = None
        """The replica of a durable board."""
        self.links: dict[str, Proxy] = {}
        for name in (*names(workers), FEEDER):
            self.links[name] = proxy = Proxy(self.primary.port)
            (folder / f"url-{name}").write_text(f"redis://127.0.0.1:{proxy.port}")
        self.board().init()
        if durable:
            self.renew_replica()
            self.board().retain(durable=1)
        self.fleet = Fleet(folder, workers)

    def new_server(self) -> Server:
        """Start a new server."""
        server = Server(self.folder / f"server-{next(self._numbers)}")
        self._clients.append(server.client)
        server.start()
        return server

    def renew_replica(self) -> None:
        """Give the primary a new replica, in place of the one that it had."""
        if self.replica is not None and self.replica is not self.primary:
            self.replica.kill()
        self.replica = self.new_server()
        self.replica.follow(self.primary)

    def board(self) -> Board:
        """Open the board directly, without the proxy."""
        board = open_board(f"redis://127.0.0.1:{self.primary.port}")
        self._clients.append(board.client)
        return board

    def choose_link(self, chance: random.Random) -> Proxy:
        """Return the network of a random process."""
        return self.links[chance.choice(list(self.links))]

    def late(self) -> threading.Semaphore:
        """During the `with` block, commands may arrive late, and so the clock must be right."""
        return self._late

    @contextmanager
    def punctual(self) -> Iterator[None]:
        """During the `with` block, no command arrives late, and so the clock may be wrong."""
        with self._jump_lock, ExitStack() as stack:
            for _ in range(MOST_LATE):
                stack.enter_context(self._late)
            yield

    @contextmanager
    def jump(self, seconds: float) -> Iterator[None]:
        """During the `with` block, the clock is wrong by this much. `jumps` has when that was."""
        began = lease_clock()
        self.source.jump(seconds)
        try:
            yield
        finally:
            self.source.jump(0)
            with (self.folder / "jumps").open("a") as jumps:
                jumps.write(f"{began} {lease_clock()}\n")

    def admin(self, command: Callable[[redis.Redis], object]) -> None:
        """Send the primary an administrative command. Redis errors are ignored: it may be down."""
        with suppress(redis.RedisError):
            command(self.primary.client)

    def network(self, change: Callable[[Proxy], None]) -> None:
        """Do the same to the network of every process."""
        for proxy in self.links.values():
            change(proxy)

    def heal(self) -> None:
        """Undo the effects of faults."""
        self.source.jump(0)
        for server in filter(None, (self.primary, self.replica)):
            server.send(signal.SIGCONT)
        self.network(Proxy.heal)
        self.admin(lambda client: client.config_set("maxmemory", 0))
        self.admin(lambda client: client.client_unpause())

    def close(self) -> None:
        """Stop every process."""
        self.fleet.end()
        self.network(Proxy.close)
        for server in filter(None, (self.primary, self.replica)):
            server.kill()
        for client in self._clients:
            client.close()
