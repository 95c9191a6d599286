"""What a payload of the shell runner may say, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from jobs_core import PayloadError

SHELL = "/bin/sh"
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
LIMIT = 64 * 1024
"""Bytes of output kept in the outcome."""

_STRING = {"type": "string", "minLength": 1}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "line": _STRING | {"description": "A command line for the shell"},
        "argv": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "A program and its arguments, run without a shell",
        },
        "shell": _STRING | {"description": f"The shell that runs the line: {SHELL} unless given"},
        "cwd": _STRING | {"description": "The directory to run in"},
        "env": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Environment variables, over those of the worker",
        },
        "user": _STRING | {"description": "The user to run as: the worker must be root"},
        "nice": {"type": "integer", "minimum": -20, "maximum": 19, "description": "The niceness to add"},
        "umask": {"type": "string", "pattern": "^0?[0-7]{1,3}$", "description": "The umask, in octal"},
        "input": {"type": "string", "description": "Standard input, instead of the task as JSON"},
        "grace": {
            "type": "number",
            "minimum": 0,
            "maximum": 3600,
            "description": f"Seconds between SIGTERM and SIGKILL: {GRACE:g} unless given",
        },
        "callback": {
            "type": "boolean",
            "description": "Exit 0 means accepted: the task stays open until JOBS_TOKEN is acknowledged",
        },
        "limit": {
            "type": "integer",
            "minimum": 0,
            "description": f"Bytes of output kept in the outcome: {LIMIT} unless given",
        },
    },
}


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run, and how. `grace` is in seconds, `limit` in bytes; `input` None is the task as JSON.

    >>> Command(["make", "all"], cwd="/src", grace=10.0)
    """

    argv: list[str]
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    nice: int = 0
    umask: int = -1
    input: str | None = None
    grace: float = GRACE
    limit: int = LIMIT
    callback: bool = False


def check(payload: Any) -> None:
    """Refuse what a schema cannot say. Raises PayloadError; the sentence names the key, never its value."""
    if not isinstance(payload, dict):
        raise PayloadError("the shell runner needs a command line or a JSON object")
    if ("line" in payload) == ("argv" in payload):
        raise PayloadError("the shell runner needs exactly one of the keys 'line' and 'argv'")
    if "argv" in payload and "shell" in payload:
        raise PayloadError("the key 'shell' goes with 'line': 'argv' is run without a shell")
    if "argv" in payload and payload["argv"][0][:1] in ("", "-"):
        raise PayloadError("the key 'argv' must begin with the name or path of a program")
    if not isfinite(payload.get("grace", GRACE)):
        raise PayloadError("the key 'grace' must be a finite number of seconds")
    for name in payload.get("env", ()):
        if not (name.isascii() and name.isidentifier()):
            raise PayloadError("the key 'env' has a name that is not made of letters, digits and _")
    for key, value in payload.items():
        if key != "input" and not _fits_exec(value):
            raise PayloadError(f"the key {key!r} holds a NUL character or text that UTF-8 cannot encode")


def _fits_exec(value: Any) -> bool:
    """Whether a program can be given these strings."""
    if isinstance(value, dict):
        return all(map(_fits_exec, value.values()))
    if isinstance(value, list):
        return all(map(_fits_exec, value))
    try:
        return b"\0" not in str(value).encode()
    except UnicodeEncodeError:
        return False


def read(payload: Any) -> Command:
    """The command that a payload stands for. Raises PayloadError.

    It checks again what the schema cannot say: not every client validates the jobs that it puts.

    >>> read({"line": "echo hi", "umask": "077"}).argv
    ['/bin/sh', '-c', 'echo hi']
    """
    check(payload)
    argv = payload.get("argv") or [payload.get("shell", SHELL), "-c", payload["line"]]
    options = {key: value for key, value in payload.items() if key not in ("line", "argv", "shell")}
    if "umask" in options:
        options["umask"] = int(options["umask"], 8)
    return Command(argv, **options)
