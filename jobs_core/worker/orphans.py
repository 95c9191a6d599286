"""Tasks that Redis handed to this worker in a reply that never arrived."""

from __future__ import annotations

from collections.abc import Set
from contextlib import suppress
from typing import Any

from jobs_core.client.board import BoardClient
from jobs_core.errors import StaleError
from jobs_core.lease import lease_clock
from jobs_core.worker.run import Run


class Orphans:
    """Finds tasks that the worker holds without knowing it, and returns them to their queue.

    Otherwise nobody would renew their leases, and their attempts would count as lost. Tasks from before this
    worker began are none: a worker of the same name held them, and its commands may still be ending. A name
    that was given may belong to several workers at once, so then there is no telling.

    Args:
        board: The board.
        name: The worker's name.
        runs: The runs that the worker knows. The worker changes this set.
        has_unique_name: Whether no other process has this name.
    """

    def __init__(self, board: BoardClient, name: str, runs: Set[Run], *, has_unique_name: bool) -> None:
        self._board = board
        self._name = name
        self._runs = runs
        self._has_unique_name = has_unique_name
        self._began = lease_clock()
        self.are_possible = False
        """Whether to look for orphans."""

    def suspect(self) -> None:
        """Note that a request for tasks was sent and its reply was lost."""
        self.are_possible = self._has_unique_name

    def release(self) -> None:
        """Release the orphans. Call it while no request for tasks is in flight. Raises FaultError."""
        not_orphans = {run.task.token for run in self._runs}
        not_orphans.update(task["ticket"] for task in self._leased(lease_clock() - self._began))
        for task in self._leased():
            if task["ticket"] not in not_orphans:
                with suppress(StaleError):
                    self._board.ack(task["ticket"], "release")
        self.are_possible = False

    def _leased(self, older_than: float | None = None) -> list[dict[str, Any]]:
        """Return the tasks that Redis holds for this worker, if older than some seconds."""
        return list(self._board.tasks("leased", worker=self._name, older_than=older_than))
