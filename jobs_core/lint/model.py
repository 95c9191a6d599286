"""What rules work on: jobs with the answers of the engine about them; and what they return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

from jobs_core.alerts.rule import Alert
from jobs_core.cron.pattern import Pattern


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is odd about a job or an alert, or about many jobs at once: then both are None.

    `rule` is the name of its rule, `why` says why that matters, and `option` is the option that it is about.
    `advice` says what to write instead.
    """

    rule: str
    job: str | None
    sentence: str
    advice: str
    option: str = ""
    why: str = ""
    alert: str | None = None

    @property
    def silence(self) -> str:
        """How to silence the rule: for this job or alert, or for all."""
        return f"set lint-ignore: {self.rule}" if self.job or self.alert else f"pass --ignore {self.rule}"


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A change of a zone's clock at which a schedule has a run. Offsets are in seconds ahead of UTC."""

    time: float
    before: int
    after: int
    run: float
    """The local time of the run on the clock: the seconds that UTC would show then."""

    @property
    def is_gap(self) -> bool:
        """Whether the clock goes forward, which skips local times. Otherwise it repeats some."""
        return self.after > self.before

    @property
    def local(self) -> datetime:
        """The local time of the run."""
        return datetime.fromtimestamp(self.run, UTC)

    @property
    def day(self) -> date:
        return self.local.date()


@dataclass(frozen=True)
class Subject:
    """A job, and what the engine says about its schedule.

    Args:
        options: The job as `Board.show` returns it.
        pattern: Its cron pattern, if it has one.
        runs: Its next runs, as far as rules need them, in epoch seconds.
        changes: The clock changes of the coming year at which it has a run.
        usual: How long a run usually takes, in seconds, if enough runs have ended.
        never: Why the job never runs, if that is so.
        rejection: Why its runner rejects its payload, if that is so.
        advice: What plugins find odd about it, and what to write instead.
    """

    options: Mapping[str, Any]
    pattern: Pattern | None = None
    runs: Sequence[float] = ()
    changes: Sequence[ClockChange] = ()
    usual: float | None = None
    never: str = ""
    rejection: str = ""
    advice: Sequence[tuple[str, str]] = ()

    @property
    def id(self) -> str:
        return str(self.options["id"])

    @property
    def dst(self) -> str:
        return str(self.options.get("dst", "vixie"))

    @property
    def queue(self) -> str:
        return str(self.options.get("queue") or self.options["runner"])

    @property
    def labels(self) -> Sequence[str]:
        found = self.options.get("label", ())
        return found.split(",") if isinstance(found, str) else found

    @cached_property
    def ignored(self) -> frozenset[str]:
        """The rules that do not apply to this job."""
        return _names(self.options)

    @cached_property
    def interval(self) -> float | None:
        """The shortest time between two runs, in seconds, as far as they are known."""
        return self._every or min(self._waits, default=None)

    @property
    def longest_wait(self) -> float | None:
        """The longest time between two runs, in seconds, as far as they are known."""
        return self._every or max(self._waits, default=None)

    @property
    def _every(self) -> float | None:
        every = self.options.get("every")
        return float(every) if isinstance(every, (int, float)) and "decay" not in self.options else None

    @property
    def _waits(self) -> Iterator[float]:
        return (later - earlier for earlier, later in pairwise(self.runs))

    def finding(self, rule: str, what: str, advice: str, option: str = "") -> Finding:
        """Return a finding about this job. Its sentence is the job's id, and what the job does."""
        return Finding(rule, self.id, f"{self.id} {what}", advice, option)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an alert, such as `silent 1d`: its kind, and its time in seconds if it has one."""

    text: str
    seconds: float | None = None

    @property
    def kind(self) -> str:
        return self.text.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """An alert, its conditions, and the terms of `for` that match nothing."""

    rule: Alert
    conditions: Sequence[Condition] = ()
    unmatched: Sequence[str] = ()

    @property
    def ignored(self) -> frozenset[str]:
        """The rules that do not apply to this alert."""
        return _names(self.rule.options)

    def finding(self, rule: str, what: str, advice: str, option: str = "") -> Finding:
        """Return a finding about this alert. Its sentence is the alert's name, and what the alert does."""
        sentence = f"the alert {self.rule.name} {what}"
        return Finding(rule, None, sentence, advice, option, alert=self.rule.name)


@dataclass(frozen=True)
class Surroundings:
    """What rules know beside the jobs: which ids exist, how many jobs there are in all, and the alerts."""

    ids: frozenset[str] = field(default_factory=frozenset)
    total: int = 0
    alerts: Sequence[AlertSubject] = ()


def _names(options: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(options.get("lint-ignore", "")).split(",")) - {""}


Check = Callable[[Sequence[Subject], Surroundings], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name, what it finds, why that matters, and the function that finds it.

    `check` receives only jobs and alerts that do not ignore the rule.
    """

    name: str
    summary: str
    why: str
    check: Check


def each(check: Callable[[Subject], Iterator[Finding]]) -> Check:
    """Return the check of a rule that looks at one job at a time."""

    def run(jobs: Sequence[Subject], around: Surroundings) -> Iterator[Finding]:
        for job in jobs:
            yield from check(job)

    return run
