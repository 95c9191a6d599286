"""The methods of an asyncio board about backfills."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from jobs_core.client.aio_tasks import AsyncTaskMethods
from jobs_core.client.author import signature
from jobs_core.engine.backfills import (
    PAUSE,
    as_backfill,
    as_occurrences,
    due_of,
    dues_call,
    found_backfill,
    start_call,
)
from jobs_core.options import Time, to_pairs
from jobs_core.types import Backfill, Occurrence


class AsyncBackfillMethods(AsyncTaskMethods):
    """The methods of an asyncio board about backfills. Each works like that of `Board`."""

    async def backfill(
        self,
        job: str,
        start: Time,
        stop: Time,
        *,
        concurrency: int = 1,
        latest_first: bool = False,
        unknown: bool = False,
        because: str | None = None,
        now: Time | None = None,
    ) -> Backfill:
        """Queue the occurrences of a job in the past that have not run, like `Board.backfill`."""
        name, arguments = start_call(job, start, stop, concurrency, latest_first, unknown, now)
        return await self.backfill_show(str(await self._call(name, *arguments, *signature(self.by, because))))

    async def backfill_list(self) -> AsyncIterator[Backfill]:
        """List backfills, like `Board.backfill_list`."""
        for text in await self._call("JBACKFILLS"):
            yield as_backfill(text)

    async def backfill_show(self, id: str) -> Backfill:
        """Read a backfill, like `Board.backfill_show`."""
        return found_backfill(await self._call("JBACKFILLS", id), id, self.name)

    async def backfill_watch(self, id: str) -> AsyncIterator[Backfill]:
        """Follow a backfill until it is over, like `Board.backfill_watch`."""
        last = None
        while True:
            found = await self.backfill_show(id)
            if found != last:
                yield found
            if found.is_over:
                return
            last = found
            await asyncio.sleep(PAUSE)

    async def backfill_cancel(
        self, id: str, *, because: str | None = None, now: Time | None = None
    ) -> Backfill:
        """Cancel a backfill, like `Board.backfill_cancel`."""
        after = (*to_pairs({"now": now}, ()), *signature(self.by, because))
        await self._call("JBACKFILL", "cancel", id, *after)
        return await self.backfill_show(id)

    async def occurrences(
        self, job: str, start: Time, stop: Time, *, now: Time | None = None
    ) -> AsyncIterator[Occurrence]:
        """List the occurrences of a job in the past, like `Board.occurrences`."""
        busy = {due_of(task) for found in (self.tasks(job=job), self.dead(job=job)) async for task in found}
        cursor = "0"
        while True:
            name, arguments = dues_call(job, start, stop, cursor, now)
            cursor, flat = await self._call(name, *arguments)
            for found in as_occurrences(flat, busy):
                yield found
            if cursor == "0":
                return
