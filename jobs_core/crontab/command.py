"""The command of a crontab line, and the payload of the shell runner for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHELL = "/bin/sh"
"""The default shell of cron and of the shell runner."""

LIMIT = 998
"""The longest command or setting that Debian's cron accepts, in bytes."""

_LINE = re.compile(r"(?:[^\\%]|\\.|\\\Z)*")
_PERCENT = re.compile(r"\\%|%")


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, its standard input or None, and the variables set above it."""

    line: str
    input: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole command without its settings: it tells one line of a crontab from another."""
        return self.line if self.input is None else f"{self.line}\n{self.input}"


def split_command(text: str) -> tuple[str, str | None]:
    r"""Split the text after the fields into a command and its standard input.

    The first % without a backslash ends the command, each further one is a newline, and `\%` is a %.

    >>> split_command(r"date +\%d; cat%a%b")
    ('date +%d; cat', 'a\nb\n')
    """
    end = _LINE.match(text).end()  # type: ignore[union-attr]  # it matches the empty string, too
    # In a command, a backslash after a backslash escapes nothing. In the input, it does.
    line = re.sub(r"\\(.)", lambda found: found[1] if found[1] == "%" else found[0], text[:end])
    if end == len(text):
        return line, None
    data = _PERCENT.sub(lambda found: "%" if found[0] == r"\%" else "\n", text[end + 1 :])
    return line, data + "\n" if data and not data.endswith("\n") else data


def join_command(line: str, input: str | None) -> str | None:
    r"""Join what `split_command` splits. Returns None if a crontab cannot express it.

    >>> join_command("date +%d", "a\nb\n")
    'date +\\%d%a%b'
    """
    text = line.replace("%", r"\%")
    if input is None:
        candidates = [text]
    else:
        full = text + "%" + input.replace("%", r"\%").replace("\n", "%")
        candidates = [full.removesuffix("%"), full]  # cron adds the last newline itself
    exact = (found for found in candidates if "\n" not in found and split_command(found) == (line, input))
    return next(exact, None)


def payload_of(command: Command) -> str | dict[str, Any]:
    """Return the payload of the shell runner: the line, or an object if there are settings or input.

    As in cron, SHELL is the shell that runs the line, and HOME is its working directory.

    >>> payload_of(Command("make", env={"SHELL": "/bin/bash", "LANG": "C"}))
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
    # The runner would read a string that begins with a brace as JSON.
    return command.line if len(found) == 1 and not command.line.startswith("{") else found


def command_of(payload: str | Mapping[str, Any]) -> Command | str:
    """Return the command of a payload, or the key of it that a crontab cannot express."""
    if isinstance(payload, str):
        return Command(payload)
    rest = dict(payload)
    line, input, env = rest.pop("line", None), rest.pop("input", None), rest.pop("env", {})
    if not isinstance(line, str):
        return "line"
    if not isinstance(env, dict) or "SHELL" in env:
        return "env"  # in a crontab, SHELL selects the shell
    settings = dict(env)
    shell = rest.pop("shell", SHELL)
    if shell != SHELL:
        settings["SHELL"] = shell
    if "HOME" in env and "cwd" not in rest:
        return "env"  # in a crontab, HOME also sets the working directory
    if "cwd" in rest and rest["cwd"] == env.get("HOME"):
        del rest["cwd"]
    return next(iter(rest)) if rest else Command(line, input, settings)
