"""APScheduler. It has no queue, so a task is a job in a Redis job store that is due now.

Schedulers cannot share a store: each worker process has its own, with its share of the jobs. A job is removed
from the store when it is handed to a thread, before it runs, so nothing is acknowledged.
"""

import signal
import threading
from datetime import UTC, datetime

import peer
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from redis import Redis

LOOK = 0.1
"""Seconds between polls of the store: a scheduler does not notice jobs added by another process."""


def noop(line):
    """Do nothing."""
    peer.called(line)


def look():
    """Do nothing. When this job is due, the scheduler looks at all its stores."""


def scheduler(url, index, **options):
    """Return a scheduler with the store of one worker process."""
    store = RedisJobStore(
        jobs_key=f"apscheduler.jobs.{index}", run_times_key=f"apscheduler.run_times.{index}"
    )
    store.redis = Redis.from_url(url)
    return BackgroundScheduler(jobstores={"default": store, "memory": MemoryJobStore()}, **options)


def add(url, index, times, line):
    """Add a job for each time to the store of a worker process."""
    adding = scheduler(url, index)
    adding.start(paused=True)
    for due in times:
        adding.add_job("with_apscheduler:noop", "date", run_date=due, args=(line,), misfire_grace_time=None)
    adding.shutdown()


def push(url, count, line, processes):
    """Add jobs that are due now, to each store its part."""
    now = datetime.now(UTC)
    for index in range(processes):
        add(url, index, [now] * len(range(index, count, processes)), line)


def late(url, times):
    """Add a job for each time."""
    for due in times:
        add(url, 0, [datetime.fromtimestamp(due, UTC)], repr(due))


def work(url, concurrency, index, mode):
    """Run one scheduler with a pool of threads."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    working = scheduler(url, index, executors={"default": ThreadPoolExecutor(concurrency)})
    working.add_job(look, "interval", seconds=LOOK, jobstore="memory", misfire_grace_time=None, coalesce=True)
    working.start()
    peer.ready()
    stopped.wait()
    working.shutdown()
    peer.ended()


if __name__ == "__main__":
    peer.main(push, late, work)
