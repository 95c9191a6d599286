"""The clients of Lambda that this process has: one for each place, for all threads."""

from __future__ import annotations

import threading
from typing import Any

from jobs_lambda.place import Place

MOST = 32
"""Places whose clients are kept: payloads may name any number, and a client takes some megabytes."""


class Clients:
    """Makes a client where there is none yet. `connections` is how many each keeps open."""

    def __init__(self) -> None:
        self.connections = 10
        self._clients: dict[Place, Any] = {}
        self._lock = threading.Lock()

    def get(self, place: Place) -> Any:
        """The client of a place. Raises what boto3 raises."""
        found = self._clients.get(place)  # without the lock: to make one may take a while
        return found or self._made(place)

    def forget(self, place: Place) -> None:
        """Make a new one next time: for credentials that are not good any more."""
        with self._lock:
            self._clients.pop(place, None)

    def close(self) -> None:
        """Let go of all connections that are not in use."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _made(self, place: Place) -> Any:
        from jobs_lambda.connect import connect

        with self._lock:
            if place not in self._clients:
                client = connect(place, self.connections)
                while len(self._clients) >= MOST:
                    del self._clients[next(iter(self._clients))]
                self._clients[place] = client
            return self._clients[place]


shared = Clients()
