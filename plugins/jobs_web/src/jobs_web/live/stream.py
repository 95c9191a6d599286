"""`/live`: one stream of server-sent events for all pages that a browser shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse

from jobs_web.live.hub import Hub, Topic, Update

MOST = 100
"""How many pages one stream watches at most."""


def stream(hub: Hub, topics: list[Topic], is_let_in: Callable[[], Awaitable[bool]]) -> StreamingResponse:
    """Return the stream of what changes on some pages. It ends when its reader is not let in any more."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(hub, topics, is_let_in), media_type="text/event-stream", headers=headers)


async def _events(
    hub: Hub, topics: list[Topic], is_let_in: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    async for updates in hub.watch(topics):
        if not await is_let_in():
            return
        if not updates:
            yield ": all is well\n\n"
        for update in updates:
            yield event("update", asdict(update))


def event(name: str, data: Any) -> str:
    """Format a server-sent event with JSON as its data."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def wanted(request: Request) -> list[str]:
    """Return the URLs of the pages to watch: each field `on` of the query."""
    return list(dict.fromkeys(request.query_params.getlist("on")))[:MOST]


__all__ = ["Update", "event", "stream", "wanted"]
