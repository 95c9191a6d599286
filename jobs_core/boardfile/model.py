"""What a board file comes to: jobs for boards, and what is wrong with it, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs_core.types import Payload


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file; lines and columns count from 1.

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
    """A mistake: one sentence that says what is wrong and what to do."""

    where: Where
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Declared:
    """A job of a file, with all that it inherits.

    `places` says where each of its options was found, `variables` what the file took from the environment.
    """

    id: str
    runner: str
    payload: Payload
    options: Mapping[str, Any]
    where: Where
    places: Mapping[str, Where] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def arguments(self) -> dict[str, Any]:
        """The job as `Board.put_many` takes it."""
        return {"id": self.id, "runner": self.runner, "payload": self.payload, **self.options}


@dataclass(slots=True)
class BoardFile:
    """A file that was read, with all that it includes.

    `boards` has the jobs of each board by its name; None is the board that the command line says. `name` is
    what the file calls itself. `files` are the file and those that it includes.
    """

    path: Path
    name: str | None = None
    boards: dict[str | None, list[Declared]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """Whose the jobs are, on the board: the file's own name for itself, or else its path."""
        return self.name or str(self.path.resolve())
