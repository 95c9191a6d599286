"""docket: asyncio workers on Redis streams. A busy worker polls for new tasks at an interval."""

import asyncio
from datetime import UTC, datetime, timedelta

import peer
from docket import Docket, Worker


async def noop(line: str) -> None:
    """Do nothing."""
    peer.called(line)


tasks = [noop]


async def enqueue(url, count, line):
    """Add tasks in bulk."""
    async with Docket(name="peers", url=url) as docket:
        for size in peer.chunks(count):
            await docket.add_many([docket.call(noop)(line) for _ in range(size)])


async def schedule(url, times):
    """Add scheduled tasks."""
    async with Docket(name="peers", url=url) as docket:
        for due in times:
            await docket.add(noop, when=datetime.fromtimestamp(due, UTC))(repr(due))


def push(url, count, line, processes):
    """Add tasks."""
    asyncio.run(enqueue(url, count, line))


def late(url, times):
    """Add scheduled tasks."""
    asyncio.run(schedule(url, times))


def work(url, concurrency, index, mode):
    """Run one worker process until a signal. `mode` is the polling interval in ms (docket's default: 100)."""
    interval = timedelta(milliseconds=int(mode))
    peer.ready()
    asyncio.run(
        Worker.run(
            docket_name="peers",
            url=url,
            concurrency=concurrency,
            minimum_check_interval=interval,
            tasks=["with_docket:tasks"],
        )
    )
    peer.ended()


if __name__ == "__main__":
    peer.main(push, late, work)
