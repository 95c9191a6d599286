"""Crontabs as board files: each line declares a job."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jobs_core.boardfile.inherit import inherit
from jobs_core.boardfile.model import Declared, Problem, Where
from jobs_core.boardfile.scope import Scope
from jobs_core.crontab import Notice, is_system, mailto, match, read
from jobs_core.crontab.machine import current_user, machine_zone

if TYPE_CHECKING:
    from jobs_core.client.board import BoardClient

SUFFIXES = (".crontab", ".cron")

NAMES = "a crontab is recognized by its name: crontab, *.crontab, *.cron, or in a folder cron.d"

_LINE = re.compile(r"[ \t]*(@[a-z]+[ \t]|([0-9*][^ \t:]*[ \t]+){5})[ \t]*[^ \t]")


def is_crontab(path: Path) -> bool:
    """Check by its name whether a file is a crontab: crontab, *.crontab, *.cron, or a file in a cron.d."""
    return path.name == "crontab" or path.suffix.lower() in SUFFIXES or is_system(str(path))


def looks_like_crontab(text: str) -> bool:
    """Check whether the first line that is neither empty nor a comment nor a setting is one of a crontab."""
    for line in text.splitlines():
        if line.strip() and not re.match(r"[ \t]*(#|[A-Za-z_]+[ \t]*=)", line):
            return _LINE.match(line) is not None
    return False


def read_crontab(text: str, path: Path, scope: Scope) -> tuple[list[Declared], list[Problem], list[Problem]]:
    """Read the jobs of a crontab, as `jobs import crontab` does.

    Where CRON_TZ sets no time zone, times are in the zone of this machine.

    Returns:
        The jobs, the problems and the notices.
    """
    found = read(
        text,
        file=str(path),
        system=is_system(str(path)),
        zone=machine_zone() or "UTC",
        user=current_user(),
    )
    inherited = {name: value for name, value in scope.inherited(None).items() if name != "runner"}
    declared = []
    for line in found.lines:
        job = line.job
        id, runner, payload = (job.pop(name) for name in ("id", "runner", "payload"))
        where = Where(str(path), line.number, line.column)
        implied = {mailto.OPTION} & job.keys()
        if line.mailto == "":
            job[mailto.OPTION] = None  # it unsets what is inherited
        options = inherit(inherited, {name: (value, where) for name, value in job.items()})
        values = {name: value for name, (value, _) in options.items()}
        places = dict.fromkeys(job, where)
        declared.append(
            Declared(
                *(id, runner, payload, values, where, places),
                derived=line.derived,
                implied=frozenset(implied),
            )
        )
    return declared, _problems(found.problems), _problems(found.notices)


def _problems(notices: list[Notice]) -> list[Problem]:
    return [
        Problem(Where(notice.file, notice.line, notice.column), notice.sentence, notice.rule)
        for notice in notices
    ]


def mail_refusals(board: BoardClient, declared: list[Declared]) -> list[Problem]:
    """Return why MAILTO mails nobody, if so: a problem at the first line of each crontab with one."""
    first = {job.where.file: job.where for job in reversed(declared) if job.implied}
    reason = mailto.refusal(board) if first else ""
    return [Problem(where, reason) for where in first.values() if reason]


def with_known_mail(board: BoardClient, declared: list[Declared]) -> list[Declared]:
    """Return jobs without what follows from MAILTO, if nobody can be mailed from a board."""
    if not mail_refusals(board, declared):
        return declared
    return [
        replace(job, options={name: job.options[name] for name in job.options if name not in job.implied})
        for job in declared
    ]


def keep_ids(board: BoardClient, declared: list[Declared], owner: str) -> list[Declared]:
    """Return jobs as a board gets them: lines of crontabs have the ids of their jobs on the board."""
    declared = with_known_mail(board, declared)
    if not any(job.derived for job in declared):
        return declared
    ids = match.keep_ids(board, [match.entry(job.arguments, owner, derived=job.derived) for job in declared])
    return [replace(job, id=id) for job, id in zip(declared, ids, strict=True)]
