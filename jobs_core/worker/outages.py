"""When Redis is away and back, as the loggers of a worker are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jobs_core.engine.outage import Outage


class Outages:
    """One outage for all nodes and partitions of a board, so that loggers are told once.

    Args:
        emit: Sends an event to the loggers: `Events.emit`.
    """

    def __init__(self, emit: Callable[..., None]) -> None:
        self._emit = emit
        self._found: dict[tuple[str, ...], Outage] = {}

    def find(self, boards: Sequence[str], server: str, part: str) -> Outage:
        """Return the outage of boards, for one of their parts.

        Args:
            boards: The names of the boards.
            server: What they are on, or are, in the sentence that they are back.
            part: A name that no other part of these boards has.
        """
        key = tuple(boards)
        if key not in self._found:
            self._found[key] = self._make(server, key[0] if len(key) == 1 else "")
        return self._found[key].of(part)

    def _make(self, server: str, board: str) -> Outage:
        emit = self._emit
        outage = Outage(
            server,
            away=lambda note: emit("trouble", board=board, note=note),
            back=lambda note: emit("recovered", board=board, note=note, seconds=outage.seconds),
        )
        return outage
