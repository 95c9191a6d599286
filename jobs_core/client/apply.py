"""Apply declared jobs and alerts to a board atomically: stage the changes, then commit them in one step.

A client that stops before the commit leaves the board unchanged. After the commit, any client that calls the
board finishes the work. Redis compares and decides: see `lua/jstage.lua` and `lua/japply.lua`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import Any, Literal, TypedDict, Unpack

from jobs_core.alerts.rule import as_alert
from jobs_core.client.author import signature
from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.engine import bulk
from jobs_core.engine.alerts import alert_id, list_call
from jobs_core.engine.calls import parts
from jobs_core.engine.commands import Commands
from jobs_core.engine.keys import Keys
from jobs_core.errors import JobsError, OptionError, ServerError, StaleError

Advance = Callable[[int], None]

TRIES = 10
"""How often to stage the jobs when other clients change the board meanwhile."""

PAUSE = 0.1
"""Maximum seconds to wait before the second try. Each further try adds as much."""

MAX_CYCLES = 100
"""Maximum number of cycles to report at once."""


class ApplyOptions(TypedDict, total=False):
    """Options of `Applying.apply`."""

    alerts: Sequence[Mapping[str, Any]] | None
    prune: bool
    adopt: bool
    advance: Advance
    because: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change to one job or alert: its options before and after.

    `id` is the job's id, or `alert:` and the alert's name. `before` is None for what is new, and `after` is
    None for what is removed. Both are equal if only the owner changes.
    """

    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def kind(self) -> Literal["add", "change", "remove", "adopt"]:
        if self.before is None:
            return "add"
        if self.after is None:
            return "remove"
        return "adopt" if self.before == self.after else "change"

    @property
    def names(self) -> list[str]:
        """The names of the options that differ."""
        before, after = self.before or {}, self.after or {}
        return [name for name in {**before, **after} if before.get(name) != after.get(name)]


@dataclass(frozen=True, slots=True)
class Plan:
    """What `apply` changes.

    `refused` maps the index of each rejected job to its error. The alerts count on after the jobs.
    """

    stage: str
    changes: list[Change] = field(default_factory=list)
    same: int = 0
    refused: dict[int, JobsError] = field(default_factory=dict)

    def count(self, kind: str) -> int:
        return sum(change.kind == kind for change in self.changes)


