"""Write jobs as a crontab, and say why others do not fit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_core.crontab.command import LIMIT, SHELL, Command, command_of, join_command, payload_of
from jobs_core.crontab.fields import FIELDS, NICKNAMES, problems
from jobs_core.crontab.mailto import OPTION, mailto_of
from jobs_core.crontab.model import RUNNER
from jobs_core.crontab.read import read
from jobs_core.crontab.settings import IGNORED, format_setting
from jobs_core.types import parse_payload

KEPT = frozenset(
    (
        "id",
        "runner",
        "payload",
        "cron",
        "zone",
        "queue",
        "state",
        "next",
        "etag",
        "start",
        "lint-ignore",
        OPTION,
    )
)
"""Options that a crontab expresses or can omit."""

DEFAULTS = {"SHELL": SHELL, "MAILTO": ""}
"""Settings that need not be written. An empty MAILTO mails nobody."""

HEADER = "# Times are in CRON_TZ. A cron that does not support it, such as Debian's, uses the machine's zone."


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    cron: str
    zone: str
    env: dict[str, str]
    command: str
    lint_ignore: str = ""

    @property
    def group(self) -> tuple[int, list[tuple[str, str]], str]:
        """The sort key that groups entries by their settings, fewest settings first."""
        variables = sorted((name, value) for name, value in self.env.items())
        return sum(name != "SHELL" for name in self.env), variables, self.zone


class InexpressibleError(ValueError):
    """A job that a crontab cannot express. The text says why."""


def write(
    jobs: Iterable[Mapping[str, Any]], skip: Callable[[str], object], now: float | None = None
) -> Iterator[str]:
    r"""Yield the lines of a crontab. Reading it restores the same jobs under the same ids.

    All jobs are read before the first line, since jobs with the same settings are grouped.

    Args:
        jobs: Jobs as `Board.list` yields them.
        skip: Called with a sentence for each job that a crontab cannot express.
        now: The current time, in epoch seconds. A job that starts later is skipped.

    >>> job = {"id": "day", "runner": "shell", "payload": "date +%d", "cron": "@daily"}
    >>> list(write([job], print))[1:]
    ['CRON_TZ=UTC', '', '# id: day', '@daily date +\\%d']
    """
    present = time.time() if now is None else now
    entries: list[_Entry] = []
    for job in jobs:
        try:
            entries.append(_entry(job, present))
        except InexpressibleError as reason:
            skip(f"the job {job['id']!r} is skipped: {reason}")
    entries.sort(key=lambda entry: (entry.group, entry.id))
    writer = _Writer(skip)
    for entry in entries:
        yield from writer.lines(entry)


def _entry(job: Mapping[str, Any], now: float) -> _Entry:
    """Return the crontab entry of a job.

    Raises:
        InexpressibleError: A crontab cannot express the job.
    """
    _check_options(job, now)
    raw = job["payload"]
    command = command_of(parse_payload(raw) if isinstance(raw, str) else raw)
    if isinstance(command, str):
        raise InexpressibleError(f"a crontab cannot express the key {command!r} of its payload")
    text = join_command(command.line, command.input)
    if text is None or not _is_read_back(f"{job['cron']} {text}", command):
        raise InexpressibleError("a line of a crontab cannot express its command or input")
    _check_settings(command)
    env = dict(command.env)
    if OPTION in job:
        env["MAILTO"] = str(mailto_of(job[OPTION]))
    return _Entry(job["id"], job["cron"], job.get("zone", "UTC"), env, text, job.get("lint-ignore", ""))


def _is_read_back(text: str, command: Command) -> bool:
    """Check that reading a line returns this command. Cron drops leading spaces, and has limits."""
    bare = Command(command.line, command.input)
    found = read(text)
    return not found.problems and [line.payload for line in found.lines] == [payload_of(bare)]


def _check_options(job: Mapping[str, Any], now: float) -> None:
    if job["runner"] != RUNNER:
        raise InexpressibleError(f"its runner is {job['runner']}, but cron runs only shell commands")
    if "cron" not in job:
        raise InexpressibleError("it has no cron pattern")
    if job.get("state") == "paused":
        raise InexpressibleError("it is paused")
    unsupported = [name for name in job if name not in KEPT]
    if OPTION in job and mailto_of(job[OPTION]) is None:
        unsupported.append(OPTION)
    if job.get("queue", RUNNER) != RUNNER:
        unsupported.append("queue")
    if job.get("start", now) > now:  # every job has a start: the time of its put
        unsupported.append("start")
    if unsupported:
        raise InexpressibleError(f"a crontab does not support {', '.join(unsupported)}")
    _check_pattern(job["cron"])


def _check_pattern(pattern: str) -> None:
    words = pattern.split()
    if len(words) == 1 and words[0] in NICKNAMES:
        return
    if len(words) != len(FIELDS):
        raise InexpressibleError("its cron pattern has seconds or years")
    for field, word in zip(FIELDS, words, strict=True):
        for _, sentence in problems(field, word):
            raise InexpressibleError(f"cron does not accept its pattern: {sentence}")


def _check_settings(command: Command) -> None:
    for name, value in command.env.items():
        line = format_setting(name, value)
        if name in IGNORED or name in ("CRON_TZ", "MAILTO") or line is None or len(line.encode()) > LIMIT:
            raise InexpressibleError(f"a crontab cannot set its variable {name}")


@dataclass(slots=True)
class _Writer:
    """Writes entries, and tracks the settings that apply after them."""

    skip: Callable[[str], object]
    zone: str | None = None
    env: dict[str, str] | None = None

    def lines(self, entry: _Entry) -> Iterator[str]:
        """Yield the lines of an entry and of the settings it changes. It is skipped if it must unset one."""
        env = DEFAULTS | entry.env
        before = self.env or DEFAULTS
        lingering = [name for name in before if name not in env]
        if lingering:
            self.skip(
                f"the job {entry.id!r} is skipped: a crontab cannot unset {', '.join(lingering)}, "
                "which earlier jobs set; export this job alone"
            )
            return
        settings = [] if self.zone == entry.zone else [f"CRON_TZ={entry.zone}"]
        changed = [(name, value) for name, value in env.items() if before.get(name) != value]
        settings += [str(format_setting(name, value)) for name, value in sorted(changed)]
        is_first = self.env is None
        if is_first:
            yield HEADER
        if settings:
            yield from settings if is_first else ["", *settings]
        yield from ("", f"# id: {entry.id}")
        if entry.lint_ignore:
            yield f"# lint-ignore: {entry.lint_ignore}"
        yield f"{entry.cron} {entry.command}"
        self.zone, self.env = entry.zone, env
