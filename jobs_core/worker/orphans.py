"""Tasks that Redis handed to this worker in a reply that never arrived."""

from __future__ import annotations

from collections.abc import Set
from contextlib import suppress

from jobs_core.client.board import BoardClient
from jobs_core.errors import StaleError
from jobs_core.worker.run import Run


class Orphans:
    """Finds tasks that the worker holds without knowing it, and returns them to their queue.

    Otherwise nobody would renew their leases, and their attempts would count as lost.

    Args:
        board: The board.
        name: The worker's name.
        runs: The runs that the worker knows. The worker changes this set.
    """

    def __init__(self, board: BoardClient, name: str, runs: Set[Run]) -> None:
        self._board = board
        self._name = name
        self._runs = runs
        self.are_possible = False
        """Whether a request for tasks was sent and its reply was lost."""

    def release(self) -> None:
        """Release the orphans. Call it while no request for tasks is in flight. Raises FaultError."""
        known = {run.task.token for run in self._runs}
        for task in list(self._board.tasks("leased", worker=self._name)):
            if task["ticket"] not in known:
                with suppress(StaleError):
                    self._board.ack(task["ticket"], "release")
        self.are_possible = False