class Applying:
    """Applies declared jobs to the board of `commands`, after plugins have checked them.

    `by` is who applies them.
    """

    def __init__(self, commands: Commands, calls: CheckedCalls, by: str = "-") -> None:
        self._commands = commands
        self._by = by
        self._calls = calls

    def plan(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]) -> Plan:
        """Return what `apply` would change, without changing anything. Takes the same arguments."""
        found = self._stage(jobs, owner, **options)
        self._commands.call("JAPPLY", "drop", found.stage)
        return found

    def apply(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]) -> Plan:
        """Replace the jobs and alerts of `owner`. If one is rejected, nothing changes.

        Unchanged jobs keep their run times.

        Args:
            jobs: Mappings as `Board.put_many` takes them.
            owner: The name under which the board remembers these jobs and alerts.
            alerts: Mappings as `Board.load` takes them. With None, the owner's alerts stay as they are.
            prune: Remove the owner's jobs and alerts that are not among these (default: True).
            adopt: Take over what belongs to other owners. By default, that is rejected.
            advance: Called with the number of jobs compared since the last call.
            because: Why, for `Board.changes`.

        Returns:
            The plan. If its `refused` is not empty, nothing was changed.

        Raises:
            StaleError: The board kept changing while the jobs were applied.
            ServerError: Redis cannot be reached, or this user may not apply jobs (DeniedError).
        """
        signed = signature(self._by, options.get("because"))
        for tried in range(TRIES):
            time.sleep(random.uniform(0, PAUSE * tried))
            found = self._stage(jobs, owner, **options)
            is_stale = any(isinstance(error, StaleError) for error in found.refused.values())
            if not is_stale and (found.refused or not found.changes):
                self._commands.call("JAPPLY", "drop", found.stage)
                return found
            try:
                self._commands.call("JAPPLY", "commit", found.stage, owner, *signed)
            except StaleError:
                self._commands.call("JAPPLY", "drop", found.stage)
            else:
                self._commands.finish_apply()
                return found
        board = self._commands.keys.board
        raise StaleError(f"The board {board!r} kept changing while the file was applied. Try again.")

    def _stage(
        self,
        jobs: Sequence[Mapping[str, Any]],
        owner: str,
        *,
        alerts: Sequence[Mapping[str, Any]] | None = None,
        prune: bool = True,
        adopt: bool = False,
        advance: Advance = lambda n: None,
        because: str | None = None,
    ) -> Plan:
        found = Plan(str(self._commands.call("JAPPLY", "begin")))
        same = 0
        if prune and alerts is not None:  # before others are added, since a board takes a bounded number
            kept = {alert_id(str(alert.get("alert"))) for alert in alerts}
            self._stage_removals(found, owner, self._owned_alerts(owner) - kept)
        staged = partial(self._staged, found.stage, owner, "adopt" if adopt else "put")
        replies = chain(staged(jobs, self._job), staged(alerts or (), self._calls.staged_alert))
        for place, reply in enumerate(replies):
            if isinstance(reply, ServerError):
                raise reply
            if isinstance(reply, JobsError):
                found.refused[place] = reply
            elif reply is None:
                same += 1
            else:
                found.changes.append(reply)
            if place % 100 == 99:
                advance(100)
        advance((len(jobs) + len(alerts or ())) % 100)
        found.refused.update(_declared_twice(jobs, alerts or ()))
        if prune and not found.refused:
            self._stage_removals(found, owner, self._owned(owner) - {str(job["id"]) for job in jobs})
        self._check_order(found, jobs)
        return Plan(found.stage, found.changes, same, found.refused)

    def _staged(
        self,
        stage: str,
        owner: str,
        mode: str,
        things: Iterable[Mapping[str, Any]],
        arguments: Callable[[Mapping[str, Any]], Sequence[Any]],
    ) -> Iterator[Change | JobsError | None]:
        """Stage jobs or alerts. Yields for each its change, None if it is unchanged, or the error."""
        write = bulk.group_calls("JSTAGE", stage, owner, mode)
        return bulk.stream(self._commands, things, arguments, write, _as_change, at_once=10)

    def _stage_removals(self, found: Plan, owner: str, ids: Iterable[str]) -> None:
        gone = [{"id": id} for id in sorted(ids)]
        replies = self._staged(found.stage, owner, "remove", gone, lambda thing: [thing["id"]])
        found.changes.extend(reply for reply in replies if isinstance(reply, Change))

    def _job(self, job: Mapping[str, Any]) -> Sequence[Any]:
        return self._calls.put("JSET", **parts(job))[1]

    def _owned(self, owner: str) -> set[str]:
        """Return the ids of the jobs that belong to an owner."""
        return {id for id, name in read_owners(self._commands) if name == owner}

    def _owned_alerts(self, owner: str) -> set[str]:
        """Return the ids of the alerts that belong to an owner."""
        call, arguments = list_call(None, payload=False)
        found = map(as_alert, self._commands.call(call, *arguments))
        return {alert_id(alert.name) for alert in found if alert.owner == owner}

    def _check_order(self, found: Plan, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Reject jobs that wait for themselves."""
        places = {str(job["id"]): place for place, job in enumerate(jobs)}
        changed = [change.after for change in found.changes if change.after and "after" in change.after]
        selected = _jobs_to_check({job["id"]: job["after"] for job in changed})
        calls = (("JAPPLY", ["check", found.stage, id]) for id in selected)
        for id, reply in zip(selected, self._commands.stream(calls, 100), strict=True):
            if isinstance(reply, JobsError):
                found.refused[places[id]] = reply


def read_owners(commands: Commands) -> Iterator[tuple[str, str]]:
    """Yield the id and the owner of each job that a file declared."""
    for part in commands.parts:
        for id, name in part.read(partial(_owners, part.keys)):
            yield str(id), str(name)


def _owners(keys: Keys, client: Any) -> list[tuple[Any, Any]]:
    return list(client.hscan_iter(keys.owners, count=1000))


def _declared_twice(
    jobs: Sequence[Mapping[str, Any]], alerts: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[int, JobsError]]:
    """Yield the index of each job or alert of an id that another one before it has, and the error."""
    seen: set[tuple[str, str]] = set()
    named = [*(("job", "id", job) for job in jobs), *(("alert", "alert", alert) for alert in alerts)]
    for place, (what, option, one) in enumerate(named):
        id = str(one.get(option))
        if (what, id) in seen:
            yield place, OptionError(f"{option}: the {what} {id!r} is declared twice", option=option)
        seen.add((what, id))


def _as_change(reply: Any) -> Change | None:
    if reply == 0:
        return None
    before, after = (json.loads(text) if text else {} for text in reply)
    return Change((after or before)["id"], before or None, after or None)


def _jobs_to_check(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the jobs for Redis to check: all of them, or one job of each cycle if there are cycles.

    Parents come before their children, so that Redis checks each ancestor once.
    """
    left, ids = dict(parents), list(parents)
    cycles: list[str] = []
    while len(cycles) < MAX_CYCLES:
        try:
            order = [id for id in TopologicalSorter(left).static_order() if id in parents]
            return cycles or order
        except CycleError as error:
            cycles.append(min(error.args[1], key=ids.index))
            left[cycles[-1]] = ()
    return cycles
