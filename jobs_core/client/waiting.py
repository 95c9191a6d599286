"""Wait for a task to end, by reading the history."""

from __future__ import annotations

import time
from typing import Any

from jobs_core.client.output import BLOCK, ENDS, LOOKS
from jobs_core.engine.replies import as_entry
from jobs_core.errors import NotFoundError


class Waiting:
    """The state of a wait for a task. Both clients share it.

    While `needs_check`, look for the task on the board, and pass what you find to `note_presence`. Read the
    history after `last` with XREAD, for `block` ms, and pass the reply to `take`.

    Args:
        board: The name of the board.
        task: The task's id.
        newest: The newest entry of the history when the wait began, as XREVRANGE returns it.
        timeout: Seconds to wait at most. None waits forever.
    """

    def __init__(self, board: str, task: str, newest: Any, timeout: float | None) -> None:
        self.last = newest[0][0] if newest else "0"
        self._board, self._task = board, task
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._is_gone = False
        self._patience = LOOKS
        self._look_at = time.monotonic()

    @property
    def needs_check(self) -> bool:
        """Whether to look for the task on the board: at first, then less and less often. It is costly."""
        return not self._is_gone and time.monotonic() >= self._look_at

    def note_presence(self, is_there: bool) -> None:
        """Note whether the task is on the board. If not, the wait ends where the history ends."""
        self._is_gone = not is_there
        self._look_at = time.monotonic() + self._patience
        self._patience = min(2 * self._patience, 300.0)

    @property
    def block(self) -> int:
        """Milliseconds to wait for more entries. Raises TimeoutError."""
        if self._is_gone:
            return 1
        if self._deadline is None:
            return BLOCK
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"The task {self._task!r} did not end within {self._timeout:g} s")
        return max(1, min(BLOCK, int(left * 1000)))

    def take(self, found: Any) -> dict[str, Any] | None:
        """Return the entry that ends the task, if a reply to XREAD has it.

        Raises NotFoundError for a task that is neither on the board nor in its history.
        """
        for _, page in found or ():
            for id, fields in page:
                self.last = id
                if fields.get("task") == self._task and fields.get("what") in ENDS:
                    return as_entry(id, fields)
        if self._is_gone and not found:
            raise NotFoundError(
                f"there is no task {self._task!r} on the board {self._board!r} or in its history"
            )
        return None
