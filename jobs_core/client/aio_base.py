"""The base of AsyncBoard: its connections, and how it calls one command."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from jobs_core.client.aio_commands import AsyncBoardCommands
from jobs_core.client.author import signature
from jobs_core.client.board import BoardClient
from jobs_core.engine.commands import translated
from jobs_core.engine.outage import RETRY_PAUSE, is_unreachable
from jobs_core.engine.replies import as_time
from jobs_core.errors import ServerError
from jobs_core.types import Payload

if TYPE_CHECKING:
    from jobs_core.plugins.manager import Plugins

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class AsyncBase:
    """A board for asyncio, without methods for single commands."""

    def __init__(
        self,
        name: str = "jobs",
        url: str | None = None,
        *,
        socket_timeout: float | None = None,
        socket_connect_timeout: float | None = None,
        plugins: Plugins | None = None,
        validate: bool = True,
        by: str | None = None,
    ) -> None:
        self._board = BoardClient(
            name,
            url,
            socket_timeout=socket_timeout,
            socket_connect_timeout=socket_connect_timeout,
            plugins=plugins,
            validate=validate,
            by=by,
        )
        self.functions = self._board.functions
        self.name = name
        self.by = self._board.by
        self.keys = self._board.keys
        self.commands = AsyncBoardCommands(self._board.commands)
        self.client = self.commands.client

    def with_author(self, by: str) -> Self:
        """Return this board for changes by somebody else, like `Board.with_author`."""
        other = copy.copy(self)
        other._board = self._board.with_author(by)
        other.by = other._board.by
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Later calls raise UserError. Closing twice is fine."""
        self._board.close()
        await self.commands.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} on {self._board.commands.server}>"

    async def _put(
        self,
        command: str,
        id: str,
        runner: str,
        payload: Payload,
        options: Mapping[str, Any],
        because: str | None,
        if_match: str | None = None,
    ) -> datetime | None:
        name, arguments = await self._on_thread(self._board.calls.put, command, id, runner, payload, options)
        return as_time(await self._call(name, *arguments, *signature(self.by, because, if_match)))

    async def _call(self, name: str, *arguments: Any) -> Any:
        """Call one command, like `Commands.call`."""
        return await self.commands.call(name, *arguments)

    @asynccontextmanager
    async def _suppress_outage(self) -> AsyncIterator[None]:
        """Do what `Commands.suppress_outage` does."""
        try:
            with translated(self._board.commands.server):
                yield
            self._board.commands.note_outage()
        except ServerError as error:
            if not is_unreachable(error):
                raise
            self._board.commands.note_outage(error)
            await asyncio.sleep(RETRY_PAUSE)

    async def _pages(self, name: str, *before: Any, after: Sequence[Any]) -> AsyncIterator[Any]:
        """Yield the items of a command with a cursor, page by page."""
        cursor = "0"
        while True:
            cursor, page = await self._call(name, *before, cursor, *after)
            for item in page:
                yield item
            if cursor == "0":
                return

    async def _on_thread(self, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
        return await asyncio.to_thread(function, *arguments, **options)


def listed(method: Callable[P, Iterator[T]]) -> Callable[P, list[T]]:
    """Wrap a method that yields items as one that returns a list."""
    return lambda *arguments, **options: list(method(*arguments, **options))
