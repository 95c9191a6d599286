"""Start-up time of `jobs --help`, which loads all plugins."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Result, seconds

RUNS = 40

SOURCE = '''"""A plugin of typical size: a runner and a setting."""

from collections.abc import Iterator

from jobs_core import Context, Outcome, Runner, Setting, Task, hookimpl


def run(task: Task, context: Context) -> Outcome:
    """Do nothing."""
    return Outcome.done()


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """One runner."""
    yield Runner("NAME", run, "Do nothing")


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """One setting."""
    yield Setting("NAME_greeting", "hello", "What to say")
'''


def measure() -> Iterator[Result]:
    """Run `jobs --help` with one plugin and with ten, in turn, and compare the medians."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as ten:
        _install(Path(one), 1)
        _install(Path(ten), 10)
        times: dict[str, list[float]] = {one: [], ten: []}
        for folder in (one, ten) * RUNS:
            times[folder].append(seconds(lambda path=folder: _help(path)))  # type: ignore[misc]
        with_one, with_ten = (1000 * statistics.median(times[folder][2:]) for folder in (one, ten))
    yield Result("jobs --help, ten plugins beside one", with_ten, "ms", with_one, "≤ 1.10 of one")


def _install(folder: Path, count: int) -> None:
    for number in range(count):
        name = f"bench_plugin_{number}"
        (folder / f"{name}.py").write_text(SOURCE.replace("NAME", name))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[jobs]\n{name} = {name}\n")


def _help(folder: str) -> None:
    command = [sys.executable, "-c", "from jobs_core.cli import main; main()", "--help"]
    environment = os.environ | {"PYTHONPATH": folder}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
