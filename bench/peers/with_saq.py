"""SAQ: asyncio workers on a list and a sorted set."""

import asyncio

import peer
from redis.asyncio import Redis
from saq import Worker
from saq.queue.redis import RedisQueue


async def noop(context, *, line):
    """Do nothing."""
    peer.called(line)


async def started(context):
    """Report that the worker is ready."""
    peer.ready()


async def enqueue(url, count, line):
    """Enqueue concurrently, in batches."""
    queue = RedisQueue(Redis.from_url(url))
    for size in peer.chunks(count):
        await asyncio.gather(*(queue.enqueue("noop", line=line) for _ in range(size)))
    await queue.disconnect()


async def schedule(url, times):
    """Enqueue tasks, scheduled for the whole second of each time."""
    queue = RedisQueue(Redis.from_url(url))
    for due in times:
        await queue.enqueue("noop", line=repr(float(int(due))), scheduled=int(due))
    await queue.disconnect()


async def serve(url, concurrency):
    """Run one worker until a signal."""
    queue = RedisQueue(Redis.from_url(url))
    await Worker(queue, [noop], concurrency=concurrency, startup=started).start()
    await queue.disconnect()


def push(url, count, line, processes):
    """Enqueue tasks."""
    asyncio.run(enqueue(url, count, line))


def late(url, times):
    """Enqueue scheduled tasks, in whole seconds."""
    asyncio.run(schedule(url, times))


def work(url, concurrency, index, mode):
    """Run one worker process."""
    asyncio.run(serve(url, concurrency))
    peer.ended()


if __name__ == "__main__":
    peer.main(push, late, work)
