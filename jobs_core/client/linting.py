"""Lint the jobs and alerts of a board, or jobs and alerts as they would be put. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from itertools import chain, filterfalse
from typing import Any

from jobs_core.alerts.rule import Alert, alert_of, as_alert
from jobs_core.alerts.scope import ONE_OFF, QUEUE, is_for_queues, matches, matches_pattern
from jobs_core.client.apply import Applying
from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.client.listing import plan_jobs, read_jobs
from jobs_core.client.seen_workers import read_workers
from jobs_core.cron.days import ever_runs
from jobs_core.cron.forms import read_cron
from jobs_core.cron.pattern import parse
from jobs_core.engine.alerts import alert_id, list_call
from jobs_core.engine.calls import parts
from jobs_core.engine.commands import Call
from jobs_core.engine.partitions.board import BoardCommands
from jobs_core.engine.replies import as_job, time_of
from jobs_core.errors import JobsError, OptionError, UserError
from jobs_core.lint import Finding, check_names, find
from jobs_core.lint.facts import GROUP, Facts
from jobs_core.lint.model import AlertSubject, Subject, Surroundings
from jobs_core.options import SCHEDULE_OPTIONS, to_pairs
from jobs_core.plugins.manager import Plugins

NEVER = "never-runs"
"""The rule about patterns without any day. A board rejects them, so whoever ignores it gets the error."""

OWNER = "lint"
"""The owner under which jobs are compared with the board. It never owns any."""


class RejectedJobsError(OptionError):
    """Jobs and alerts that the board rejects. `rejected` has the errors, as `Plan.refused` does."""

    def __init__(self, rejected: Mapping[int, JobsError]) -> None:
        first = next(iter(rejected.values()))
        others = f" (and {len(rejected) - 1} more)" if len(rejected) > 1 else ""
        super().__init__(f"{first}{others}", option=getattr(first, "option", None))
        self.rejected = rejected


def _as_put(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job with its options by their names outside Python, as text."""
    found = parts(job)
    pairs = to_pairs(found["options"])
    return {"id": found["id"], "runner": found["runner"], **dict(zip(pairs[::2], pairs[1::2], strict=True))}


