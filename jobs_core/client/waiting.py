"""Wait for a task to end, by what the history says of it."""

from __future__ import annotations

import time
from typing import Any

from jobs_core.client.output import BLOCK, ENDS
from jobs_core.engine.replies import as_entry
from jobs_core.errors import NotFoundError


class Waiting:
    """What somebody who waits for a task asks Redis next, whoever asks it.

    Read the history after `last` with XREAD, for `block` ms, and give what comes to `take`.

    Args:
        newest: The newest entry of the history when the wait began, as XREVRANGE returns it.
        timeout: Seconds to wait at most; None without bound.
    """

    def __init__(self, board: str, task: str, newest: Any, timeout: float | None) -> None:
        self.last = newest[0][0] if newest else "0"
        self._board, self._task = board, task
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout

    @property
    def block(self) -> int:
        """Milliseconds to wait for more. Raises TimeoutError."""
        if self._deadline is None:
            return BLOCK
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the task {self._task!r} has not ended within {self._timeout:g} s")
        return max(1, min(BLOCK, int(left * 1000)))

    def take(self, found: Any) -> dict[str, Any] | None:
        """Return how the task ended, if what XREAD returned says so."""
        for _, page in found or ():
            for id, fields in page:
                self.last = id
                if fields.get("task") == self._task and fields.get("what") in ENDS:
                    return as_entry(id, fields)
        return None

    def unknown(self) -> NotFoundError:
        """The error for a task that is nowhere."""
        return NotFoundError(
            f"there is no task {self._task!r} on the board {self._board!r}, and its history does not reach it"
        )
