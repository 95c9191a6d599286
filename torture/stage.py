"""Set up and tear down everything in a run: servers, network, clock, processes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis

from jobs_core import Board
from torture.fleet import Fleet
from torture.proxy import Proxy
from torture.servers import Server
from torture.timesource import TimeSource, open_board


class Stage:
    """The environment of a run, in its own folder. `over` is set when faults must end."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.over = threading.Event()
        self.server_lock = threading.Lock()
        """Held while the server is replaced or restarted."""
        self.time_lock = threading.Lock()
        self.source = TimeSource(folder / "time")
        self._numbers = itertools.count()
        self._clients: list[redis.Redis] = []
        self.primary = self.new_server()
        self.proxy = Proxy(self.primary.port)
        (folder / "url").write_text(f"redis://127.0.0.1:{self.proxy.port}")
        self.board().init()
        self.fleet = Fleet(folder, workers)

    def new_server(self) -> Server:
        """Start a new server."""
        server = Server(self.folder / f"server-{next(self._numbers)}")
        self._clients.append(server.client)
        server.start()
        return server

    def board(self) -> Board:
        """Open the board directly, without the proxy."""
        board = open_board(f"redis://127.0.0.1:{self.primary.port}")
        self._clients.append(board.client)
        return board

    def admin(self, command: Callable[[redis.Redis], object]) -> None:
        """Send the primary an administrative command. Redis errors are ignored: it may be down."""
        with suppress(redis.RedisError):
            command(self.primary.client)

    def heal(self) -> None:
        """Undo the effects of faults."""
        self.source.jump(0)
        self.proxy.heal()
        self.admin(lambda client: client.config_set("maxmemory", 0))
        self.admin(lambda client: client.client_unpause())

    def close(self) -> None:
        """Stop every process."""
        self.fleet.end()
        self.proxy.close()
        self.primary.kill()
        for client in self._clients:
            client.close()
