"""The payload of the shell runner: schema, checks and parsing."""

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
        "line": _STRING | {"description": "Command line for the shell"},
        "argv": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "Program and arguments, run without a shell",
        },
        "shell": _STRING | {"description": f"Shell that runs the line (default {SHELL})"},
        "cwd": _STRING | {"description": "Working directory"},
        "env": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Environment variables; they override the worker's",
        },
        "user": _STRING | {"description": "User to run as; the worker must run as root"},
        "nice": {"type": "integer", "minimum": -20, "maximum": 19, "description": "Niceness to add"},
        "umask": {"type": "string", "pattern": "^0?[0-7]{1,3}$", "description": "Umask in octal"},
        "input": {"type": "string", "description": "Standard input (default: the task as JSON)"},
        "grace": {
            "type": "number",
            "minimum": 0,
            "maximum": 3600,
            "description": f"Seconds between SIGTERM and SIGKILL (default {GRACE:g})",
        },
        "callback": {
            "type": "boolean",
            "description": "Exit 0 means accepted: the task stays open until JOBS_TOKEN is acknowledged",
        },
        "limit": {
            "type": "integer",
            "minimum": 0,
            "description": f"Bytes of output kept in the outcome (default {LIMIT})",
        },
    },
}


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run. `grace` is in seconds, `limit` in bytes. If `input` is None, it is the task as JSON.

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
    """Check what the schema cannot express. Raises PayloadError; the error names the key, never its value."""
    if not isinstance(payload, dict):
        raise PayloadError("shell payload: expected a command line or a JSON object")
    if ("line" in payload) == ("argv" in payload):
        raise PayloadError("shell payload: set either 'line' or 'argv'")
    if "argv" in payload and "shell" in payload:
        raise PayloadError("shell: only valid with 'line', because 'argv' runs without a shell")
    if "argv" in payload and payload["argv"][0][:1] in ("", "-"):
        raise PayloadError("argv: expected the name or path of a program first")
    if not isfinite(payload.get("grace", GRACE)):
        raise PayloadError("grace: expected a finite number of seconds")
    for name in payload.get("env", ()):
        if not (name.isascii() and name.isidentifier()):
            raise PayloadError("env: a variable name may only contain letters, digits and _")
    for key, value in payload.items():
        if key != "input" and not _fits_exec(value):
            raise PayloadError(f"{key}: contains a NUL character or text that UTF-8 cannot encode")


def _fits_exec(value: Any) -> bool:
    """Whether exec accepts these strings."""
    if isinstance(value, dict):
        return all(map(_fits_exec, value.values()))
    if isinstance(value, list):
        return all(map(_fits_exec, value))
    try:
        return b"\0" not in str(value).encode()
    except UnicodeEncodeError:
        return False


def read(payload: Any) -> Command:
    """Return the command of a payload. Raises PayloadError.

    It checks the payload again, because some clients put jobs without validation.

    >>> read({"line": "echo hi", "umask": "077"}).argv
    ['/bin/sh', '-c', 'echo hi']
    """
    check(payload)
    argv = payload.get("argv") or [payload.get("shell", SHELL), "-c", payload["line"]]
    options = {key: value for key, value in payload.items() if key not in ("line", "argv", "shell")}
    if "umask" in options:
        options["umask"] = int(options["umask"], 8)
    return Command(argv, **options)
