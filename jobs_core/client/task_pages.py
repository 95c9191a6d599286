"""Read tasks a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_core.engine.calls import TASK_FILTERS
from jobs_core.engine.replies import as_listed
from jobs_core.errors import OptionError
from jobs_core.options import to_pairs

MOST = 1000
"""Tasks on a page, at most."""

CALLS = 20
"""Calls for one page, at most, so that a filter that fits few tasks does not hold its caller for long."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks, as `Board.tasks` yields them, and the cursor of the next page.

    Without `next`, there are no more tasks. A page may be empty, and yet have a next one.
    """

    tasks: tuple[Mapping[str, Any], ...]
    next: str | None = None


def read_page(
    call: Callable[..., Any], cursor: str | None, limit: int, state: str | None, filters: Mapping[str, Any]
) -> TaskPage:
    """Read a page for `Board.task_page`, which calls commands with `call`. Raises OptionError."""
    if not 1 <= limit <= MOST:
        raise OptionError(f"limit: expected 1 to {MOST}, got {limit}", option="limit")
    pairs = to_pairs({"state": state} | dict(filters), TASK_FILTERS)
    found: list[Mapping[str, Any]] = []
    at, skip = _position(cursor)
    for _ in range(CALLS):
        following, listed = call("JTASKS", at, *pairs)
        tasks = [as_listed(text) for text in listed[skip:]]
        if len(found) + len(tasks) > limit:
            taken = limit - len(found)
            return TaskPage((*found, *tasks[:taken]), f"{skip + taken}+{at}")
        found += tasks
        at, skip = following, 0
        if at == "0":
            return TaskPage(tuple(found))
    return TaskPage(tuple(found), f"0+{at}")


def _position(cursor: str | None) -> tuple[str, int]:
    """Return the cursor of JTASKS, and how many tasks of its page have been read already."""
    if cursor is None:
        return "0", 0
    skip, plus, at = cursor.partition("+")
    if not (plus and skip.isdecimal() and skip.isascii()):
        raise OptionError(f"cursor: expected what the page before gave, got {cursor!r}", option="cursor")
    return at, int(skip)
