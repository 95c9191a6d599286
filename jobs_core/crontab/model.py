"""What a crontab contains: jobs, notices and problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs_core.crontab.mailto import OPTION, on_failure

RUNNER = "shell"
"""The runner of all jobs in crontabs."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about a location in a file. Lines and columns count from 1.

    `rule` is the rule of `jobs lint` that it is a finding of, if it is one.

    >>> str(Notice("/etc/crontab", 7, 1, "minute '60': expected 0-59"))
    "/etc/crontab:7:1: minute '60': expected 0-59"
    """

    file: str
    line: int
    column: int
    sentence: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that declares a job.

    `cron` is five fields or a nickname, `user` is the user column of a system crontab, and `comment` is the
    text of the comments directly above. `column` is where the schedule begins. `derived` means that the id
    comes from the command, so that a job of the same command on the board may give it another. `lint_ignore`
    has the rules of `jobs lint` that a comment above silences, separated by commas. `mailto` is the MAILTO
    that applies to the line, if one does.
    """

    file: str
    number: int
    column: int
    id: str
    cron: str
    zone: str
    payload: str | Mapping[str, Any]
    user: str | None = None
    comment: str = ""
    derived: bool = True
    lint_ignore: str = ""
    mailto: str | None = None

    @property
    def job(self) -> dict[str, Any]:
        """The job in the form that `Board.put_many` takes."""
        others = {"lint-ignore": self.lint_ignore or None, OPTION: on_failure(self.mailto)}
        return {
            "id": self.id,
            "runner": RUNNER,
            "payload": self.payload,
            "cron": self.cron,
            "zone": self.zone,
            **{name: value for name, value in others.items() if value is not None},
        }

    def notice(self, sentence: str) -> Notice:
        """Return a notice about this line."""
        return Notice(self.file, self.number, self.column, sentence)


@dataclass(frozen=True, slots=True)
class Crontab:
    """A crontab that was read. If it has problems, put none of its lines."""

    lines: list[Line] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    problems: list[Notice] = field(default_factory=list)
