"""Find the jobs on a board that came from the lines of a crontab, so that lines keep their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs_core.client.apply import read_owners
from jobs_core.crontab import names
from jobs_core.crontab.command import Command, command_of
from jobs_core.crontab.model import RUNNER
from jobs_core.types import parse_payload

if TYPE_CHECKING:
    from jobs_core.client.board import BoardClient


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a crontab that asks for an id, or a job on the board that has one.

    `owner` is the crontab that it comes from, or None for a job that was put by hand. `command` is None for
    a job that is no line of a crontab.
    """

    id: str
    command: str | None
    schedule: tuple[str, str]
    owner: str | None
    derived: bool = True


Fits = Callable[[Entry, Entry], bool]

_BY_COMMAND: Sequence[Fits] = (
    lambda line, job: job.owner == line.owner and job.schedule == line.schedule,
    lambda line, job: job.owner == line.owner,
    lambda line, job: job.owner is None,
    lambda line, job: job.schedule == line.schedule,
)
"""Which jobs of the same command are the job of a line, best first."""


def entry(job: Mapping[str, Any], owner: str | None, *, derived: bool = True) -> Entry:
    """Make an entry of a job in the form that `Board.put_many` takes, or that `Board.list` yields."""
    found = _command(job) if job["runner"] == RUNNER else None
    schedule = (str(job.get("cron", "")), str(job.get("zone", "UTC")))
    return Entry(job["id"], found, schedule, owner, derived)


def keep_ids(board: BoardClient, lines: Sequence[Entry], prefix: str = "") -> list[str]:
    """Return an id for each line: that of its job on the board, or a new one.

    The job of a line has the same command. If the only line of a name and the only job of that name that its
    crontab declared before differ, then the command was edited. No line takes the id of any other job.
    """
    if not any(line.derived for line in lines):
        return [line.id for line in lines]
    owners = dict(read_owners(board.commands))
    jobs = {job["id"]: entry(job, owners.get(job["id"])) for job in board.list()}
    found = {index: line.id for index, line in enumerate(lines) if not line.derived}
    matching = _Matching(lines, jobs, found, prefix)
    for fits in _BY_COMMAND:
        matching.match(fits)
    matching.match_edited()
    matching.assign_ids()
    return [found[index] for index in range(len(lines))]


@dataclass(slots=True)
class _Matching:
    """Lines, jobs by id, and what was found so far: the ids of lines by their index."""

    lines: Sequence[Entry]
    jobs: Mapping[str, Entry]
    found: dict[int, str]
    prefix: str

    def match(self, fits: Fits) -> None:
        """Give each line that has no id yet the first free job of the same command that fits."""
        used = set(self.found.values())
        free = [job for job in self.jobs.values() if job.id not in used and job.id.startswith(self.prefix)]
        by_command: dict[str | None, list[Entry]] = {}
        for job in free:
            by_command.setdefault(job.command, []).append(job)
        for index, line in self._left():
            candidates = by_command.get(line.command, [])
            fitting = next((job for job in candidates if fits(line, job)), None)
            if fitting is not None:
                self.found[index] = fitting.id
                candidates.remove(fitting)

    def match_edited(self) -> None:
        """Give a line the job of the command that it had before it was edited, if only one can be meant."""
        used = set(self.found.values())
        left = self._left()
        gone = [job for job in self.jobs.values() if job.owner and job.command and job.id not in used]
        lines = Counter(map(_name, (line for _, line in left)))
        jobs = Counter(map(_name, gone))
        ids = {_name(job): job.id for job in gone}
        for index, line in left:
            name = _name(line)
            if lines[name] == jobs[name] == 1:
                self.found[index] = ids[name]

    def assign_ids(self) -> None:
        """Give each line that is left an id that no job has."""
        taken = {*self.found.values(), *self.jobs}
        for index, line in self._left():
            id = line.id if line.id not in taken else names.with_digest(line.id, str(line.command))
            self.found[index] = names.unique_id(id, taken)
            taken.add(self.found[index])

    def _left(self) -> list[tuple[int, Entry]]:
        return [(index, line) for index, line in enumerate(self.lines) if index not in self.found]


def _name(line: Entry) -> tuple[str | None, str]:
    """Return what stays of a line when its command is edited: its crontab, and the name of its program."""
    return line.owner, names.derive_id(str(line.command))


def _command(job: Mapping[str, Any]) -> str | None:
    payload = job["payload"]
    found = command_of(parse_payload(payload) if isinstance(payload, str) else payload)
    return found.text if isinstance(found, Command) and found.text.strip() else None
