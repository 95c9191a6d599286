"""What a board file contains: the jobs and alerts of each board, and the problems with their locations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jobs_core.errors import OptionError
from jobs_core.types import Payload


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A location in a file. Lines and columns count from 1; 0 is unknown.

    >>> str(Where("board.yml", 12, 5))
    'board.yml:12:5'
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A mistake in a file: one sentence that says what is wrong and what to do.

    A notice may be a finding of `jobs lint`, too: then `rule` is its rule.
    """

    where: Where
    sentence: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


Kind = Literal["job", "alert"]


@dataclass(frozen=True, slots=True)
class Declared:
    """A job of a file, with all that it inherits; or an alert, whose `id` is its name.

    `places` has the location of each option. `variables` has the environment variables that the job uses.
    `derived` means that the id comes from the command in a crontab: a job of the same command on the board
    may give it another. `implied` has the options that follow from a MAILTO: they are left out on a board
    from which nobody can be mailed.
    """

    id: str
    runner: str
    payload: Payload
    options: Mapping[str, Any]
    where: Where
    places: Mapping[str, Where] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    derived: bool = False
    kind: Kind = "job"
    implied: frozenset[str] = frozenset()

    @property
    def arguments(self) -> dict[str, Any]:
        """The job or the alert in the form that `Board.load` takes."""
        key = "id" if self.kind == "job" else "alert"
        return {key: self.id, "runner": self.runner, "payload": self.payload, **self.options}

    def __str__(self) -> str:
        return f"{self.kind} {self.id!r}"


@dataclass(slots=True)
class Declarations:
    """The jobs and alerts that a file declares for one board."""

    jobs: list[Declared] = field(default_factory=list)
    alerts: list[Declared] = field(default_factory=list)

    @property
    def all(self) -> list[Declared]:
        """The jobs, then the alerts: as `Plan.refused` counts them."""
        return [*self.jobs, *self.alerts]


@dataclass(slots=True)
class BoardFile:
    """A board file, read with all that it includes.

    `boards` has what is declared for each board by name; None stands for the board of the command line.
    `name` is the `name:` of the file. `files` lists the file and those that it includes.
    """

    path: Path
    name: str | None = None
    boards: dict[str | None, Declarations] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """The owner of the jobs and alerts on the board: the `name:` of the file, else its path."""
        return self.name or str(self.path.resolve())

    def select(self, name: str | None) -> dict[str | None, Declarations]:
        """Return all boards, or the one called `name`. A file's only board takes any name.

        Raises:
            OptionError: The file has several boards, and none has this name.
        """
        if name is None:
            return self.boards
        if name in self.boards:
            return {name: self.boards[name]}
        if len(self.boards) == 1:
            return {name: next(iter(self.boards.values()))}
        known = ", ".join(known or "?" for known in self.boards)
        raise OptionError(f"{self.path}: has no board {name!r}. Choose one of {known}.")
