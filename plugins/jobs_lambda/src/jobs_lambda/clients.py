"""The Lambda clients of this process: one per place, shared by all threads."""

from __future__ import annotations

import threading
from typing import Any

from jobs_lambda.place import Place

MAX_CLIENTS = 32
"""The number of cached clients. A client takes some megabytes, and payloads can name many places."""


class Clients:
    """A cache of clients. Each keeps up to `connections` connections open."""

    def __init__(self) -> None:
        self.connections = 10
        self._clients: dict[Place, Any] = {}
        self._lock = threading.Lock()

    def get(self, place: Place) -> Any:
        """Return the client of a place, creating it if needed. Raises exceptions of boto3."""
        found = self._clients.get(place)  # without the lock, because creating a client is slow
        return found or self._create(place)

    def forget(self, place: Place) -> None:
        """Drop the client of a place, for example after its credentials have expired."""
        with self._lock:
            self._clients.pop(place, None)

    def close(self) -> None:
        """Close all idle connections and drop all clients."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _create(self, place: Place) -> Any:
        from jobs_lambda.connect import connect

        with self._lock:
            if place not in self._clients:
                client = connect(place, self.connections)
                while len(self._clients) >= MAX_CLIENTS:
                    del self._clients[next(iter(self._clients))]
                self._clients[place] = client
            return self._clients[place]


shared = Clients()
