"""Streams of server-sent events. They poll, so many streams share few threads and connections."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from jobs_core import JobsError, NotFoundError, ServerError
from jobs_web.api.model import Problem
from jobs_web.api.problems import describe

INTERVAL = 0.5
"""Seconds between two looks for more."""

HEARTBEAT = 5.0
"""Seconds after which a comment says that the stream is alive, if its reader is still let in."""

THREADS = 4
"""Threads that all streams of a board share."""

MOST = 500
"""Streams of a board at most."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event: its name, its data, and the id from which the stream can be resumed."""

    name: str
    data: Any
    id: str | None = None

    def text(self) -> str:
        """Return the event as it is sent."""
        id = "" if self.id is None else f"id: {self.id}\n"
        return f"{id}event: {self.name}\ndata: {json.dumps(self.data, separators=(',', ':'))}\n\n"


@dataclass(frozen=True, slots=True)
class Stream:
    """What a route answers to follow something.

    Args:
        poll: Returns the events since the last call. Raises StopAsyncIteration after the last one.
    """

    poll: Callable[[], Iterable[Event]]


@dataclass
class Streams:
    """The streams of a board."""

    open: int = 0
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="jobs-web-streams")
    )

    def answer(self, stream: Stream, request: Request) -> Response:
        """Answer with a stream. Raises Problem if there are too many."""
        if self.open >= MOST:
            raise Problem(503, f"{MOST} streams are open already: close one, or try again later.")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(None, 200, headers, "text/event-stream")
        return StreamingResponse(self._texts(stream, request), 200, headers, "text/event-stream")

    async def _texts(self, stream: Stream, request: Request) -> AsyncIterator[str]:
        is_let_in = request.scope.get("is_let_in")
        loop = asyncio.get_running_loop()
        spoke = time.monotonic()
        self.open += 1
        try:
            yield ": open\n\n"
            while True:
                events, is_over = await loop.run_in_executor(self.threads, _look, stream)
                for event in events:
                    yield event.text()
                if is_over:
                    return
                if time.monotonic() - spoke > HEARTBEAT:
                    if is_let_in is not None and not await is_let_in():
                        return
                    yield ": all is well\n\n"
                    spoke = time.monotonic()
                await asyncio.sleep(INTERVAL)
        finally:
            self.open -= 1


def _look(stream: Stream) -> tuple[list[Event], bool]:
    """Return what is new, and whether it is the end. While Redis is away, nothing is."""
    try:
        return list(stream.poll()), False
    except StopAsyncIteration:
        return [], True
    except NotFoundError as error:
        return [Event("error", describe(error))], True
    except ServerError:
        return [], False
    except JobsError as error:
        return [Event("error", describe(error))], True
