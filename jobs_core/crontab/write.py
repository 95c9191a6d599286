"""Writing a crontab: the jobs that it can say, and for each other one why it cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_core.crontab.command import LIMIT, SHELL, Command, command_of, joined, payload
from jobs_core.crontab.fields import FIELDS, NICKNAMES, problems
from jobs_core.crontab.model import RUNNER
from jobs_core.crontab.read import read
from jobs_core.crontab.settings import LEFT_OUT, written
from jobs_core.types import parse_payload

KEPT = frozenset(("id", "runner", "payload", "cron", "zone", "queue", "state", "next", "start"))
"""What a crontab says of a job, or need not."""

HEADER = "# Times are in CRON_TZ. A cron that does not know it, as Debian's, goes by the machine's zone."


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    cron: str
    zone: str
    env: dict[str, str]
    command: str

    @property
    def group(self) -> tuple[int, list[tuple[str, str]], str]:
        """Sorts entries with the same settings together, and those with few before those with many."""
        variables = sorted((name, value) for name, value in self.env.items())
        return sum(name != "SHELL" for name in self.env), variables, self.zone


class Unfit(ValueError):
    """A job that no crontab can say; the text is why."""


def write(
    jobs: Iterable[Mapping[str, Any]], leave_out: Callable[[str], object], now: float | None = None
) -> Iterator[str]:
    """The lines of a crontab of jobs, as `Board.list` yields them; empty if no job fits.

    `leave_out` is called with a sentence for each job that does not fit. Reading the crontab makes the same
    jobs, under the same ids. `now` is in epoch seconds: a job that starts later does not fit. Lines come once
    all jobs have been read, since those with the same settings stand together.

    >>> job = {"id": "day", "runner": "shell", "payload": "date +%d", "cron": "@daily"}
    >>> list(write([job], print))[1:]
    ['CRON_TZ=UTC', '', '# id: day', '@daily date +\\%d']
    """
    present = time.time() if now is None else now
    entries: list[_Entry] = []
    for job in jobs:
        try:
            entries.append(_entry(job, present))
        except Unfit as reason:
            leave_out(f"the job {job['id']!r} is left out: {reason}")
    entries.sort(key=lambda entry: (entry.group, entry.id))
    writer = _Writer(leave_out)
    for entry in entries:
        yield from writer.lines(entry)


def _entry(job: Mapping[str, Any], now: float) -> _Entry:
    """What a job comes to in a crontab. Raises Unfit."""
    _check_options(job, now)
    raw = job["payload"]
    command = command_of(parse_payload(raw) if isinstance(raw, str) else raw)
    if isinstance(command, str):
        raise Unfit(f"a crontab cannot say the key {command!r} of its payload")
    text = joined(command.line, command.input)
    if text is None or not _is_read_back(f"{job['cron']} {text}", command):
        raise Unfit("its command or input is not what one line of a crontab can say")
    _check_settings(command)
    return _Entry(job["id"], job["cron"], job.get("zone", "UTC"), dict(command.env), text)


def _is_read_back(text: str, command: Command) -> bool:
    """Whether a line, read again, is this command: blanks before it go, and cron has its limits."""
    bare = Command(command.line, command.input)
    found = read(text)
    return not found.problems and [line.payload for line in found.lines] == [payload(bare)]


def _check_options(job: Mapping[str, Any], now: float) -> None:
    if job["runner"] != RUNNER:
        raise Unfit(f"its runner is {job['runner']}, and cron runs command lines")
    if "cron" not in job:
        raise Unfit("it has no cron pattern")
    if job.get("state") == "paused":
        raise Unfit("it is paused")
    others = [name for name in job if name not in KEPT]
    if job.get("queue", RUNNER) != RUNNER:
        others.append("queue")
    if job.get("start", now) > now:  # every job has a start, since when it was put
        others.append("start")
    if others:
        raise Unfit(f"a crontab has no {', '.join(others)}")
    _check_pattern(job["cron"])


def _check_pattern(pattern: str) -> None:
    words = pattern.split()
    if len(words) == 1 and words[0] in NICKNAMES:
        return
    if len(words) != len(FIELDS):
        raise Unfit("its cron pattern has seconds or years")
    for field, word in zip(FIELDS, words, strict=True):
        for _, sentence in problems(field, word):
            raise Unfit(f"its cron pattern is not one of cron's, {sentence}")


def _check_settings(command: Command) -> None:
    for name, value in command.env.items():
        line = written(name, value)
        if name in LEFT_OUT or name == "CRON_TZ" or line is None or len(line.encode()) > LIMIT:
            raise Unfit(f"a crontab cannot set its variable {name}")


@dataclass(slots=True)
class _Writer:
    """Writes entries one after another, and knows the settings in force after them."""

    leave_out: Callable[[str], object]
    zone: str | None = None
    env: dict[str, str] | None = None

    def lines(self, entry: _Entry) -> Iterator[str]:
        """An entry, with the settings that change. It is left out where one would have to end."""
        env = {"SHELL": SHELL, **entry.env}
        before = self.env or {"SHELL": SHELL}
        lasting = [name for name in before if name not in env]
        if lasting:
            self.leave_out(
                f"the job {entry.id!r} is left out: a crontab cannot unset {', '.join(lasting)}, "
                "which jobs before it have: export it alone"
            )
            return
        settings = [] if self.zone == entry.zone else [f"CRON_TZ={entry.zone}"]
        changed = [(name, value) for name, value in env.items() if before.get(name) != value]
        settings += [str(written(name, value)) for name, value in sorted(changed)]
        is_first = self.env is None
        if is_first:
            yield HEADER
        if settings:
            yield from settings if is_first else ["", *settings]
        yield from ("", f"# id: {entry.id}", f"{entry.cron} {entry.command}")
        self.zone, self.env = entry.zone, env
