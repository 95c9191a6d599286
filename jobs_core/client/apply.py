"""Apply declared jobs to a board atomically: stage the changes, then commit them in one step.

A client that stops before the commit leaves the board unchanged. After the commit, any client that calls the
board finishes the work. Redis compares and decides: see `lua/jstage.lua` and `lua/japply.lua`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, TypedDict, Unpack

from jobs_core.client.author import signature
from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.engine import bulk
from jobs_core.engine.calls import parts
from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError, OptionError, StaleError

Advance = Callable[[int], None]

TRIES = 10
"""How often to stage the jobs when other clients change the board meanwhile."""

PAUSE = 0.1
"""Maximum seconds to wait before the second try. Each further try adds as much."""

MAX_CYCLES = 100
"""Maximum number of cycles to report at once."""


class ApplyOptions(TypedDict, total=False):
    """Options of `Applying.apply`."""

    prune: bool
    adopt: bool
    advance: Advance
    because: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change to one job: its options before and after.

    `before` is None for a new job, and `after` is None for a removed job. Both are equal if only the owner
    changes.
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
    """What `apply` changes. `refused` maps the index of each rejected job to its error."""

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
        """Replace the jobs of `owner` with `jobs`. If one job is rejected, nothing changes.

        Unchanged jobs keep their run times.

        Args:
            jobs: Mappings as `Board.put_many` takes them.
            owner: The name under which the board remembers these jobs.
            prune: Remove the owner's jobs that are not in `jobs` (default: True).
            adopt: Take over jobs that belong to other owners. By default, those are rejected.
            advance: Called with the number of jobs compared since the last call.
            because: Why, for `Board.changes`.

        Returns:
            The plan. If its `refused` is not empty, nothing was changed.

        Raises:
            StaleError: The board kept changing while the jobs were applied.
            ServerError: Redis cannot be reached.
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
        prune: bool = True,
        adopt: bool = False,
        advance: Advance = lambda n: None,
        because: str | None = None,
    ) -> Plan:
        found = Plan(str(self._commands.call("JAPPLY", "begin")))
        same = 0
        mode = "adopt" if adopt else "put"
        for place, reply in enumerate(self._staged(found.stage, owner, mode, jobs)):
            if isinstance(reply, JobsError):
                found.refused[place] = reply
            elif reply is None:
                same += 1
            else:
                found.changes.append(reply)
            if place % 100 == 99:
                advance(100)
        advance(len(jobs) % 100)
        found.refused.update(_declared_twice(jobs))
        if prune and not found.refused:
            gone = self._owned(owner) - {str(job["id"]) for job in jobs}
            removals = self._staged(found.stage, owner, "remove", [{"id": id} for id in sorted(gone)])
            found.changes.extend(reply for reply in removals if isinstance(reply, Change))
        self._check_order(found, jobs)
        return Plan(found.stage, found.changes, same, found.refused)

    def _staged(
        self, stage: str, owner: str, mode: str, jobs: Iterable[Mapping[str, Any]]
    ) -> Iterator[Change | JobsError | None]:
        """Stage jobs. Yields for each job its change, None if it is unchanged, or the error."""

        def arguments(job: Mapping[str, Any]) -> Sequence[Any]:
            if mode == "remove":
                return [job["id"]]
            return self._calls.put("JSET", **parts(job))[1]

        write = bulk.group_calls("JSTAGE", stage, owner, mode)
        return bulk.stream(self._commands, jobs, arguments, write, _as_change, at_once=10)

    def _owned(self, owner: str) -> set[str]:
        """Return the ids of the jobs that belong to an owner."""
        return {id for id, name in read_owners(self._commands) if name == owner}

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
    found = commands.read(lambda client: list(client.hscan_iter(commands.keys.owners, count=1000)))
    for id, name in found:
        yield str(id), str(name)


def _declared_twice(jobs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, JobsError]]:
    """Yield the index of each job whose id another one before it has, and the error."""
    seen: set[str] = set()
    for place, job in enumerate(jobs):
        id = str(job["id"])
        if id in seen:
            yield place, OptionError(f"id: the job {id!r} is declared twice", option="id")
        seen.add(id)


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
