"""The built-in policies: `none`, `ack` and `retry`. They never access Redis."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from jobs_core.contract import Policy
from jobs_core.plugins.hookspecs import hookimpl
from jobs_core.types import Decision, Outcome, Task

ATTEMPTS, BACKOFF, LONGEST = 3, 10.0, 3600.0
RETRY_OPTIONS = frozenset(("attempts", "backoff", "retry-on", "never-on"))


def default_policy(task: Task) -> str:
    """Return the policy of a task that names none: `retry` if it has retry options, else `ack`."""
    return "retry" if task.options.keys() & RETRY_OPTIONS else "ack"


def none(task: Task, outcome: Outcome) -> Decision:
    """At most once: end the task whatever its outcome."""
    return Decision.done()


def ack(task: Task, outcome: Outcome) -> Decision:
    """At least once: retry a lost task; a failed task becomes a dead letter."""
    if outcome.status == "done":
        return Decision.done()
    return Decision.retry() if outcome.status == "lost" else Decision.dead()


def retry(task: Task, outcome: Outcome) -> Decision:
    """Retry a failed or lost task up to `attempts` times, with the delays of `backoff`.

    `retry-on` and `never-on` are lists of outcome codes with the wildcards * and ?. With `retry-on`, only
    these codes are retried; with `never-on`, all codes but these. A delay that the target asked for
    (`outcome.retry_after`) takes precedence over `backoff`.
    """
    if outcome.status == "done":
        return Decision.done()
    if task.attempt >= int(task.options.get("attempts", ATTEMPTS)) or not _is_retryable(task, outcome):
        return Decision.dead()
    if outcome.retry_after is not None:
        return Decision.retry(outcome.retry_after)
    return Decision.retry(Backoff.read(task.options.get("backoff", BACKOFF)).delay(task))


def _is_retryable(task: Task, outcome: Outcome) -> bool:
    """Whether `retry-on` and `never-on` allow a retry of this outcome code."""
    only, never = task.options.get("retry-on"), task.options.get("never-on")
    if never is not None and _matches(outcome.code, str(never)):
        return False
    return only is None or _matches(outcome.code, str(only))


def _matches(code: str, patterns: str) -> bool:
    literal = patterns.replace("[", "[[]")  # fnmatch has character classes, `retry-on` has not
    return any(fnmatchcase(code, pattern) for pattern in literal.split(","))


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay before the next attempt, in seconds.

    `growth` is fixed, linear or exponential, from `first` up to `longest`. Alternatively, `delays` lists the
    delays; the last one repeats. With `jitter` the delay is a random value from 0 to that, the same each time
    for the same attempt.

    >>> Backoff.read("exponential 2 max 600 jitter")
    Backoff(growth='exponential', first=2.0, longest=600.0, delays=(), jitter=True)
    """

    growth: str = "exponential"
    first: float = BACKOFF
    longest: float = LONGEST
    delays: tuple[float, ...] = ()
    jitter: bool = False

    @classmethod
    def read(cls, text: str | float) -> Backoff:
        """Parse the option as JSET stores it: `10`, `1,10,60`, `linear 10 max 300 jitter`."""
        words = str(text).split()
        jitter = words[-1] == "jitter"
        growth = words.pop(0) if words[0].isalpha() else "exponential"
        if "," in words[0]:
            return cls(delays=tuple(float(word) for word in words[0].split(",")), jitter=jitter)
        longest = float(words[2]) if words[1:2] == ["max"] else max(LONGEST, float(words[0]))
        return cls(growth, float(words[0]), longest, jitter=jitter)

    def delay(self, task: Task) -> float:
        """Return the seconds to wait after this attempt."""
        full = self._full(task.attempt)
        if not self.jitter:
            return full
        return random.Random(f"{task.id} {task.attempt}").uniform(0, full)

    def _full(self, attempt: int) -> float:
        if self.delays:
            return self.delays[min(attempt, len(self.delays)) - 1]
        growth = {"fixed": 1.0, "linear": float(attempt), "exponential": 2.0 ** min(attempt - 1, 64)}
        return min(self.longest, self.first * growth[self.growth])


@hookimpl
def jobs_policies() -> Iterator[Policy]:
    """Provide the policies `none`, `ack` and `retry`."""
    yield Policy("none", none, "At most once: no lease, no retry")
    yield Policy("ack", ack, "At least once; a failed task becomes a dead letter")
    yield Policy("retry", retry, "Retry a failed task: attempts, backoff, retry-on, never-on")
