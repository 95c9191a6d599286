"""streaQ: asyncio workers on Redis streams."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import peer
from streaq import Worker


@asynccontextmanager
async def lifespan():
    """Report that the worker is ready."""
    peer.ready()
    yield


def make(url, **options):
    """Return a worker and its task. streaQ also enqueues through a worker."""
    worker = Worker(redis_url=url, **options)

    @worker.task(name="noop")
    async def noop(line):
        peer.called(line)

    return worker, noop


async def enqueue(url, count, line):
    """Enqueue tasks in bulk."""
    worker, noop = make(url)
    async with worker:
        for size in peer.chunks(count):
            await worker.enqueue_many([noop.enqueue(line) for _ in range(size)])


async def schedule(url, times):
    """Enqueue scheduled tasks."""
    worker, noop = make(url)
    async with worker:
        for due in times:
            await noop.enqueue(repr(due)).start(schedule=datetime.fromtimestamp(due, UTC))


def push(url, count, line, processes):
    """Enqueue tasks."""
    asyncio.run(enqueue(url, count, line))


def late(url, times):
    """Enqueue scheduled tasks."""
    asyncio.run(schedule(url, times))


def work(url, concurrency, index, mode):
    """Run one worker process."""
    worker, _ = make(url, concurrency=concurrency, lifespan=lifespan)
    worker.run_sync()
    peer.ended()


if __name__ == "__main__":
    peer.main(push, late, work)
