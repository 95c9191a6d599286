"""The boards of a run: how all its processes open them, and what each board's books are.

The folder has the names of the boards (`boards`), and for each board a folder with its logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from redis.crc import key_slot

from jobs_core import Board
from torture.timesource import TimedCommands, TimeSource

ANSWER = 10.0
"""Seconds to wait for an answer of Redis."""


def prepare(folder: Path, names: Sequence[str]) -> None:
    """Name the boards of a run, and make their folders."""
    (folder / "boards").write_text("\n".join(names))
    for name in names:
        (folder / name).mkdir()


def names(folder: Path) -> list[str]:
    """Return the names of the boards of a run."""
    return (folder / "boards").read_text().split("\n")


def open_all(folder: Path, url: str, source: TimeSource | None = None) -> list[Board]:
    """Open the boards of a run, on the same connections if they are on one server.

    With a time source, all their commands use that time. In a cluster, the time is always right.
    """
    first, *others = names(folder)
    found = [Board(first, url, socket_timeout=ANSWER, validate=False)]
    found += [Board(name, client=found[0].client, validate=False) for name in others]
    if source is not None and "+cluster" not in url:
        for board in found:
            board.commands = TimedCommands(board, source)
    return found


def ledgers(board: Board) -> list[dict[str, int]]:
    """Return the ledgers that a board has. Each must add up, and together they are the board's."""
    return [part.stats() for part in board.partitions]


def dead_letters(board: Board) -> list[dict[str, str]]:
    """Return the dead letters of each ledger: the status of the last attempt, by task id."""
    return [{task["id"]: task["history"][-1]["status"] for task in part.dead()} for part in board.partitions]


def slots(board: Board) -> list[int]:
    """Return the slots of a cluster that have a board."""
    return [key_slot(part.keys.tag.encode()) for part in board.partitions]
