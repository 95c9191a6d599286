"""Connections on which nothing arrives, or one byte now and then. uvicorn would keep them for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 20.0
"""Seconds within which a request has to begin: its headers are there."""


class Connection(H11Protocol):
    """A connection of uvicorn that is closed if no request begins for a while.

    uvicorn itself waits five seconds for the first byte of another request. What comes after the headers is
    up to `jobs_web.bodies`.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._timer = self.loop.call_later(PATIENCE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._idle_since = self.loop.time()

    def _look(self) -> None:
        cycle: Any = self.cycle  # None before the first request
        is_answering = cycle is not None and not cycle.response_complete
        rest = PATIENCE if is_answering else self._idle_since + PATIENCE - self.loop.time()
        if rest <= 0:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(rest, self._look)
