"""Celery: tasks are acknowledged after they ran (acks_late), without a result backend."""

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime

if sys.argv[-1] == "gevent":
    from gevent import monkey

    monkey.patch_all()

import peer
from celery import Celery
from celery.signals import worker_ready

app = Celery("peers", set_as_current=True)
app.conf.update(task_acks_late=True, worker_redirect_stdouts=False)


@app.task(name="noop")
def noop(line):
    """Do nothing."""
    peer.called(line)


@worker_ready.connect
def started(**_):
    """Report that the worker is ready."""
    peer.ready()


def connect(url):
    """Set the broker. kombu has its own scheme for Unix sockets."""
    app.conf.broker_url = url.replace("unix://", "redis+socket://", 1)


def push(url, count, line, processes):
    """Send one message per task: Celery has no bulk call."""
    connect(url)
    with app.producer_pool.acquire() as producer:
        for _ in range(count):
            noop.apply_async((line,), producer=producer)


def late(url, times):
    """Send tasks with an ETA. A worker keeps them until then."""
    connect(url)
    for due in times:
        noop.apply_async((repr(due),), eta=datetime.fromtimestamp(due, UTC))


def work(url, concurrency, index, mode):
    """Run one worker process with a pool of threads or greenlets."""
    connect(url)
    name = f"--hostname=worker{os.getpid()}@%h"
    with suppress(SystemExit):
        app.worker_main(
            ["worker", f"--pool={mode}", f"--concurrency={concurrency}", name, "--loglevel=ERROR"]
        )
    peer.ended()


if __name__ == "__main__":
    peer.main(push, late, work)
