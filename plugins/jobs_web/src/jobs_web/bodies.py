"""Bounds on the bodies of requests: how large they may be, and how slowly they may come."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 32 << 20
"""Bytes of a body at most. Some routes take less."""

PATIENCE, SLOWEST = 30.0, 20_000
"""Seconds that a body may take, and for how many bytes it may take a second more."""


def refuse_larger(headers: Headers, most: int, size: int = 0) -> None:
    """Raise HTTPException if a body has more bytes than it may have, or announces so.

    Args:
        headers: The headers of the request.
        most: How many bytes its body may have.
        size: How many have come.
    """
    announced = headers.get("content-length", "0")
    if max(size, int(announced) if announced.isdecimal() and len(announced) < 20 else 0) > most:
        raise HTTPException(413, f"The body has more than {most} bytes.")


class Bodies:
    """An ASGI middleware. Whatever reads a body that is too large or too slow raises HTTPException."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive, send)
        try:
            await self.app(scope, body.receive, body.send)
        except ClientDisconnect:  # nobody is there for an answer
            return


class _Body:
    """The body of a request, as it comes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._headers, self._receive, self._send = Headers(scope=scope), receive, send
        self._began, self._size = time.monotonic(), 0
        self._is_whole, self._is_answered = False, False

    async def send(self, message: Message) -> None:
        self._is_answered = True
        await self._send(message)

    async def receive(self) -> Message:
        if self._is_whole:  # what comes now is only that the client has gone
            return await self._receive()
        try:
            return await self._read()
        except HTTPException:
            if self._is_answered:
                return {"type": "http.disconnect"}
            raise

    async def _read(self) -> Message:
        refuse_larger(self._headers, LARGEST)
        left = self._began + PATIENCE + self._size / SLOWEST - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), left)
        except TimeoutError:
            raise HTTPException(408, "The body came too slowly.", {"Connection": "close"}) from None
        self._size += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        refuse_larger(self._headers, LARGEST, self._size)
        return message
