"""Read the workers of a board, which register in each of its partitions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from jobs_core.engine.commands import Commands
from jobs_core.engine.partitions.merges import one_of_each
from jobs_core.engine.replies import as_worker


def read_workers(commands: Commands) -> Iterable[dict[str, Any]]:
    """Return the workers of a board, sorted by name: see `Board.workers`."""
    clocks = commands.each(lambda client, keys: client.time())
    kept: list[Any] = commands.each(lambda client, keys: client.hgetall(keys.workers))
    found = (
        [as_worker(str(name), str(text), clock) for name, text in entries.items()]
        for clock, entries in zip(clocks, kept, strict=True)
    )
    return sorted(one_of_each(chain.from_iterable(found)), key=lambda worker: str(worker["worker"]))
