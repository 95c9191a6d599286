"""Put the lines of crontabs on a board: all of them or, if the board rejects one, none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jobs_core.client.apply import read_owners
from jobs_core.crontab import mailto
from jobs_core.crontab.match import entry, keep_ids
from jobs_core.crontab.model import Line
from jobs_core.errors import JobsError

if TYPE_CHECKING:
    from jobs_core.client.apply import Change
    from jobs_core.client.board import BoardClient

Refusals = dict[int, JobsError]
"""Errors by the index of the rejected line."""


class Import:
    """The lines of crontabs for a board, under the ids that they keep.

    Each crontab owns its jobs, as a board file does. With a prefix, it is another owner, since crontabs of
    several machines have the same path. `notices` says why MAILTO mails nobody, if
    that is so.

    Args:
        board: The board.
        lines: The lines of all crontabs.
        files: The names of all crontabs. One without any line may have had some.
        prefix: The prefix of the ids.
        prune: Remove jobs that their crontab no longer declares.
    """

    def __init__(
        self, board: BoardClient, lines: Sequence[Line], files: Sequence[str], prefix: str, *, prune: bool
    ) -> None:
        self._board = board
        self._prune = prune
        self._owners = {file: owner(file, prefix) for file in files}
        wanted = [entry(line.job, self._owners[line.file], derived=line.derived) for line in lines]
        ids = keep_ids(board, wanted, prefix)
        mailing = [line for line in lines if mailto.on_failure(line.mailto)]
        reason = mailto.refusal(board) if mailing else ""
        self.notices = [mailing[0].notice(reason)] if reason else []
        self.lines = [
            replace(line, id=id, mailto=None if reason else line.mailto)
            for line, id in zip(lines, ids, strict=True)
        ]

    def check(self) -> tuple[list[Change], Refusals]:
        """Compare the lines with the board, and change nothing.

        Returns:
            The changes of existing jobs, and the errors of rejected lines.
        """
        changes: list[Change] = []
        refused: Refusals = {}
        for name, indexes in self._by_owner():
            plan = self._board.plan(self._jobs(indexes), name, prune=self._prune, adopt=True)
            changes += [change for change in plan.changes if change.kind in ("change", "remove")]
            refused |= {indexes[place]: error for place, error in plan.refused.items()}
        return changes, refused

    def put(self) -> None:
        """Put lines that passed `check`.

        Raises:
            JobsError: The board rejects a line.
        """
        for name, indexes in self._by_owner():
            plan = self._board.apply(self._jobs(indexes), name, prune=self._prune, adopt=True)
            for error in plan.refused.values():
                raise error

    def kept(self) -> list[str]:
        """Return the ids of jobs that stay although their crontab no longer declares them."""
        if self._prune:
            return []
        ids, names = {line.id for line in self.lines}, set(self._owners.values())
        owners = read_owners(self._board.commands)
        return sorted(id for id, name in owners if name in names and id not in ids)

    def next_runs(self) -> list[datetime | None]:
        """Return the next run of each line."""
        return [next(iter(self._board.next(cron=line.cron, zone=line.zone)), None) for line in self.lines]

    def _by_owner(self) -> Iterator[tuple[str, list[int]]]:
        for name in dict.fromkeys(self._owners.values()):
            yield name, [i for i, line in enumerate(self.lines) if self._owners[line.file] == name]

    def _jobs(self, indexes: Sequence[int]) -> list[dict[str, object]]:
        return [self.lines[index].job for index in indexes]


def owner(file: str, prefix: str = "") -> str:
    """Return the owner of the jobs of a crontab: its path, as for `jobs board apply`, after the prefix."""
    path = "crontab" if file == "-" else str(Path(file).resolve())
    return f"{prefix}:{path}" if prefix else path
