"""The base of the board clients: name, connection and plugins."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Self

import redis
from redis.cluster import RedisCluster

from jobs_core.client import given
from jobs_core.client.accompanied import Pushes
from jobs_core.client.author import checked_author, default_author
from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.client.connection import connect
from jobs_core.client.functions import Functions
from jobs_core.engine.keys import Keys
from jobs_core.engine.partitions.board import BoardCommands
from jobs_core.errors import OptionError
from jobs_core.plugins.manager import Plugins
from jobs_core.values import require_segment, require_text, require_visible


class BoardBase:
    """A board's name, keys, connection and plugins."""

    def __init__(
        self,
        name: str = "jobs",
        url: str | None = None,
        *,
        client: redis.Redis | RedisCluster | None = None,
        socket_timeout: float | None = None,
        socket_connect_timeout: float | None = None,
        plugins: Plugins | None = None,
        validate: bool = True,
        by: str | None = None,
    ) -> None:
        require_text("board", name)
        if not name or any(char in "{} \t\r\n" for char in name):
            raise OptionError(f"board: expected a name without spaces or braces, got {name!r}")
        require_visible("board", name)
        require_segment("board", name)
        if not name.isprintable():
            raise OptionError(f"board: expected a name without control characters, got {name!r}")
        if client is not None and url is not None:
            raise OptionError("url: pass either a URL or a client, not both", option="url")
        self.name = name
        self.by = default_author() if by is None else checked_author(by)
        self.keys = Keys(name)
        own = None if client is None else given.routed(client, self.keys.tag)
        self._owns_client = client is None or own is not client
        self.client = own or connect(
            url,
            key=self.keys.tag,
            socket_timeout=socket_timeout,
            socket_connect_timeout=socket_connect_timeout,
        )
        self.functions = Functions()
        self._closing: list[Callable[[], None]] = []
        """What `close` calls first: it stops what uses the connections."""
        self.commands = BoardCommands(self.client, self.keys, _client_for)
        self._plugins = plugins
        self._plugins_lock = threading.Lock()  # held while plugins load
        self.calls = CheckedCalls(self.commands, lambda: self.plugins, validate=validate)
        self.pushes = Pushes(name, self.commands.server, lambda: self.plugins)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} on {self.commands.server}>"

    def with_author(self, by: str) -> Self:
        """Return this board for changes by somebody else, on the same connections. Do not close it.

        >>> board.with_author("ann@web-1").pause("report")
        True
        """
        other = copy.copy(self)
        other.by = checked_author(by)
        return other

    @property
    def partitions(self) -> list[Self]:
        """The partitions of the board, each as a board of its own, or the board itself if it has none.

        They share the connections of the board, except in a cluster. Do not close them.
        """
        return [self if part is self.commands else self._partition(part) for part in self.commands.parts]

    def _partition(self, part: BoardCommands) -> Self:
        found = copy.copy(self)
        found.keys, found.client, found.commands = part.keys, part.client, part
        return found

    def declares(self, runner: str, path: str) -> bool:
        """Return whether this program declares the function at an import path as a job of a runner."""
        return any(one.runner == runner and one.path == path for one in self.functions.declared)

    @property
    def plugins(self) -> Plugins:
        """The plugins that check the jobs of this board. They load on first use."""
        with self._plugins_lock:
            if self._plugins is None:
                self._plugins = Plugins.load()
            return self._plugins


def _client_for(client: redis.Redis, keys: Keys) -> redis.Redis:
    """Return the client for a partition of the board of a client."""
    return given.routed(client, keys.tag)
