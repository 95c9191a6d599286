"""The boards that a worker serves, and how it shares its slots among them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs_core.client.board import BoardClient
from jobs_core.engine.commands import Commands
from jobs_core.engine.outage import Outage
from jobs_core.errors import OptionError
from jobs_core.worker.output_keeper import OutputKeeper

NAMED = 5
"""Boards that the first line of a log names."""


class Served:
    """A board that a worker serves, and what its loop knows of it.

    Args:
        board: The board, or one partition of it.
        whole: The board as others see it, with all its partitions.
        commands: Its commands for the loop, on the connections of all boards of the same server.
        queues: The queues that the worker serves.
        outage: Where to say that this board alone has trouble.
    """

    def __init__(
        self,
        board: BoardClient,
        whole: BoardClient,
        commands: Commands,
        queues: Iterable[str],
        outage: Outage,
    ) -> None:
        self.board = board
        self.whole = whole
        self.name = board.name
        self.commands = commands
        self.outage = outage
        self.keeper = OutputKeeper(board.commands)
        self.queues = deque(queues)
        self.wake_keys = [board.keys.wake_queue(name) for name in self.queues]
        self.may_have_tasks = True
        """Whether to ask it for tasks."""
        self.has_token = False
        """Whether a wake token was seen, which is to be taken with the tasks."""
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Leave the board alone for a while."""
        self._paused_until = time.monotonic() + seconds

    @property
    def pause_left(self) -> float:
        """For how many more seconds to leave it alone."""
        return self._paused_until and max(0.0, self._paused_until - time.monotonic())


@dataclass(frozen=True, slots=True)
class Part:
    """A board to serve, or one partition of it: `board`; and the board that it belongs to."""

    board: BoardClient
    whole: BoardClient

    def deliver(self, targets: Sequence[int]) -> None:
        """Take the messages of this partition to others."""
        if spread := self.whole.commands.spread:
            spread.deliver(spread.place_of(self.board.commands), targets)


def by_connections(boards: Iterable[BoardClient]) -> list[list[Part]]:
    """Group the partitions of boards by the connections that they share.

    Raises OptionError if a board is there twice, or if there is none.
    """
    found: dict[int, list[Part]] = {}
    for part in (Part(part, board) for board in boards for part in board.partitions):
        others = found.setdefault(id(part.board.client), [])
        if any(other.board.keys.tag == part.board.keys.tag for other in others):
            name = part.whole.name
            raise OptionError(f"board: expected each board once, got {name!r} twice", option="board")
        others.append(part)
    if not found:
        raise OptionError("board: expected at least one", option="board")
    return list(found.values())


def share_slots(room: int, boards: deque[Served]) -> list[tuple[Served, int]]:
    """Share free slots among the boards that may have tasks, as evenly as possible.

    If there are more boards than slots, boards take turns: those that get some go to the end of the line.
    """
    asking = [one for one in boards if one.may_have_tasks and not one.pause_left][: max(0, room)]
    if not asking:
        return []
    each, rest = divmod(room, len(asking))
    if len(boards) > 1:
        for one in asking:
            boards.remove(one)
        boards.extend((*asking[rest:], *asking[:rest]))
    return [(one, each + (place < rest)) for place, one in enumerate(asking)]


def on_boards(names: Sequence[str]) -> str:
    """Say which boards a worker serves, if there are several, and as many as a line takes.

    >>> on_boards(["reports", "mail"])
    ' on the boards reports, mail'
    """
    if len(names) == 1:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" on the boards {', '.join(names[:NAMED])}{more}"
