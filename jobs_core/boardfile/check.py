"""Check the jobs and alerts of a board file with the runners and Redis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any

from jobs_core.alerts.options import ALERT_OPTIONS
from jobs_core.boardfile.crontabs import mail_refusals, with_known_mail
from jobs_core.boardfile.model import BoardFile, Declarations, Declared, Problem, Where
from jobs_core.boardfile.variables import mask
from jobs_core.cron.forms import cron_warnings
from jobs_core.engine.alerts import alert_id
from jobs_core.engine.calls import as_raw
from jobs_core.errors import JobsError, UserError
from jobs_core.lint import unknown_names
from jobs_core.options import JOB_OPTIONS, Option, to_text
from jobs_core.plugins.alert_payloads import check_alert
from jobs_core.plugins.payloads import payload_warnings
from jobs_core.values import nearest

if TYPE_CHECKING:
    from jobs_core.client.apply import Plan
    from jobs_core.client.board import BoardClient
    from jobs_core.plugins.manager import Plugins
    from jobs_core.types import Job

TABLES = {"job": JOB_OPTIONS, "alert": ALERT_OPTIONS}

STAND_INS: dict[str, Any] = {"duration": "1m", "factor": 2, "pattern": "@daily", "conditions": "failed"}
"""Values that are right, by the kinds of options that others may need."""


def check_with(
    board: BoardClient, read: BoardFile, declared: Declarations, advance: Callable[[int], None]
) -> tuple[list[Problem], list[Problem]]:
    """Ask a board about jobs and alerts: runners about payloads, Redis about options and cycles.

    Changes nothing. Returns the problems and the warnings.

    Each check finds one mistake per job or alert. Replace the faulty option and check again until nothing new
    appears. Report an inherited mistake once, for the first job that has it.
    """
    both = [*with_known_mail(board, declared.jobs), *declared.alerts]
    arguments = [one.arguments for one in both]
    jobs, alerts = arguments[: len(declared.jobs)], arguments[len(declared.jobs) :]
    replaced: set[tuple[int, str]] = set()
    found: dict[tuple[Where, str], Problem] = {}
    while True:
        plan = board.plan(jobs, read.owner, alerts=alerts, prune=False, adopt=True, advance=advance)
        refused = plan.refused
        for place, error in sorted(refused.items()):
            problem = to_problem(both[place], error)
            found.setdefault((problem.where, str(error)), problem)
        faults = {(place, _faulty_option(both[place], error)) for place, error in refused.items()}
        wrong = {(place, name) for place, name in faults if name and name != "after"} - replaced
        if not wrong:
            return sorted(found.values()), warnings(board, declared, plan)
        for place, name in wrong:
            _replace_option(arguments[place], name, TABLES[both[place].kind])
        replaced |= wrong
        advance = _ignored


def warnings(board: BoardClient, declared: Declarations, plan: Plan) -> list[Problem]:
    """Jobs and alerts that a board accepts, but that probably do not run as meant: odd steps, a stop that has
    passed, or what this machine's settings refuse."""
    found = [
        _at_option(job, "cron", sentence) for job in declared.jobs for sentence in cron_warnings(job.options)
    ]
    found += [
        _at_option(one, "lint-ignore", sentence)
        for one in declared.all
        for sentence in unknown_names(one.options)
    ]
    found += mail_refusals(board, declared.jobs)
    warn = board.plugins.warner()
    found += [
        _at_option(job, "payload", mask(sentence, job.variables))
        for job in declared.all
        for sentence in _plugin_warnings(board.plugins, job, warn)
    ]
    now = time()
    stops = {change.id: (change.after or {}).get("stop", now) for change in plan.changes}
    return found + [
        _at_option(job, "stop", "stop: the job never runs, because this time has passed")
        for job in declared.jobs
        if stops.get(job.id, now) < now
    ]


def _plugin_warnings(plugins: Plugins, job: Declared, warn: Callable[[Job], list[str]]) -> list[str]:
    try:
        raw = as_raw(job.payload)
        is_job = job.kind == "job"
        id, options = (job.id, job.options) if is_job else (alert_id(job.id), {})
        return payload_warnings(raw) + warn(plugins.job(id, job.runner, raw, options))
    except UserError:  # a payload that is refused is a problem, not a warning
        return []


def unknown_parents(board: BoardClient, declared: list[Declared]) -> list[Problem]:
    """Return a problem for each parent that is neither declared nor on the board: it may be misspelled."""
    ids = {job.id for job in declared}
    waits = [(parent, job) for job in declared for parent in _parents(job) if parent not in ids]
    names = sorted({parent for parent, _ in waits})
    found: set[str] = set()
    for first in range(0, len(names), 500):
        some = names[first : first + 500]
        replies = board.commands.call("JGET", *some)
        found |= {name for name, reply in zip(some, replies, strict=True) if reply is not None}
    return [
        Problem(
            job.places.get("after", job.where),
            f"after: no job {parent!r} in this file or on the board{nearest(parent, ids)}",
        )
        for parent, job in waits
        if parent not in found
    ]


def _parents(job: Declared) -> list[str]:
    """The ids that `after` names."""
    if "after" not in job.options:
        return []
    after = job.options["after"]
    return [
        name.strip()
        for name in (map(to_text, after) if isinstance(after, list) else to_text(after).split(","))
    ]


def check_alone(plugins: Plugins, declared: Declarations) -> list[Problem]:
    """Check jobs and alerts with the runners installed here, without a server."""
    found = []
    for job in declared.all:
        if job.runner in plugins.names("runners"):
            try:
                if job.kind == "alert":
                    check_alert(plugins, job.runner, as_raw(job.payload))
                    continue
                plugins.check_job(job.id, job.runner, as_raw(job.payload), job.options)
            except JobsError as error:
                found.append(to_problem(job, error))
    return found


def to_problem(job: Declared, error: JobsError) -> Problem:
    """Return an error as a problem located at its option, or else at the start of the job."""
    sentence = mask(str(error), job.variables)
    where = job.places.get(_faulty_option(job, error) or "", job.where)
    return Problem(where, sentence if repr(job.id) in sentence else f"{sentence} ({job})")


def _at_option(job: Declared, name: str, sentence: str) -> Problem:
    return Problem(job.places.get(name, job.where), f"{sentence} ({job})")


def _faulty_option(job: Declared, error: JobsError) -> str | None:
    """Return the option of the job that an error is about, if any."""
    option = error.option if isinstance(error, UserError) else None
    return option if option in job.places else None


def _replace_option(job: dict[str, Any], name: str, table: Mapping[str, Option]) -> None:
    """Replace an invalid option by a valid one, so that further mistakes are found."""
    if name in ("runner", "payload"):
        job |= {"runner": "console", "payload": "x"}
    elif table[name].kind in STAND_INS:
        job[name] = STAND_INS[table[name].kind]
    else:
        del job[name]


def _ignored(count: int) -> None:
    pass
