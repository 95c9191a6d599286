"""What every client of a board begins with: its name, its connection, its plugins."""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis

from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.client.connection import connect
from jobs_core.client.functions import Functions
from jobs_core.engine.commands import Commands
from jobs_core.engine.keys import Keys
from jobs_core.errors import OptionError
from jobs_core.plugins.manager import Plugins


class BoardBase:
    def __init__(
        self,
        name: str = "jobs",
        url: str | None = None,
        *,
        client: redis.Redis | None = None,
        plugins: Plugins | None = None,
        validate: bool = True,
    ) -> None:
        if not name or any(char in "{} \t\r\n" for char in name):
            raise OptionError("a board's name has no spaces or braces")
        self.name = name
        self.keys = Keys(name)
        if client is not None and not client.connection_pool.connection_kwargs.get("decode_responses"):
            raise OptionError("the client is to decode what it reads: redis.Redis(decode_responses=True)")
        self._owns_client = client is None
        self.client = client or connect(url)
        self.functions = Functions()
        self._closing: list[Callable[[], None]] = []
        """What `close` calls first: it stops what uses the connections."""
        self.commands = Commands(self.client, self.keys)
        self._plugins = plugins
        self._loading = threading.Lock()  # of the plugins
        self.calls = CheckedCalls(self.commands, lambda: self.plugins, validate=validate)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} on {self.commands.server}>"

    @property
    def plugins(self) -> Plugins:
        """The plugins that this board validates with."""
        with self._loading:
            if self._plugins is None:
                self._plugins = Plugins.load()
            return self._plugins
