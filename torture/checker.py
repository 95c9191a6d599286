"""Compare what was asked for and what ran with the ledger: is every occurrence accounted for?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise

from jobs_core import Hour
from jobs_core.engine.ledger import SUMS, total
from torture.exclusive import Overlaps
from torture.work import kind_of, planned_failures

LATE = 1.0
"""Seconds after its due time from which a run counts as late."""


@dataclass(slots=True)
class Asked:
    """What Redis acknowledged: payloads of tasks that must run, by id, and due times of repeating jobs."""

    tasks: dict[str, str] = field(default_factory=dict)
    repeating: dict[str, tuple[str, list[int]]] = field(default_factory=dict)

    @classmethod
    def read(cls, lines: Iterable[str]) -> Asked:
        """Read the feeder's log."""
        asked = cls()
        for line in lines:
            kind, subject, *rest = line.split()
            if kind == "push":
                asked.tasks[subject] = rest[0]
            elif kind == "at":
                asked.tasks[f"{subject}@{rest[0]}"] = rest[1]
            else:
                first, every, stop = map(int, rest[:3])
                asked.repeating[subject] = rest[3], list(range(first, stop + 1, every))
        return asked

    def occurrences(self) -> int:
        """Return the number of occurrences."""
        return len(self.tasks) + sum(len(targets) for _, targets in self.repeating.values())


@dataclass(slots=True)
class Ran:
    """What the workers logged about a task, and which lost attempts Redis told them of."""

    payload: str
    lost: set[str] = field(default_factory=set)
    attempts: Counter[int] = field(default_factory=Counter)
    first: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, lines: Iterable[str]) -> dict[str, Ran]:
        """Read the log of all workers. Returns it by task id."""
        found: dict[str, Ran] = {}
        for line in lines:
            what, id, attempt, payload, _, time, *rest = line.split()
            ran = found.setdefault(id, cls(payload))
            if what == "start":
                ran.attempts[int(attempt)] += 1
                ran.lost.update(rest)
                ran.first = min(ran.first, float(time)) if ran.first else float(time)
            else:
                ran.ends[rest[0]] += 1
        return found


@dataclass(slots=True)
class Verdict:
    """The findings of the checker. `wrong` has a sentence for each violation.

    `doubled` counts the attempts after a lost one, and `seen_twice` those whose both starts workers saw.
    `exclusive` counts the runs that must not overlap, and `overlaps` the commands among them that did.
    If Redis may lose what it has acknowledged (`may_lose`), `excused` counts what that explains: work that is
    missing, or was done again unnoticed. `silent` is the longest time without a start, in seconds.
    """

    may_lose: bool = False

    occurrences: int = 0
    on_time: int = 0
    late: int = 0
    coalesced: int = 0
    skipped: int = 0
    dead: int = 0
    at_most_once: int = 0
    doubled: int = 0
    seen_twice: int = 0
    missing: int = 0
    exclusive: int = 0
    overlaps: int = 0
    overlaps_at_jumps: int = 0
    overlaps_of_threads: int = 0
    excused: int = 0
    silent: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def add_missing(self, sentence: str) -> None:
        """Record an occurrence without an end."""
        self.missing += 1
        self.add_loss(sentence)

    def add_loss(self, sentence: str) -> None:
        """Record what is wrong, unless Redis has lost what it acknowledged."""
        if self.may_lose:
            self.excused += 1
        else:
            self.wrong.append(sentence)


COUNTS = [one.name for one in fields(Verdict) if one.type == "int"]
"""The counts of a verdict, which add up over boards."""


def check(
    asked: Asked,
    ran: Mapping[str, Ran],
    overlaps: Overlaps,
    dead_of: Sequence[Mapping[str, str]],
    ledgers: Sequence[Mapping[str, int]],
    ledger_of: Callable[[str], Mapping[str, int]],
    *,
    may_lose: bool = False,
) -> Verdict:
    """Compare what was due with what ran, the dead letters, and the ledgers of the board and its jobs.

    `dead_of` has the dead letters of each ledger: the status of the last attempt, by task id.
    """
    dead = {id: status for found in dead_of for id, status in found.items()}
    verdict = Verdict(may_lose, occurrences=asked.occurrences(), silent=_longest_silence(ran))
    for id, payload in asked.tasks.items():
        _check_task(verdict, id, payload, ran.get(id), dead)
    by_job: dict[str, list[str]] = defaultdict(list)
    for id in ran:
        by_job[id.rpartition("@")[0]].append(id)
    for job, (payload, targets) in asked.repeating.items():
        _check_repeating(verdict, job, payload, targets, by_job[job], ran, dead, ledger_of(job))
    _check_doubled(verdict, ran, total_ledger(ledgers))
    for ledger, found in zip(ledgers, dead_of, strict=True):
        _check_sums(verdict, ledger, sum(status == "lost" for status in found.values()))
    _check_overlaps(verdict, overlaps)
    return verdict