def _state(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job on the board has beside its options."""
    return {name: job[name] for name in ("next", "state") if name in job}


class Linting:
    """Lints jobs and alerts for `Board.lint`.

    Args:
        commands: The commands of the board.
        plugins: Returns the plugins that check payloads.
        now: The time from which to look ahead, in epoch seconds. The default is the clock of Redis.
    """

    def __init__(
        self, commands: BoardCommands, plugins: Callable[[], Plugins], now: float | None = None
    ) -> None:
        self._commands = commands
        self._plugins = plugins
        self._now = now if now is not None else commands.now()

    def present(self, ignore: Collection[str]) -> list[Finding]:
        """Lint the jobs and alerts on the board."""
        check_names(ignore)
        jobs = self._all_jobs()
        return self._find(jobs, (), [], frozenset(job["id"] for job in jobs), self._all_alerts(), ignore)

    def declared(
        self,
        jobs: Sequence[Mapping[str, Any]],
        alerts: Sequence[Mapping[str, Any]],
        ignore: Collection[str],
    ) -> list[Finding]:
        """Lint jobs and alerts as they would be on the board once they are put.

        Raises:
            RejectedJobsError: The board would reject some of them.
        """
        check_names(ignore)
        calls = CheckedCalls(self._commands, self._plugins, validate=False)
        plan = Applying(self._commands, calls, by="-").plan(
            jobs, OWNER, alerts=alerts, prune=False, adopt=True
        )
        never = {
            place: options
            for place, error in plan.refused.items()
            if isinstance(error, UserError) and error.option == "cron"
            if self._never_runs(options := _as_put(jobs[place]))
            and NEVER not in (*ignore, *str(options.get("lint-ignore", "")).split(","))
        }
        rejected = {place: error for place, error in sorted(plan.refused.items()) if place not in never}
        if rejected:
            raise RejectedJobsError(rejected)
        ids = [str(job["id"]) for place, job in enumerate(jobs) if place not in never]
        changed = {change.id: change.after for change in plan.changes if change.after}
        new = {
            change.id
            for change in plan.changes
            if change.before is None or SCHEDULE_OPTIONS.keys() & change.names
        }
        present = self._read(id for id in ids if id not in new)
        found = present | {id: _state(present.get(id, {})) | dict(job) for id, job in changed.items()}
        nevers = [Subject(job, never="no day before 2200 fits its pattern") for job in never.values()]
        known = frozenset(ids) | {str(job["id"]) for job in never.values()}
        parents = {parent for job in found.values() for parent in job.get("after", ())}
        known |= self._read(parents - known).keys()
        declared = self._declared_alerts(alerts, changed)
        return self._find([found[id] for id in ids if id in found], new, nevers, known, declared, ignore)

    def _find(
        self,
        jobs: Sequence[Mapping[str, Any]],
        new: Collection[str],
        others: Sequence[Subject],
        ids: frozenset[str],
        alerts: Sequence[Alert],
        ignore: Collection[str],
    ) -> list[Finding]:
        facts = Facts(self._commands, self._plugins, self._now)
        are_watched = any("silent" in alert.when for alert in alerts)
        subjects = [*facts.subjects(jobs, new, are_watched=are_watched), *others]
        targets = _Targets(subjects, self._all_jobs, self._queues)
        watching = [
            AlertSubject(alert, facts.conditions(alert), list(filterfalse(targets.have, alert.scope)))
            for alert in alerts
        ]
        to_come = [job for job in subjects if job.never or job.options.get("state") != "ended"]
        return find(to_come, Surroundings(ids, len(subjects), watching), ignore)

    def _all_alerts(self) -> list[Alert]:
        """Return the alerts on the board, without payloads: no rule is about these."""
        call, arguments = list_call(None, payload=False)
        return list(map(as_alert, self._commands.call(call, *arguments)))

    def _declared_alerts(
        self, alerts: Sequence[Mapping[str, Any]], changed: Mapping[str, Mapping[str, Any]]
    ) -> list[Alert]:
        """Return declared alerts as they will be: as the plan has them or, if they stay, the board."""
        present = {alert.name: alert for alert in self._all_alerts()}
        for name in (str(alert["alert"]) for alert in alerts):
            if fields := changed.get(alert_id(name)):
                present[name] = alert_of({"name": name} | {key: fields[key] for key in fields if key != "id"})
        return [present[str(alert["alert"])] for alert in alerts]

    def _all_jobs(self) -> list[dict[str, Any]]:
        return list(read_jobs(self._commands, plan_jobs(None, None, "id", {}), None))

    def _queues(self) -> set[str]:
        """Return the queues that workers serve, or that have tasks."""
        served = (worker["queues"] for worker in read_workers(self._commands))
        lanes = chain.from_iterable(self._commands.each(lambda client, keys: client.smembers(keys.queues)))
        return {*chain.from_iterable(served), *(str(lane).partition("!")[0] for lane in lanes)}

    def _read(self, ids: Any) -> dict[str, dict[str, Any]]:
        """Read the jobs that exist, by id."""
        wanted = list(ids)
        calls: list[Call] = [("JGET", wanted[at : at + GROUP]) for at in range(0, len(wanted), GROUP)]
        found: dict[str, dict[str, Any]] = {}
        for call, reply in zip(calls, self._commands.stream(calls, 1), strict=True):
            jobs = [as_job(text) for text in self._commands.complete(call, reply) if text]
            found |= {job["id"]: job for job in jobs}
        return found

    def _never_runs(self, job: Mapping[str, Any]) -> bool:
        """Whether a board rejects a job because its cron pattern never runs."""
        try:
            pattern = parse(read_cron(str(job.get("cron", ""))).pattern)
        except OptionError:
            return False
        return not ever_runs(pattern, str(job.get("dst") or "vixie"), time_of(self._now * 1000).date())


class _Targets:
    """What alerts may be for: the jobs that are linted, then others of the board, and its queues.

    The others, and the queues, are read once something is looked for that the jobs do not have.
    """

    def __init__(
        self,
        jobs: Sequence[Subject],
        read_jobs: Callable[[], Sequence[Mapping[str, Any]]],
        read_queues: Callable[[], Collection[str]],
    ) -> None:
        self._jobs = jobs
        self._read_jobs = read_jobs
        self._read_queues = read_queues

    def have(self, term: str) -> bool:
        """Whether a term of `for` matches any of them. One-off tasks may always come."""
        if any(_is_for(term, job) for job in self._jobs) or matches(term, ONE_OFF, (), ""):
            return True
        if is_for_queues(term) and any(
            matches_pattern(term.removeprefix(QUEUE), queue) for queue in self._queues
        ):
            return True
        return any(_is_for(term, job) for job in self._others)

    @cached_property
    def _others(self) -> Sequence[Subject]:
        return [Subject(job) for job in self._read_jobs()]

    @cached_property
    def _queues(self) -> Collection[str]:
        return self._read_queues()


def _is_for(term: str, job: Subject) -> bool:
    return matches(term, job.id, job.labels, job.queue)
