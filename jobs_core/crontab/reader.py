"""Reading a crontab line by line: what each says, under the settings in force."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jobs_core.crontab.command import LIMIT, Command, split
from jobs_core.crontab.fields import FIELDS, nickname_problem, problems
from jobs_core.crontab.model import Notice
from jobs_core.crontab.settings import LEFT_OUT, SettingError, setting
from jobs_core.engine import zones
from jobs_core.options import nearest

REBOOT = "@reboot is left out: a board has no reboot, since it outlives machines; push the job at a boot"
NO_USER = "the user column holds no user's name: if this is a user's own crontab, say --user"
NO_COMMAND = "there is no command: write one after the schedule, and after the user if there is one"
NEITHER = "this is no schedule, comment or setting such as NAME=value: begin a schedule with its minute"
STAR = "the command begins with a star, which cron refuses: a schedule has five fields, and no seconds"

_WORD = re.compile(r"[^ \t]+")
_USER = re.compile(r"[A-Za-z_][\w.-]*\$?", re.ASCII)
_ID = re.compile(r"id:[ \t]*([^\s#\ud800-\udfff]+)")
_MINUTE = re.compile(r"[@0-9*,~?+-].*|[LHW](?![A-Za-z]).*")
_ODD = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with a schedule, before it has an id: `named` is what a comment calls it."""

    number: int
    column: int
    cron: str
    zone: str
    command: Command
    user: str | None
    given_id: str | None
    comment: str


@dataclass(slots=True)
class Reader:
    """What is in force where a crontab has been read to, and what was found so far."""

    file: str
    system: bool
    zone: str
    cron_zone: str | None = None
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
        odd = _ODD.search(text)
        try:
            if odd:
                self.refuse(number, odd.start() + 1, "this is no UTF-8 text: save the file as UTF-8")
            elif body and not self._set(number, text):
                self._schedule(number, text)
        except SettingError as error:
            self.refuse(number, error.column, str(error))
        self.comments.clear()

    def refuse(self, number: int, column: int, sentence: str) -> None:
        """Note a problem."""
        self.problems.append(Notice(self.file, number, column, sentence))

    def _note(self, number: int, text: str, sentence: str) -> None:
        """Note something about a line, whose place is its first word."""
        column = len(text) - len(text.lstrip(" \t")) + 1
        self.notices.append(Notice(self.file, number, column, sentence))

    def _set(self, number: int, text: str) -> bool:
        """Read a line that sets a variable; False for one that does not."""
        found = setting(text)
        if found is None:
            return False
        name, value = found
        if len(text.encode()) > LIMIT:
            self.refuse(number, 1, f"{name} takes more than cron's {LIMIT} bytes: shorten it")
        elif name == "CRON_TZ":
            self._set_zone(number, text, value)
        elif name in LEFT_OUT:
            self._note(number, text, f"{name} is left out: {LEFT_OUT[name]}")
        else:
            self.env[name] = value
        return True

    def _set_zone(self, number: int, text: str, value: str) -> None:
        name = value.removeprefix(":")
        if name and name not in zones.names():
            hint = nearest(name, zones.names()) or ": write one such as Europe/Brussels"
            self.refuse(number, text.rfind(value) + 1, f"there is no time zone {name!r}{hint}")
        self.cron_zone = name or None

    def _schedule(self, number: int, text: str) -> None:
        """Read a line that says when a command runs."""
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
        if len(self.problems) == known:
            self._command(number, text, words, count)

    def _check_schedule(self, number: int, text: str, words: list[re.Match[str]]) -> None:
        """Refuse what is wrong with the fields, or with the nickname in their place."""
        if words[0][0].startswith("@"):
            wrong = nickname_problem(words[0][0])
            if wrong:
                self.refuse(number, words[0].start() + 1, wrong)
            return
        for about, word in zip(FIELDS, words, strict=False):
            for place, sentence in problems(about, word[0]):
                self.refuse(number, word.start() + place + 1, sentence)
        if len(words) < len(FIELDS):
            missing = FIELDS[len(words)].name
            self.refuse(number, len(text) + 1, f"the line ends before its {missing}: write five fields")

    def _command(self, number: int, text: str, words: list[re.Match[str]], count: int) -> None:
        """Read what stands after the schedule: a user in a system crontab, and the command."""
        user = words[count] if self.system and len(words) > count else None
        if user and not _USER.fullmatch(user[0]):
            self.refuse(number, user.start() + 1, NO_USER)
            return
        first = count + self.system
        start = words[first].start() if len(words) > first else len(text)
        line, input = split(text[start:])
        wrong = _command_problem(line, len(text[start:].encode()))
        if wrong:
            self.refuse(number, start + 1, wrong)
            return
        ids = [match[1] for match in map(_ID.fullmatch, self.comments) if match]
        self.entries.append(
            Entry(
                number,
                column=words[0].start() + 1,
                cron=" ".join(word[0] for word in words[:count]),
                zone=self.cron_zone or self.zone,
                command=Command(line, input, dict(self.env)),
                user=user and user[0],
                given_id=ids[-1] if ids else None,
                comment="\n".join(comment for comment in self.comments if not _ID.fullmatch(comment)),
            )
        )


def _command_problem(line: str, size: int) -> str | None:
    """What is wrong with a command, of so many bytes with its input."""
    if not line.strip():
        return NO_COMMAND
    if line.startswith("*"):
        return STAR
    if size > LIMIT:
        return f"the command has {size} bytes, and cron takes {LIMIT}: put it into a script"
    return None
