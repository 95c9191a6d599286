"""The layouts of partitioned boards, as the engine reads them: see lua/base/layout.lua."""

from __future__ import annotations

import re
from typing import Any

from jobs_core.engine.keys import Keys
from jobs_core.engine.loader import VERSION, exchange
from jobs_core.engine.partitions.places import MOST
from jobs_core.errors import OptionError
from jobs_core.text import writable


def check_count(count: int) -> None:
    """Raise OptionError unless a board may have so many partitions."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
        raise OptionError(
            f"partitions: expected a whole number from 1 to {MOST}, got {count!r}", option="partitions"
        )


def of_board(count: int) -> str:
    """Return the layout of a board that has so many partitions."""
    return f"{VERSION} of {count}"


def of_partition(number: int, count: int) -> str:
    """Return the layout of one of its partitions."""
    return f"{VERSION} {number}/{count}"


def count_of(layout: str | None) -> int:
    """Return how many partitions a board has by the layout of its first one: 0 if it is not one."""
    found = re.fullmatch(rf"{VERSION} 0/(\d+)", layout or "", re.ASCII)
    return int(found[1]) if found else 0


def read_count(connection: Any, keys: Keys) -> int:
    """Return how many partitions a board has: 0 if it has none, or is not known."""
    found = re.fullmatch(rf"{VERSION} of (\d+)", str(_ask(connection, "GET", keys.layout)), re.ASCII)
    return int(found[1]) if found else 0


def require_free(connection: Any, keys: Keys, count: int) -> None:
    """Raise OptionError unless a board is new, or has so many partitions already."""
    found = read_count(connection, keys)
    if found == count:
        return
    if found:
        raise OptionError(
            f"partitions: the board {keys.board!r} has {found}, and their number never changes: dump it, and "
            "load it into another board",
            option="partitions",
        )
    if _ask(connection, "EXISTS", keys.layout, keys.stats, keys.job):
        raise OptionError(
            f"partitions: the board {keys.board!r} exists, and has none: dump it, and load it into another",
            option="partitions",
        )


def mark(connection: Any, keys: Keys, layout: str) -> None:
    """Give a new board, or partition, its layout. Raises OptionError if it has another one."""
    if not _ask(connection, "EXISTS", keys.stats, keys.job):
        _ask(connection, "SET", keys.layout, layout, "NX")
    found = _ask(connection, "GET", keys.layout)
    if found != layout:
        raise OptionError(
            f"partitions: there is another board {writable(keys.board)!r} in the way: choose another name",
            option="partitions",
        )


def _ask(connection: Any, *words: Any) -> Any:
    (reply,) = exchange(connection, words)
    if isinstance(reply, Exception):
        raise reply
    return reply
