"""Plugins that misbehave in every way at once: each is named, and no task of other plugins is lost."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

import pytest

from jobs_core import Board
from tests.helpers import install, jobs_process

RUNNER = """
    from jobs_core import Outcome, Runner, hookimpl

    @hookimpl
    def jobs_runners():
        yield Runner("{name}", lambda task, context: Outcome.done())
"""
RAISING = "raise RuntimeError('out of order')"
HANGING = "\n    import time; time.sleep(1)" + RUNNER.format(name="hanging")
MISSPELT = RUNNER.format(name="misspelt").replace("def jobs_runners", "def jobs_runer")
PRINTING = "\n    print('look at me')" + RUNNER.format(name="printing")
EXITING = """
    import os
    from jobs_core import Runner, hookimpl

    @hookimpl
    def jobs_runners():
        yield Runner("exiting", lambda task, context: os._exit(7))
"""
OBSERVING = """
    from jobs_core import hookimpl

    @hookimpl
    def jobs_event(event):
        raise ValueError("cannot look")

    @hookimpl
    def jobs_startup(context):
        raise ValueError("cannot start")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory where all of them are installed."""
    sources = {
        "raising": RAISING,
        "hanging": HANGING,
        "misspelt": MISSPELT,
        "printing": PRINTING,
        "exiting": EXITING,
        "observing": OBSERVING,
        "twin_a": RUNNER.format(name="twin"),
        "twin_b": RUNNER.format(name="twin"),
        "good": RUNNER.format(name="good"),
    }
    for name, source in sources.items():
        install(tmp_path, f"faulty_{name}", source)
    return tmp_path


def test_each_faulty_plugin_is_named(folder: Path) -> None:
    process = jobs_process("plugins", "--json", path=folder)
    out, _ = process.communicate(timeout=60)
    found = {info["name"].removeprefix("faulty_"): info for info in map(json.loads, out.splitlines())}
    says = {name: "; ".join((info["reason"], *info["notes"])) for name, info in found.items()}
    assert process.returncode == 0
    assert "RuntimeError: out of order" in says["raising"]
    assert "delays every command" in says["hanging"]
    assert "unknown hook 'jobs_runer'" in says["misspelt"]
    assert "it prints to standard output on import" in says["printing"]
    assert "the runner 'twin' is also provided by 'faulty_twin_b'" in says["twin_a"]
    assert "the runner 'twin' is also provided by 'faulty_twin_a'" in says["twin_b"]
    assert says["good"] == "; " or says["good"] == ""


def stop_when_nothing_is_left(worker: subprocess.Popen[str], board: Board) -> None:
    """Stop a worker if it is still alive. A tick may end the last task, which no worker prints."""
    while worker.poll() is None and board.stats()["in_flight"]:
        time.sleep(0.05)
    worker.terminate()


def test_faulty_plugins_stop_no_worker_and_lose_no_task(folder: Path, url: str, board: Board) -> None:
    for number in range(40):
        if number == 20:
            board.push("exiting", "x", lease=0.5)
        board.push("good", "x")
        board.push("hanging", "x")
        board.push("printing", "x")
    deaths = []
    while board.stats()["in_flight"]:
        worker = jobs_process(
            *("run", "--log", "json", "--concurrency", "4", "--lease", "1"),
            path=folder,
            JOBS_REDIS_URL=url,
            JOBS_BOARD=board.name,
        )
        watcher = threading.Thread(target=stop_when_nothing_is_left, args=(worker, board))
        watcher.start()
        worker.communicate(timeout=60)
        watcher.join()
        deaths.append(worker.returncode)
        assert len(deaths) < 20
    stats = board.stats()
    assert (stats["done"], stats["dead"]) == (120, 1)
    assert deaths.count(7) == 5  # it is given up after five losses
    (letter,) = board.dead()
    assert (letter["runner"], letter["history"][-1]["status"]) == ("exiting", "lost")
