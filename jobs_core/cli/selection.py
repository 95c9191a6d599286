"""Jobs chosen on the command line: by ids, by patterns and by labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jobs_core.cli.patterns import expand_patterns
from jobs_core.errors import NotFoundError, OptionError

if TYPE_CHECKING:
    from jobs_core.app import Board


def select_jobs(board: Board, words: Sequence[str], label: Sequence[str] | None) -> list[str]:
    """Return the ids of the jobs that match words, which are ids or patterns, and labels, as far as given.

    Raises:
        NotFoundError: No job matches.
        OptionError: There are neither words nor labels, or a label is invalid.
    """
    if label is None:
        if not words:
            raise OptionError("Name jobs: pass ids, patterns such as 'report-*', or --label NAME=VALUE.")
        return expand_patterns(board, words)
    if words:
        labeled = set(board.find(label=label))
        found = [id for id in expand_patterns(board, words) if id in labeled]
    else:
        found = list(board.find(label=label, sort="id"))
    if not found:
        which = f"{' '.join(words)} " if words else ""
        raise NotFoundError(f"no job {which}on the board {board.name!r} has the label {', '.join(label)}")
    return found
