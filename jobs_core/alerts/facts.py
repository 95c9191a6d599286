"""The facts that the task of an alert carries in its options, and their one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from jobs_core.types import Task
from jobs_core.wording import counted, when


@dataclass(frozen=True, slots=True)
class Facts:
    """What an alert tells of.

    Args:
        alert: The alert's name.
        kind: The condition that was met: failed, dead, recovered, done, late, missed, long, silent, unserved
            or behind; `burst` for what was too much to be told one by one, and `test`.
        state: `firing`, or `over` when the end of it is told.
        at: When it was noticed, in epoch seconds.
        since: Since when it goes on, in epoch seconds.
        value: What the condition is compared with, as given: `3`, `10m`, `3x`.
        job: The job, if it is about one.
        task: The task, if it is about one.
        queue: The queue, if it is about one.
        worker: The worker of the task's last attempt.
        count: How many runs failed in a row, occurrences were missed, or alerts are left out.
        attempts: How many attempts the task had.
        code: The code of the last attempt.
        note: Its note.
        what: `skipped` or `coalesced`, of missed occurrences.
        why: Why these were missed; why ticks are behind: `idle` or `backlog`; or why a job is not silent any
            more although it had no good run: it is `paused`, has `ended`, or left the `scope` of the alert.
        upto: When nobody ticked any more, until somebody did, in epoch seconds.
        more: How many more there were since it was told last.
        again: Whether it was told before, and goes on.
    """

    alert: str
    kind: str
    state: Literal["firing", "over"]
    at: float
    since: float
    value: str = ""
    job: str = ""
    task: str = ""
    queue: str = ""
    worker: str = ""
    count: int = 0
    attempts: int = 0
    code: str = ""
    note: str = ""
    what: str = ""
    why: str = ""
    upto: float = 0.0
    more: int = 0
    again: bool = False

    @property
    def about(self) -> str:
        """What the alert is about, as the sentence begins: a job, a queue or the board."""
        if self.kind == "unserved":
            return f"the queue {self.queue}"
        return self.job or {"burst": self.alert, "test": self.alert}.get(self.kind, "the board")

    @property
    def reason(self) -> str:
        """The rest of the sentence: `failed 3 times in a row`."""
        reasons = _OVER if self.state == "over" else _FIRING
        return reasons[self.kind](self) if self.kind in reasons else self.kind

    @property
    def subject(self) -> str:
        """The whole sentence, as a headline."""
        return f"{self.about} {self.reason}"


_NAMES = frozenset(field.name for field in fields(Facts))


def facts_of(task: Task) -> Facts | None:
    """Return the facts that a task carries, or None if it is not the task of an alert."""
    found = task.options.get("alert")
    return as_facts(found) if isinstance(found, Mapping) else None


def as_facts(found: Mapping[str, Any]) -> Facts:
    """Read facts as the engine writes them. What a newer engine adds is left out."""
    known: dict[str, Any] = {name: value for name, value in found.items() if name in _NAMES}
    at = float(known.get("at", 0.0))
    defaults: dict[str, Any] = {"alert": "", "kind": "", "state": "firing", "at": at, "since": at}
    return Facts(**defaults | known)


def _times(count: int) -> str:
    return "has failed" if count < 2 else f"has failed {count} times in a row"


def _dead(facts: Facts) -> str:
    tried = f" after {counted(facts.attempts, 'attempt')}" if facts.attempts > 1 else ""
    return f"has failed and was given up{tried}"


def _missed(facts: Facts) -> str:
    if not facts.what:
        return f"has not started {facts.value} after it was due"
    reasons = {
        "late": "nothing queued them in time",
        "overlap": "a run was still active",
        "full": "the queue was full",
        "parents": "the jobs that it runs after had not ended",
    }
    return f"missed {counted(facts.count, 'run')}, {facts.what}: {reasons.get(facts.why, facts.why)}"


def _long(facts: Facts) -> str:
    if facts.value.endswith("x"):
        return f"has been running for longer than {facts.value[:-1]} times as long as usual"
    return f"has been running for longer than {facts.value}"


def _behind(facts: Facts) -> str:
    if facts.why == "idle":
        return f"was not ticked from {when(facts.since)} to {when(facts.upto)}"
    return f"is behind: what is due is queued more than {facts.value} late"


def _no_longer_silent(facts: Facts) -> str:
    left = f"is not what {facts.alert} is for any more"
    reasons = {"paused": "is paused", "ended": "has ended", "scope": left}
    return reasons.get(facts.why, "has had a good run again")


_FIRING: Mapping[str, Callable[[Facts], str]] = {
    "failed": lambda facts: _times(facts.count),
    "dead": _dead,
    "recovered": lambda facts: f"is done again, after {counted(facts.count, 'failed run')}",
    "done": lambda facts: "is done",
    "late": lambda facts: f"has not started {facts.value} after it was due",
    "missed": _missed,
    "long": _long,
    "silent": lambda facts: f"has had no good run for {facts.value}",
    "unserved": lambda facts: f"has had no worker for {facts.value}, while tasks wait",
    "behind": _behind,
    "burst": lambda facts: f"has {counted(facts.count, 'more alert')} within a minute",
    "test": lambda facts: "is only tested: nothing is wrong",
}

_OVER: Mapping[str, Callable[[Facts], str]] = {
    "failed": lambda facts: "is done again",
    "late": lambda facts: "has started",
    "long": lambda facts: "has ended",
    "silent": _no_longer_silent,
    "unserved": lambda facts: "is served again",
    "behind": lambda facts: "is up to date again",
}
