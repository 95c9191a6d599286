"""Everything a run consists of, set up and taken down: servers, network, time, processes."""

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
    """The stage of a run, in a folder of its own. `over` is set when faults must end."""

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
        """Start another server."""
        server = Server(self.folder / f"server-{next(self._numbers)}")
        self._clients.append(server.client)
        server.start()
        return server

    def board(self) -> Board:
        """The board as it is, past the proxy."""
        board = open_board(f"redis://127.0.0.1:{self.primary.port}")
        self._clients.append(board.client)
        return board

    def admin(self, command: Callable[[redis.Redis], object]) -> None:
        """Tell the server something; one that is down, or not the primary any more, need not be told."""
        with suppress(redis.RedisError):
            command(self.primary.client)

    def heal(self) -> None:
        """Undo what faults may have left."""
        self.source.jump(0)
        self.proxy.heal()
        self.admin(lambda client: client.config_set("maxmemory", 0))
        self.admin(lambda client: client.client_unpause())

    def close(self) -> None:
        """End every process."""
        self.fleet.end()
        self.proxy.close()
        self.primary.kill()
        for client in self._clients:
            client.close()
