"""The options of a worker, and their checks."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable
from typing import TypedDict

from jobs_core.contract import Logger
from jobs_core.errors import OptionError

SHORTEST, LONGEST = 0.1, 366 * 86400.0
"""Limits in seconds. A shorter lease could not be renewed in time."""


class WorkerOptions(TypedDict, total=False):
    """The options of `Worker`."""

    concurrency: int
    lease: float
    drain: float
    queues: Iterable[str]
    loggers: Iterable[Logger]
    name: str | None
    tick: bool


def unique_name() -> str:
    """Return a name that no other process has: the host name and the process id.

    Processes of containers often have the same, so process 1 gets a random suffix.
    """
    suffix = f"-{secrets.token_hex(3)}" if os.getpid() == 1 else ""
    return f"{socket.gethostname()}-{os.getpid()}{suffix}"


def check_options(queues: Iterable[str], lease: float, drain: float) -> None:
    """Raise OptionError for an invalid queue name, lease or drain."""
    for queue in queues:
        if [queue] != queue.split():
            raise OptionError(f"queue: expected a name without spaces, got {queue!r}", option="queue")
    _check_seconds("lease", lease, SHORTEST)
    _check_seconds("drain", drain, 0)


def _check_seconds(name: str, seconds: float, least: float) -> None:
    if not least <= seconds <= LONGEST:
        raise OptionError(
            f"{name}: expected {least:g} to {LONGEST:.0f} seconds, got {seconds:g}", option=name
        )