def total_ledger(ledgers: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add ledgers up."""
    found: Counter[str] = Counter()
    for ledger in ledgers:
        found.update(ledger)
    return dict(found)


def total_of(verdicts: Mapping[str, Verdict]) -> Verdict:
    """Return what was found on all boards: each sentence begins with the name of its board."""
    found = Verdict(any(verdict.may_lose for verdict in verdicts.values()))
    for name, verdict in verdicts.items():
        found.wrong += [f"{name}: {sentence}" for sentence in verdict.wrong]
        found.silent = max(found.silent, verdict.silent)
        for count in COUNTS:
            setattr(found, count, getattr(found, count) + getattr(verdict, count))
    return found


COUNTED_BY_HOUR = ("done", "dead", "cancelled", "unleased", "skipped", "coalesced")


def check_hours(verdict: Verdict, hours: Iterable[Hour], ledger: Mapping[str, int]) -> None:
    """Check that the counts by the hour add up to the ledger."""
    found: Counter[str] = Counter()
    for hour in hours:
        found.update(hour.counts)
    for name in COUNTED_BY_HOUR:
        if found[name] != ledger[name]:
            verdict.wrong.append(f"the hours count {found[name]} as {name}, the ledger {ledger[name]}")


def _longest_silence(ran: Mapping[str, Ran]) -> float:
    """Return the longest time in which no task was started for the first time, in seconds."""
    starts = sorted(found.first for found in ran.values())
    return round(max((later - earlier for earlier, later in pairwise(starts)), default=0.0), 1)


def _check_task(verdict: Verdict, id: str, payload: str, found: Ran | None, dead: Mapping[str, str]) -> None:
    """Check that a task ended as its kind should."""
    kind = kind_of(payload)
    if kind == "once":
        verdict.at_most_once += 1
        if found is not None and sum(found.attempts.values()) > 1:
            verdict.add_loss(f"{id} ran more than once, and its policy is none")
        return
    if found is None:
        verdict.add_missing(f"{id} ({payload}) never ran")
        return
    if found.payload != payload:
        verdict.wrong.append(f"{id} ran with the payload of another task")
    due = int(id.rpartition("@")[2].partition("-")[0]) / 1000
    verdict.on_time += found.first - due < LATE
    verdict.late += found.first - due >= LATE
    if kind == "doomed":
        verdict.dead += 1
        if id not in dead:
            verdict.add_missing(f"{id} should have become a dead letter, and did not")
    elif id in dead:
        verdict.wrong.append(
            f"{id} ({payload}) is a dead letter ({dead[id]}), though nothing was wrong with it"
        )
    elif not found.ends["done"]:
        verdict.add_missing(f"{id} ({payload}) never succeeded: {dict(found.ends)}")
    elif kind == "flaky" and found.ends["failed"] < planned_failures(id):
        verdict.wrong.append(f"{id} failed {found.ends['failed']} times instead of {planned_failures(id)}")


def _check_repeating(
    verdict: Verdict,
    job: str,
    payload: str,
    targets: list[int],
    ids: list[str],
    ran: Mapping[str, Ran],
    dead: Mapping[str, str],
    ledger: Mapping[str, int],
) -> None:
    """Check that each due time of a repeating job ran, or is counted as coalesced."""
    wanted = {f"{job}@{target}" for target in targets}
    for id in ids:
        if id not in wanted:
            verdict.wrong.append(f"{id} ran, but was never due")
    for id in wanted & set(ids):
        _check_task(verdict, id, payload, ran[id], dead)
    passed_over = len(wanted - set(ids))
    counted = ledger["coalesced"] + ledger["skipped"]
    verdict.skipped += min(passed_over, ledger["skipped"])
    verdict.coalesced += max(0, min(passed_over, counted) - ledger["skipped"])
    for _ in range(passed_over - counted):
        verdict.add_missing(f"{job}: an occurrence neither ran nor was coalesced or skipped")
    if counted > passed_over:
        verdict.add_loss(f"{job}: {counted} coalesced or skipped, but only {passed_over} did not run")


def _check_doubled(verdict: Verdict, ran: Mapping[str, Ran], ledger: Mapping[str, int]) -> None:
    """Check that the ledger counts as doubled what ran again after its lease was lost, and no more.

    Each start tells of the lost attempts before it, whether or not a worker saw them start. An attempt that a
    worker saw start again without an end is one of them, unless the worker was stopped and gave it back.
    """
    leased = [found for found in ran.values() if kind_of(found.payload) != "once"]
    stopped = 0
    for found in leased:
        ended = sum(found.ends[status] for status in ("failed", "cancelled", "unstarted"))
        stopped += ended - found.ends["failed"]
        verdict.doubled += len(found.lost)
        verdict.seen_twice += max(0, sum(found.attempts.values()) - 1 - ended)
    if verdict.doubled != ledger["doubled"]:
        verdict.add_loss(f"{verdict.doubled} runs were doubled, but the ledger says {ledger['doubled']}")
    given_back = max(0, ledger["released"] - stopped)
    if verdict.seen_twice > ledger["doubled"] + given_back:
        verdict.add_loss(
            f"{verdict.seen_twice} runs were seen twice, but the ledger says {ledger['doubled']}"
        )


def _check_overlaps(verdict: Verdict, overlaps: Overlaps) -> None:
    verdict.exclusive = overlaps.runs
    verdict.overlaps = len(overlaps.forbidden)
    verdict.overlaps_at_jumps = overlaps.at_jumps
    verdict.overlaps_of_threads = overlaps.of_threads
    for sentence in overlaps.forbidden:
        verdict.add_loss(f"a forbidden overlap: {sentence}")


def _check_sums(verdict: Verdict, ledger: Mapping[str, int], died_of_losses: int) -> None:
    """Check that a ledger adds up, and that nothing is in flight.

    The last lease of a task that dies of losses counts as lost and as dead.
    """
    for name, parts in SUMS.items():
        if ledger[name] != total(ledger, name):
            verdict.wrong.append(f"the ledger does not add up: {name} is not {' + '.join(parts)}")
    handed_out = ("done", "dead", "cancelled", "retried", "failed", "lost", "released")
    if ledger["leased"] != sum(ledger[name] for name in handed_out) - died_of_losses:
        verdict.wrong.append(f"the ledger does not add up: leased is not {' + '.join(handed_out)}")
    if ledger["in_flight"]:
        verdict.wrong.append(f"{ledger['in_flight']} tasks are still in flight")
