"""The boards that a worker serves, and how it shares its slots among them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence

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
        board: The board.
        commands: Its commands for the loop, on the connections of all boards of the same server.
        queues: The queues that the worker serves.
        outage: Where to say that this board alone has trouble.
    """

    def __init__(self, board: BoardClient, commands: Commands, queues: Iterable[str], outage: Outage) -> None:
        self.board = board
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


def by_connections(boards: Iterable[BoardClient]) -> list[list[BoardClient]]:
    """Group boards by the connections that they share.

    Raises OptionError if a board is there twice, or if there is none.
    """
    found: dict[int, list[BoardClient]] = {}
    for board in boards:
        others = found.setdefault(id(board.client), [])
        if any(other.name == board.name for other in others):
            raise OptionError(f"board: expected each board once, got {board.name!r} twice", option="board")
        others.append(board)
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
