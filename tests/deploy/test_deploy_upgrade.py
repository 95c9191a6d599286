"""An upgrade without stopping: workers of two versions serve a board while they are replaced one by one.

It has a server of its own, whose functions become newer than those of this checkout."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs_core
from jobs_core import Board
from jobs_core.embedded import EmbeddedServer
from jobs_core.engine.build import LIBRARY_VERSION
from tests.helpers import checked, jobs_process, wait_until

NEXT = LIBRARY_VERSION + 1


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Make a copy of this package whose functions have the next version. Returns the folder it is in."""
    source, folder = Path(jobs_core.__file__).parent, tmp_path / "newer"
    shutil.copytree(source, folder / "jobs_core", ignore=shutil.ignore_patterns("__pycache__"))
    build = folder / "jobs_core/engine/build.py"
    text = build.read_text("utf-8")
    assert f"LIBRARY_VERSION = {LIBRARY_VERSION}\n" in text
    build.write_text(text.replace(f"LIBRARY_VERSION = {LIBRARY_VERSION}\n", f"LIBRARY_VERSION = {NEXT}\n"))
    return folder


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "server"
    folder.mkdir(mode=0o700)
    with EmbeddedServer(folder) as server:
        yield server.url


@pytest.fixture
def board(url: str) -> Iterator[Board]:
    with Board("jobs", url, validate=False) as found:
        yield found


def worker(name: str, board: Board, url: str, path: Path) -> subprocess.Popen[str]:
    """Start a worker of the version in `path`. It has started once it is listed."""
    words = ("run", "--runner", "console", "--name", name, "--log", "json")
    process = jobs_process(*words, path=path, **environment(board, url))
    wait_until(lambda: name in serving(board))
    return process


def environment(board: Board, url: str) -> dict[str, str]:
    # Without PYTHONSAFEPATH, the package in the current directory would come first.
    return {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name, "PYTHONSAFEPATH": "1"}


def serving(board: Board) -> set[str]:
    return {found["worker"] for found in board.workers() if found["state"] == "serving"}


def drain(process: subprocess.Popen[str]) -> str:
    """End a worker as an upgrade does. Returns what it logged."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def done(board: Board) -> int:
    return board.stats()["done"]


def go_on(board: Board) -> None:
    """Wait until the board has run more."""
    before = done(board)
    wait_until(lambda: done(board) >= before + 2)


@pytest.mark.timeout(180)
def test_workers_are_replaced_one_after_the_other(
    board: Board, url: str, newer: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    board.put("tick", "console", "tick", every=1)
    old = [worker(f"old{n}", board, url, here) for n in (1, 2)]
    new: list[subprocess.Popen[str]] = []
    try:
        go_on(board)
        init = (sys.executable, "-c", "from jobs_core.cli import main; main()", "init")
        checked(*init, env=os.environ | environment(board, url) | {"PYTHONPATH": str(newer)})
        assert version(board) == NEXT
        go_on(board)  # the old workers call the new functions
        logs = []
        for n in (1, 2):
            new.append(worker(f"new{n}", board, url, newer))
            logs.append(drain(old.pop(0)))
            go_on(board)
        assert serving(board) == {"new1", "new2"}
        assert version(board) == NEXT, "an older client has replaced the functions"
        logs += [drain(new.pop()) for _ in (1, 2)]
    finally:
        for process in old + new:
            process.kill()
            process.communicate()
    stats = board.stats()
    assert (stats["lost"], stats["failed"], stats["skipped"], stats["dead"]) == (0, 0, 0, 0)
    assert '"kind": "trouble"' not in "".join(logs)


def version(board: Board) -> int:
    """The version of the functions in Redis."""
    return int(board.client.fcall_ro("JVERSION", 0)[0])
