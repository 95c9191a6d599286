"""Helpers for tests of documents: the sessions in a document, and a terminal to repeat them."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs_core import Board
from tests.conftest import REMOVE

Answers = Callable[[list[str]], list[str]]
"""Types commands into a shell on a terminal. Returns the output of each."""

Partitioned = Callable[[int], Board]
"""Makes an empty board of so many partitions."""

MARK = "~~~"
"""A line of output that separates two commands."""


@pytest.fixture
def home(url: str) -> Iterator[Board]:
    """The empty board `jobs`, which documents use, on a server without functions."""
    board = Board("jobs", url, validate=False)
    board.client.function_flush()
    board.client.delete(*board.client.keys(f"{board.keys.tag}:*"), "none")
    yield board
    board.client.close()


@pytest.fixture
def partitioned(board: Board) -> Iterator[Partitioned]:
    """Give the board partitions. Their keys are removed at the end."""

    def made(count: int) -> Board:
        board.commands.make_partitions(count)
        return board

    yield made
    for part in board.commands.parts:
        board.client.eval(REMOVE, 0, f"{part.keys.tag}:*")


@pytest.fixture
def answers(url: str, tmp_path: Path) -> Answers:
    """A shell in which `redis-cli` and `jobs` use the test server."""
    found = shutil.which("redis-cli")
    if not found:
        pytest.skip("no redis-cli on PATH")
    wrapper = tmp_path / "redis-cli"
    wrapper.write_text(f'#!/bin/sh\nexec {found} -s {url.removeprefix("unix://")} "$@"\n')
    wrapper.chmod(0o755)
    path = os.pathsep.join((str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = os.environ | {"PATH": path, "JOBS_REDIS_URL": url, "TERM": "dumb"}

    def run(commands: list[str]) -> list[str]:
        script = "".join(f"{command}\necho '{MARK}'\n" for command in commands)
        return on_terminal(["sh", "-c", script], environment).split(f"{MARK}\n")[:-1]

    return run


def on_terminal(command: list[str], environment: dict[str, str]) -> str:
    """Run a command on a terminal, where redis-cli writes for people. Returns all that is printed."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=environment
    ) as process:
        os.close(slave)
        printed = b"".join(iter(lambda: _read(master), b""))
        process.wait()
    os.close(master)
    return printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # raised on Linux when the last writer has closed
        return b""


def sessions(text: str) -> list[tuple[str, str]]:
    """The commands that a document shows after `$ `, each with its output."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE):
        if not block.lstrip("\n").startswith("    $ "):
            continue
        for part in re.split(r"^    \$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found.append((command, re.sub("^    ", "", printed, flags=re.MULTILINE).strip("\n")))
    return found


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether a command printed what a document shows.

    `…` is anything on that line, or, alone, any lines. The fields of a JSON object may come in any order, and
    there may be others.
    """
    lines = [_pattern(line) for line in shown.splitlines()]
    return re.fullmatch("\n".join(lines), printed.strip("\n")) is not None


def _pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?s:.*)"
    if line.startswith("{"):
        fields = line.strip("{}").split(",")
        return "".join(f"(?=.*{_inline(field)}[,}}])" for field in fields) + r"\{.*\}"
    return _inline(line)


def _inline(text: str) -> str:
    return re.escape(text).replace("…", ".*")
