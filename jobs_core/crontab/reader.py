"""Read a crontab line by line, with the settings that apply to each line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jobs_core.crontab.command import LIMIT, Command, split_command
from jobs_core.crontab.fields import FIELDS, never_comes, nickname_problem, problems
from jobs_core.crontab.model import Notice
from jobs_core.crontab.settings import IGNORED, SettingError, parse_setting
from jobs_core.engine import zones
from jobs_core.values import nearest

REBOOT = "@reboot is skipped: a board outlives reboots; push the job when the machine boots"
NEVER = "the line is skipped: no month it names has such a day, so it never runs"
NEVER_RULE = "never-runs"
"""The rule of `jobs lint` that finds such a line."""

NO_USER = "expected a user name in the user column; if this is a user's own crontab, pass --user"
NO_COMMAND = "no command; write one after the schedule, and after the user if there is one"
NEITHER = "expected a schedule, a comment or a setting such as NAME=value; a schedule begins with its minute"
STAR = "the command begins with a star, which cron rejects; a schedule has five fields, without seconds"

_WORD = re.compile(r"[^ \t]+")
_USER = re.compile(r"[A-Za-z_][\w.-]*\$?", re.ASCII)
_ZONED = re.compile(r":?(\S+)[ \t]+(?:@|[0-9*][0-9*,/-]*[ \t]+[0-9*])")
_ID = re.compile(r"id:[ \t]*([^\s#\ud800-\udfff]+)")
_IGNORE = re.compile(r"lint-ignore:[ \t]*([a-z0-9-]+(?:[ \t]*,[ \t]*[a-z0-9-]+)*)")
_MARKS = (_ID, _IGNORE)
_MINUTE = re.compile(r"[@0-9*,~?+-].*|[LHW](?![A-Za-z]).*")
_INVALID = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with a schedule, before it gets an id.

    Comments above it may have its id, `given_id`, and the rules of `jobs lint` to ignore.
    """

    number: int
    column: int
    cron: str
    zone: str
    command: Command
    user: str | None
    given_id: str | None
    comment: str
    lint_ignore: str = ""
    mailto: str | None = None


