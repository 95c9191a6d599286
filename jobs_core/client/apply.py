"""Apply declared jobs to a board as a whole: stage what changes beside it, commit it by one step.

Whoever is stopped before the commit leaves the board as it was; after it, the new board is rolled forward by
whoever calls next. Redis compares and decides; see `lua/jstage.lua` and `lua/japply.lua`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.engine import bulk
from jobs_core.engine.calls import parts
from jobs_core.engine.commands import Commands, translated
from jobs_core.errors import JobsError, StaleError

Advance = Callable[[int], None]

TRIES = 10
"""How often a stage is made again when others change the board meanwhile."""

PAUSE = 0.1
"""Seconds, at most and once more with each try, that it then waits for others to end."""

RINGS = 100
"""How many rings of jobs that wait for each other are named at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one job: its options before and after, None where there is no such job.

    Both are equal when only the job's owner changes.
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
        """The options that differ."""
        before, after = self.before or {}, self.after or {}
        return [name for name in {**before, **after} if before.get(name) != after.get(name)]


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying would change, or has changed. `refused` has the errors, by the places of the jobs."""

    stage: str
    changes: list[Change] = field(default_factory=list)
    same: int = 0
    refused: dict[int, JobsError] = field(default_factory=dict)

    def count(self, kind: str) -> int:
        return sum(change.kind == kind for change in self.changes)


class Applying:
    """Applies declared jobs to the board of `commands`, with calls that plugins have checked."""

    def __init__(self, commands: Commands, calls: CheckedCalls) -> None:
        self._commands = commands
        self._calls = calls

    def plan(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Any) -> Plan:
        """Say what `apply` would change. It takes the same arguments, and changes nothing."""
        found = self._stage(jobs, owner, **options)
        self._commands.call("JAPPLY", "drop", found.stage)
        return found

    def apply(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Any) -> Plan:
        """Make `jobs` the jobs of `owner`: all of them or, when one is refused, none.

        Jobs are as `Board.put_many` takes them. Those that are so already keep their run times.

        Args:
            prune: Remove the jobs that the owner put before and does not name any more (True unless given).
            adopt: Take over jobs of other owners that are named. Without it they are refused.
            advance: Called with how many more jobs were compared.

        Returns:
            The plan; it has `refused` when nothing was done.

        Raises:
            StaleError: The board kept changing while the jobs were applied.
            ServerError: Redis cannot be reached.
        """
        for tried in range(TRIES):
            time.sleep(random.uniform(0, PAUSE * tried))
            found = self._stage(jobs, owner, **options)
            is_stale = any(isinstance(error, StaleError) for error in found.refused.values())
            if not is_stale and (found.refused or not found.changes):
                self._commands.call("JAPPLY", "drop", found.stage)
                return found
            try:
                self._commands.call("JAPPLY", "commit", found.stage, owner)
            except StaleError:
                self._commands.call("JAPPLY", "drop", found.stage)
            else:
                self._commands.settle()
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
        if prune and not found.refused:
            gone = self._owned(owner) - {str(job["id"]) for job in jobs}
            removals = self._staged(found.stage, owner, "remove", [{"id": id} for id in sorted(gone)])
            found.changes.extend(reply for reply in removals if isinstance(reply, Change))
        self._check_order(found, jobs)
        return Plan(found.stage, found.changes, same, found.refused)

    def _staged(
        self, stage: str, owner: str, mode: str, jobs: Iterable[Mapping[str, Any]]
    ) -> Iterator[Change | JobsError | None]:
        """Stage jobs. Yields for each what changes, None when it stays, or the error that refused it."""

        def arguments(job: Mapping[str, Any]) -> Sequence[Any]:
            if mode == "remove":
                return [job["id"]]
            return self._calls.put("JSET", **parts(job))[1]

        write = bulk.grouped("JSTAGE", stage, owner, mode)
        return bulk.stream(self._commands, jobs, arguments, write, _as_change, at_once=10)

    def _owned(self, owner: str) -> set[str]:
        """The ids of the jobs that an owner has put."""
        with translated(self._commands.server):
            owners = self._commands.client.hscan_iter(self._commands.keys.owners, count=1000)
            return {str(id) for id, name in owners if name == owner}

    def _check_order(self, found: Plan, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Refuse jobs that would wait for themselves."""
        places = {str(job["id"]): place for place, job in enumerate(jobs)}
        changed = [change.after for change in found.changes if change.after and "after" in change.after]
        suspects = _suspects({job["id"]: job["after"] for job in changed})
        calls = (("JAPPLY", ["check", found.stage, id]) for id in suspects)
        for id, reply in zip(suspects, self._commands.stream(calls, 100), strict=True):
            if isinstance(reply, JobsError):
                found.refused[places[id]] = reply


def _as_change(reply: Any) -> Change | None:
    if reply == 0:
        return None
    before, after = (json.loads(text) if text else {} for text in reply)
    return Change((after or before)["id"], before or None, after or None)


def _suspects(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """The jobs that Redis is to look at: all, or, where some wait for themselves, one of each such ring.

    Each comes after those that it waits for, so that what is above them is looked at once.
    """
    left, ids = dict(parents), list(parents)
    rings: list[str] = []
    while len(rings) < RINGS:
        try:
            order = [id for id in TopologicalSorter(left).static_order() if id in parents]
            return rings or order
        except CycleError as error:
            rings.append(min(error.args[1], key=ids.index))
            left[rings[-1]] = ()
    return rings
