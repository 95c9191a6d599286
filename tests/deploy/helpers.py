"""Helpers for tests of what `deploy/` has."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from jobs_core.cli import cli

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
IMAGE = f"jobs:{VERSION}"


def find_command(words: Sequence[str]) -> tuple[click.Command, list[str]]:
    """Return the command that the words after `jobs` call, and the rest of them."""
    command: click.Command = cli
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            break
        command, rest = found, rest[1:]
    assert command is not cli, f"there is no command {rest[0]!r}"
    return command, rest


def parse_command(words: Sequence[str]) -> dict[str, Any]:
    """Parse the words after `jobs` with the real command line, and call nothing. Returns the parameters."""
    command, rest = find_command(words)
    return command.make_context(" ".join(words), rest).params


def check_mentioned_commands(text: str) -> None:
    """Check that each `jobs …` in backticks has a command and options that exist."""
    for mentioned in re.findall(r"`jobs ([^`]+)`", text):
        command, rest = find_command(shlex.split(mentioned))
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, mentioned


def documents(path: Path) -> list[dict[str, Any]]:
    """Read a YAML file."""
    return [found for found in yaml.safe_load_all(path.read_text("utf-8")) if found]


def run(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


JOBS = str(Path(sys.executable).with_name("jobs"))
"""The program `jobs` of this environment."""