@dataclass(slots=True)
class Reader:
    """The settings that apply to the next line, and what was found so far."""

    file: str
    system: bool
    zone: str
    cron_zone: str | None = None
    mailto: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    problems: list[Notice] = field(default_factory=list)

    def read_line(self, number: int, text: str) -> None:
        """Read one line."""
        body = text.strip(" \t")
        if body.startswith("#"):
            self.comments.append(body.lstrip("#").strip())
            return
        invalid = _INVALID.search(text)
        try:
            if invalid:
                self.refuse(number, invalid.start() + 1, "invalid UTF-8; save the file as UTF-8")
            elif body and not self._set(number, text):
                self._schedule(number, text)
        except SettingError as error:
            self.refuse(number, error.column, str(error))
        self.comments.clear()

    def refuse(self, number: int, column: int, sentence: str) -> None:
        """Record a problem."""
        self.problems.append(Notice(self.file, number, column, sentence))

    def _note(self, number: int, text: str, sentence: str, rule: str = "") -> None:
        """Record a notice about a line, at its first word."""
        column = len(text) - len(text.lstrip(" \t")) + 1
        self.notices.append(Notice(self.file, number, column, sentence, rule))

    def _set(self, number: int, text: str) -> bool:
        """Read a line that sets a variable. Returns False for any other line."""
        found = parse_setting(text)
        if found is None:
            return False
        name, value = found
        if len(text.encode()) > LIMIT:
            self.refuse(number, 1, f"{name} exceeds cron's limit of {LIMIT} bytes; shorten it")
        elif name in ("TZ", "CRON_TZ") and (schedule := _ZONED.match(value)):
            self.refuse(
                number, 1, f"cron takes all of this as {name}; write CRON_TZ={schedule[1]} on a line above"
            )
        elif name == "CRON_TZ":
            self._set_zone(number, text, value)
        elif name == "MAILTO":
            self.mailto = value
        elif name in IGNORED:
            self._note(number, text, f"{name} is ignored: {IGNORED[name]}")
        else:
            self.env[name] = value
        return True

    def _set_zone(self, number: int, text: str, value: str) -> None:
        name = value.removeprefix(":")
        if name and name not in zones.names():
            hint = nearest(name, zones.names()) or "; write one such as Europe/Brussels"
            self.refuse(number, text.rfind(value) + 1, f"unknown time zone {name!r}{hint}")
        self.cron_zone = name or None

    def _schedule(self, number: int, text: str) -> None:
        """Read a line with a schedule and a command."""
        words = list(_WORD.finditer(text))
        if not _MINUTE.fullmatch(words[0][0]):
            self.refuse(number, words[0].start() + 1, NEITHER)
            return
        count = 1 if words[0][0].startswith("@") else len(FIELDS)
        if words[0][0] == "@reboot":
            self._note(number, text, REBOOT)
            return
        known = len(self.problems)
        self._check_schedule(number, text, words[:count])
        if len(self.problems) > known:
            return
        if count > 1 and never_comes([word[0] for word in words[:count]]):
            is_silenced = NEVER_RULE in self._ignored_rules()
            self._note(number, text, NEVER, "" if is_silenced else NEVER_RULE)
        else:
            self._command(number, text, words, count)

    def _check_schedule(self, number: int, text: str, words: list[re.Match[str]]) -> None:
        """Record the mistakes in the fields, or in the nickname in their place."""
        if words[0][0].startswith("@"):
            wrong = nickname_problem(words[0][0])
            if wrong:
                self.refuse(number, words[0].start() + 1, wrong)
            return
        for about, word in zip(FIELDS, words, strict=False):
            for offset, sentence in problems(about, word[0]):
                self.refuse(number, word.start() + offset + 1, sentence)
        if len(words) < len(FIELDS):
            missing = FIELDS[len(words)].name
            self.refuse(number, len(text) + 1, f"the line ends before its {missing}; write five fields")

    def _command(self, number: int, text: str, words: list[re.Match[str]], count: int) -> None:
        """Read the text after the schedule: a user in a system crontab, and the command."""
        user = words[count] if self.system and len(words) > count else None
        if user and not _USER.fullmatch(user[0]):
            self.refuse(number, user.start() + 1, NO_USER)
            return
        first = count + self.system
        start = words[first].start() if len(words) > first else len(text)
        line, input = split_command(text[start:])
        wrong = _command_problem(line, len(text[start:].encode()))
        if wrong:
            self.refuse(number, start + 1, wrong)
            return
        ids = self._marked(_ID)
        self.entries.append(
            Entry(
                number,
                column=words[0].start() + 1,
                cron=" ".join(word[0] for word in words[:count]),
                zone=self.cron_zone or self.zone,
                command=Command(line, input, dict(self.env)),
                user=user and user[0],
                given_id=ids[-1] if ids else None,
                comment="\n".join(
                    comment
                    for comment in self.comments
                    if not any(mark.fullmatch(comment) for mark in _MARKS)
                ),
                lint_ignore=",".join(self._ignored_rules()),
                mailto=self.mailto,
            )
        )

    def _marked(self, mark: re.Pattern[str]) -> list[str]:
        """Return what comments directly above the line give by a mark such as `id:`."""
        return [match[1] for match in map(mark.fullmatch, self.comments) if match]

    def _ignored_rules(self) -> list[str]:
        """Return the rules of `jobs lint` that comments directly above the line silence."""
        return [rule.strip(" \t") for text in self._marked(_IGNORE) for rule in text.split(",")]


def _command_problem(line: str, size: int) -> str | None:
    """Return what is wrong with a command, or None. `size` includes its input, in bytes."""
    if not line.strip():
        return NO_COMMAND
    if line.startswith("*"):
        return STAR
    if size > LIMIT:
        return f"the command has {size} bytes, more than cron's {LIMIT}; move it to a script"
    return None
