"""Apply a board file to the boards it declares jobs for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from jobs_core.boardfile.check import to_problem
from jobs_core.boardfile.crontabs import keep_ids
from jobs_core.boardfile.model import BoardFile, Declarations, Problem
from jobs_core.errors import OptionError

if TYPE_CHECKING:
    from jobs_core.client.apply import Plan
    from jobs_core.client.board import BoardClient

Target = tuple["BoardClient", Declarations]
"""A board, and what a file declares for it."""

Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Takes the number of jobs and alerts, and yields a function to call with how many more were compared."""


class RefusedError(OptionError):
    """Jobs and alerts of a board file that its board rejects. `problems` has each one with its location."""

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
        RefusedError: A board rejects a job or an alert. If the check finds it, no board is changed.
    """
    if len(targets) > 1:
        for board, declared in targets:
            apply_board(board, file, declared, dry_run=True, **options)
    for board, declared in targets:
        yield board, apply_board(board, file, declared, dry_run=dry_run, **options)


def apply_board(
    board: BoardClient,
    file: BoardFile,
    declared: Declarations,
    *,
    dry_run: bool = False,
    progress: Progress = lambda total: nullcontext(_ignore),
    **options: Any,
) -> Plan:
    """Apply what a file declares for a board.

    Args:
        dry_run: Compare only, and change nothing.
        progress: Follows the comparison.
        options: `prune`, `adopt` and `because`, as for `Board.apply`.

    Returns:
        What changed or, in a dry run, would change.

    Raises:
        RefusedError: The board rejects a job or an alert. Nothing was changed.
    """
    act = board.plan if dry_run else board.apply
    both = Declarations(keep_ids(board, declared.jobs, file.owner), declared.alerts)
    with progress(len(both.all)) as advance:
        jobs, alerts = ([one.arguments for one in some] for some in (both.jobs, both.alerts))
        plan = act(jobs, file.owner, alerts=alerts, advance=advance, **options)
    if plan.refused:
        problems = [to_problem(both.all[index], error) for index, error in sorted(plan.refused.items())]
        raise RefusedError(file, problems)
    return plan


def _ignore(count: int) -> None:
    pass
