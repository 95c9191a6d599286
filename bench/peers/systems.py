"""The systems measured: their versions, their environments, and how to count their remaining tasks."""

from __future__ import annotations

from dataclasses import dataclass

import jobs_core
from jobs_core.engine.keys import Keys

BOARD = Keys("bench")

HIREDIS = "hiredis==3.5.0"
"""The C parser that Jobs uses, for all clients that support it."""


@dataclass(frozen=True, slots=True)
class System:
    """A system in one configuration."""

    name: str
    version: str
    script: str
    left: tuple[tuple[str, str], ...]
    """Commands whose replies add up to the number of unacknowledged tasks."""
    mode: str = "-"
    """An extra argument of the script."""
    requirements: tuple[str, ...] = ()
    """Packages in its environment. None for Jobs, which runs in the current one."""


def _celery(mode: str) -> System:
    return System(
        f"Celery, {mode}",
        "5.7.0",
        "with_celery.py",
        (("LLEN", "celery"), ("HLEN", "unacked")),
        mode,
        ("celery[redis]==5.7.0", "gevent==26.9.0", HIREDIS),
    )


def _rq(name: str, mode: str) -> System:
    return System(
        name,
        "3.0.0",
        "with_rq.py",
        (
            ("LLEN", "rq:queue:default"),
            ("LLEN", "rq:queue:default:intermediate"),
            ("ZCARD", "rq:wip:default"),
        ),
        mode,
        ("rq==3.0.0", HIREDIS),
    )


def _docket(milliseconds: int) -> System:
    return System(
        f"docket, check interval {milliseconds} ms",
        "0.27.0",
        "with_docket.py",
        (("XLEN", "peers:stream"), ("ZCARD", "peers:queue")),
        str(milliseconds),
        ("pydocket==0.27.0", HIREDIS),
    )


JOBS = System(
    "Jobs",
    jobs_core.__version__,
    "with_jobs.py",
    (("LLEN", BOARD.queue("noop")), ("ZCARD", BOARD.leased)),
)

SYSTEMS = (
    JOBS,
    System(
        "BullMQ",
        "6.7.0",
        "with_bullmq.cjs",
        (("LLEN", "bull:peers:wait"), ("LLEN", "bull:peers:active")),
        requirements=("bullmq@6.7.0", "ioredis@5.11.1"),
    ),
    _celery("threads"),
    _celery("gevent"),
    _rq("RQ, SimpleWorker", "simple"),
    _rq("RQ, a fork per task", "fork"),
    System(
        "APScheduler",
        "3.11.3",
        "with_apscheduler.py",
        tuple(("ZCARD", f"apscheduler.run_times.{index}") for index in range(4)),
        requirements=("apscheduler==3.11.3", "redis==8.1.0", HIREDIS),
    ),
    System(
        "SAQ",
        "0.26.4",
        "with_saq.py",
        (("ZCARD", "saq:default:incomplete"),),
        requirements=("saq[redis]==0.26.4", "typing-extensions==4.16.0", HIREDIS),
    ),
    System(
        "streaQ",
        "7.2.0",
        "with_streaq.py",
        (("XLEN", "streaq:default:queues:normal"), ("ZCARD", "streaq:default:queues:delayed:normal")),
        requirements=("streaq==7.2.0",),
    ),
    _docket(100),
    _docket(5),
)
