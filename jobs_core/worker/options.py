"""The options of a worker, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from jobs_core.contract import Logger
from jobs_core.errors import OptionError

SHORTEST, LONGEST = 0.1, 366 * 86400.0
"""Seconds: no lease is shorter, since it could not be renewed in time, and no lease or drain is longer."""


class WorkerOptions(TypedDict, total=False):
    """The options of a worker: see `Worker`."""

    concurrency: int
    lease: float
    drain: float
    queues: Iterable[str]
    loggers: Iterable[Logger]
    name: str | None
    tick: bool


def check_options(queues: Iterable[str], lease: float, drain: float) -> None:
    """Raise OptionError for a queue that has no name, or a lease or drain that no worker can have."""
    for queue in queues:
        if [queue] != queue.split():
            raise OptionError(f"queue: expected a name without spaces, got {queue!r}")
    _check_seconds("lease", lease, SHORTEST)
    _check_seconds("drain", drain, 0)


def _check_seconds(name: str, seconds: float, least: float) -> None:
    if not least <= seconds <= LONGEST:
        raise OptionError(f"{name}: expected {least:g} to {LONGEST:.0f} seconds, got {seconds:g}")
