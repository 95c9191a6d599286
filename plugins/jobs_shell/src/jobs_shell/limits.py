"""The limit on open files of commands: that of the worker before it raised its own."""

from __future__ import annotations

import resource
from contextlib import suppress
from functools import cache


@cache
def file_limit() -> tuple[int, int]:
    """Return the limit on open files at the time of the first call: soft and hard."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def restore_file_limit(pid: int, of: tuple[int, int] | None = None) -> None:
    """Give a command the limit that the worker had, because some programs cannot cope with a high one."""
    limit = of or file_limit()
    if hasattr(resource, "prlimit") and resource.getrlimit(resource.RLIMIT_NOFILE) != limit:
        with suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
