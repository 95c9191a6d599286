"""The options of a worker, and their checks."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable
from typing import TypedDict

from jobs_core.contract import Logger
from jobs_core.errors import OptionError
from jobs_core.values import require_utf8, require_visible

SHORTEST, LONGEST = 0.1, 366 * 86400.0
"""Limits in seconds. A shorter lease could not be renewed in time."""

LONGEST_NAME = 256
"""The longest name of a worker or a queue, in bytes."""


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


def check_options(name: str, queues: Iterable[str], lease: float, drain: float) -> None:
    """Raise OptionError for an invalid name of the worker or of a queue, lease or drain."""
    _check_name("name", name)
    for queue in queues:
        _check_name("queue", queue)
        if "!" in queue:
            raise OptionError(f"queue: expected a name without !, got {queue!r}", option="queue")
    _check_seconds("lease", lease, SHORTEST)
    _check_seconds("drain", drain, 0)


def _check_name(option: str, name: str) -> None:
    """Reject a name that Redis would reject: it must be one word of UTF-8, not too long."""
    require_utf8(option, name)
    if not name:
        raise OptionError(f"{option}: expected a name, got nothing", option=option)
    if [name] != name.split() or any(map(_is_control, name)):
        raise OptionError(f"{option}: expected a name without spaces, got {name!r}", option=option)
    require_visible(option, name)
    size = len(name.encode())
    if size > LONGEST_NAME:
        raise OptionError(f"{option}: expected at most {LONGEST_NAME} bytes, got {size}", option=option)


def _is_control(char: str) -> bool:
    return char < " " or char == "\x7f"


def _check_seconds(name: str, seconds: float, least: float) -> None:
    if not least <= seconds <= LONGEST:
        raise OptionError(
            f"{name}: expected {least:g} to {LONGEST:.0f} seconds, got {seconds:g}", option=name
        )
