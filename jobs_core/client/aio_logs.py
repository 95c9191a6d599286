"""The method of an asyncio board about what tasks printed last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jobs_core.client.aio_commands import AsyncCommands
from jobs_core.client.aio_tasks import AsyncTaskMethods
from jobs_core.client.listing import CHUNK
from jobs_core.client.logs import Following, chunks, latest_tasks, place_of, read_log, require_log
from jobs_core.client.output import BLOCK
from jobs_core.types import is_task_id


class AsyncLogMethods(AsyncTaskMethods):
    """The method of an asyncio board about what tasks printed last."""

    async def logs(
        self, job_or_task: str, *, limit: int = 1, follow: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        """Read the end of what tasks printed, like `Board.logs`."""
        await self._on_thread(self._board.commands.require_layout)
        part = (await self.commands.parts())[place_of(job_or_task, await self.commands.places())]
        newest: Any = await part.read_keys(lambda client, keys: client.xrevrange(keys.history, count=1))
        following = Following(job_or_task, newest)
        is_known = await self._is_known(job_or_task)  # asked first: see Board.logs
        tasks = [job_or_task]
        if not is_task_id(job_or_task):
            tasks = latest_tasks(await self._call("JRUNS", job_or_task), limit)
        found = await self._read_logs(tasks)
        is_kept = any(text is not None for text in found.values())
        require_log(job_or_task, self.name, is_kept or is_known)
        for task, text in found.items():
            for entry in following.fresh(task, text) if follow else read_log(task, text):
                yield entry
        if follow and not (is_task_id(job_or_task) and is_kept and not await self._has_task(job_or_task)):
            async for entry in self._follow_logs(part, following):
                yield entry

    async def _read_logs(self, tasks: list[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for some in chunks(tasks):
            found |= zip(some, await self._call("JLOGS", *some), strict=True)
        return found

    async def _follow_logs(self, part: AsyncCommands, following: Following) -> AsyncIterator[dict[str, Any]]:
        """Yield what attempts printed that end from now on."""
        client = part.connect_blocking()  # it blocks
        try:
            tasks: list[str] = []
            while tasks or not following.is_over:
                logs: dict[str, str | None] = {}
                async with self._suppress_outage():
                    if not tasks:
                        found = await client.xread({part.keys.history: following.last}, CHUNK, BLOCK)
                        tasks = following.reported(found)
                    logs, tasks = await self._read_logs(tasks), []
                for task, text in logs.items():
                    for entry in following.fresh(task, text):
                        yield entry
        finally:
            await client.aclose()

    async def _is_known(self, id: str) -> bool:
        """Whether a job or a task with this id exists."""
        return await self._has_task(id) if is_task_id(id) else bool((await self._call("JGET", id))[0])
