"""Set up and tear down what every run has: boards, clock, processes. Subclasses know where the boards are."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from jobs_core import Board
from jobs_core.lease import lease_clock
from torture import boards, exclusive
from torture.fleet import Fleet, feeder_of, names
from torture.timesource import TimeSource

MOST_LATE = 4
"""Maximum number of faults at once that deliver commands late."""


class Stage(ABC):
    """The environment of a run, in its own folder. `over` is set when faults must end.

    Args:
        folder: An empty folder.
        board_names: The boards.
        workers: The number of worker processes.
        durable: Whether the boards are durable.
        partitions: How many partitions each board has. None for ordinary boards.
    """

    def __init__(
        self,
        folder: Path,
        board_names: Sequence[str],
        workers: int,
        *,
        durable: bool,
        partitions: int | None = None,
    ) -> None:
        self.folder = folder
        self.over = threading.Event()
        self.server_lock = threading.Lock()
        """Held while a server is replaced or restarted."""
        self._jump_lock = threading.Lock()
        self._late = threading.Semaphore(MOST_LATE)
        self.source = TimeSource(folder / "time")
        boards.prepare(folder, board_names)
        for name in board_names:
            exclusive.prepare(folder / name)
        for name in (*names(workers), *map(feeder_of, board_names)):
            (folder / f"url-{name}").write_text(self.url_for(name))
        self._clients: list[redis.Redis] = []
        for board in self.boards():
            board.init(partitions=partitions)
            if durable:
                board.retain(durable=1)
        self.fleet = Fleet(folder, workers)

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL of the boards, not through a proxy."""

    @abstractmethod
    def url_for(self, name: str) -> str:
        """Return the URL for a process."""

    @abstractmethod
    def admin(self, command: Callable[[redis.Redis], object]) -> None:
        """Send servers an administrative command. Redis errors are ignored: a server may be down."""

    @abstractmethod
    def heal_servers(self) -> None:
        """Undo the effects of faults on servers and the network."""

    @abstractmethod
    def close_servers(self) -> None:
        """End the servers."""

    def boards(self) -> list[Board]:
        """Open the boards, not through a proxy."""
        found = boards.open_all(self.folder, self.url)
        self._clients += [board.client for board in found]
        return found

    def late(self) -> threading.Semaphore:
        """During the `with` block, commands may arrive late, and so the clock must be right."""
        return self._late

    @contextmanager
    def punctual(self) -> Iterator[None]:
        """During the `with` block, no command arrives late, and so the clock may be wrong."""
        with self._jump_lock, ExitStack() as stack:
            for _ in range(MOST_LATE):
                stack.enter_context(self._late)
            yield

    @contextmanager
    def jump(self, seconds: float) -> Iterator[None]:
        """During the `with` block, the clock is wrong by this much. `jumps` has when that was."""
        began = lease_clock()
        self.source.jump(seconds)
        try:
            yield
        finally:
            self.source.jump(0)
            with (self.folder / "jumps").open("a") as jumps:
                jumps.write(f"{began} {lease_clock()}\n")

    def heal(self) -> None:
        """Undo the effects of faults."""
        self.source.jump(0)
        self.heal_servers()
        self.admin(lambda client: client.config_set("maxmemory", 0))
        self.admin(lambda client: client.client_unpause())

    def close(self) -> None:
        """Stop every process."""
        self.fleet.end()
        self.close_servers()
        for client in self._clients:
            client.close()
