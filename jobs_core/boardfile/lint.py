"""Lint the jobs and alerts of a board file, with the locations of what is found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from jobs_core.boardfile.apply import RefusedError
from jobs_core.boardfile.check import to_problem
from jobs_core.boardfile.crontabs import keep_ids
from jobs_core.boardfile.model import BoardFile, Declarations, Declared, Kind, Problem, Where
from jobs_core.boardfile.variables import mask
from jobs_core.client.linting import RejectedJobsError
from jobs_core.lint import RULES, Finding, check_names

if TYPE_CHECKING:
    from jobs_core.client.board import BoardClient

Located = tuple[Finding, Where | None]
"""A finding, with its location if it is in a file."""


def lint_file(
    board: BoardClient, file: BoardFile, declared: Declarations, ignore: Collection[str]
) -> list[Located]:
    """Lint what a file declares for a board, as it would be put. Changes nothing.

    Returns the findings, each with its location: that of the option or, where none is named, of the job or
    alert.

    Raises:
        RefusedError: The board would reject a job or an alert.
        OptionError: There is no rule of a name in `ignore`.
    """
    both = Declarations(keep_ids(board, declared.jobs, file.owner), declared.alerts)
    jobs, alerts = ([one.arguments for one in some] for some in (both.jobs, both.alerts))
    try:
        findings = board.lint(jobs, alerts=alerts, ignore=ignore)
    except RejectedJobsError as error:
        problems = [to_problem(both.all[place], one) for place, one in error.rejected.items()]
        raise RefusedError(file, problems) from None
    by_id = {(one.kind, one.id): one for one in both.all}
    return [_located(finding, by_id.get(_about(finding)), file) for finding in findings]


def _about(finding: Finding) -> tuple[Kind, str]:
    return ("alert", finding.alert) if finding.alert else ("job", finding.job or "")


def skipped_lines(file: BoardFile, ignore: Collection[str]) -> list[Located]:
    """Return findings about lines of crontabs that declare no job, since they never run.

    Raises:
        OptionError: There is no rule of a name in `ignore`.
    """
    check_names(ignore)
    return [
        (_as_finding(notice), notice.where)
        for notice in file.notices
        if notice.rule and notice.rule not in ignore
    ]


def _as_finding(notice: Problem) -> Finding:
    rule = RULES[notice.rule]
    return Finding(
        notice.rule, None, notice.sentence, "correct the schedule, or remove the line", "cron", rule.why
    )


def _located(finding: Finding, job: Declared | None, file: BoardFile) -> Located:
    """Return a finding with its location, and without the values of variables."""
    if job is None:
        return finding, Where(str(file.path))
    hidden = replace(finding, sentence=mask(finding.sentence, job.variables))
    return hidden, job.places.get(finding.option, job.where)
