"""Crontabs as board files: each line of one declares a job."""

from __future__ import annotations

import getpass
from pathlib import Path

from jobs_core.boardfile.model import Declared, Problem, Where
from jobs_core.boardfile.scope import Scope
from jobs_core.crontab import Notice, is_system, read
from jobs_core.crontab.zone import machine_zone

SUFFIXES = (".crontab", ".cron")


def is_crontab(path: Path) -> bool:
    """Whether a file is a crontab, by its name: crontab, one in a directory cron.d, or any.crontab."""
    return path.name == "crontab" or path.suffix.lower() in SUFFIXES or is_system(str(path))


def read_crontab(text: str, path: Path, scope: Scope) -> tuple[list[Declared], list[Problem], list[Problem]]:
    """The jobs of a crontab, with what is wrong with it, and what there is to know about it.

    As `jobs import crontab` makes them: times are those of this machine's zone where no CRON_TZ says another.
    """
    found = read(
        text,
        file=str(path),
        system=is_system(str(path)),
        zone=machine_zone() or "UTC",
        user=getpass.getuser(),
    )
    inherited = {name: value for name, (value, _) in scope.inherited(None).items() if name != "runner"}
    declared = []
    for line in found.lines:
        job = line.job
        id, runner, payload = (job.pop(name) for name in ("id", "runner", "payload"))
        where = Where(str(path), line.number, line.column)
        declared.append(Declared(id, runner, payload, inherited | job, where, dict.fromkeys(job, where)))
    return declared, _problems(found.problems), _problems(found.notices)


def _problems(notices: list[Notice]) -> list[Problem]:
    return [Problem(Where(one.file, one.line, one.column), one.sentence) for one in notices]
