"""What a crontab comes to: lines that are jobs, and what there is to say about the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RUNNER = "shell"
"""The runner of every job that a crontab makes."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about a place in a file; lines and columns count from 1.

    >>> str(Notice("/etc/crontab", 7, 1, "minute '60' is not within 0-59"))
    "/etc/crontab:7:1: minute '60' is not within 0-59"
    """

    file: str
    line: int
    column: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is a job.

    `cron` has five fields or a nickname, `user` is the user column of a system crontab, and `comment` is
    what the comments directly above it say. `column` is where its schedule begins.
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

    @property
    def job(self) -> dict[str, Any]:
        """The job as `Board.put_many` takes it."""
        return {
            "id": self.id,
            "runner": RUNNER,
            "payload": self.payload,
            "cron": self.cron,
            "zone": self.zone,
        }

    def notice(self, sentence: str) -> Notice:
        """A sentence about this line."""
        return Notice(self.file, self.number, self.column, sentence)


@dataclass(frozen=True, slots=True)
class Crontab:
    """A crontab that was read: with any problem, none of its lines is to be put."""

    lines: list[Line] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    problems: list[Notice] = field(default_factory=list)
