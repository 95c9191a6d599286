"""RQ: a worker process runs one task at a time, in-process (SimpleWorker) or in a fork (Worker)."""

from datetime import UTC, datetime

import peer
from redis import Redis
from rq import Queue, SimpleWorker, Worker


def noop(line):
    """Do nothing."""
    peer.called(line)


def push(url, count, line, processes):
    """Enqueue tasks in bulk."""
    queue = Queue(connection=Redis.from_url(url))
    for size in peer.chunks(count):
        queue.enqueue_many([Queue.prepare_data("with_rq.noop", (line,)) for _ in range(size)])


def late(url, times):
    """Enqueue scheduled tasks with RQ's built-in scheduler, in whole seconds."""
    queue = Queue(connection=Redis.from_url(url))
    for due in times:
        queue.enqueue_at(datetime.fromtimestamp(int(due), UTC), "with_rq.noop", repr(float(int(due))))


def work(url, concurrency, index, mode):
    """Run one worker process. RQ has no concurrency within a process."""
    connection = Redis.from_url(url)
    kind = SimpleWorker if mode == "simple" else Worker
    worker = kind([Queue(connection=connection)], connection=connection)
    peer.ready()
    worker.work(logging_level="ERROR", with_scheduler=True)
    peer.ended(worker.successful_job_count)


if __name__ == "__main__":
    peer.main(push, late, work)
