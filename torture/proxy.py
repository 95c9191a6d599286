"""A network on loopback between the processes and the server, which can fail in several ways."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any


class Proxy:
    """Forwards connections to `target`, a port or the path of a socket. Any thread may call its methods."""

    def __init__(self, target: int | str) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._requests_flow, self._replies_flow = asyncio.Event(), asyncio.Event()
        self._set_flow()
        self._mute = False
        self._delay = 0.0, 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = self._call(self._listen())

    def lead_to(self, target: int | str) -> None:
        """Forward new connections to another target, and keep the others, as a changed DNS name does."""
        self._target = target

    def redirect(self, target: int | str) -> None:
        """Forward to another target, and close connections to the current one."""
        self.lead_to(target)
        self.cut()

    def cut(self) -> None:
        """Close every connection."""
        self._do(self._close_all)

    def block(self, *, replies_only: bool = False) -> None:
        """Hold back everything, or only the replies, without closing connections."""
        self._do(self._replies_flow.clear)
        if not replies_only:
            self._do(self._requests_flow.clear)

    def unblock(self) -> None:
        """Deliver what was held back, and let everything through again."""
        self._do(self._set_flow)

    def slow(self, least: float, most: float) -> None:
        """Delay each packet by a random number of seconds between these."""
        self._delay = least, most

    def mute(self) -> None:
        """Let everything through to the server, but no replies."""
        self._mute = True

    def heal(self) -> None:
        """Let everything through again, on new connections: a stream with a gap is useless."""
        self._mute = False
        self._delay = 0.0, 0.0
        self._do(self._close_all)
        self._do(self._set_flow)

    def close(self) -> None:
        """Stop the proxy."""
        self._call(self._shut())
        self._do(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _shut(self) -> None:
        self._server.close()
        self._close_all()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self._reach_target()
        except OSError:
            writer.close()
            return
        self._writers |= {writer, far_writer}
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._pump(reader, far_writer, replies=False), self._pump(far_reader, writer, replies=True)
            )
        self._writers -= {writer, far_writer}

    async def _reach_target(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65536):
                if any(self._delay):
                    await asyncio.sleep(random.uniform(*self._delay))
                await (self._replies_flow if replies else self._requests_flow).wait()
                if not (replies and self._mute):
                    writer.write(data)
                    await writer.drain()
        writer.close()

    def _set_flow(self) -> None:
        self._requests_flow.set()
        self._replies_flow.set()

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _do(self, function: Callable[[], Any]) -> None:
        self._loop.call_soon_threadsafe(function)

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
