"""Ids on the command line that may be patterns, as in `jobs list`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jobs_core.errors import NotFoundError, OptionError
from jobs_core.text import visible

if TYPE_CHECKING:
    from jobs_core.app import Board

NAMED = 5
"""Ids that a question names at most."""


def expand_patterns(board: Board, words: Sequence[str]) -> list[str]:
    """Return the ids that words stand for: a word with `*`, `?` or `[` is a pattern, unless it is an id.

    Raises NotFoundError if no job matches a pattern.
    """
    found: dict[str, None] = {}
    for word in words:
        if not set("*?[") & set(word) or _exists(board, word):
            found[word] = None
            continue
        matching = [job["id"] for job in board.list(word, sort="id")]
        if not matching:
            raise NotFoundError(f"no job on the board {board.name!r} matches {word!r}")
        found |= dict.fromkeys(matching)
    return list(found)


def shortened(ids: Sequence[str]) -> list[str]:
    """Return the first ids, and how many others there are."""
    more = len(ids) - NAMED
    return [*ids[:NAMED], *([f"{more} more"] if more > 0 else [])]


def confirm(question: str) -> None:
    """Ask on a terminal. Raises click.Abort if the answer is no, and OptionError where nobody can answer."""
    if not _has_terminal():
        raise OptionError(f"{question} Pass --yes to do so without a question.")
    click.confirm(visible(question), abort=True)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _exists(board: Board, id: str) -> bool:
    try:
        board.show(id)
    except NotFoundError:
        return False
    return True
