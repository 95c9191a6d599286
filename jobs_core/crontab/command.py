"""The command of a crontab line, and the payload of the shell runner that it comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHELL = "/bin/sh"
"""The shell of lines that name none: cron's, and the shell runner's."""

LIMIT = 998
"""Bytes of a command or of a setting that Debian's cron takes."""

_LINE = re.compile(r"(?:[^\\%]|\\.|\\\Z)*")
_PERCENT = re.compile(r"\\%|%")


@dataclass(frozen=True, slots=True)
class Command:
    """A line for the shell, its standard input if it has one, and the settings in force."""

    line: str
    input: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def split(text: str) -> tuple[str, str | None]:
    r"""Split what stands after the fields into a command and its standard input.

    The first % without a backslash ends the command, each further one is a newline, and `\%` is a %.

    >>> split(r"date +\%d; cat%a%b")
    ('date +%d; cat', 'a\nb\n')
    """
    end = _LINE.match(text).end()  # type: ignore[union-attr]  # it matches the empty string, too
    # In a command, a backslash that another one precedes protects nothing; in the input it does.
    line = re.sub(r"\\(.)", lambda found: found[1] if found[1] == "%" else found[0], text[:end])
    if end == len(text):
        return line, None
    data = _PERCENT.sub(lambda found: "%" if found[0] == r"\%" else "\n", text[end + 1 :])
    return line, data + "\n" if data and not data.endswith("\n") else data


def joined(line: str, input: str | None) -> str | None:
    r"""What `split` takes apart; None when a crontab cannot say it, as with a newline in the command.

    >>> joined("date +%d", "a\nb\n")
    'date +\\%d%a%b'
    """
    text = line.replace("%", r"\%")
    if input is None:
        candidates = [text]
    else:
        full = text + "%" + input.replace("%", r"\%").replace("\n", "%")
        candidates = [full.removesuffix("%"), full]  # cron ends the input with a newline by itself
    fit = (found for found in candidates if "\n" not in found and split(found) == (line, input))
    return next(fit, None)


def payload(command: Command) -> str | dict[str, Any]:
    """The payload of the shell runner: the line alone, or an object when there is more to say.

    SHELL says who runs the line. As in cron, HOME is where it runs.

    >>> payload(Command("make", env={"SHELL": "/bin/bash", "LANG": "C"}))
    {'line': 'make', 'shell': '/bin/bash', 'env': {'LANG': 'C'}}
    """
    env = dict(command.env)
    found: dict[str, Any] = {"line": command.line}
    shell = env.pop("SHELL", SHELL)
    if shell != SHELL:
        found["shell"] = shell
    if "HOME" in env:
        found["cwd"] = env["HOME"]
    if env:
        found["env"] = env
    if command.input is not None:
        found["input"] = command.input
    # A string that looks like a JSON object would be taken for one.
    return command.line if len(found) == 1 and not command.line.startswith("{") else found


def command_of(payload: str | Mapping[str, Any]) -> Command | str:
    """The command that a payload stands for, or the key of it that a crontab cannot say."""
    if isinstance(payload, str):
        return Command(payload)
    rest = dict(payload)
    line, input, env = rest.pop("line", None), rest.pop("input", None), rest.pop("env", {})
    if not isinstance(line, str):
        return "line"
    if not isinstance(env, dict) or "SHELL" in env:
        return "env"  # a SHELL in a crontab would be who runs the line
    settings = dict(env)
    shell = rest.pop("shell", SHELL)
    if shell != SHELL:
        settings["SHELL"] = shell
    if "HOME" in env and "cwd" not in rest:
        return "env"  # a HOME would be where it runs, too
    if "cwd" in rest and rest["cwd"] == env.get("HOME"):
        del rest["cwd"]
    return next(iter(rest)) if rest else Command(line, input, settings)
