"""Find the partition of a job, a task or a limit. lua/base/partition.lua has the same rule."""

from __future__ import annotations

import itertools
import random
import re
from binascii import crc_hqx
from collections.abc import Sequence

from jobs_core.text import as_bytes

MOST = 256
"""The most partitions that a board may have."""

_PUSHED = re.compile(r"push:(\d+)$", re.ASCII)
_TASK = re.compile(r"(.*)@\d+(?:-f?(\d*))?$", re.ASCII | re.DOTALL)
_TOKEN = re.compile(r"(.*)#\d+$", re.ASCII | re.DOTALL)


def place_of(name: str, count: int) -> int:
    """Return the partition of a name by its CRC16, the one by which a Redis Cluster finds slots.

    >>> place_of("report", 16)
    4
    """
    return crc_hqx(as_bytes(name), 0) % count


def is_number(text: str) -> bool:
    """Return whether a text is a whole number as the engine reads it."""
    return text.isascii() and text.isdecimal()


class Places:
    """The partitions of a board, numbered from 0. Thread-safe."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._turns = itertools.count(random.randrange(count))

    @property
    def all(self) -> range:
        """All partitions."""
        return range(self.count)

    def turn(self) -> int:
        """Return a partition for what may be in any: they take turns."""
        return next(self._turns) % self.count

    def of_name(self, name: str) -> int:
        """Return the partition of a limit, such as `runner:http`, or of a key that a caller chose."""
        return place_of(name, self.count)

    def of_job(self, id: str) -> int:
        """Return the partition of a job. The one-off task `push:7@…` counts as a job named `push:7`."""
        if self.count == 1:
            return 0
        pushed = _PUSHED.match(id)
        return int(pushed[1]) % self.count if pushed else place_of(id, self.count)

    def of_number(self, number: str) -> int:
        """Return the partition that gave something its number, such as a backfill."""
        return int(number) % self.count if is_number(number) else 0

    def of_task(self, id: str) -> int:
        """Return the partition of a task.

        >>> places.of_task("report@1763900005000") == places.of_job("report")
        True
        """
        found = _TASK.match(id)
        if found is None:
            return self.of_job(id)
        job, number = found.groups()
        return self.of_number(number or "") if job.startswith("alert:") else self.of_job(job)

    def of_tasks(self, task: str | None = None, job: str | None = None) -> Sequence[int]:
        """Return the partitions that may have tasks: that of one task, or of a job, or all of them."""
        if task is not None:
            return (self.of_task(task),)
        if job is not None and not job.startswith("alert:"):
            return (self.of_job(job),)
        return self.all

    def of_token(self, token: str) -> int:
        """Return the partition of a task by the token of its lease, or its ticket."""
        found = _TOKEN.match(token)
        return self.of_task(found[1] if found else token)


ONE = Places(1)
"""Those of a board without partitions."""
