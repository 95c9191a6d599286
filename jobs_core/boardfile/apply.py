"""Apply a board file to the boards it declares jobs for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from jobs_core.boardfile.check import to_problem
from jobs_core.boardfile.crontabs import keep_ids
from jobs_core.boardfile.model import BoardFile, Declared, Problem
from jobs_core.errors import OptionError

if TYPE_CHECKING:
    from jobs_core.client.apply import Plan
    from jobs_core.client.board import BoardClient

Target = tuple["BoardClient", list[Declared]]
"""A board, and the jobs that a file declares for it."""

Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Takes the number of jobs, and yields a function to call with the number of further compared jobs."""


class RefusedError(OptionError):
    """Jobs of a board file that its board rejects. `problems` has each one with its location."""

    def __init__(self, file: BoardFile, problems: list[Problem]) -> None:
        count = len(problems)
        super().__init__(f"{file.path}: found {count} problem{'s' * (count != 1)}. Nothing was changed.")
        self.problems = problems


def apply_boards(
    targets: Sequence[Target], file: BoardFile, *, dry_run: bool = False, **options: Any
) -> Iterator[tuple[BoardClient, Plan]]:
    """Apply a file to several boards, one after another, after checking all of them.

    Takes the options of `apply_board`.

    Yields:
        Each board, with what changed on it.

    Raises:
        RefusedError: A board rejects a job. If the check finds it, no board is changed.
    """
    if len(targets) > 1:
        for board, declared in targets:
            apply_board(board, file, declared, dry_run=True, **options)
    for board, declared in targets:
        yield board, apply_board(board, file, declared, dry_run=dry_run, **options)


def apply_board(
    board: BoardClient,
    file: BoardFile,
    declared: list[Declared],
    *,
    dry_run: bool = False,
    progress: Progress = lambda total: nullcontext(_ignore),
    **options: Any,
) -> Plan:
    """Apply the jobs that a file declares for a board.

    Args:
        dry_run: Compare only, and change nothing.
        progress: Follows the comparison.
        options: `prune`, `adopt` and `because`, as for `Board.apply`.

    Returns:
        What changed or, in a dry run, would change.

    Raises:
        RefusedError: The board rejects a job. Nothing was changed.
    """
    act = board.plan if dry_run else board.apply
    declared = keep_ids(board, declared, file.owner)
    with progress(len(declared)) as advance:
        plan = act([job.arguments for job in declared], file.owner, advance=advance, **options)
    if plan.refused:
        problems = [to_problem(declared[index], error) for index, error in sorted(plan.refused.items())]
        raise RefusedError(file, problems)
    return plan


def _ignore(count: int) -> None:
    pass
